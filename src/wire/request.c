#include "wire/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/fields.h"
#include "wire/msgpack.h"

enum { FIELDS = 12 };

/* ---- writing; each returns what is left of an error of the ones before ---- */

static int put_texts(int err, struct ft_buf *out, const struct ft_texts *texts)
{
    err = ft_put_array(err, out, (uint32_t)texts->count);
    for (size_t i = 0; i < texts->count; i++)
        err = ft_put_text(err, out, texts->items[i]);
    return err;
}

int ft_request_write(struct ft_buf *out, const struct ft_request *request)
{
    int err = ft_mp_array(out, FIELDS);
    err = ft_put_text(err, out, request->build);
    err = ft_put_text(err, out, request->command);
    err = ft_put_text(err, out, request->folder);
    err = put_texts(err, out, &request->args);
    err = put_texts(err, out, &request->environ);
    err = ft_put_uint(err, out, request->umask);
    err = ft_put_int(err, out, request->nice);
    err = ft_put_uint(err, out, request->ignored);
    err = ft_put_uint(err, out, request->blocked);
    err = ft_put_array(err, out, 2 * FT_REQUEST_LIMITS);
    for (size_t i = 0; i < FT_REQUEST_LIMITS; i++) {
        err = ft_put_uint(err, out, request->limits[i][0]);
        err = ft_put_uint(err, out, request->limits[i][1]);
    }
    err = ft_put_array(err, out, FT_REQUEST_STREAMS);
    for (size_t i = 0; i < FT_REQUEST_STREAMS; i++)
        err = ft_put_uint(err, out, request->terminals[i]);
    err = ft_put_array(err, out, (uint32_t)request->fd_count);
    for (size_t i = 0; i < request->fd_count; i++)
        err = ft_put_uint(err, out, request->fds[i]);
    return err;
}

/* ---- reading; likewise ---- */

static int get_nice(int err, struct ft_mp_reader *reader, int32_t *value)
{
    int64_t nice = 0;
    err = ft_get_int(err, reader, &nice);
    if (err == 0 && (nice < -20 || nice >= 20))
        err = -EBADMSG;
    if (err == 0)
        *value = (int32_t)nice;
    return err;
}

static int get_limits(int err, struct ft_mp_reader *reader, struct ft_request *request)
{
    err = ft_get_array(err, reader, 2 * FT_REQUEST_LIMITS);
    for (size_t i = 0; i < FT_REQUEST_LIMITS; i++) {
        err = ft_get_uint(err, reader, UINT64_MAX, &request->limits[i][0]);
        err = ft_get_uint(err, reader, UINT64_MAX, &request->limits[i][1]);
    }
    return err;
}

static int get_terminals(int err, struct ft_mp_reader *reader, struct ft_request *request)
{
    err = ft_get_array(err, reader, FT_REQUEST_STREAMS);
    for (size_t i = 0; i < FT_REQUEST_STREAMS; i++) {
        uint64_t *terminal = &request->terminals[i];
        err = ft_get_uint(err, reader, FT_REQUEST_TERMINAL | UINT32_MAX, terminal);
        if (err == 0 && *terminal != 0 && (*terminal & FT_REQUEST_TERMINAL) == 0)
            err = -EBADMSG;
    }
    return err;
}

static int get_fds(int err, struct ft_mp_reader *reader, struct ft_request *request)
{
    struct ft_mp_token token = {0};
    err = ft_get_kind(err, reader, FT_MP_ARRAY, &token);
    if (err < 0)
        return err;
    request->fds = calloc((size_t)token.len + 1, sizeof *request->fds);
    if (request->fds == NULL)
        return -ENOMEM;
    request->fd_count = token.len;
    for (size_t i = 0; i < request->fd_count; i++) {
        uint64_t number = 0;
        err = ft_get_uint(err, reader, INT32_MAX, &number);
        if (err == 0 && i > 0 && number <= request->fds[i - 1])
            err = -EBADMSG;
        request->fds[i] = (uint32_t)number;
    }
    return err;
}

int ft_request_read(struct ft_request *request, const uint8_t *payload, size_t len)
{
    struct ft_mp_reader reader = {payload, payload + len};
    uint64_t mask = 0;
    *request = (struct ft_request){0};
    int err = ft_get_array(0, &reader, FIELDS);
    err = ft_get_text(err, &reader, &request->build);
    err = ft_get_text(err, &reader, &request->command);
    err = ft_get_text(err, &reader, &request->folder);
    err = ft_get_texts(err, &reader, &request->args);
    err = ft_get_texts(err, &reader, &request->environ);
    err = ft_get_uint(err, &reader, 0777, &mask);
    err = get_nice(err, &reader, &request->nice);
    err = ft_get_uint(err, &reader, UINT64_MAX, &request->ignored);
    err = ft_get_uint(err, &reader, UINT64_MAX, &request->blocked);
    err = get_limits(err, &reader, request);
    err = get_terminals(err, &reader, request);
    err = get_fds(err, &reader, request);
    if (err == 0 && reader.at != reader.end)
        err = -EBADMSG;
    request->umask = (uint32_t)mask;
    if (err < 0)
        ft_request_release(request);
    return err;
}

static bool same_descriptors(const struct ft_request *a, const struct ft_request *b)
{
    return a->fd_count == b->fd_count &&
           (a->fd_count == 0 || memcmp(a->fds, b->fds, a->fd_count * sizeof *a->fds) == 0);
}

bool ft_request_same_place(const struct ft_request *a, const struct ft_request *b)
{
    return ft_text_equal(a->folder, b->folder) && ft_text_equal(a->command, b->command) && a->umask == b->umask &&
           a->nice == b->nice && a->ignored == b->ignored && a->blocked == b->blocked &&
           memcmp(a->limits, b->limits, sizeof a->limits) == 0 &&
           memcmp(a->terminals, b->terminals, sizeof a->terminals) == 0 && same_descriptors(a, b);
}

void ft_request_release(struct ft_request *request)
{
    free(request->args.items);
    free(request->environ.items);
    free(request->fds);
    *request = (struct ft_request){0};
}

int ft_request_keep(struct ft_kept_request *kept, const uint8_t *payload, size_t len)
{
    *kept = (struct ft_kept_request){.payload = FT_BUF_INIT};
    int err = ft_buf_append(&kept->payload, payload, len);
    if (err == 0)
        err = ft_request_read(&kept->request, ft_buf_head(&kept->payload), kept->payload.len);
    if (err < 0)
        ft_buf_release(&kept->payload);
    return err;
}

int ft_request_keep_with(struct ft_kept_request *kept, const struct ft_request *request, const struct ft_texts *args)
{
    struct ft_buf payload = FT_BUF_INIT;
    struct ft_request changed = *request; /* what it points to stays the other's */
    changed.args = *args;
    *kept = (struct ft_kept_request){.payload = FT_BUF_INIT};
    int err = ft_request_write(&payload, &changed);
    if (err == 0)
        err = ft_request_keep(kept, ft_buf_head(&payload), payload.len);
    ft_buf_release(&payload);
    return err;
}

void ft_request_drop(struct ft_kept_request *kept)
{
    ft_request_release(&kept->request);
    ft_buf_release(&kept->payload);
}

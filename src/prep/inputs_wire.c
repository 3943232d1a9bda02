/* Inputs on their way from the process that has looked at them to the daemon. */
#include <errno.h>

#include "prep/inputs.h"
#include "wire/fields.h"

/* What is not there has no more than kind and path. */
enum { ABSENT_FIELDS = 2, FIELDS = 12 };

static int put_input(int err, struct ft_buf *out, const struct ft_inputs *inputs, const struct ft_input *input)
{
    const struct ft_filestat *status = &input->status;
    err = ft_put_array(err, out, status->exists ? FIELDS : ABSENT_FIELDS);
    err = ft_put_uint(err, out, input->kind);
    err = ft_put_text(err, out, ft_text_of(ft_inputs_path(inputs, input)));
    if (!status->exists)
        return err;
    err = ft_put_bool(err, out, input->settled);
    err = ft_put_uint(err, out, status->mode);
    err = ft_put_uint(err, out, status->uid);
    err = ft_put_uint(err, out, status->gid);
    err = ft_put_uint(err, out, status->device);
    err = ft_put_uint(err, out, status->inode);
    err = ft_put_uint(err, out, status->size);
    err = ft_put_int(err, out, status->modified);
    err = ft_put_int(err, out, status->changed);
    return ft_put_uint(err, out, input->content);
}

int ft_inputs_write(struct ft_buf *out, const struct ft_inputs *inputs)
{
    int err = ft_put_array(0, out, (uint32_t)inputs->count);
    for (size_t i = 0; i < inputs->count; i++)
        err = put_input(err, out, inputs, &inputs->items[i]);
    return err;
}

static int get_u32(int err, struct ft_mp_reader *reader, uint32_t *value)
{
    uint64_t number = 0;
    err = ft_get_uint(err, reader, UINT32_MAX, &number);
    *value = (uint32_t)number;
    return err;
}

static int get_kind(int err, struct ft_mp_reader *reader, enum ft_input_kind *kind)
{
    uint64_t number = 0;
    err = ft_get_uint(err, reader, UINT32_MAX, &number);
    if (err == 0 && !ft_input_is_kind(number))
        err = -EBADMSG;
    if (err == 0)
        *kind = (enum ft_input_kind)number;
    return err;
}

/* One that is relative would be another file for the daemon. */
static int get_path(int err, struct ft_mp_reader *reader, struct ft_text *path)
{
    err = ft_get_text(err, reader, path);
    return err == 0 && (path->len == 0 || path->at[0] != '/') ? -EBADMSG : err;
}

static int get_status(int err, struct ft_mp_reader *reader, struct ft_filestat *status)
{
    status->exists = true;
    err = get_u32(err, reader, &status->mode);
    err = get_u32(err, reader, &status->uid);
    err = get_u32(err, reader, &status->gid);
    err = ft_get_uint(err, reader, UINT64_MAX, &status->device);
    err = ft_get_uint(err, reader, UINT64_MAX, &status->inode);
    err = ft_get_uint(err, reader, UINT64_MAX, &status->size);
    err = ft_get_int(err, reader, &status->modified);
    return ft_get_int(err, reader, &status->changed);
}

static int get_input(struct ft_inputs *inputs, struct ft_mp_reader *reader)
{
    struct ft_mp_token token = {0};
    struct ft_input input = {0};
    struct ft_text path = {NULL, 0};
    int err = ft_get_kind(0, reader, FT_MP_ARRAY, &token);
    if (err == 0 && token.len != FIELDS && token.len != ABSENT_FIELDS)
        err = -EBADMSG;
    err = get_kind(err, reader, &input.kind);
    err = get_path(err, reader, &path);
    if (token.len == FIELDS) {
        err = ft_get_bool(err, reader, &input.settled);
        err = get_status(err, reader, &input.status);
        err = ft_get_uint(err, reader, UINT64_MAX, &input.content);
    }
    return err < 0 ? err : ft_inputs_append(inputs, &input, path.at, path.len);
}

int ft_inputs_read(struct ft_inputs *inputs, struct ft_mp_reader *reader)
{
    struct ft_mp_token token = {0};
    int err = ft_get_kind(0, reader, FT_MP_ARRAY, &token);
    for (uint32_t i = 0; err == 0 && i < token.len; i++)
        err = get_input(inputs, reader);
    return err;
}

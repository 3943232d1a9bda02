/*
 * wire/request on any payload: what is read stays inside of it, and a request that is taken is the same once it was
 * written and read again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "same_request.h"
#include "wire/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) ((condition) ? (void)0 : abort())

static void check_inside(struct ft_text text, const uint8_t *data, size_t size)
{
    const uint8_t *at = (const uint8_t *)text.at;
    MUST(at >= data && at <= data + size && text.len <= (size_t)(data + size - at));
    MUST(text.len == 0 || memchr(text.at, 0, text.len) == NULL);
}

static void check(const struct ft_request *request, const uint8_t *data, size_t size)
{
    check_inside(request->build, data, size);
    check_inside(request->command, data, size);
    check_inside(request->folder, data, size);
    for (size_t i = 0; i < request->args.count; i++)
        check_inside(request->args.items[i], data, size);
    for (size_t i = 0; i < request->environ.count; i++)
        check_inside(request->environ.items[i], data, size);
    MUST(request->umask <= 0777 && request->nice >= -20 && request->nice < 20);
    for (size_t i = 0; i < FT_REQUEST_STREAMS; i++)
        MUST(request->terminals[i] == 0 || request->terminals[i] >> 32 == 1);
    for (size_t i = 0; i < request->fd_count; i++) {
        MUST(request->fds[i] <= INT32_MAX);
        MUST(i == 0 || request->fds[i] > request->fds[i - 1]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ft_request request, again;
    int err = ft_request_read(&request, data, size);
    if (err < 0) {
        MUST(err == -EBADMSG && request.args.items == NULL && request.environ.items == NULL && request.fds == NULL);
        return 0;
    }
    check(&request, data, size);
    struct ft_buf out = FT_BUF_INIT;
    MUST(ft_request_write(&out, &request) == 0);
    /* Numbers may have been longer than they had to be. */
    MUST(out.len <= size);
    MUST(ft_request_read(&again, ft_buf_head(&out), out.len) == 0);
    MUST(same_request(&request, &again) && ft_request_same_place(&request, &again));
    ft_request_release(&again);
    ft_buf_release(&out);
    ft_request_release(&request);
    return 0;
}

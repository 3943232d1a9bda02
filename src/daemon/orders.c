#include "daemon/orders.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/fds.h"
#include "wire/frame.h"
#include "wire/msgpack.h"
#include "wire/protocol.h"
#include "wire/request.h"

/* The request as a file in memory, which the new process reads. */
static int as_file(const struct ft_buf *payload)
{
    int fd = memfd_create("fleetest request", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    const unsigned char *at = ft_buf_head(payload);
    for (size_t left = payload->len; left > 0;) {
        ssize_t wrote = write(fd, at, left);
        if (wrote < 0 && errno != EINTR) {
            int err = errno;
            close(fd);
            return -err;
        }
        if (wrote > 0) {
            at += wrote;
            left -= (size_t)wrote;
        }
    }
    return fd;
}

/* Send a message.  There is room for hundreds of these: a process that does not read does not live. */
static int order(int sock, unsigned type, const struct ft_buf *payload, const int *fds, size_t count)
{
    struct ft_buf frame = FT_BUF_INIT;
    int err = ft_frame_append(&frame, type, ft_buf_head(payload), payload->len);
    if (err == 0) {
        ssize_t sent = ft_fds_send(sock, ft_buf_head(&frame), frame.len, fds, count);
        err = sent == (ssize_t)frame.len ? 0 : sent < 0 ? (int)sent : -EAGAIN;
    }
    ft_buf_release(&frame);
    return err;
}

int ft_order_run(int sock, const struct ft_buf *request, unsigned type, uint32_t number, const char *how,
                 const int *others, size_t count)
{
    int fds[1 + FT_REQUEST_FDS];
    struct ft_buf payload = FT_BUF_INIT;
    fds[0] = as_file(request);
    if (fds[0] < 0)
        return fds[0];
    memcpy(fds + 1, others, count * sizeof *fds);
    int err = ft_mp_array(&payload, 2);
    if (err == 0)
        err = ft_mp_uint(&payload, number);
    if (err == 0)
        err = ft_mp_str(&payload, how, (uint32_t)strlen(how));
    if (err == 0)
        err = order(sock, type, &payload, fds, count + 1);
    close(fds[0]);
    ft_buf_release(&payload);
    return err;
}

/* An order to fork a process for a request, with a socket pair of its own.  Returns our end. */
static int order_process(int sock, unsigned type, const struct ft_buf *request, const char *how)
{
    int pair[2];
    int err = ft_fds_pair(pair, SOCK_STREAM);
    if (err < 0)
        return err;
    err = ft_order_run(sock, request, type, 0, how, &pair[1], 1);
    close(pair[1]);
    if (err < 0)
        close(pair[0]);
    return err < 0 ? err : pair[0];
}

int ft_order_prepare(int sock, const struct ft_buf *request)
{
    return order_process(sock, FT_MSG_PREPARE, request, "");
}

int ft_order_collect(int sock, const struct ft_buf *request, const char *changed)
{
    return order_process(sock, FT_MSG_START_COLLECT, request, changed);
}

int ft_order_told(int sock, pid_t pid)
{
    struct ft_buf payload = FT_BUF_INIT;
    int err = ft_mp_uint(&payload, (uint64_t)pid);
    if (err == 0)
        err = order(sock, FT_MSG_ORDERED, &payload, NULL, 0);
    ft_buf_release(&payload);
    return err;
}

int ft_order_import(int sock)
{
    struct ft_buf nil = FT_BUF_INIT;
    int err = ft_mp_nil(&nil);
    if (err == 0)
        err = order(sock, FT_MSG_IMPORT, &nil, NULL, 0);
    ft_buf_release(&nil);
    return err;
}

#include "wire/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for the descriptors, aligned as a header has to be. */
union control {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(FT_FDS_MAX * sizeof(int))];
};

int ft_fds_raise(int fd)
{
    int raised = fcntl(fd, F_DUPFD_CLOEXEC, FT_FDS_LOWEST);
    int err = errno;
    close(fd);
    return raised < 0 ? -err : raised;
}

int ft_fds_pair(int pair[2], int type)
{
    int low[2];
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, low) < 0)
        return -errno;
    for (int i = 0; i < 2; i++)
        pair[i] = ft_fds_raise(low[i]);
    if (pair[0] >= 0 && pair[1] >= 0)
        return 0;
    ft_fds_close(pair, 2);
    return -EMFILE;
}

void ft_fds_close(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

ssize_t ft_fds_send(int sock, const void *data, size_t len, const int *fds, size_t count)
{
    union control control;
    struct iovec part = {(void *)(size_t)data, len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > FT_FDS_MAX)
        return -EMSGSIZE;
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof *fds);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(count * sizeof *fds);
        memcpy(CMSG_DATA(head), fds, count * sizeof *fds);
    }
    ssize_t sent;
    do
        sent = sendmsg(sock, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t ft_fds_receive(int sock, void *data, size_t len, int *fds, size_t *count, int flags)
{
    union control control;
    size_t room = *count;
    struct iovec part = {data, len};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got;
    do
        got = recvmsg(sock, &message, flags | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    *count = 0;
    if (got < 0)
        return -errno;
    size_t lost = (message.msg_flags & MSG_CTRUNC) != 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head != NULL; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        const unsigned char *at = CMSG_DATA(head), *end = (const unsigned char *)head + head->cmsg_len;
        for (; at + sizeof(int) <= end; at += sizeof(int)) {
            int fd;
            memcpy(&fd, at, sizeof fd);
            if (*count < room) {
                fds[(*count)++] = fd;
            } else {
                close(fd);
                lost++;
            }
        }
    }
    if (lost == 0)
        return got;
    ft_fds_close(fds, *count);
    *count = 0;
    return -EMSGSIZE;
}

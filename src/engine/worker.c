#include "engine/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_AT_ONCE = 256 * 1024, PIPE_AT_ONCE = 64 * 1024 };

static void prepare(int fd)
{
    if (fd < 0)
        return;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* pidfd_open, with its descriptor out of the way of those that tests may count on. */
static int open_pidfd(pid_t pid)
{
    int low = (int)syscall(SYS_pidfd_open, pid, 0);
    if (low < 0)
        return -1;
    int fd = fcntl(low, F_DUPFD_CLOEXEC, 10);
    close(low);
    return fd;
}

void ft_worker_init(struct ft_worker *worker, uint32_t id, const struct ft_worker_spec *spec)
{
    *worker = (struct ft_worker){
        .id = id,
        .spec = *spec,
        .pidfd = open_pidfd(spec->pid),
        .state = FT_WORKER_STARTING,
        .in = FT_FRAME_READER_INIT,
        .inbox = FT_INBOX_INIT,
        .outgoing = FT_BUF_INIT,
        .item = -1,
    };
    prepare(spec->sock);
    prepare(spec->out[FT_STDOUT]);
    prepare(spec->out[FT_STDERR]);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void ft_worker_release(struct ft_worker *worker)
{
    close_fd(&worker->spec.sock);
    close_fd(&worker->spec.out[FT_STDOUT]);
    close_fd(&worker->spec.out[FT_STDERR]);
    close_fd(&worker->pidfd);
    ft_tail_unmap(worker->spec.tail);
    worker->spec.tail = NULL;
    ft_frame_reader_release(&worker->in);
    ft_inbox_release(&worker->inbox);
    ft_buf_release(&worker->outgoing);
}

int ft_worker_send(struct ft_worker *worker, unsigned type, const void *payload, size_t len)
{
    if (worker->closed)
        return 0;
    return ft_frame_append(&worker->outgoing, type, payload, len);
}

void ft_worker_flush(struct ft_worker *worker)
{
    while (worker->outgoing.len > 0) {
        ssize_t sent = send(worker->spec.sock, ft_buf_head(&worker->outgoing), worker->outgoing.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return;
        ft_buf_consume(&worker->outgoing, sent < 0 ? worker->outgoing.len : (size_t)sent);
    }
}

/* Take in `len` bytes that were received behind the reader's content, but for those that the tail has told already. */
static void take_received(struct ft_worker *worker, size_t len)
{
    struct ft_buf *raw = &worker->in.raw;
    uint64_t ahead = worker->taken - worker->received;
    size_t known = ahead < len ? (size_t)ahead : len;
    if (known > 0)
        memmove(ft_buf_tail(raw), ft_buf_tail(raw) + known, len - known);
    ft_buf_grown(raw, len - known);
    worker->received += len;
    worker->taken += len - known;
}

int64_t ft_worker_peek(struct ft_worker *worker)
{
    if (worker->spec.tail == NULL)
        return 0;
    int64_t got = ft_tail_peek(worker->spec.tail, worker->taken, &worker->in.raw);
    if (got > 0)
        worker->taken += (uint64_t)got;
    return got;
}

ssize_t ft_worker_receive(struct ft_worker *worker)
{
    int err = ft_buf_reserve(&worker->in.raw, READ_AT_ONCE);
    if (err < 0)
        return err;
    for (;;) {
        ssize_t got = recv(worker->spec.sock, ft_buf_tail(&worker->in.raw), READ_AT_ONCE, 0);
        if (got > 0) {
            take_received(worker, (size_t)got);
            return got;
        }
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0 || errno != EAGAIN)
            worker->closed = true;
        return 0;
    }
}

int ft_worker_read_output(struct ft_worker *worker, int stream, size_t most)
{
    unsigned char bytes[PIPE_AT_ONCE];
    if (worker->spec.out[stream] < 0)
        return 0;
    size_t len = most < sizeof bytes ? most : sizeof bytes;
    ssize_t got = read(worker->spec.out[stream], bytes, len);
    if (got > 0) {
        enum ft_note_kind kind = stream == FT_STDOUT ? FT_NOTE_STDOUT : FT_NOTE_STDERR;
        return ft_inbox_put(&worker->inbox, kind, 0, bytes, (size_t)got);
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR))
        close_fd(&worker->spec.out[stream]);
    return 0;
}

/* Whether a process that is not our child has ended. */
static bool has_ended(const struct ft_worker *worker)
{
    struct pollfd polled = {.fd = worker->pidfd, .events = POLLIN};
    if (worker->pidfd >= 0)
        return poll(&polled, 1, 0) == 1;
    return kill(worker->spec.pid, 0) < 0 && errno == ESRCH;
}

int ft_worker_reap(struct ft_worker *worker, int *signal)
{
    int status;
    if (worker->exited)
        return 1;
    pid_t pid = waitpid(worker->spec.pid, &status, WNOHANG | WUNTRACED);
    if (pid == 0 || (pid < 0 && errno == EINTR))
        return 0;
    if (pid > 0 && WIFSTOPPED(status)) {
        *signal = WSTOPSIG(status);
        return 2;
    }
    /* Not our child: adopted in a moment, or reaped by somebody else. */
    if (pid < 0 && !has_ended(worker))
        return 0;
    worker->exited = true;
    worker->status = pid > 0 ? status : 0;
    return 1;
}

void ft_worker_kill(const struct ft_worker *worker, int signal, bool group)
{
    if (worker->exited)
        return;
    kill(group && worker->spec.own_group ? -worker->spec.pid : worker->spec.pid, signal);
}

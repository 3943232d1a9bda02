#include "fake_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/msgpack.h"

enum { MOST = 256, GONE = 9, WATCHDOG_SECONDS = 120 };

#define BREAK UINT32_MAX

struct fake_shared *fake_shared;

static struct {
    pid_t pid;
    int pidfd;
} started[MOST];
static int started_len;

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    abort();
}

int fake_setup(void **state)
{
    (void)state;
    alarm(WATCHDOG_SECONDS);
    void *memory = mmap(NULL, sizeof *fake_shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -1;
    fake_shared = memory;
    return 0;
}

void fake_kill(pid_t pid)
{
    for (int i = 0; i < started_len; i++)
        if (started[i].pid == pid && started[i].pidfd >= 0)
            syscall(SYS_pidfd_send_signal, started[i].pidfd, SIGKILL, NULL, 0);
}

int fake_teardown(void **state)
{
    (void)state;
    for (int i = 0; i < started_len; i++) {
        /* By pidfd: the engine may have reaped it, and its number be another process's by now. */
        siginfo_t info;
        syscall(SYS_pidfd_send_signal, started[i].pidfd, SIGKILL, NULL, 0);
        waitid(P_PIDFD, (id_t)started[i].pidfd, &info, WEXITED);
        close(started[i].pidfd);
    }
    started_len = 0;
    munmap(fake_shared, sizeof *fake_shared);
    return 0;
}

static struct ft_tail *shared_tail(int fd)
{
    struct ft_tail *tail = ft_tail_map(fd);
    must(tail != NULL, "ft_tail_map");
    return tail;
}

static void child(struct fake *fake, const int out[FT_STREAMS], unsigned options, fake_body *body, void *arg)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(WATCHDOG_SECONDS);
    if (options & FAKE_GROUP)
        setpgid(0, 0);
    for (int stream = 0; options & FAKE_PIPES && stream < FT_STREAMS; stream++) {
        dup2(out[stream], STDOUT_FILENO + stream);
        close(out[stream]);
    }
    for (int i = 0; i < started_len; i++)
        close(started[i].pidfd);
    body(fake, arg);
    ft_frame_reader_release(&fake->in);
    ft_buf_release(&fake->queue);
    ft_tail_unmap(fake->tail);
    _exit(0);
}

void fake_start(struct ft_worker_spec *spec, unsigned options, fake_body *body, void *arg)
{
    int pair[2], pipes[FT_STREAMS][2] = {{-1, -1}, {-1, -1}};
    must(started_len < MOST, "too many workers");
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
    for (int stream = 0; options & FAKE_PIPES && stream < FT_STREAMS; stream++)
        must(pipe2(pipes[stream], O_CLOEXEC) == 0, "pipe2");
    int memory = -1;
    if (options & FAKE_TAIL) {
        memory = memfd_create("tail", MFD_CLOEXEC);
        must(memory >= 0 && ftruncate(memory, FT_TAIL_SIZE) == 0, "memfd_create");
    }
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        struct fake fake = {.sock = pair[1], .in = FT_FRAME_READER_INIT, .queue = FT_BUF_INIT};
        if (memory >= 0)
            fake.tail = shared_tail(memory);
        close(pair[0]);
        for (int stream = 0; options & FAKE_PIPES && stream < FT_STREAMS; stream++)
            close(pipes[stream][0]);
        child(&fake, (int[]){pipes[0][1], pipes[1][1]}, options, body, arg);
    }
    if (options & FAKE_GROUP)
        setpgid(pid, pid);
    started[started_len].pid = pid;
    started[started_len].pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    must(started[started_len++].pidfd >= 0, "pidfd_open");
    close(pair[1]);
    for (int stream = 0; options & FAKE_PIPES && stream < FT_STREAMS; stream++)
        close(pipes[stream][1]);
    *spec = (struct ft_worker_spec){
        .pid = pid,
        .sock = pair[0],
        .out = {pipes[0][0], pipes[1][0]},
        .tail = memory < 0 ? NULL : shared_tail(memory),
        .own_group = (options & FAKE_GROUP) != 0,
    };
    if (memory >= 0)
        close(memory);
}

/* ---- in the worker ---- */

void fake_write(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t written = write(fd, at, len);
        if (written < 0 && errno != EINTR)
            _exit(GONE);
        at += written > 0 ? written : 0;
        len -= written > 0 ? (size_t)written : 0;
    }
}

void fake_await(atomic_int *flag)
{
    while (atomic_load(flag) == 0)
        sched_yield();
}

static void send_all(struct fake *fake, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t sent = send(fake->sock, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) {
            atomic_store(&fake_shared->blocked, 1);
            sent = send(fake->sock, at, len, MSG_NOSIGNAL);
            atomic_store(&fake_shared->blocked, 0);
        }
        if (sent < 0 && errno != EINTR)
            _exit(GONE);
        at += sent > 0 ? sent : 0;
        len -= sent > 0 ? (size_t)sent : 0;
    }
}

void fake_send(struct fake *fake, unsigned type, const void *payload, size_t len)
{
    struct ft_buf out = FT_BUF_INIT;
    must(ft_frame_append(&out, type, payload, len) == 0, "ft_frame_append");
    fake_send_raw(fake, ft_buf_head(&out), out.len);
    ft_buf_release(&out);
}

void fake_send_raw(struct fake *fake, const void *bytes, size_t len)
{
    if (fake->tail != NULL) {
        size_t held;
        const unsigned char *content = ft_tail_content(fake->tail, &held);
        send_all(fake, content, held);
        ft_tail_sent(fake->tail, 0);
    }
    send_all(fake, bytes, len);
    if (fake->tail != NULL)
        ft_tail_sent(fake->tail, len);
}

void fake_post(struct fake *fake, unsigned type, const void *payload, size_t len)
{
    struct ft_buf frame = FT_BUF_INIT;
    must(ft_frame_append(&frame, type, payload, len) == 0, "ft_frame_append");
    must(frame.len <= ft_tail_room(fake->tail), "room in the tail");
    ft_tail_append(fake->tail, ft_buf_head(&frame), frame.len);
    ft_buf_release(&frame);
}

void fake_post_item(struct fake *fake, unsigned type, uint32_t item)
{
    struct ft_buf payload = FT_BUF_INIT;
    must(ft_mp_uint(&payload, item) == 0, "ft_mp_uint");
    fake_post(fake, type, ft_buf_head(&payload), payload.len);
    ft_buf_release(&payload);
}

void fake_send_item(struct fake *fake, unsigned type, uint32_t item)
{
    struct ft_buf payload = FT_BUF_INIT;
    must(ft_mp_uint(&payload, item) == 0, "ft_mp_uint");
    fake_send(fake, type, ft_buf_head(&payload), payload.len);
    ft_buf_release(&payload);
}

void fake_hello(struct fake *fake)
{
    fake_send(fake, FT_MSG_HELLO, "\x80", 1);
}

void fake_finished(struct fake *fake)
{
    fake_send(fake, FT_MSG_FINISHED, "\x80", 1);
}

static void queue_items(struct fake *fake, const struct ft_message_view *view)
{
    struct ft_mp_reader reader = {view->payload, view->payload + view->len};
    struct ft_mp_token head;
    uint32_t item;
    must(ft_mp_read(&reader, &head) == 0 && head.kind == FT_MP_ARRAY, "FT_MSG_RUN");
    for (uint32_t i = 0; i < head.len; i++) {
        must(ft_mp_read_u32(&reader, &item) == 0, "an item");
        ft_buf_append(&fake->queue, &item, sizeof item);
    }
}

/* Take in messages until one of type `wanted`, or (0) any, has come; the first byte of its payload. */
static uint8_t receive(struct fake *fake, unsigned wanted)
{
    static const uint32_t none = BREAK;
    struct ft_message_view view;
    for (;;) {
        int got;
        while ((got = ft_frame_next(&fake->in, &view)) == 1) {
            if (view.type == FT_MSG_RUN)
                queue_items(fake, &view);
            else if (view.type == FT_MSG_BREAK)
                ft_buf_append(&fake->queue, &none, sizeof none);
            fake->finish = fake->finish || view.type == FT_MSG_FINISH;
            fake->stopped = fake->stopped || view.type == FT_MSG_STOP;
            if (view.type == wanted || wanted == 0)
                return view.len > 0 ? view.payload[0] : 0;
        }
        must(got == 0, "ft_frame_next");
        char bytes[65536];
        ssize_t len = recv(fake->sock, bytes, sizeof bytes, 0);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            _exit(GONE);
        must(ft_frame_feed(&fake->in, bytes, (size_t)len) == 0, "ft_frame_feed");
    }
}

uint8_t fake_wait(struct fake *fake, unsigned type)
{
    return receive(fake, type);
}

bool fake_next(struct fake *fake, uint32_t *item)
{
    for (;;) {
        if (fake->stopped)
            return false;
        size_t known = fake->queue.len / sizeof *item;
        if (known > 0) {
            memcpy(item, ft_buf_head(&fake->queue), sizeof *item);
            if (*item == BREAK || known > 1 || fake->finish)
                ft_buf_consume(&fake->queue, sizeof *item);
            if (*item == BREAK)
                continue;
            if (known > 1 || fake->finish)
                return true;
        } else if (fake->finish) {
            return false;
        }
        receive(fake, 0);
    }
}

void fake_session(struct fake *fake, void (*each)(struct fake *fake, uint32_t item, void *arg), void *arg)
{
    uint32_t item;
    fake_hello(fake);
    while (fake_next(fake, &item)) {
        fake_send_item(fake, FT_MSG_START, item);
        if (each != NULL)
            each(fake, item, arg);
        fake_send_item(fake, FT_MSG_DONE, item);
    }
    fake_finished(fake);
}

void fake_plain(struct fake *fake, void *arg)
{
    (void)arg;
    fake_session(fake, NULL, NULL);
}

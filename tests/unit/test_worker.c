/* engine/worker: one process, its descriptors and its end. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "check.h"
#include "engine/worker.h"
#include "fake_worker.h"

static void wait_readable(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    while (poll(&polled, 1, -1) < 0)
        assert_int_equal(errno, EINTR);
}

static void start(struct ft_worker *worker, unsigned options, fake_body *body)
{
    struct ft_worker_spec spec;
    fake_start(&spec, options, body, NULL);
    ft_worker_init(worker, 7, &spec);
}

static void hang(struct fake *fake, void *arg)
{
    (void)fake;
    (void)arg;
    for (;;)
        pause();
}

static void end(struct fake *fake, void *arg)
{
    (void)fake;
    (void)arg;
    _exit(6);
}

static void a_new_worker_is_starting_and_runs_nothing(void **state)
{
    struct ft_worker worker;
    (void)state;
    start(&worker, FAKE_PIPES, hang);
    assert_int_equal(worker.id, 7);
    assert_int_equal(worker.state, FT_WORKER_STARTING);
    assert_int_equal(worker.item, -1);
    assert_false(worker.closed || worker.exited || worker.broken || worker.wants_tty || worker.stopped);
    int fds[] = {worker.spec.sock, worker.spec.out[0], worker.spec.out[1]};
    for (int i = 0; i < 3; i++) {
        assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
    }
    assert_true(worker.pidfd < 0 || worker.pidfd >= 10);
    ft_worker_release(&worker);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fcntl(fds[i], F_GETFD), -1);
}

static void a_worker_without_pipes_has_no_output(void **state)
{
    struct ft_worker worker;
    (void)state;
    start(&worker, 0, hang);
    assert_int_equal(ft_worker_read_output(&worker, FT_STDOUT, SIZE_MAX), 0);
    assert_int_equal(ft_worker_read_output(&worker, FT_STDERR, SIZE_MAX), 0);
    assert_null(worker.inbox.first);
    ft_worker_release(&worker);
}

static void a_worker_that_lives_is_not_reaped(void **state)
{
    struct ft_worker worker;
    int number = 0;
    (void)state;
    start(&worker, 0, hang);
    assert_int_equal(ft_worker_reap(&worker, &number), 0);
    assert_false(worker.exited);
    ft_worker_release(&worker);
}

static void a_worker_that_ended_is_reaped_once_with_its_status(void **state)
{
    struct ft_worker worker;
    int number = 0;
    (void)state;
    start(&worker, 0, end);
    wait_readable(worker.pidfd);
    assert_int_equal(ft_worker_reap(&worker, &number), 1);
    assert_true(worker.exited);
    assert_int_equal(WEXITSTATUS(worker.status), 6);
    assert_int_equal(ft_worker_reap(&worker, &number), 1);
    assert_int_equal(WEXITSTATUS(worker.status), 6);
    ft_worker_kill(&worker, SIGKILL, true); /* whoever has its number now is not hit */
    ft_worker_release(&worker);
}

static void a_worker_that_was_stopped_says_by_what(void **state)
{
    struct ft_worker worker;
    int number = 0;
    siginfo_t info;
    (void)state;
    start(&worker, 0, hang);
    ft_worker_kill(&worker, SIGSTOP, false);
    assert_int_equal(waitid(P_PID, (id_t)worker.spec.pid, &info, WSTOPPED | WNOWAIT), 0);
    assert_int_equal(ft_worker_reap(&worker, &number), 2);
    assert_int_equal(number, SIGSTOP);
    assert_int_equal(ft_worker_reap(&worker, &number), 0); /* a stop is told once */
    ft_worker_kill(&worker, SIGKILL, false);
    wait_readable(worker.pidfd);
    assert_int_equal(ft_worker_reap(&worker, &number), 1);
    assert_int_equal(WTERMSIG(worker.status), SIGKILL);
    ft_worker_release(&worker);
}

static void a_worker_that_somebody_else_reaped_has_ended(void **state)
{
    struct ft_worker worker;
    int number = 0;
    (void)state;
    start(&worker, 0, end);
    assert_int_equal(waitpid(worker.spec.pid, NULL, 0), worker.spec.pid);
    assert_int_equal(ft_worker_reap(&worker, &number), 1);
    assert_true(worker.exited);
    ft_worker_release(&worker);
}

/*
 * A replacement comes by double fork from the spare: for a moment it lives but is not our child yet, and waitpid says
 * ECHILD.  That is not its end.
 */
static void a_worker_that_is_not_our_child_yet_has_not_ended(void **state)
{
    struct ft_worker_spec spec = {.out = {-1, -1}};
    struct ft_worker worker;
    int pair[2], tell[2], number = 0;
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(pipe(tell), 0);
    pid_t between = fork();
    if (between == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(60);
        pid_t pid = fork();
        if (pid == 0)
            alarm(60);
        else
            fake_write(tell[1], &pid, sizeof pid);
        for (;;)
            pause();
    }
    assert_int_equal(read(tell[0], &spec.pid, sizeof spec.pid), sizeof spec.pid);
    spec.sock = pair[0];
    ft_worker_init(&worker, 0, &spec);
    int reaped = ft_worker_reap(&worker, &number);
    kill(spec.pid, SIGKILL); /* before its parent, which does not reap it: the number is still its own */
    kill(between, SIGKILL);
    waitpid(between, NULL, 0);
    ft_worker_release(&worker);
    close(pair[1]);
    close(tell[0]);
    close(tell[1]);
    assert_int_equal(reaped, 0);
}

/* ---- sending and receiving, over a pair that the test holds both ends of ---- */

static void make_pair(struct ft_worker *worker, int *other)
{
    struct ft_worker_spec spec = {.pid = getpid(), .out = {-1, -1}};
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    spec.sock = pair[0];
    *other = pair[1];
    ft_worker_init(worker, 0, &spec);
}

static void what_is_sent_is_queued_until_the_socket_takes_it(void **state)
{
    struct ft_worker worker;
    static char payload[100 * 1024], bytes[64 * 1024];
    size_t sent = 0, got = 0;
    int other;
    (void)state;
    make_pair(&worker, &other);
    for (int i = 0; i < 50; i++)
        assert_int_equal(ft_worker_send(&worker, FT_MSG_RUN, payload, sizeof payload), 0);
    sent = worker.outgoing.len;
    assert_int_equal(sent, 50 * (sizeof payload + FT_FRAME_HEAD));
    ft_worker_flush(&worker);
    assert_true(worker.outgoing.len > 0 && worker.outgoing.len < sent);
    while (got < sent) {
        ssize_t len = recv(other, bytes, sizeof bytes, MSG_DONTWAIT);
        if (len > 0)
            got += (size_t)len;
        ft_worker_flush(&worker);
    }
    assert_int_equal(worker.outgoing.len, 0);
    close(other);
    ft_worker_release(&worker);
}

static void a_queue_for_a_worker_that_left_is_dropped(void **state)
{
    struct ft_worker worker;
    int other;
    (void)state;
    make_pair(&worker, &other);
    assert_int_equal(ft_worker_send(&worker, FT_MSG_RUN, "\x90", 1), 0);
    close(other);
    ft_worker_flush(&worker); /* and no SIGPIPE */
    assert_int_equal(worker.outgoing.len, 0);
    assert_int_equal(ft_worker_receive(&worker), 0);
    assert_true(worker.closed);
    assert_int_equal(ft_worker_send(&worker, FT_MSG_RUN, "\x90", 1), 0);
    assert_int_equal(worker.outgoing.len, 0);
    ft_worker_release(&worker);
}

static void what_arrives_can_be_read_as_messages(void **state)
{
    struct ft_worker worker;
    struct ft_message_view view;
    struct ft_buf frames = FT_BUF_INIT;
    int other;
    (void)state;
    make_pair(&worker, &other);
    assert_int_equal(ft_worker_receive(&worker), 0);
    assert_false(worker.closed);
    assert_int_equal(ft_frame_append(&frames, FT_MSG_TEXT, "abc", 3), 0);
    fake_write(other, ft_buf_head(&frames), frames.len);
    assert_int_equal(ft_worker_receive(&worker), (ssize_t)frames.len);
    assert_int_equal(ft_frame_next(&worker.in, &view), 1);
    assert_memory_equal(view.payload, "abc", 3);
    ft_buf_release(&frames);
    close(other);
    ft_worker_release(&worker);
}

static void one_read_is_bounded(void **state)
{
    struct ft_worker worker;
    static char bytes[150 * 1024];
    int other, size = 8 * 1024 * 1024;
    (void)state;
    make_pair(&worker, &other);
    setsockopt(other, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    for (int i = 0; i < 10; i++)
        send(other, bytes, sizeof bytes, MSG_DONTWAIT);
    ssize_t got = ft_worker_receive(&worker);
    assert_in_range(got, 1, 512 * 1024);
    close(other);
    ft_worker_release(&worker);
}

static void output_goes_to_the_inbox_by_stream(void **state)
{
    struct ft_worker worker;
    struct ft_worker_spec spec = {.pid = getpid(), .sock = -1};
    int pipes[2][2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(pipes[i]), 0);
        spec.out[i] = pipes[i][0];
    }
    ft_worker_init(&worker, 0, &spec);
    assert_int_equal(ft_worker_read_output(&worker, FT_STDOUT, SIZE_MAX), 0);
    assert_null(worker.inbox.first);
    fake_write(pipes[1][1], "error", 5);
    fake_write(pipes[0][1], "out", 3);
    assert_int_equal(ft_worker_read_output(&worker, FT_STDERR, SIZE_MAX), 0);
    assert_int_equal(ft_worker_read_output(&worker, FT_STDOUT, SIZE_MAX), 0);
    struct ft_note *note = ft_inbox_take(&worker.inbox);
    assert_int_equal(note->kind, FT_NOTE_STDERR);
    assert_memory_equal(note->bytes, "error", 5);
    free(note);
    note = ft_inbox_take(&worker.inbox);
    assert_int_equal(note->kind, FT_NOTE_STDOUT);
    free(note);
    close(pipes[0][1]);
    assert_int_equal(ft_worker_read_output(&worker, FT_STDOUT, SIZE_MAX), 0);
    assert_int_equal(worker.spec.out[FT_STDOUT], -1); /* at its end: closed */
    close(pipes[1][1]);
    ft_worker_release(&worker);
}

static void a_whole_pipe_is_read_at_once(void **state)
{
    struct ft_worker worker;
    struct ft_worker_spec spec = {.pid = getpid(), .sock = -1, .out = {-1, -1}};
    int ends[2];
    size_t filled = 0;
    (void)state;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    spec.out[0] = ends[0];
    ft_worker_init(&worker, 0, &spec);
    while (write(ends[1], "x", 1) == 1)
        filled++;
    assert_int_equal(ft_worker_read_output(&worker, FT_STDOUT, SIZE_MAX), 0);
    assert_int_equal(worker.inbox.first->len, filled);
    close(ends[1]);
    ft_worker_release(&worker);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_worker_is_starting_and_runs_nothing),
        TEST(a_worker_without_pipes_has_no_output),
        TEST(a_worker_that_lives_is_not_reaped),
        TEST(a_worker_that_ended_is_reaped_once_with_its_status),
        TEST(a_worker_that_was_stopped_says_by_what),
        TEST(a_worker_that_somebody_else_reaped_has_ended),
        TEST(a_worker_that_is_not_our_child_yet_has_not_ended),
        TEST(what_is_sent_is_queued_until_the_socket_takes_it),
        TEST(a_queue_for_a_worker_that_left_is_dropped),
        TEST(what_arrives_can_be_read_as_messages),
        TEST(one_read_is_bounded),
        TEST(output_goes_to_the_inbox_by_stream),
        TEST(a_whole_pipe_is_read_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* engine/signals: caught in order with their sender, and given back. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "check.h"
#include "engine/signals.h"

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP};

enum { CAUGHT = sizeof caught / sizeof caught[0] };

static volatile sig_atomic_t own_calls;

static void own_handler(int number)
{
    (void)number;
    own_calls++;
}

/* The last test's signals must not reach the next one; and a shell's background job would ignore SIGINT. */
static int give_back(void **state)
{
    (void)state;
    ft_signals_release();
    for (int i = 0; i < CAUGHT; i++)
        signal(caught[i], SIG_DFL);
    own_calls = 0;
    return 0;
}

static int start(void **state)
{
    start_watchdog(state);
    return give_back(state);
}

static void signals_are_read_in_order_with_their_sender(void **state)
{
    struct ft_signal taken;
    (void)state;
    int fd = ft_signals_catch();
    assert_true(fd >= 10); /* lower ones are the tests' */
    assert_int_equal(ft_signals_take(&taken), 0);
    for (int i = 0; i < CAUGHT; i++)
        raise(caught[i]);
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&polled, 1, 0), 1);
    for (int i = 0; i < CAUGHT; i++) {
        assert_int_equal(ft_signals_take(&taken), 1);
        assert_int_equal(taken.number, caught[i]);
        assert_int_equal(taken.sender, getpid());
    }
    assert_int_equal(ft_signals_take(&taken), 0);
    assert_int_equal(poll(&polled, 1, 0), 0);
}

static void a_signal_of_another_process_names_it(void **state)
{
    struct ft_signal taken;
    (void)state;
    int fd = ft_signals_catch();
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        kill(parent, SIGTERM);
        _exit(0);
    }
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    while (poll(&polled, 1, -1) < 0)
        assert_int_equal(errno, EINTR);
    assert_int_equal(ft_signals_take(&taken), 1);
    assert_int_equal(taken.number, SIGTERM);
    assert_int_equal(taken.sender, pid);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void there_is_one_owner_at_a_time(void **state)
{
    (void)state;
    assert_true(ft_signals_catch() >= 0);
    assert_int_equal(ft_signals_catch(), -EBUSY);
    ft_signals_release();
    assert_true(ft_signals_catch() >= 0);
}

static void former_handlers_get_their_signals_back(void **state)
{
    struct ft_signal taken;
    (void)state;
    signal(SIGINT, own_handler);
    assert_true(ft_signals_catch() >= 0);
    raise(SIGINT);
    assert_int_equal(own_calls, 0);
    ft_signals_release();
    raise(SIGINT);
    assert_int_equal(own_calls, 1);
    assert_int_equal(ft_signals_take(&taken), 0);
}

static void an_ignored_signal_stays_ignored(void **state)
{
    struct ft_signal taken;
    struct sigaction action;
    (void)state;
    signal(SIGHUP, SIG_IGN);
    assert_true(ft_signals_catch() >= 0);
    raise(SIGHUP);
    assert_int_equal(ft_signals_take(&taken), 0);
    ft_signals_release();
    assert_int_equal(sigaction(SIGHUP, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_IGN);
}

static void release_is_harmless_at_any_time(void **state)
{
    struct ft_signal taken;
    (void)state;
    ft_signals_release();
    ft_signals_release();
    assert_int_equal(ft_signals_take(&taken), 0);
    assert_true(ft_signals_catch() >= 0);
}

static void a_flood_of_signals_does_not_block(void **state)
{
    struct ft_signal taken;
    int count = 0;
    (void)state;
    assert_true(ft_signals_catch() >= 0);
    for (int i = 0; i < 20000; i++)
        raise(SIGINT);
    while (ft_signals_take(&taken)) {
        assert_int_equal(taken.number, SIGINT);
        count++;
    }
    assert_true(count > 100);
}

static void the_handler_keeps_errno(void **state)
{
    (void)state;
    int fd = ft_signals_catch();
    assert_true(fd >= 0);
    for (int i = 0; i < 20000; i++) { /* until the pipe is full and write() fails */
        errno = 4242;
        raise(SIGINT);
        assert_int_equal(errno, 4242);
    }
}

static void descriptors_are_not_left_open(void **state)
{
    (void)state;
    int before = dup(0);
    close(before);
    for (int i = 0; i < 100; i++) {
        assert_true(ft_signals_catch() >= 0);
        ft_signals_release();
    }
    int fd = ft_signals_catch();
    assert_true(fd < 20);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    int after = dup(0);
    close(after);
    assert_int_equal(after, before);
}

/* A process forked meanwhile inherits the handler: a signal sent to it is not the run's. */
static void a_signal_of_a_forked_process_is_not_ours(void **state)
{
    struct ft_signal taken;
    (void)state;
    assert_true(ft_signals_catch() >= 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        raise(SIGINT);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(ft_signals_take(&taken), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(signals_are_read_in_order_with_their_sender, give_back),
        cmocka_unit_test_teardown(a_signal_of_another_process_names_it, give_back),
        cmocka_unit_test_teardown(there_is_one_owner_at_a_time, give_back),
        cmocka_unit_test_teardown(former_handlers_get_their_signals_back, give_back),
        cmocka_unit_test_teardown(an_ignored_signal_stays_ignored, give_back),
        cmocka_unit_test_teardown(release_is_harmless_at_any_time, give_back),
        cmocka_unit_test_teardown(a_flood_of_signals_does_not_block, give_back),
        cmocka_unit_test_teardown(the_handler_keeps_errno, give_back),
        cmocka_unit_test_teardown(descriptors_are_not_left_open, give_back),
        cmocka_unit_test_teardown(a_signal_of_a_forked_process_is_not_ours, give_back),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

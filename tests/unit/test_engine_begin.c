/* engine/engine: a worker that is given its first items before it says hello. */
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "fake_session.h"

static void say_hello_late(struct fake *fake, void *arg)
{
    (void)arg;
    uint32_t item;
    if (!fake_next(fake, &item))
        _exit(9);
    atomic_store(&fake_shared->flags[0], 1);
    fake_hello(fake);
    do {
        fake_send_item(fake, FT_MSG_START, item);
        fake_send_item(fake, FT_MSG_DONE, item);
    } while (fake_next(fake, &item));
    fake_finished(fake);
}

static void a_worker_may_begin_before_the_others_are_there(void **state)
{
    struct session *session = session_make(100, 2);
    (void)state;
    uint32_t first = session_add(session, FAKE_PIPES, say_hello_late, NULL);
    assert_int_equal(ft_engine_begin(session->engine, first + 1), -ESRCH);
    assert_int_equal(ft_engine_begin(session->engine, first), 0);
    assert_int_equal(ft_engine_begin(session->engine, first), -EEXIST);
    fake_await(&fake_shared->flags[0]);
    session_add(session, FAKE_PIPES, fake_plain, NULL);
    assert_int_equal(session_run(session), 0);
    assert_true(session_all_done(session, 100));
    assert_true(session->gone[0].finished && session->gone[1].finished);
    assert_int_equal(ft_engine_begin(session->engine, first), -ESRCH);
    session_release(session);
}

static void hello_twice(struct fake *fake, void *arg)
{
    (void)arg;
    fake_hello(fake);
    fake_hello(fake);
    fake_await(&fake_shared->flags[0]);
}

static void a_worker_that_has_begun_says_hello_once(void **state)
{
    struct session *session = session_make(100, 1);
    (void)state;
    assert_int_equal(ft_engine_begin(session->engine, session_add(session, FAKE_GROUP, hello_twice, NULL)), 0);
    assert_int_equal(session_run(session), 0);
    assert_true(WIFSIGNALED(session->gone[0].status) && WTERMSIG(session->gone[0].status) == SIGKILL);
    session_release(session);
}

static void await_an_end(struct fake *fake, void *arg)
{
    fake_plain(fake, arg);
    fake_await(&fake_shared->flags[1]);
}

static int end_when_interrupted(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_SIGNAL) {
        ft_engine_stop(session->engine);
        atomic_store(&fake_shared->flags[1], 1);
    }
    return 0;
}

static void a_signal_after_the_begin_is_told_when_the_engine_runs(void **state)
{
    struct session *session = session_make(100, 1);
    struct sigaction before, after;
    (void)state;
    session->react = end_when_interrupted;
    sigaction(SIGINT, NULL, &before);
    assert_int_equal(ft_engine_begin(session->engine, session_add(session, FAKE_GROUP, await_an_end, NULL)), 0);
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(session->signals[SIGINT], 0);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->signals[SIGINT], 1);
    sigaction(SIGINT, NULL, &after);
    assert_true(before.sa_handler == after.sa_handler);
    session_release(session);
}

static void signals_are_given_back_without_a_run(void **state)
{
    struct session *session = session_make(100, 1);
    struct sigaction before, after;
    (void)state;
    sigaction(SIGTERM, NULL, &before);
    assert_int_equal(ft_engine_begin(session->engine, session_add(session, FAKE_GROUP, await_an_end, NULL)), 0);
    sigaction(SIGTERM, NULL, &after);
    assert_true(before.sa_handler != after.sa_handler);
    session_release(session);
    sigaction(SIGTERM, NULL, &after);
    assert_true(before.sa_handler == after.sa_handler);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_worker_may_begin_before_the_others_are_there),
        TEST(a_worker_that_has_begun_says_hello_once),
        TEST(a_signal_after_the_begin_is_told_when_the_engine_runs),
        TEST(signals_are_given_back_without_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

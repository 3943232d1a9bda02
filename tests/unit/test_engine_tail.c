/* engine: what workers have not yet written to their sockets. */
#include <signal.h>
#include <string.h>

#include "check.h"
#include "fake_session.h"

static struct session *make(uint32_t items, uint32_t workers)
{
    static struct session session;
    memset(&session, 0, sizeof session);
    session.tick_ms = 5;
    session_init(&session, &(struct ft_sched_options){.items = items, .workers = workers});
    return &session;
}

static void post_passed(struct fake *fake, uint32_t item)
{
    fake_post_item(fake, FT_MSG_START, item);
    fake_post(fake, FT_MSG_LOGSTART, "\xc0", 1);
    for (int phase = 0; phase < 3; phase++)
        fake_post(fake, FT_MSG_PASSED, "\xc0", 1);
    fake_post(fake, FT_MSG_LOGFINISH, "\xc0", 1);
    fake_post_item(fake, FT_MSG_DONE, item);
}

/* ---- a worker that dies ---- */

static void post_and_die(struct fake *fake, void *arg)
{
    uint32_t item;
    (void)arg;
    fake_hello(fake);
    if (!fake_next(fake, &item))
        _exit(3);
    post_passed(fake, item);
    if (!fake_next(fake, &item))
        _exit(4);
    fake_post_item(fake, FT_MSG_START, item);
    fake_post(fake, FT_MSG_LOGSTART, "\xc0", 1);
    raise(SIGKILL);
}

static void nothing_is_lost_with_a_worker(void **state)
{
    struct session *session = make(20, 1);
    (void)state;
    session->tick_ms = 0; /* nobody looks while it lives */
    session_add(session, FAKE_TAIL, post_and_die, NULL);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->gone[0].item, 1);
    assert_int_equal(session->passes[0], 1);
    assert_int_equal(session->starts[1], 1);
    assert_int_equal(session->dones[1], 0);
    assert_int_equal(session->types[0][FT_MSG_LOGSTART], 1);
    session_release(session);
}

/* ---- a worker in a long test ---- */

static void post_and_wait(struct fake *fake, void *arg)
{
    uint32_t item;
    (void)arg;
    fake_hello(fake);
    while (fake_next(fake, &item)) {
        fake_post_item(fake, FT_MSG_START, item);
        fake_await(&fake_shared->flags[0]);
        fake_post_item(fake, FT_MSG_DONE, item);
    }
    fake_post(fake, FT_MSG_FINISHED, "\xc0", 1);
}

static int go_on_at_start(struct session *session, const struct session_event *event)
{
    (void)session;
    if (event->kind == ON_MESSAGE && event->number == FT_MSG_START)
        atomic_store(&fake_shared->flags[0], 1);
    return 0;
}

static void what_is_posted_is_told_while_the_worker_is_busy(void **state)
{
    struct session *session = make(3, 1);
    (void)state;
    session->react = go_on_at_start;
    session_add(session, FAKE_TAIL, post_and_wait, NULL);
    assert_int_equal(session_run(session), 0);
    assert_true(session_all_done(session, 3));
    assert_true(session->gone[0].finished);
    session_release(session);
}

/* ---- tests that pass ---- */

static void post_all(struct fake *fake, void *arg)
{
    uint32_t item;
    (void)arg;
    fake_hello(fake);
    while (fake_next(fake, &item))
        post_passed(fake, item);
    fake_post(fake, FT_MSG_FINISHED, "\xc0", 1);
}

static void a_test_that_passed_is_told_at_once(void **state)
{
    struct session *session = make(200, 3);
    unsigned passed = 0;
    (void)state;
    for (int i = 0; i < 3; i++)
        session_add(session, FAKE_TAIL, post_all, NULL);
    assert_int_equal(session_run(session), 0);
    assert_true(session_all_done(session, 200));
    for (uint32_t item = 0; item < 200; item++)
        passed += session->passes[item];
    assert_true(passed > 0); /* others were looked at while they were being posted */
    session_release(session);
}

static void post_with_more(struct fake *fake, void *arg)
{
    uint32_t item;
    (void)arg;
    fake_hello(fake);
    while (fake_next(fake, &item)) {
        fake_post_item(fake, FT_MSG_START, item);
        fake_post(fake, FT_MSG_LOGSTART, "\xc0", 1);
        fake_post(fake, FT_MSG_PASSED, "\xc0", 1);
        fake_post(fake, FT_MSG_WARNING, "\xc0", 1);
        fake_post(fake, FT_MSG_PASSED, "\xc0", 1);
        fake_post(fake, FT_MSG_PASSED, "\xc0", 1);
        fake_post(fake, FT_MSG_LOGFINISH, "\xc0", 1);
        fake_post_item(fake, FT_MSG_DONE, item);
    }
    fake_post(fake, FT_MSG_FINISHED, "\xc0", 1);
}

static int fail_at_passed(struct session *session, const struct session_event *event)
{
    (void)session;
    return event->kind == ON_PASSED ? -4242 : 0;
}

static void a_callback_that_fails_ends_the_run_with_its_error(void **state)
{
    struct session *session = make(200, 1);
    (void)state;
    session->react = fail_at_passed;
    session_add(session, FAKE_TAIL, post_all, NULL);
    assert_int_equal(session_run(session), -4242);
    ft_engine_kill(session->engine, SIGKILL, true);
    session_release(session);
}

static void a_test_with_more_to_tell_is_told_in_pieces(void **state)
{
    struct session *session = make(50, 1);
    (void)state;
    session_add(session, FAKE_TAIL, post_with_more, NULL);
    assert_int_equal(session_run(session), 0);
    assert_true(session_all_done(session, 50));
    assert_int_equal(session->types[0][FT_MSG_PASSED], 150);
    assert_int_equal(session->types[0][FT_MSG_WARNING], 50);
    session_release(session);
}

/* ---- nonsense ---- */

static void scribble(struct fake *fake, void *arg)
{
    (void)arg;
    fake_hello(fake);
    memset(fake->tail, 0x7f, 4096);
    fake_await(&fake_shared->flags[0]); /* never */
}

static void a_worker_that_scribbles_over_its_tail_goes_on_or_is_killed(void **state)
{
    struct session *session = make(3, 1);
    (void)state;
    session_add(session, FAKE_TAIL, scribble, NULL);
    assert_int_equal(session_run(session), 0);
    assert_false(session->gone[0].finished);
    session_release(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_lost_with_a_worker, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(what_is_posted_is_told_while_the_worker_is_busy, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_test_that_passed_is_told_at_once, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_callback_that_fails_ends_the_run_with_its_error, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_test_with_more_to_tell_is_told_in_pieces, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_worker_that_scribbles_over_its_tail_goes_on_or_is_killed, fake_setup,
                                        fake_teardown),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

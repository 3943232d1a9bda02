/* engine/hearing: workers that say that they leave. */
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "fake_session.h"

static void leave_when_told(struct fake *fake, void *arg)
{
    (void)arg;
    fake_plain(fake, NULL);
    fake_write(STDOUT_FILENO, "last", 4);
    fake_send(fake, FT_MSG_LEAVES, "\xc0", 1);
    fake_await(&fake_shared->flags[0]);
}

static void nobody_waits_for_a_worker_that_leaves(void **state)
{
    struct session *session = session_make(10, 1);
    struct ft_worker_spec spec;
    int status = 0;
    (void)state;
    fake_start(&spec, FAKE_PIPES, leave_when_told, NULL);
    assert_int_equal(ft_engine_add(session->engine, &spec), 0);
    assert_int_equal(session_run(session), 0);
    assert_true(session_all_done(session, 10));
    assert_int_equal(session->output[0][FT_STDOUT], 4);
    assert_true(session->gone[0].finished && session->gone[0].leaving);
    assert_int_equal(session->types[0][FT_MSG_LEAVES], 0);
    atomic_store(&fake_shared->flags[0], 1);
    assert_int_equal(waitpid(spec.pid, &status, 0), spec.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    session_release(session);
}

static void leave_early(struct fake *fake, void *arg)
{
    (void)arg;
    fake_hello(fake);
    fake_send(fake, FT_MSG_LEAVES, "\xc0", 1);
    fake_await(&fake_shared->flags[0]);
}

static void a_worker_that_leaves_before_its_end_is_killed(void **state)
{
    struct session *session = session_make(10, 1);
    (void)state;
    session_add(session, FAKE_GROUP, leave_early, NULL);
    assert_int_equal(session_run(session), 0);
    assert_false(session->gone[0].finished || session->gone[0].leaving);
    assert_true(WIFSIGNALED(session->gone[0].status) && WTERMSIG(session->gone[0].status) == SIGKILL);
    session_release(session);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_waits_for_a_worker_that_leaves),
        TEST(a_worker_that_leaves_before_its_end_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

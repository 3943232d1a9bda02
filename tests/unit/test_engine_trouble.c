/* engine/engine: workers that crash, talk nonsense or leave things behind; and who takes over. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "check.h"
#include "fake_session.h"

static struct session *make(const struct ft_sched_options *options)
{
    static struct session session;
    memset(&session, 0, sizeof session);
    session_init(&session, options);
    return &session;
}

/* ---- crashes ---- */

enum step { BEFORE_HELLO, AFTER_HELLO, IN_ITEM, IN_MESSAGE, BETWEEN_ITEMS, AFTER_FINISHED, STEPS };
enum means { BY_KILL, BY_EXIT_0, BY_EXIT_3, MEANS };

struct crash {
    enum step step;
    enum means means;
};

static void die(enum means means)
{
    if (means == BY_KILL)
        raise(SIGKILL);
    _exit(means == BY_EXIT_0 ? 0 : 3);
}

/* A session that ends at a step of its second item, if it gets one; item 0 is always given to it. */
static void crash_at(struct fake *fake, void *arg)
{
    const struct crash *crash = arg;
    static const uint8_t half[] = {200, 0, 0, 0, FT_PROTOCOL_VERSION, FT_MSG_REPORT, 0, 0, 'x'};
    uint32_t item;
    if (crash->step == BEFORE_HELLO)
        die(crash->means);
    fake_hello(fake);
    if (crash->step == AFTER_HELLO)
        die(crash->means);
    while (fake_next(fake, &item)) {
        fake_send_item(fake, FT_MSG_START, item);
        if (crash->step == IN_MESSAGE)
            fake_send_raw(fake, half, sizeof half);
        if (crash->step == IN_ITEM || crash->step == IN_MESSAGE)
            die(crash->means);
        fake_send_item(fake, FT_MSG_DONE, item);
        if (crash->step == BETWEEN_ITEMS)
            die(crash->means);
    }
    fake_finished(fake);
    die(crash->means);
}

static int replace_lost(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_GONE && event->worker == 0)
        session_add(session, 0, fake_plain, NULL);
    return 0;
}

static void check_crash(const struct crash *crash)
{
    struct session *session = make(&(struct ft_sched_options){.items = 20, .workers = 1});
    session->react = replace_lost;
    session_add(session, FAKE_PIPES, crash_at, (void *)(size_t)crash);
    assert_int_equal(session_run(session), 0);
    const struct ft_gone *how = &session->gone[0];
    bool in_item = crash->step == IN_ITEM || crash->step == IN_MESSAGE;
    assert_int_equal(how->item, in_item ? 0 : -1);
    assert_int_equal(how->finished, crash->step == AFTER_FINISHED);
    if (crash->means == BY_KILL)
        assert_true(WIFSIGNALED(how->status) && WTERMSIG(how->status) == SIGKILL);
    else
        assert_true(WIFEXITED(how->status) && WEXITSTATUS(how->status) == (crash->means == BY_EXIT_0 ? 0 : 3));
    /* All but the item in flight are run, by the one who came instead. */
    for (uint32_t item = 0; item < 20; item++) {
        assert_int_equal(session->dones[item], item == 0 && in_item ? 0 : 1);
        assert_int_equal(session->starts[item], 1);
    }
    assert_true(session->gone[1].finished);
    assert_int_equal(ft_engine_pending(session->engine), 0);
    session_release(session);
}

static void a_crash_at_any_step_costs_the_item_in_flight_only(void **state)
{
    (void)state;
    for (enum step step = 0; step < STEPS; step++)
        for (enum means means = 0; means < MEANS; means++)
            check_crash(&(struct crash){step, means});
}

static int run_again(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_GONE && event->gone->item >= 0) {
        assert_int_equal(ft_engine_again(session->engine, (uint32_t)event->gone->item), 0);
        session_add(session, 0, fake_plain, NULL);
    }
    return 0;
}

static void a_lost_item_may_be_run_again(void **state)
{
    struct session *session = make(&(struct ft_sched_options){.items = 20, .workers = 1});
    (void)state;
    session->react = run_again;
    session_add(session, 0, crash_at, &(struct crash){IN_ITEM, BY_KILL});
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->starts[0], 2);
    assert_true(session_all_done(session, 20));
    session_release(session);
}

/* ---- nobody can replace a worker that crashes ---- */

static int again_without_replacement(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_GONE && event->gone->item >= 0)
        assert_int_equal(ft_engine_again(session->engine, (uint32_t)event->gone->item), 0);
    return 0;
}

static void crash_when_told(struct fake *fake, uint32_t item, void *arg)
{
    (void)fake;
    (void)item;
    (void)arg;
    fake_await(&fake_shared->flags[1]);
    raise(SIGKILL);
}

static void crash_when_told_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, crash_when_told, arg);
}

static int crash_once_the_other_idles(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_MESSAGE && event->number == FT_MSG_HELLO && event->worker == 1)
        atomic_store(&fake_shared->flags[1], 1);
    return again_without_replacement(session, event);
}

static void an_idle_worker_that_is_kept_runs_the_lost_item(void **state)
{
    struct session *session = make(&(struct ft_sched_options){.items = 1, .workers = 2, .keep_idle = true});
    (void)state;
    session->react = crash_once_the_other_idles;
    session_add(session, 0, crash_when_told_in_session, NULL);
    session_add(session, 0, fake_plain, NULL);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->gone[0].item, 0);
    assert_int_equal(session->dones[0], 1);
    session_release(session);
}

enum { NOTES = 50 };

/* Many notes, then the crash: the session is told of it long after the engine knows. */
static void crash_behind_notes(struct fake *fake, uint32_t item, void *arg)
{
    (void)item;
    (void)arg;
    for (int i = 0; i < NOTES; i++)
        fake_send(fake, FT_MSG_TEXT, "\xc0", 1);
    raise(SIGKILL);
}

static void crash_behind_notes_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, crash_behind_notes, arg);
}

static void wait_then_run(struct fake *fake, uint32_t item, void *arg)
{
    (void)fake;
    (void)item;
    (void)arg;
    fake_await(&fake_shared->flags[0]);
}

static void wait_then_run_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, wait_then_run, arg);
}

/* Half of the crashed worker's notes are told, so the engine has reaped it: now the other worker ends its item. */
static int let_the_other_end(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_MESSAGE && event->number == FT_MSG_TEXT) {
        unsigned told = session->types[event->worker][FT_MSG_TEXT];
        if (told == 1) /* dead, not reaped yet: the engine must look before it tells the next */
            waitid(P_PID, (id_t) * (pid_t *)session->arg, &(siginfo_t){0}, WEXITED | WNOWAIT);
        if (told == NOTES / 2)
            atomic_store(&fake_shared->flags[0], 1);
        for (int i = 0; told > NOTES / 2 && i < 1000; i++)
            usleep(0); /* give the other the processor */
    }
    return again_without_replacement(session, event);
}

static void a_kept_worker_stays_until_the_session_was_asked_about_the_lost_item(void **state)
{
    struct session *session = make(&(struct ft_sched_options){.items = 4, .workers = 2, .keep_idle = true});
    struct ft_worker_spec spec;
    (void)state;
    session->react = let_the_other_end;
    fake_start(&spec, 0, crash_behind_notes_in_session, NULL);
    session->arg = &spec.pid;
    assert_int_equal(ft_engine_add(session->engine, &spec), 0);
    session_add(session, 0, wait_then_run_in_session, NULL);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(ft_engine_pending(session->engine), 0);
    assert_true(session_all_done(session, 4));
    session_release(session);
}

/* ---- nonsense ---- */

struct nonsense {
    const char *name;
    bool hello;         /* says hello first */
    bool starts;        /* waits for an item and starts it */
    const char *bytes;
    size_t len;
};

#define BYTES(text) text, sizeof text - 1
#define HEAD(len, type) len "\0\0\0\1" type "\0\0"

static const struct nonsense nonsense[] = {
    {"text", false, false, BYTES("Traceback (most recent call last):\n")},
    {"another version", false, false, BYTES("\1\0\0\0\2\1\0\0\x80")},
    {"no type", true, false, BYTES(HEAD("\0", "\0"))},
    {"unknown flags", true, false, BYTES("\0\0\0\0\1\1\x80\0")},
    {"too long a frame", true, false, BYTES("\xff\xff\xff\x7f\1\1\0\0")},
    {"interleaved pieces", true, false, BYTES("\1\0\0\0\1\x21\1\0x\1\0\0\0\1\x22\0\0x")},
    {"hello twice", true, false, BYTES(HEAD("\1", "\1") "\x80")},
    {"start before hello", false, false, BYTES(HEAD("\1", "\2") "\x05")},
    {"start of what was not given", true, false, BYTES(HEAD("\5", "\2") "\xce\0\0\xff\xff")},
    {"start of nothing", true, false, BYTES(HEAD("\0", "\2"))},
    {"start of a text", true, false, BYTES(HEAD("\2", "\2") "\xa1x")},
    {"start of a number cut short", true, false, BYTES(HEAD("\2", "\2") "\xcd\1")},
    {"done without start", true, false, BYTES(HEAD("\1", "\3") "\0")},
    {"done of another item", true, true, BYTES(HEAD("\1", "\3") "\x13")},
    {"start while running", true, true, BYTES(HEAD("\1", "\2") "\x13")},
    {"hello while running", true, true, BYTES(HEAD("\1", "\1") "\x80")},
    {"text while running", true, true, BYTES("Traceback (most recent call last):\n")},
    {"done of nothing while running", true, true, BYTES(HEAD("\0", "\3"))},
};

static void talk_nonsense(struct fake *fake, void *arg)
{
    const struct nonsense *what = arg;
    uint32_t item;
    if (what->hello)
        fake_hello(fake);
    if (what->starts) {
        fake_next(fake, &item);
        fake_send_item(fake, FT_MSG_START, item);
        fake_send(fake, FT_MSG_TEXT, "\xc0", 1);
    }
    fake_send_raw(fake, what->bytes, what->len);
    for (;;)
        pause(); /* the engine kills it */
}

/* After nonsense the worker is killed; what it ran and only that is lost, and the session is told the truth. */
static bool check_nonsense(const struct nonsense *what)
{
    struct session *session = make(&(struct ft_sched_options){.items = 20, .workers = 1});
    session->react = replace_lost;
    session_add(session, FAKE_PIPES | FAKE_GROUP, talk_nonsense, (void *)(size_t)what);
    int err = ft_engine_run(session->engine);
    const struct ft_gone *how = &session->gone[0];
    bool right = err == 0 && session->is_gone[0] && !how->finished && WIFSIGNALED(how->status) &&
                 WTERMSIG(how->status) == SIGKILL && how->item == (what->starts ? 0 : -1);
    if (!right || session->broken != NULL)
        print_error("%s: returned %d, gone with item %lld, status %d; does not hold: %s\n", what->name, err,
                    (long long)how->item, how->status, session->broken != NULL ? session->broken : "-");
    for (uint32_t item = 0; right && item < 20; item++) {
        unsigned lost = item == 0 && what->starts;
        right = session->dones[item] == 1 - lost && session->starts[item] == 1;
        if (!right)
            print_error("%s: item %u started %u times, done %u times\n", what->name, item, session->starts[item],
                        session->dones[item]);
    }
    right = right && session->broken == NULL;
    session_release(session);
    return right;
}

/* Those that start an item first or not, and whose name begins with "start" or not. */
static void check_all_nonsense(bool starts, bool is_start)
{
    int wrong = 0;
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++)
        if (nonsense[i].starts == starts && (strncmp(nonsense[i].name, "start", 5) == 0) == is_start)
            wrong += !check_nonsense(&nonsense[i]);
    assert_int_equal(wrong, 0);
}

static void a_worker_that_talks_nonsense_is_killed(void **state)
{
    (void)state;
    check_all_nonsense(false, false);
}

static void a_worker_that_starts_what_it_was_not_given_was_not_running_it(void **state)
{
    (void)state;
    check_all_nonsense(false, true);
}

static void an_item_is_not_forgotten_when_its_worker_talks_nonsense(void **state)
{
    (void)state;
    check_all_nonsense(true, false);
    check_all_nonsense(true, true);
}

/* ---- what outlives a worker ---- */

/* Holds the worker's pipes and socket open until the test program ends. */
static void leave_grandchild(bool printing)
{
    static char bytes[65536];
    pid_t pid = fork();
    if (pid != 0)
        return;
    prctl(PR_SET_PDEATHSIG, 0);
    alarm(20); /* its parent ends before it, so nobody else ends it if the test fails */
    memset(bytes, 'x', sizeof bytes);
    atomic_store(&fake_shared->flags[2], 1);
    while (printing)
        fake_write(STDOUT_FILENO, bytes, sizeof bytes); /* until nobody reads: SIGPIPE */
    fake_await(&fake_shared->flags[3]);
    _exit(0);
}

static void leave_holder(struct fake *fake, void *arg)
{
    (void)arg;
    leave_grandchild(false);
    fake_plain(fake, NULL);
}

static void pipes_held_open_by_a_grandchild_do_not_hold_up_the_run(void **state)
{
    struct session *session = make(&(struct ft_sched_options){.items = 5, .workers = 1});
    (void)state;
    session_add(session, FAKE_PIPES, leave_holder, NULL);
    assert_int_equal(session_run(session), 0);
    assert_true(session_all_done(session, 5));
    atomic_store(&fake_shared->flags[3], 1);
    session_release(session);
}

enum { PRINTERS = 4, MOST_AFTER = 64 * 1024 * 1024 };

static void leave_printer(struct fake *fake, void *arg)
{
    (void)arg;
    for (int i = 0; i < PRINTERS; i++)
        leave_grandchild(true);
    fake_await(&fake_shared->flags[2]);
    fake_plain(fake, NULL);
}

/* The engine must not read on for as long as somebody writes: no bytes of a worker that has ended are owed. */
static void a_grandchild_that_prints_without_end_does_not_hold_up_the_run(void **state)
{
    struct session *session = make(&(struct ft_sched_options){.items = 5, .workers = 1});
    (void)state;
    alarm(30);
    session_add(session, FAKE_PIPES, leave_printer, NULL);
    assert_int_equal(session_run(session), 0);
    assert_true(session_all_done(session, 5));
    session_release(session);
}

static void close_socket_and_exit(struct fake *fake, void *arg)
{
    uint32_t item;
    (void)arg;
    fake_hello(fake);
    fake_next(fake, &item);
    fake_send_item(fake, FT_MSG_START, item);
    close(fake->sock);
    fake_await(&fake_shared->flags[0]);
    _exit(5);
}

static int let_it_exit(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_MESSAGE && event->number == FT_MSG_START && event->worker == 0)
        atomic_store(&fake_shared->flags[0], 1);
    return replace_lost(session, event);
}

static void a_worker_that_closed_its_socket_is_gone_when_it_exits(void **state)
{
    struct session *session = make(&(struct ft_sched_options){.items = 5, .workers = 1});
    (void)state;
    session->react = let_it_exit;
    session_add(session, 0, close_socket_and_exit, NULL);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->gone[0].item, 0);
    assert_int_equal(WEXITSTATUS(session->gone[0].status), 5);
    session_release(session);
}

/* ---- killing ---- */

static void hang_with_child(struct fake *fake, void *arg)
{
    (void)arg;
    fake_hello(fake);
    if (fork() == 0) {
        alarm(60);
        for (;;)
            pause();
    }
    fake_send(fake, FT_MSG_TEXT, "\xc0", 1);
    for (;;)
        pause();
}

static int kill_all(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_MESSAGE && event->number == FT_MSG_TEXT)
        ft_engine_kill(session->engine, SIGKILL, true);
    return 0;
}

static void kill_reaches_every_worker_and_its_group(void **state)
{
    struct session *session = make(&(struct ft_sched_options){.items = 5, .workers = 2});
    struct ft_worker_spec specs[2];
    (void)state;
    session->react = kill_all;
    for (int i = 0; i < 2; i++) {
        fake_start(&specs[i], FAKE_GROUP, hang_with_child, NULL);
        assert_int_equal(ft_engine_add(session->engine, &specs[i]), i);
    }
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->gones, 2);
    assert_int_equal(WTERMSIG(session->gone[0].status), SIGKILL);
    /* The children were orphans: init, or whoever is subreaper, reaps them, soon. */
    for (int i = 0; i < 2; i++)
        while (kill(-specs[i].pid, 0) == 0)
            waitpid(-specs[i].pid, NULL, WNOHANG);
    session_release(session);
}

/* ---- many ---- */

static int keep_forty(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_GONE && event->worker < 40)
        session_add(session, 0, event->worker % 2 ? fake_plain : crash_at, session->arg);
    return 0;
}

static void workers_may_be_replaced_many_times(void **state)
{
    struct session *session = make(&(struct ft_sched_options){.items = 300, .workers = 4, .batch_max = 2});
    struct crash crash = {IN_ITEM, BY_EXIT_0};
    (void)state;
    session->react = keep_forty;
    session->arg = &crash;
    for (int i = 0; i < 4; i++)
        session_add(session, FAKE_PIPES, crash_at, &crash);
    assert_int_equal(session_run(session), 0);
    unsigned lost = 0;
    for (uint32_t id = 0; id < SESSION_WORKERS; id++)
        lost += session->is_gone[id] && session->gone[id].item >= 0;
    for (uint32_t item = 0; item < 300; item++) {
        assert_int_equal(session->starts[item], 1);
        lost -= session->dones[item] == 0;
    }
    assert_int_equal(lost, 0);
    session_release(session);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_crash_at_any_step_costs_the_item_in_flight_only),
        TEST(a_lost_item_may_be_run_again),
        TEST(an_idle_worker_that_is_kept_runs_the_lost_item),
        TEST(a_kept_worker_stays_until_the_session_was_asked_about_the_lost_item),
        TEST(a_worker_that_talks_nonsense_is_killed),
        TEST(a_worker_that_starts_what_it_was_not_given_was_not_running_it),
        TEST(an_item_is_not_forgotten_when_its_worker_talks_nonsense),
        TEST(pipes_held_open_by_a_grandchild_do_not_hold_up_the_run),
        TEST(a_worker_that_closed_its_socket_is_gone_when_it_exits),
        TEST(kill_reaches_every_worker_and_its_group),
        TEST(workers_may_be_replaced_many_times),
        TEST(a_grandchild_that_prints_without_end_does_not_hold_up_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

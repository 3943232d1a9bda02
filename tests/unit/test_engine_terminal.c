/*
 * engine/engine lending the terminal.  The session runs as the leader of a pseudo-terminal's session (on_terminal.h)
 * and the test is the user; flags in the shared memory say what workers saw.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>

#include "check.h"
#include "fake_session.h"
#include "on_terminal.h"
#include "process_state.h"

enum { FOREGROUND, LINE_READ, TOLD_FALSE, GO_ON }; /* flags */

static struct session session;

static void make(uint32_t items, uint32_t workers)
{
    memset(&session, 0, sizeof session);
    session.tty_fd = fcntl(0, F_DUPFD_CLOEXEC, 10);
    session_init(&session, &(struct ft_sched_options){.items = items, .workers = workers});
}

static bool same_modes(const struct termios *a, const struct termios *b)
{
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_lflag == b->c_lflag;
}

/* Run the session; the terminal must be as before when it is over. */
static void run_session(int expected)
{
    struct termios before, after;
    HOLDS(tcgetattr(0, &before) == 0);
    HOLDS(ft_engine_run(session.engine) == expected);
    HOLDS(tcgetpgrp(0) == getpgrp());
    HOLDS(tcgetattr(0, &after) == 0);
    HOLDS(same_modes(&before, &after));
    if (session.broken != NULL)
        terminal_say(session.broken);
    HOLDS(session.broken == NULL);
    HOLDS(!session.lent);
    session_release(&session);
}

static void read_line(int fd)
{
    char line[100];
    fake_write(fd, "name? ", 6);
    ssize_t len = read(fd, line, sizeof line);
    if (len == 6 && memcmp(line, "hello\n", 6) == 0)
        atomic_fetch_add(&fake_shared->flags[LINE_READ], 1);
    if (tcgetpgrp(fd) == getpgrp())
        atomic_fetch_add(&fake_shared->flags[FOREGROUND], 1);
}

/* ---- a worker that reads without asking: the kernel stops it ---- */

static void just_read(struct fake *fake, uint32_t item, void *arg)
{
    (void)arg;
    (void)item;
    int fd = terminal_fd();
    read_line(fd);
    close(fd);
    fake_send(fake, FT_MSG_REPORT, "\xc0", 1);
}

static void just_read_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, just_read, arg);
}

static void lend_to_reader(void)
{
    make(1, 1);
    session_add(&session, FAKE_GROUP | FAKE_PIPES, just_read_in_session, NULL);
    run_session(0);
    HOLDS(session.terminals == 2);
    HOLDS(session.dones[0] == 1);
}

static void a_worker_that_reads_gets_the_terminal(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, lend_to_reader);
    terminal_expect(&terminal, "name? ");
    terminal_type(&terminal, "hello\n");
    terminal_end(&terminal);
    assert_int_equal(atomic_load(&fake_shared->flags[LINE_READ]), 1);
    assert_int_equal(atomic_load(&fake_shared->flags[FOREGROUND]), 1);
}

/* Reports from before it reads, told to the session only when the worker already waits for the terminal. */
static void report_then_read(struct fake *fake, uint32_t item, void *arg)
{
    for (int i = 0; i < 3; i++)
        fake_send(fake, FT_MSG_REPORT, "\xc0", 1);
    just_read(fake, item, arg);
}

static void report_then_read_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, report_then_read, arg);
}

static bool is_stopped(pid_t pid)
{
    char state = process_state(pid);
    HOLDS(state != 0);
    return state == 'T';
}

/* A slow hook: it takes until the worker was stopped. */
static int wait_until_stopped(struct session *own, const struct session_event *event)
{
    if (event->kind == ON_MESSAGE && event->number == FT_MSG_REPORT && own->types[0][FT_MSG_REPORT] == 1)
        while (!is_stopped(*(pid_t *)own->arg))
            sched_yield();
    return 0;
}

static void lend_to_reader_behind_reports(void)
{
    struct ft_worker_spec spec;
    make(1, 1);
    fake_start(&spec, FAKE_GROUP | FAKE_PIPES, report_then_read_in_session, NULL);
    session.react = wait_until_stopped;
    session.arg = &spec.pid;
    HOLDS(ft_engine_add(session.engine, &spec) == 0);
    run_session(0);
    HOLDS(session.terminals == 2);
}

static void an_earlier_report_does_not_take_the_terminal_away(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, lend_to_reader_behind_reports);
    terminal_expect(&terminal, "name? ");
    terminal_type(&terminal, "hello\n");
    terminal_end(&terminal);
    assert_int_equal(atomic_load(&fake_shared->flags[LINE_READ]), 1);
    assert_int_equal(atomic_load(&fake_shared->flags[FOREGROUND]), 1);
}

/* ---- a worker that asks ---- */

static void make_raw(int fd)
{
    struct termios modes;
    tcgetattr(fd, &modes);
    modes.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    modes.c_iflag &= ~(tcflag_t)IXON;
    tcsetattr(fd, TCSANOW, &modes);
}

/* Borrow the terminal, change its modes and leave them so. */
static void ask_and_read(struct fake *fake, uint32_t item, void *arg)
{
    (void)item;
    (void)arg;
    fake_send(fake, FT_MSG_TTY_WANT, "\xc0", 1);
    if (fake_wait(fake, FT_MSG_TTY_LENT) != 0xc3) {
        atomic_fetch_add(&fake_shared->flags[TOLD_FALSE], 1);
        fake_send(fake, FT_MSG_TTY_BACK, "\xc0", 1);
        return;
    }
    int fd = terminal_fd();
    make_raw(fd);
    read_line(fd);
    close(fd);
    fake_send(fake, FT_MSG_TTY_BACK, "\xc0", 1);
}

static void ask_and_read_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, ask_and_read, arg);
}

static void lend_to_asking(void)
{
    make(3, 1);
    session_add(&session, FAKE_GROUP, ask_and_read_in_session, NULL);
    run_session(0);
    HOLDS(session.terminals == 6);
}

static void a_worker_that_asks_gets_the_terminal_and_gives_it_back(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, lend_to_asking);
    for (int i = 0; i < 3; i++) {
        terminal_expect(&terminal, "name? ");
        terminal_type(&terminal, "hello\n");
    }
    terminal_end(&terminal);
    assert_int_equal(atomic_load(&fake_shared->flags[LINE_READ]), 3);
    assert_int_equal(atomic_load(&fake_shared->flags[FOREGROUND]), 3);
}

/* It has read without asking before, and so has the terminal already. */
static void read_then_ask(struct fake *fake, uint32_t item, void *arg)
{
    int fd = terminal_fd();
    read_line(fd);
    close(fd);
    ask_and_read(fake, item, arg);
    fake_send(fake, FT_MSG_REPORT, "\xc0", 1);
}

static void read_then_ask_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, read_then_ask, arg);
}

static void lend_to_reader_that_asks(void)
{
    make(1, 1);
    session_add(&session, FAKE_GROUP | FAKE_PIPES, read_then_ask_in_session, NULL);
    run_session(0);
    HOLDS(session.terminals == 2);
    HOLDS(session.dones[0] == 1);
}

static void a_worker_that_has_read_may_ask(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, lend_to_reader_that_asks);
    for (int i = 0; i < 2; i++) {
        terminal_expect(&terminal, "name? ");
        terminal_type(&terminal, "hello\n");
    }
    terminal_end(&terminal);
    assert_int_equal(atomic_load(&fake_shared->flags[LINE_READ]), 2);
    assert_int_equal(atomic_load(&fake_shared->flags[FOREGROUND]), 2);
    assert_int_equal(atomic_load(&fake_shared->flags[TOLD_FALSE]), 0);
}

/* While one has the terminal the session hears of nobody else. */
static int only_the_holder_is_heard(struct session *own, const struct session_event *event)
{
    static int64_t holder = -1;
    if (event->kind == ON_TERMINAL)
        holder = event->number ? (int64_t)event->worker : -1;
    else if (event->kind != ON_TICK && holder >= 0 && holder != event->worker && own->broken == NULL)
        own->broken = "only the holder of the terminal is heard";
    return 0;
}

static void lend_to_two(void)
{
    make(6, 3);
    session.react = only_the_holder_is_heard;
    for (int i = 0; i < 3; i++)
        session_add(&session, FAKE_GROUP | FAKE_PIPES, ask_and_read_in_session, NULL);
    run_session(0);
    HOLDS(session.terminals == 12);
    HOLDS(session_all_done(&session, 6));
}

static void workers_get_the_terminal_one_after_another(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, lend_to_two);
    for (int i = 0; i < 6; i++) {
        terminal_expect(&terminal, "name? ");
        terminal_type(&terminal, "hello\n");
    }
    terminal_end(&terminal);
    assert_int_equal(atomic_load(&fake_shared->flags[LINE_READ]), 6);
    assert_int_equal(atomic_load(&fake_shared->flags[FOREGROUND]), 6);
}

/* What a worker said before it asked belongs on the screen before what it says at the prompt. */
static void talk_then_ask(struct fake *fake, uint32_t item, void *arg)
{
    for (int i = 0; i < 5; i++)
        fake_send(fake, FT_MSG_TEXT, "\xc0", 1);
    ask_and_read(fake, item, arg);
}

static void talk_then_ask_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, talk_then_ask, arg);
}

static int all_was_told(struct session *own, const struct session_event *event)
{
    if (event->kind == ON_TERMINAL && event->number && own->types[0][FT_MSG_TEXT] != 5 && own->broken == NULL)
        own->broken = "what a worker sent before it asked is told before it gets the terminal";
    return 0;
}

static void lend_after_all_was_told(void)
{
    make(1, 1);
    session.react = all_was_told;
    session_add(&session, FAKE_GROUP, talk_then_ask_in_session, NULL);
    run_session(0);
}

static void what_came_before_the_request_is_told_before_the_loan(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, lend_after_all_was_told);
    terminal_expect(&terminal, "name? ");
    terminal_type(&terminal, "hello\n");
    terminal_end(&terminal);
}

/* Without a terminal a worker that asks is told so, and the run goes on. */
static void without_a_terminal_the_answer_is_no(void **state)
{
    (void)state;
    memset(&session, 0, sizeof session);
    session_init(&session, &(struct ft_sched_options){.items = 4, .workers = 2});
    session_add(&session, FAKE_GROUP, ask_and_read_in_session, NULL);
    session_add(&session, FAKE_GROUP, ask_and_read_in_session, NULL);
    assert_int_equal(session_run(&session), 0);
    assert_true(session_all_done(&session, 4));
    assert_int_equal(atomic_load(&fake_shared->flags[TOLD_FALSE]), 4);
    session_release(&session);
}

/* ---- a session that refuses ---- */

static void ask_in_vain(struct fake *fake, uint32_t item, void *arg)
{
    (void)item;
    (void)arg;
    fake_send(fake, FT_MSG_TTY_WANT, "\xc0", 1);
    if (fake_wait(fake, FT_MSG_TTY_LENT) == 0xc0)
        atomic_fetch_add(&fake_shared->flags[TOLD_FALSE], 1);
}

static void ask_in_vain_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, ask_in_vain, arg);
}

static void refuse_those_that_ask(void)
{
    make(4, 2);
    ft_engine_refuse_terminal(session.engine);
    for (int i = 0; i < 2; i++)
        session_add(&session, FAKE_GROUP, ask_in_vain_in_session, NULL);
    run_session(0);
    HOLDS(session.terminals == 0);
    HOLDS(session_all_done(&session, 4));
}

static void a_worker_that_asks_may_be_refused(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, refuse_those_that_ask);
    terminal_end(&terminal);
    assert_int_equal(atomic_load(&fake_shared->flags[TOLD_FALSE]), 4);
}

/* The kernel stops the reader; after some rounds in which the engine could have lent the terminal it is ended. */
static int end_the_stopped(struct session *own, const struct session_event *event)
{
    static unsigned since;
    if (event->kind == ON_TERMINAL && own->broken == NULL)
        own->broken = "a terminal that is refused is lent to nobody";
    if (event->kind == ON_TICK && atomic_load(&fake_shared->flags[GO_ON]) != 0 && ++since == 50)
        ft_engine_kill(own->engine, SIGKILL, true);
    return 0;
}

static void say_and_read(struct fake *fake, uint32_t item, void *arg)
{
    atomic_store(&fake_shared->flags[GO_ON], 1);
    just_read(fake, item, arg);
}

static void say_and_read_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, say_and_read, arg);
}

static void refuse_those_that_read(void)
{
    memset(&session, 0, sizeof session);
    session.tick_ms = 5;
    session.tty_fd = fcntl(0, F_DUPFD_CLOEXEC, 10);
    session_init(&session, &(struct ft_sched_options){.items = 1, .workers = 1});
    session.react = end_the_stopped;
    ft_engine_refuse_terminal(session.engine);
    session_add(&session, FAKE_GROUP, say_and_read_in_session, NULL);
    run_session(0);
}

static void a_worker_that_reads_is_refused_too(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, refuse_those_that_read);
    terminal_end(&terminal);
}

/* ---- a holder that ends ---- */

static void ask_and_wait(struct fake *fake, uint32_t item, void *arg)
{
    (void)item;
    (void)arg;
    fake_send(fake, FT_MSG_TTY_WANT, "\xc0", 1);
    fake_wait(fake, FT_MSG_TTY_LENT);
    int fd = terminal_fd();
    make_raw(fd);
    fake_send(fake, FT_MSG_TEXT, "\xc0", 1);
    for (;;)
        pause();
}

static void ask_and_wait_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, ask_and_wait, arg);
}

static int kill_holder(struct session *own, const struct session_event *event)
{
    if (event->kind == ON_MESSAGE && event->number == FT_MSG_TEXT)
        kill(*(pid_t *)own->arg, SIGKILL);
    return 0;
}

static void kill_the_holder(void)
{
    struct ft_worker_spec spec;
    make(1, 1);
    fake_start(&spec, FAKE_GROUP | FAKE_PIPES, ask_and_wait_in_session, NULL);
    session.react = kill_holder;
    session.arg = &spec.pid;
    HOLDS(ft_engine_add(session.engine, &spec) == 0);
    run_session(0);
    HOLDS(session.terminals == 2);
    HOLDS(session.gone[0].item == 0 && WTERMSIG(session.gone[0].status) == SIGKILL);
}

static void the_terminal_comes_back_from_a_holder_that_was_killed(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, kill_the_holder);
    terminal_end(&terminal);
}

static int fail_while_lent(struct session *own, const struct session_event *event)
{
    (void)own;
    return event->kind == ON_MESSAGE && event->number == FT_MSG_TEXT ? -4242 : 0;
}

static void fail_the_callback(void)
{
    make(1, 1);
    session.react = fail_while_lent;
    session_add(&session, FAKE_GROUP | FAKE_PIPES, ask_and_wait_in_session, NULL);
    run_session(-4242);
}

static void the_terminal_comes_back_when_a_callback_fails(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, fail_the_callback);
    terminal_end(&terminal);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_worker_that_reads_gets_the_terminal),
        TEST(an_earlier_report_does_not_take_the_terminal_away),
        TEST(a_worker_that_asks_gets_the_terminal_and_gives_it_back),
        TEST(a_worker_that_has_read_may_ask),
        TEST(workers_get_the_terminal_one_after_another),
        TEST(what_came_before_the_request_is_told_before_the_loan),
        TEST(without_a_terminal_the_answer_is_no),
        TEST(a_worker_that_asks_may_be_refused),
        TEST(a_worker_that_reads_is_refused_too),
        TEST(the_terminal_comes_back_from_a_holder_that_was_killed),
        TEST(the_terminal_comes_back_when_a_callback_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

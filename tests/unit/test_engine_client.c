/*
 * engine/client and the loan by way of it: the run is in another session than the terminal.  A child plays the client,
 * which the terminal belongs to, and looks at workers and terminal; flags in the shared memory say how far all are.
 */
#include <errno.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

#include "check.h"
#include "fake_client.h"
#include "fake_session.h"

enum { PIDS, PIDS_1, GO_ON, EVENTS, LOANS, CAUGHT, WINDOW, MAY_STOP }; /* flags: two pids, then counters and gates */

static struct session session;
static int user, terminal; /* the two ends of the terminal */
static struct termios before;
static pid_t client;
static int senders[2]; /* of SIGINT that the session heard of */

static int flag(int number)
{
    return atomic_load(&fake_shared->flags[number]);
}

static void set(int number)
{
    atomic_store(&fake_shared->flags[number], 1);
}

static void await_count(int number, int count)
{
    while (flag(number) < count)
        sched_yield();
}

static bool modes_are_as_before(void)
{
    struct termios now;
    return tcgetattr(terminal, &now) == 0 && now.c_iflag == before.c_iflag && now.c_oflag == before.c_oflag &&
           now.c_lflag == before.c_lflag;
}

/* ---- the session ---- */

static int note_event(struct session *own, const struct session_event *event)
{
    atomic_fetch_add(&fake_shared->flags[EVENTS], 1);
    if (event->kind == ON_TERMINAL && event->number)
        atomic_fetch_add(&fake_shared->flags[LOANS], 1);
    if (event->kind == ON_TERMINAL && !event->number && !modes_are_as_before() && own->broken == NULL)
        own->broken = "the terminal comes back with the modes of the beginning";
    if (event->kind == ON_SIGNAL && event->number == SIGINT && own->signals[SIGINT] <= 2) {
        senders[own->signals[SIGINT] - 1] = event->sender;
        atomic_fetch_add(&fake_shared->flags[CAUGHT], 1);
    }
    /* The client is gone: it was to go (own->arg), or something did not hold. */
    if (event->kind == ON_SIGNAL && event->number == SIGHUP) {
        if (own->arg == NULL)
            ft_engine_kill(own->engine, SIGKILL, true);
        set(GO_ON);
    }
    return 0;
}

static void start(client_body *body, uint32_t items, uint32_t workers)
{
    signal(SIGINT, SIG_DFL); /* a shell's background job would ignore it */
    signal(SIGHUP, SIG_DFL);
    signal(SIGTSTP, SIG_DFL);
    assert_int_equal(openpty(&user, &terminal, NULL, NULL, NULL), 0);
    assert_int_equal(tcgetattr(terminal, &before), 0);
    int end = client_start(&client, body);
    memset(&session, 0, sizeof session);
    memset(senders, 0xff, sizeof senders);
    session.client_fd = end;
    session.client_pid = client;
    session.tty_fd = terminal;
    session.tick_ms = 1;
    session.react = note_event;
    session_init(&session, &(struct ft_sched_options){.items = items, .workers = workers, .batch_max = 1});
}

/* Run it; the client must have seen all that it waits for, and the terminal be as before. */
static void run(void)
{
    int status;
    int err = ft_engine_run(session.engine);
    close(session.client_fd);
    assert_int_equal(waitpid(client, &status, 0), client);
    assert_int_equal(status, 0);
    assert_int_equal(err, 0);
    assert_string_equal(session.broken == NULL ? "" : session.broken, "");
    assert_false(session.lent);
    session_release(&session);
    assert_true(modes_are_as_before());
    close(terminal);
    close(user);
}

/* ---- workers ---- */

static void make_raw(void)
{
    struct termios modes;
    tcgetattr(terminal, &modes);
    modes.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    modes.c_iflag &= ~(tcflag_t)IXON;
    tcsetattr(terminal, TCSANOW, &modes);
}

/* Get the terminal, the modes of which are changed before, as getpass does. */
static void borrow(struct fake *fake)
{
    make_raw();
    fake_send(fake, FT_MSG_TTY_WANT, "\xc0", 1);
    if (fake_wait(fake, FT_MSG_TTY_LENT) != 0xc3)
        _exit(8);
}

static void give_back(struct fake *fake)
{
    fake_send(fake, FT_MSG_TTY_BACK, "\xc0", 1);
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static void count(int number)
{
    atomic_fetch_add(&fake_shared->flags[number == SIGWINCH ? WINDOW : CAUGHT], 1);
}

/* It is in its test, `at` of those that the client looks at. */
static void report_in(int at)
{
    atomic_store(&fake_shared->flags[PIDS + at], (int)getpid());
}

/* Worker `arg` of two, busy until the client lets it go: there is always something to be told. */
static void be_busy(struct fake *fake, uint32_t item, void *arg)
{
    (void)item;
    report_in(arg != NULL);
    while (!flag(GO_ON)) {
        fake_send(fake, FT_MSG_TEXT, "\xc0", 1);
        sched_yield();
    }
}

static void be_busy_in_session(struct fake *fake, void *arg)
{
    handle(SIGWINCH, count);
    fake_session(fake, be_busy, arg);
}

static void add_busy(int at)
{
    session_add(&session, FAKE_GROUP | FAKE_PIPES, be_busy_in_session, at == 0 ? NULL : fake_shared);
}

/* ---- the loan ---- */

static void borrow_once(struct fake *fake, uint32_t item, void *arg)
{
    (void)item;
    (void)arg;
    borrow(fake);
    give_back(fake);
}

static void borrow_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, borrow_once, arg);
}

static void agree_later(int end)
{
    for (int i = 0; i < 3; i++) {
        HOLDS(flag(LOANS) == 0);
        client_answer(end, false);
    }
    client_answer(end, true);
    client_answer(end, true);
}

static void the_client_is_asked_until_it_is_in_the_foreground_and_for_each_loan(void **state)
{
    (void)state;
    start(agree_later, 2, 1);
    session_add(&session, FAKE_GROUP, borrow_in_session, NULL);
    run();
    assert_int_equal(session.terminals, 4);
    assert_true(session_all_done(&session, 2));
}

static void agree(int end)
{
    client_answer(end, true);
}

/* Ends with the terminal in its hands: by itself, or (arg) killed by the session. */
static void borrow_and_end(struct fake *fake, uint32_t item, void *arg)
{
    (void)item;
    borrow(fake);
    if (arg == NULL)
        _exit(3);
    fake_send(fake, FT_MSG_REPORT, "\xc0", 1);
    for (;;)
        pause();
}

static void borrow_and_end_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, borrow_and_end, arg);
}

static int kill_holder(struct session *own, const struct session_event *event)
{
    if (event->kind == ON_MESSAGE && event->number == FT_MSG_REPORT)
        ft_engine_kill(own->engine, SIGKILL, true);
    return note_event(own, event);
}

static void end_holder(bool by_kill)
{
    start(agree, 1, 1);
    session.react = kill_holder;
    session_add(&session, FAKE_GROUP, borrow_and_end_in_session, by_kill ? fake_shared : NULL);
    run();
    assert_int_equal(session.terminals, 2);
    assert_int_equal(session.gone[0].item, 0);
}

static void the_terminal_comes_back_from_a_holder_that_ended(void **state)
{
    (void)state;
    end_holder(false);
    assert_int_equal(WEXITSTATUS(session.gone[0].status), 3);
}

static void the_terminal_comes_back_from_a_holder_that_was_killed(void **state)
{
    (void)state;
    end_holder(true);
    assert_int_equal(WTERMSIG(session.gone[0].status), SIGKILL);
}

/* ---- Ctrl-Z ---- */

/* All have stopped, and the session is told nothing while the engine goes round. */
static void check_paused(int end)
{
    for (int i = 0; i < 2; i++)
        process_await_stop(flag(PIDS + i));
    int told = flag(EVENTS);
    client_let_go_round(end);
    HOLDS(flag(EVENTS) == told);
    HOLDS(client_hears_nothing(end));
}

static void pause_busy(int end)
{
    await_count(PIDS, 1);
    await_count(PIDS_1, 1);
    kill(getppid(), SIGTSTP);
    HOLDS(client_hear(end) == FT_MSG_SUSPENDED);
    check_paused(end);
}

static void pause_and_resume(int end)
{
    pause_busy(end);
    set(GO_ON);
    for (int i = 0; i < 2; i++)
        HOLDS(process_is_stopped(flag(PIDS + i)));
    client_say(end, FT_MSG_RESUME, "\xc3");
}

static void ctrl_z_at_the_client_stops_the_workers_until_it_goes_on(void **state)
{
    (void)state;
    start(pause_and_resume, 2, 2);
    add_busy(0);
    add_busy(1);
    run();
    assert_true(session_all_done(&session, 2));
    assert_int_equal(session.signals[SIGTSTP], 0);
    assert_int_equal(session.terminals, 0);
}

/* As a program does that puts the terminal in order first. */
static void stop_when_allowed(int number)
{
    atomic_fetch_add(&fake_shared->flags[CAUGHT], 1);
    while (!flag(MAY_STOP))
        sched_yield();
    signal(number, SIG_DFL);
    raise(number);
}

static void handle_stop(void)
{
    struct sigaction action = {.sa_handler = stop_when_allowed, .sa_flags = SA_NODEFER | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTSTP, &action, NULL);
}

static void hold_until_let_go(struct fake *fake, uint32_t item, void *arg)
{
    (void)item;
    (void)arg;
    handle_stop();
    handle(SIGWINCH, count);
    borrow(fake);
    report_in(0);
    fake_await(&fake_shared->flags[GO_ON]);
    give_back(fake);
}

static void hold_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, hold_until_let_go, arg);
}

static void pause_holder(int end)
{
    client_answer(end, true);
    await_count(PIDS, 1);
    await_count(PIDS_1, 1);
    kill(getppid(), SIGTSTP);
    await_count(CAUGHT, 1);
    client_let_go_round(end);
    HOLDS(client_hears_nothing(end));
    HOLDS(!process_is_stopped(flag(PIDS_1)) && !modes_are_as_before());
    set(MAY_STOP);
    HOLDS(client_hear(end) == FT_MSG_SUSPENDED);
    check_paused(end);
    HOLDS(modes_are_as_before());
}

static void resume_holder(int end)
{
    pause_holder(end);
    set(GO_ON);
    client_say(end, FT_MSG_RESUME, "\xc3");
}

static void resume_holder_in_background(int end)
{
    pause_holder(end);
    set(GO_ON);
    client_say(end, FT_MSG_RESUME, "\xc2");
}

static void suspend_holder(client_body *body)
{
    start(body, 2, 2);
    session_add(&session, FAKE_GROUP, hold_in_session, NULL);
    add_busy(1);
    run();
    assert_int_equal(session.terminals, 2);
    assert_int_equal(flag(CAUGHT), 1);
}

static void ctrl_z_comes_to_the_holder_first_which_goes_on_with_the_terminal(void **state)
{
    (void)state;
    suspend_holder(resume_holder);
    assert_true(session_all_done(&session, 2));
}

static void in_the_background_the_holder_goes_on_without_the_terminal(void **state)
{
    (void)state;
    suspend_holder(resume_holder_in_background);
    assert_true(session_all_done(&session, 2));
}

/* ---- a client that is gone ---- */

static void pause_and_go(int end)
{
    pause_busy(end);
    _exit(0);
}

static void pause_holder_and_go(int end)
{
    pause_holder(end);
    _exit(0);
}

static void a_client_that_ends_while_all_is_paused_hangs_up(void **state)
{
    (void)state;
    start(pause_and_go, 2, 2);
    session.arg = &session;
    add_busy(0);
    add_busy(1);
    run();
    assert_true(session_all_done(&session, 2));
    assert_int_equal(session.signals[SIGHUP], 1);
}

static void a_client_that_ends_takes_the_terminal_with_it(void **state)
{
    (void)state;
    start(pause_holder_and_go, 2, 2);
    session.arg = &session;
    session_add(&session, FAKE_GROUP, hold_in_session, NULL);
    add_busy(1);
    run();
    assert_true(session_all_done(&session, 2));
    assert_int_equal(session.signals[SIGHUP], 1);
    assert_int_equal(session.terminals, 2);
}

/* ---- Ctrl-C ---- */

/* Until it and its child are both interrupted. */
static void hold_until_interrupted(struct fake *fake, uint32_t item, void *arg)
{
    (void)item;
    (void)arg;
    handle(SIGINT, count);
    borrow(fake);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fake_await(&fake_shared->flags[GO_ON]);
        _exit(0);
    }
    report_in(0);
    fake_await(&fake_shared->flags[GO_ON]);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    give_back(fake);
}

static void hold_until_interrupted_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, hold_until_interrupted, arg);
}

static void interrupt_holder(int end)
{
    client_answer(end, true);
    await_count(PIDS, 1);
    kill(getppid(), SIGINT);
    await_count(CAUGHT, 2);
    set(GO_ON);
}

static void ctrl_c_interrupts_the_group_of_the_holder_alone(void **state)
{
    (void)state;
    start(interrupt_holder, 1, 1);
    session_add(&session, FAKE_GROUP, hold_until_interrupted_in_session, NULL);
    run();
    assert_int_equal(session.signals[SIGINT], 0);
    assert_int_equal(flag(CAUGHT), 2);
    assert_true(session_all_done(&session, 1));
}

static void interrupt_session(int end)
{
    (void)end;
    await_count(PIDS, 1);
    await_count(PIDS_1, 1);
    kill(getppid(), SIGINT);
    await_count(CAUGHT, 1);
    sigqueue(getppid(), SIGINT, (union sigval){0});
    await_count(CAUGHT, 2);
    set(GO_ON);
}

static void interrupt_session_while_lent(int end)
{
    client_answer(end, true);
    await_count(PIDS, 1);
    sigqueue(getppid(), SIGINT, (union sigval){0});
    await_count(CAUGHT, 1);
    set(GO_ON);
}

static void without_a_holder_ctrl_c_is_told_and_a_kill_with_its_sender(void **state)
{
    (void)state;
    start(interrupt_session, 2, 2);
    add_busy(0);
    add_busy(1);
    run();
    assert_int_equal(session.signals[SIGINT], 2);
    assert_int_equal(senders[0], 0);
    assert_int_equal(senders[1], client);
}

static void a_kill_is_told_whoever_has_the_terminal(void **state)
{
    (void)state;
    start(interrupt_session_while_lent, 1, 1);
    session_add(&session, FAKE_GROUP, hold_in_session, NULL);
    run();
    assert_int_equal(session.signals[SIGINT], 1);
    assert_int_equal(senders[0], client);
}

/* ---- the window ---- */

static void resize(int end)
{
    await_count(PIDS_1, 1);
    client_let_go_round(end); /* nobody has the terminal */
    HOLDS(flag(WINDOW) == 0);
    client_answer(end, true);
    await_count(PIDS, 1);
    client_say(end, FT_MSG_RESIZED, "\xc0");
    await_count(WINDOW, 1);
    set(GO_ON);
}

static void only_the_holder_hears_of_another_size(void **state)
{
    (void)state;
    start(resize, 2, 2);
    session_add(&session, FAKE_GROUP, hold_in_session, NULL);
    add_busy(1);
    run();
    assert_int_equal(flag(WINDOW), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_client_is_asked_until_it_is_in_the_foreground_and_for_each_loan),
        TEST(the_terminal_comes_back_from_a_holder_that_ended),
        TEST(the_terminal_comes_back_from_a_holder_that_was_killed),
        TEST(ctrl_z_at_the_client_stops_the_workers_until_it_goes_on),
        TEST(ctrl_z_comes_to_the_holder_first_which_goes_on_with_the_terminal),
        TEST(in_the_background_the_holder_goes_on_without_the_terminal),
        TEST(a_client_that_ends_while_all_is_paused_hangs_up),
        TEST(a_client_that_ends_takes_the_terminal_with_it),
        TEST(ctrl_c_interrupts_the_group_of_the_holder_alone),
        TEST(without_a_holder_ctrl_c_is_told_and_a_kill_with_its_sender),
        TEST(a_kill_is_told_whoever_has_the_terminal),
        TEST(only_the_holder_hears_of_another_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

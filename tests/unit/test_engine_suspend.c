/*
 * engine/engine and Ctrl-Z, at a worker that has the terminal and at the session.  There is a shell in between that
 * goes on with the job in the foreground or in the background.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "fake_session.h"
#include "on_terminal.h"

enum { FOREGROUND }; /* flags */

static struct session session;

static void make(uint32_t items, uint32_t workers)
{
    memset(&session, 0, sizeof session);
    session.tty_fd = fcntl(0, F_DUPFD_CLOEXEC, 10);
    session_init(&session, &(struct ft_sched_options){.items = items, .workers = workers});
}

/* The shell: starts the job in a group of its own, and when it stops goes on with it in fore- or background. */
static void be_shell(bool background, terminal_body *job)
{
    int status;
    signal(SIGTTOU, SIG_IGN);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        tcsetpgrp(0, getpid());
        signal(SIGTTOU, SIG_DFL);
        job();
        _exit(0);
    }
    setpgid(pid, pid);
    HOLDS(waitpid(pid, &status, WUNTRACED) == pid);
    HOLDS(WIFSTOPPED(status));
    tcsetpgrp(0, background ? getpgrp() : pid);
    kill(-pid, SIGCONT);
    HOLDS(waitpid(pid, &status, 0) == pid);
    HOLDS(!WIFSTOPPED(status));
    if (background)
        HOLDS(tcgetpgrp(0) == getpgrp());
    tcsetpgrp(0, getpgrp());
    HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The worker stops itself as Ctrl-Z would, while it has the terminal. */
static void ask_and_stop(struct fake *fake, uint32_t item, void *arg)
{
    (void)item;
    (void)arg;
    fake_send(fake, FT_MSG_TTY_WANT, "\xc0", 1);
    fake_wait(fake, FT_MSG_TTY_LENT);
    int fd = terminal_fd();
    kill(0, SIGTSTP);
    if (tcgetpgrp(fd) == getpgrp())
        atomic_fetch_add(&fake_shared->flags[FOREGROUND], 1);
    close(fd);
    fake_send(fake, FT_MSG_TTY_BACK, "\xc0", 1);
}

static void ask_and_stop_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, ask_and_stop, arg);
}

static void suspended_job(void)
{
    make(1, 1);
    session_add(&session, FAKE_GROUP, ask_and_stop_in_session, NULL);
    HOLDS(ft_engine_run(session.engine) == 0);
    HOLDS(session.dones[0] == 1);
    session_release(&session);
}

static void suspend_and_foreground(void)
{
    be_shell(false, suspended_job);
}

static void suspend_and_background(void)
{
    be_shell(true, suspended_job);
}

static void ctrl_z_at_a_worker_stops_the_job_and_fg_goes_on(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, suspend_and_foreground);
    terminal_end(&terminal);
    assert_int_equal(atomic_load(&fake_shared->flags[FOREGROUND]), 1);
}

static void after_bg_the_shell_keeps_the_terminal(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, suspend_and_background);
    terminal_end(&terminal);
    assert_int_equal(atomic_load(&fake_shared->flags[FOREGROUND]), 0);
}

static int suspend_once(struct session *own, const struct session_event *event)
{
    if (event->kind == ON_MESSAGE && event->number == FT_MSG_START && own->arg == NULL) {
        own->arg = own;
        raise(SIGTSTP);
    }
    return 0;
}

static void suspended_run(void)
{
    signal(SIGTSTP, SIG_DFL);
    make(5, 2);
    session.react = suspend_once;
    for (int i = 0; i < 2; i++)
        session_add(&session, FAKE_GROUP | FAKE_PIPES, fake_plain, NULL);
    HOLDS(ft_engine_run(session.engine) == 0);
    HOLDS(session_all_done(&session, 5));
    session_release(&session);
}

static void suspend_run_and_foreground(void)
{
    be_shell(false, suspended_run);
}

static void ctrl_z_at_the_session_stops_all_and_fg_goes_on(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, suspend_run_and_foreground);
    terminal_end(&terminal);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ctrl_z_at_a_worker_stops_the_job_and_fg_goes_on),
        TEST(ctrl_z_at_the_session_stops_all_and_fg_goes_on),
        TEST(after_bg_the_shell_keeps_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

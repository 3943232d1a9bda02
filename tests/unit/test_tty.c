/* engine/tty: the terminal is lent and comes back with its modes, whatever became of who had it. */
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "check.h"
#include "engine/tty.h"
#include "on_terminal.h"

static void what_is_no_terminal_is_not_lent(void **state)
{
    struct ft_tty tty;
    int null = open("/dev/null", O_RDWR);
    (void)state;
    for (int i = 0; i < 4; i++) {
        ft_tty_init(&tty, i % 2 == 0 ? -1 : null, i >= 2);
        assert_int_equal(tty.fd, -1);
        assert_int_equal(ft_tty_lend(&tty, getpid()), -ENOTTY);
        assert_false(tty.lent);
        ft_tty_take_back(&tty);
    }
    close(null);
}

/* A process in a group of its own that waits to be killed. */
static pid_t make_group(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    setpgid(pid, pid);
    return pid;
}

static bool same_modes(const struct termios *a, const struct termios *b)
{
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
           a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof a->c_cc) == 0;
}

static void lend_and_kill(void)
{
    struct ft_tty tty;
    struct termios before, raw, after;
    ft_tty_init(&tty, 0, false);
    HOLDS(tty.fd == 0 && tty.own == getpgrp());
    tcgetattr(0, &before);
    pid_t pid = make_group();
    HOLDS(ft_tty_lend(&tty, pid) == 0);
    HOLDS(tty.lent && tcgetpgrp(0) == pid);
    raw = before;
    cfmakeraw(&raw);
    signal(SIGTTOU, SIG_IGN); /* stands in for the borrower, who may */
    tcsetattr(0, TCSANOW, &raw);
    signal(SIGTTOU, SIG_DFL);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ft_tty_take_back(&tty);
    tcgetattr(0, &after);
    HOLDS(!tty.lent && tcgetpgrp(0) == getpgrp());
    HOLDS(same_modes(&before, &after));
    ft_tty_take_back(&tty);
    HOLDS(tcgetpgrp(0) == getpgrp());
}

static void it_comes_back_with_its_modes_after_the_borrower_was_killed(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, lend_and_kill);
    terminal_end(&terminal);
}

static void lend_to_nobody(void)
{
    struct ft_tty tty;
    ft_tty_init(&tty, 0, false);
    HOLDS(ft_tty_lend(&tty, 0x3ffffff) < 0);
    HOLDS(!tty.lent && tcgetpgrp(0) == getpgrp());
}

static void it_is_not_lent_to_a_group_that_does_not_exist(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, lend_to_nobody);
    terminal_end(&terminal);
}

static void look_from_the_background(void)
{
    pid_t pid = make_group();
    struct ft_tty tty;
    tcsetpgrp(0, pid);
    ft_tty_init(&tty, 0, false);
    HOLDS(!ft_tty_is_ours(&tty));
    ft_tty_take_back(&tty);
    HOLDS(tcgetpgrp(0) == pid);
}

static void a_process_in_the_background_has_none_to_lend(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, look_from_the_background);
    terminal_end(&terminal);
}

/* ---- the client's ---- */

/* A terminal that does not control us. */
static void open_terminal(int *user, int *fd)
{
    assert_int_equal(openpty(user, fd, NULL, NULL, NULL), 0);
}

static void make_raw(int fd)
{
    struct termios modes;
    tcgetattr(fd, &modes);
    cfmakeraw(&modes);
    tcsetattr(fd, TCSANOW, &modes);
}

static void a_remote_one_comes_back_with_the_modes_of_the_beginning(void **state)
{
    struct ft_tty tty;
    struct termios before, now;
    int user, fd;
    (void)state;
    open_terminal(&user, &fd);
    tcgetattr(fd, &before);
    ft_tty_init(&tty, fd, true);
    assert_int_equal(tty.fd, fd);
    for (int i = 0; i < 2; i++) {
        make_raw(fd); /* as getpass does, before it asks */
        assert_int_equal(ft_tty_lend(&tty, 0x3ffffff), 0);
        assert_true(tty.lent);
        tcgetattr(fd, &now);
        assert_false(same_modes(&before, &now));
        ft_tty_take_back(&tty);
        assert_false(tty.lent);
        tcgetattr(fd, &now);
        assert_true(same_modes(&before, &now));
    }
    make_raw(fd);
    ft_tty_take_back(&tty); /* not lent: what was done to it is none of our business */
    tcgetattr(fd, &now);
    assert_false(same_modes(&before, &now));
    close(fd);
    close(user);
}

static void what_does_not_control_us_is_not_ours(void **state)
{
    struct ft_tty tty;
    int user, fd;
    (void)state;
    open_terminal(&user, &fd);
    ft_tty_init(&tty, fd, true);
    assert_false(ft_tty_is_ours(&tty));
    ft_tty_init(&tty, fd, false);
    assert_int_equal(tty.fd, -1);
    assert_int_equal(ft_tty_lend(&tty, getpid()), -ENOTTY);
    close(fd);
    close(user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_terminal_is_not_lent),
        cmocka_unit_test(it_comes_back_with_its_modes_after_the_borrower_was_killed),
        cmocka_unit_test(it_is_not_lent_to_a_group_that_does_not_exist),
        cmocka_unit_test(a_process_in_the_background_has_none_to_lend),
        cmocka_unit_test(a_remote_one_comes_back_with_the_modes_of_the_beginning),
        cmocka_unit_test(what_does_not_control_us_is_not_ours),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

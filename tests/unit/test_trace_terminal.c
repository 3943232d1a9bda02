/* trace/interpose_terminal: files that are taken for terminals, and that the others are not. */
#include <dlfcn.h>
#include <pthread.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>

#include "on_terminal.h"
#include "traced.h"

#define TERMINAL(rows, columns) ((uint64_t)1 << 32 | (rows) << 16 | (columns))

enum { ROUNDS = 20000 };

/* A file that is none of the others. */
static int make_file(void)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    assert_int_not_equal(fd, -1);
    return fd;
}

static int pretend(int fd, uint64_t terminal)
{
    return ft_trace_library()->pretend(fd, terminal);
}

static int forget_all(void **state)
{
    (void)state;
    ft_trace_library()->pretend_nothing();
    return 0;
}

static void check_none(int fd)
{
    struct winsize size;
    errno = 0;
    assert_int_equal(isatty(fd), 0);
    assert_int_equal(errno, ENOTTY);
    assert_int_equal(ioctl(fd, TIOCGWINSZ, &size), -1);
    assert_int_equal(errno, ENOTTY);
}

static void check_size(int fd, int rows, int columns)
{
    struct winsize size;
    memset(&size, 0xff, sizeof size);
    errno = 77;
    assert_int_equal(isatty(fd), 1);
    assert_int_equal(ioctl(fd, TIOCGWINSZ, &size), 0);
    assert_int_equal(errno, 77);
    assert_int_equal(size.ws_row, rows);
    assert_int_equal(size.ws_col, columns);
    assert_int_equal(size.ws_xpixel, 0);
    assert_int_equal(size.ws_ypixel, 0);
}

/* ---- which files ---- */

static void it_is_the_file_that_is_a_terminal(void **state)
{
    int fd = make_file(), other = make_file(), copy = dup(fd);
    (void)state;
    check_none(fd);
    assert_int_equal(pretend(fd, TERMINAL(24, 80)), 0);
    check_size(fd, 24, 80);
    check_size(copy, 24, 80);
    check_none(other);
    assert_int_equal(dup2(other, fd), fd);
    check_none(fd);
    assert_int_equal(dup2(copy, other), other);
    check_size(other, 24, 80);
    close(fd);
    close(other);
    close(copy);
}

static void what_is_opened_under_the_same_number_is_none(void **state)
{
    int fd = make_file();
    (void)state;
    assert_int_equal(pretend(fd, TERMINAL(24, 80)), 0);
    close(fd);
    assert_int_equal(make_file(), fd);
    check_none(fd);
    close(fd);
}

static void sizes_may_be_anything_and_change(void **state)
{
    int fd = make_file();
    (void)state;
    assert_int_equal(pretend(fd, TERMINAL(0, 0)), 0);
    check_size(fd, 0, 0);
    assert_int_equal(pretend(fd, TERMINAL(65535u, 1)), 0);
    check_size(fd, 65535, 1);
    assert_int_equal(pretend(fd, TERMINAL(1, 65535)), 0);
    check_size(fd, 1, 65535);
    assert_int_equal(pretend(fd, 0), 0);
    check_none(fd);
    assert_int_equal(pretend(fd, 0), 0);
    close(fd);
}

static void there_are_three_at_most(void **state)
{
    int files[FT_TRACE_TERMINALS + 1];
    (void)state;
    for (int i = 0; i <= FT_TRACE_TERMINALS; i++) {
        files[i] = make_file();
        assert_int_equal(pretend(files[i], TERMINAL(1, i)), i < FT_TRACE_TERMINALS ? 0 : -ENOSPC);
    }
    for (int i = 0; i < FT_TRACE_TERMINALS; i++)
        check_size(files[i], 1, i);
    check_none(files[FT_TRACE_TERMINALS]);
    assert_int_equal(pretend(files[1], 0), 0);
    assert_int_equal(pretend(files[FT_TRACE_TERMINALS], TERMINAL(9, 9)), 0);
    check_none(files[1]);
    check_size(files[0], 1, 0);
    check_size(files[FT_TRACE_TERMINALS], 9, 9);
    ft_trace_library()->pretend_nothing();
    for (int i = 0; i <= FT_TRACE_TERMINALS; i++) {
        check_none(files[i]);
        close(files[i]);
    }
}

static void what_is_closed_cannot_be_one(void **state)
{
    (void)state;
    assert_int_equal(pretend(-1, TERMINAL(24, 80)), -EBADF);
    int fd = make_file();
    assert_int_equal(pretend(fd, TERMINAL(24, 80)), 0);
    close(fd);
    assert_int_equal(isatty(fd), 0);
    assert_int_equal(errno, EBADF);
}

static void children_pretend_too(void **state)
{
    int fd = make_file(), end;
    struct winsize size;
    (void)state;
    assert_int_equal(pretend(fd, TERMINAL(24, 80)), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool is = isatty(fd) == 1 && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col == 80;
        ft_trace_library()->pretend_nothing();
        _exit(is && isatty(fd) == 0 ? 7 : 1);
    }
    assert_int_equal(waitpid(pid, &end, 0), pid);
    assert_int_equal(WEXITSTATUS(end), 7);
    check_size(fd, 24, 80);
    close(fd);
}

static void *ask(void *file)
{
    struct winsize size;
    int fd = *(int *)file;
    for (int i = 0; i < ROUNDS; i++) {
        int result = ioctl(fd, TIOCGWINSZ, &size);
        if (result == 0 ? size.ws_row != size.ws_col : errno != ENOTTY)
            return NULL;
    }
    return file;
}

static void threads_may_ask_meanwhile(void **state)
{
    pthread_t threads[2];
    int fd = make_file();
    void *result;
    (void)state;
    trace_start();
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &fd), 0);
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(pretend(fd, i % 3 == 0 ? 0 : TERMINAL(i % 3, i % 3)), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &fd);
    }
    ft_trace_library()->stop();
    assert_false(ft_trace_library()->missed());
    close(fd);
}

/* ---- what is recorded ---- */

static void being_one_is_not_recorded_but_the_size_is(void **state)
{
    int fd = make_file();
    (void)state;
    assert_int_equal(pretend(fd, TERMINAL(24, 80)), 0);
    trace_start();
    assert_int_equal(isatty(fd), 1);
    assert_int_equal(ft_trace_library()->count(), 0);
    check_size(fd, 24, 80);
    ft_trace_library()->stop();
    assert_int_equal(ft_trace_library()->count(), 1);
    check_traced(FT_TRACE_TERMINAL, "size", 0);
    ft_trace_library()->forget();
    check_size(fd, 24, 80);
    assert_int_equal(ft_trace_library()->count(), 0);
    close(fd);
}

static void the_size_may_be_asked_by_either_function(void **state)
{
    void *function = dlsym(RTLD_DEFAULT, "tcgetwinsize"); /* which the C library need not have */
    int (*get)(int, struct winsize *);
    int fd = make_file(), other = make_file();
    struct winsize size;
    (void)state;
    assert_non_null(function);
    memcpy(&get, &function, sizeof get);
    assert_int_equal(pretend(fd, TERMINAL(24, 80)), 0);
    trace_start();
    assert_int_equal(get(other, &size), -1);
    assert_int_equal(errno, ENOTTY);
    assert_int_equal(ft_trace_library()->count(), 0);
    assert_int_equal(get(fd, &size), 0);
    ft_trace_library()->stop();
    assert_int_equal(size.ws_row, 24);
    assert_int_equal(size.ws_col, 80);
    check_traced(FT_TRACE_TERMINAL, "size", 0);
    assert_int_equal(get(fd, NULL), -1);
    assert_int_equal(errno, EFAULT);
    close(fd);
    close(other);
}

/* How a function is called.  Each returns the error. */
typedef int adapter(void *function, int fd);

static struct termios modes;
static struct winsize window;
static char text[64];

#define ADAPTER(adapter_name, type, parameters, arguments, failure) \
    static int adapter_name(void *function, int fd) \
    { \
        type(*call) parameters; \
        memcpy(&call, &function, sizeof call); \
        errno = 0; \
        return call arguments == failure ? errno : 0; \
    }

ADAPTER(plain, int, (int), (fd), -1)
ADAPTER(number, int, (int, int), (fd, 0), -1)
ADAPTER(flush, int, (int, int), (fd, TCIOFLUSH), -1)
ADAPTER(flow, int, (int, int), (fd, TCOON), -1)
ADAPTER(get_modes, int, (int, struct termios *), (fd, &modes), -1)
ADAPTER(set_modes, int, (int, int, const struct termios *), (fd, TCSANOW, &modes), -1)
ADAPTER(set_size, int, (int, const struct winsize *), (fd, &window), -1)
ADAPTER(set_group, int, (int, pid_t), (fd, getpgrp()), -1)
ADAPTER(modes_asked, int, (int, unsigned long, ...), (fd, TCGETS, &modes), -1)
ADAPTER(name_of, char *, (int), (fd), NULL)

static int name_into(void *function, int fd)
{
    int (*call)(int, char *, size_t, size_t); /* the last is for one of them */
    memcpy(&call, &function, sizeof call);
    return call(fd, text, sizeof text, sizeof text);
}

static const struct call {
    const char *name, *recorded;
    adapter *call;
} calls[] = {
    {"tcgetattr", "tcgetattr", get_modes}, {"tcsetattr", "tcsetattr", set_modes},
    {"tcsendbreak", "tcsendbreak", number}, {"tcdrain", "tcdrain", plain},
    {"tcflush", "tcflush", flush}, {"tcflow", "tcflow", flow},
    {"tcgetpgrp", "tcgetpgrp", plain}, {"tcsetpgrp", "tcsetpgrp", set_group},
    {"tcgetsid", "tcgetsid", plain}, {"tcsetwinsize", "tcsetwinsize", set_size},
    {"ioctl", "ioctl", modes_asked}, {"ttyname", "ttyname", name_of},
    {"ttyname_r", "ttyname_r", name_into}, {"__ttyname_r_chk", "ttyname_r", name_into},
};

static void everything_else_fails_and_is_recorded(void **state)
{
    int fd = make_file(), other = make_file(), copy = dup(fd);
    (void)state;
    assert_int_equal(pretend(fd, TERMINAL(24, 80)), 0);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        void *function = dlsym(RTLD_DEFAULT, calls[i].name);
        assert_non_null(function);
        trace_start();
        assert_int_equal(calls[i].call(function, other), ENOTTY);
        assert_int_equal(ft_trace_library()->count(), 0);
        assert_int_equal(calls[i].call(function, copy), ENOTTY);
        ft_trace_library()->stop();
        assert_int_equal(ft_trace_library()->count(), 1);
        check_traced(FT_TRACE_TERMINAL, calls[i].recorded, ENOTTY);
        ft_trace_library()->forget();
        assert_int_equal(calls[i].call(function, fd), ENOTTY);
        assert_int_equal(ft_trace_library()->count(), 0);
    }
    close(fd);
    close(other);
    close(copy);
}

static void what_every_file_can_be_asked_is_not_for_terminals(void **state)
{
    int fd = make_file(), yes = 1;
    (void)state;
    assert_int_equal(pretend(fd, TERMINAL(24, 80)), 0);
    trace_start();
    assert_int_equal(ioctl(fd, FIONCLEX), 0);
    assert_int_equal(fcntl(fd, F_GETFD), 0);
    assert_int_equal(ioctl(fd, FIOCLEX), 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(ioctl(fd, FIONBIO, &yes), 0);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    ft_trace_library()->stop();
    assert_int_equal(ft_trace_library()->count(), 0);
    close(fd);
}

/* ---- real ones ---- */

static void ask_the_terminal(void)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    struct winsize size = {.ws_row = 33, .ws_col = 44, .ws_xpixel = 5};
    HOLDS(pretend(fd, TERMINAL(24, 80)) == 0);
    HOLDS(ioctl(0, TIOCSWINSZ, &size) == 0);
    trace_start();
    HOLDS(isatty(0) == 1);
    size = (struct winsize){0};
    HOLDS(ioctl(0, TIOCGWINSZ, &size) == 0);
    HOLDS(size.ws_row == 33 && size.ws_col == 44 && size.ws_xpixel == 5);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        void *function = dlsym(RTLD_DEFAULT, calls[i].name);
        window = size;
        terminal_check(calls[i].call(function, 0) == 0, calls[i].name, __LINE__);
    }
    ft_trace_library()->stop();
    HOLDS(strncmp(text, "/dev/", 5) == 0);
    for (size_t i = 0; i < ft_trace_library()->count(); i++)
        HOLDS(ft_trace_library()->entry(i).kind != FT_TRACE_TERMINAL);
}

static void real_terminals_answer_for_themselves(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, ask_the_terminal);
    terminal_end(&terminal);
}

#define FORGETTING(name) cmocka_unit_test_teardown(name, forget_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FORGETTING(it_is_the_file_that_is_a_terminal),
        FORGETTING(what_is_opened_under_the_same_number_is_none),
        FORGETTING(sizes_may_be_anything_and_change),
        FORGETTING(there_are_three_at_most),
        FORGETTING(what_is_closed_cannot_be_one),
        FORGETTING(children_pretend_too),
        FORGETTING(threads_may_ask_meanwhile),
        FORGETTING(being_one_is_not_recorded_but_the_size_is),
        FORGETTING(the_size_may_be_asked_by_either_function),
        FORGETTING(everything_else_fails_and_is_recorded),
        FORGETTING(what_every_file_can_be_asked_is_not_for_terminals),
        FORGETTING(real_terminals_answer_for_themselves),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

#include "cli/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/exitcode.h"
#include "cli/python.h"
#include "wire/frame.h"
#include "wire/msgpack.h"
#include "wire/protocol.h"

extern char **environ;

enum { LOWEST_FD = 10, OWN_ARGS = 6, AGAIN_MS = 200 };

/*
 * What the interpreter is started with.  It must parse in every Python since 2.7, and it takes the current folder off
 * sys.path before anything is imported, since the `pytest` command does not have it there either.
 */
static const char bootstrap[] =
    "import sys\n"
    "if sys.path and sys.path[0] == '': del sys.path[0]\n"
    "try: from fleetest.launch import from_client as run\n"
    "except ImportError as error:\n"
    "    old = sys.version_info < (3, 9)\n"
    "    if not old and (error.name or '').split('.')[0] != 'fleetest': raise\n"
    "    why = 'is too old: 3.9 or later is needed' if old else 'has no fleetest that it can load: install it there'\n"
    "    what = (sys.executable,) + sys.version_info[:2] + (why,)\n"
    "    sys.stderr.write('fleetest: %s (Python %d.%d) %s; or name another with --python PATH\\n' % what)\n"
    "    sys.exit(102 if old else 103)\n"
    "run()\n";

/* The terminal as the command found it, for the case that the controller dies while a worker has it. */
struct terminal {
    int fd;               /* -1: none, or we are not in its foreground */
    struct termios modes;
};

struct session {
    struct terminal terminal;
    pid_t pid;
    int pair;         /* our end of the pair with the controller */
    int signals;      /* signalfd */
    bool ended;       /* the end-of-run message came */
    int code;         /* that it carried */
    int fatal;        /* SIGTERM or SIGHUP that was passed on; 0: none */
    struct timespec passed_on; /* when a signal was last passed on */
};

static int fail(const char *what, int err)
{
    fprintf(stderr, "fleetest: %s: %s\n", what, strerror(err));
    return FT_EXIT_SYSTEM;
}

/* A close-on-exec socket pair out of the way of the descriptors that tests may count on. */
static int make_pair(int pair[2])
{
    int low[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, low) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        pair[i] = fcntl(low[i], F_DUPFD_CLOEXEC, LOWEST_FD);
        close(low[i]);
    }
    return pair[0] < 0 || pair[1] < 0 ? -EMFILE : 0;
}

/* The signals that are read from the signalfd instead of acted upon. */
static void handled_signals(sigset_t *set)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD};
    sigemptyset(set);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction action;
        /* What the parent had us ignore (nohup) stays ignored, though a signalfd would show it. */
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(set, numbers[i]);
    }
}

static void terminal_note(struct terminal *terminal)
{
    terminal->fd = -1;
    for (int fd = 0; fd <= 2 && terminal->fd < 0; fd++)
        if (isatty(fd) && tcgetpgrp(fd) == getpgrp() && tcgetattr(fd, &terminal->modes) == 0)
            terminal->fd = fd;
}

/* Nothing to do if we are in the foreground, or if the shell is because the job was put into the background. */
static void terminal_restore(const struct terminal *terminal)
{
    pid_t group = terminal->fd < 0 ? -1 : tcgetpgrp(terminal->fd);
    sigset_t block, before;
    if (group < 0 || group == getpgrp() || group == getpgid(getppid()))
        return;
    sigemptyset(&block);
    sigaddset(&block, SIGTTOU);
    sigprocmask(SIG_BLOCK, &block, &before);
    tcsetpgrp(terminal->fd, getpgrp());
    tcsetattr(terminal->fd, TCSADRAIN, &terminal->modes);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static int start(struct session *session, const char *python, char **args, int len, int theirs, const sigset_t *before)
{
    char self[PATH_MAX], number[16];
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    char **argv = calloc((size_t)len + OWN_ARGS + 1, sizeof *argv);
    if (argv == NULL || ft_python_self(self, sizeof self) < 0) {
        free(argv);
        return -ENOMEM;
    }
    snprintf(number, sizeof number, "%d", theirs);
    argv[0] = (char *)(size_t)python;
    argv[1] = (char *)(size_t)"-c";
    argv[2] = (char *)(size_t)bootstrap;
    argv[3] = number;
    argv[4] = self;
    argv[5] = (char *)(size_t)FT_VERSION;
    memcpy(argv + OWN_ARGS, args, (size_t)len * sizeof *argv);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, before);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs, theirs); /* takes close-on-exec off */
    int err = posix_spawn(&session->pid, python, &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    free(argv);
    return -err;
}

/*
 * Pass a signal on that somebody sent to the command alone.  What the terminal sends goes to the whole foreground
 * group, the controller included, and `timeout` sends twice: neither may count as the user's second Ctrl-C.
 */
static void pass_on(struct session *session, const struct signalfd_siginfo *info)
{
    struct timespec now;
    int number = (int)info->ssi_signo;
    if (number == SIGTERM || number == SIGHUP)
        session->fatal = number;
    if (info->ssi_code == SI_KERNEL)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long passed = (now.tv_sec - session->passed_on.tv_sec) * 1000LL +
                       (now.tv_nsec - session->passed_on.tv_nsec) / 1000000;
    if (session->passed_on.tv_sec != 0 && passed < AGAIN_MS)
        return;
    session->passed_on = now;
    kill(session->pid, number);
}

static void read_message(struct session *session)
{
    unsigned char bytes[256];
    ssize_t got = recv(session->pair, bytes, sizeof bytes, MSG_DONTWAIT);
    struct ft_frame_reader reader = FT_FRAME_READER_INIT;
    struct ft_message_view view;
    uint32_t code;
    if (got > 0 && ft_frame_feed(&reader, bytes, (size_t)got) == 0 && ft_frame_next(&reader, &view) == 1 &&
        view.type == FT_MSG_EXIT) {
        struct ft_mp_reader payload = {view.payload, view.payload + view.len};
        if (ft_mp_read_u32(&payload, &code) == 0) {
            session->ended = true;
            session->code = (int)code;
        }
    }
    ft_frame_reader_release(&reader);
}

/* Wait for the process.  Returns its status. */
static int wait_for_end(struct session *session)
{
    int status = 0;
    for (;;) {
        struct signalfd_siginfo info;
        ssize_t got = read(session->signals, &info, sizeof info);
        if (got != (ssize_t)sizeof info && errno != EINTR)
            break;
        if (got == (ssize_t)sizeof info && info.ssi_signo != SIGCHLD)
            pass_on(session, &info);
        pid_t pid = waitpid(session->pid, &status, WNOHANG);
        if (pid == session->pid || (pid < 0 && errno == ECHILD))
            break;
    }
    read_message(session);
    return status;
}

static void die_of(int number, const sigset_t *before)
{
    signal(number, SIG_DFL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    sigprocmask(SIG_SETMASK, before, NULL);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    raise(number);
}

/* The exit code that process status and end-of-run message amount to. */
static int exit_code(const struct session *session, int status)
{
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "fleetest: the session was killed by signal %d (%s) before the run was over\n",
                WTERMSIG(status), strsignal(WTERMSIG(status)));
        return FT_EXIT_LOST_SESSION;
    }
    int code = WEXITSTATUS(status);
    if (session->ended)
        return code != 0 ? code : session->code;
    if (code != 0)
        return code;
    fprintf(stderr, "fleetest: the session exited before the run was over: a test or plugin called os._exit(0) or the "
                    "like; with -n 1 the run goes on and the test is named\n");
    return FT_EXIT_LOST_SESSION;
}

int ft_session_run(const char *python, char **args, int len)
{
    struct session session = {.pair = -1, .signals = -1};
    int pair[2] = {-1, -1};
    sigset_t handled, before;
    int err = make_pair(pair);
    if (err < 0)
        return fail("cannot make a socket pair", -err);
    signal(SIGCHLD, SIG_DFL); /* ignored, no end of a process would be told, to us or to the controller */
    handled_signals(&handled);
    terminal_note(&session.terminal);
    sigprocmask(SIG_BLOCK, &handled, &before);
    session.pair = pair[0];
    session.signals = signalfd(-1, &handled, SFD_CLOEXEC);
    if (session.signals < 0)
        return fail("cannot make a signal descriptor", errno);
    err = start(&session, python, args, len, pair[1], &before);
    close(pair[1]);
    if (err < 0)
        return fail(python, -err);
    int status = wait_for_end(&session);
    if (!session.ended)
        terminal_restore(&session.terminal);
    if (session.fatal != 0)
        die_of(session.fatal, &before);
    return exit_code(&session, status);
}

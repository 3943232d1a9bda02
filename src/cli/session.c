#include "cli/session.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bootstrap.h"
#include "cli/console.h"
#include "cli/outcome.h"
#include "cli/python.h"
#include "cli/relay.h"
#include "wire/fds.h"

extern char **environ;

enum { OWN_ARGS = 8 };

static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD};

struct session {
    struct ft_console console;
    struct ft_outcome outcome;
    pid_t pid;
    int pair; /* our end of the pair with the controller */
    struct ft_relay relay;
};

static int start(struct session *session, const char *python, char **args, int len, int theirs,
                 const struct ft_cold *cold)
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
    argv[2] = (char *)(size_t)FT_BOOTSTRAP;
    argv[3] = number;
    argv[4] = self;
    argv[5] = (char *)(size_t)FT_VERSION;
    argv[6] = (char *)(size_t)cold->reason;
    argv[7] = (char *)(size_t)cold->advice;
    memcpy(argv + OWN_ARGS, args, (size_t)len * sizeof *argv);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &session->relay.before);
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
 * group, the controller included.
 */
static void pass_on(struct session *session, const struct signalfd_siginfo *info)
{
    int number = (int)info->ssi_signo;
    if (number == SIGTERM || number == SIGHUP)
        session->outcome.fatal = number;
    if (info->ssi_code != SI_KERNEL && !ft_relay_repeats(&session->relay))
        kill(session->pid, number);
}

/* Wait for the process.  Returns its status. */
static int wait_for_end(struct session *session)
{
    int status = 0;
    for (;;) {
        struct signalfd_siginfo info;
        ssize_t got = read(session->relay.fd, &info, sizeof info);
        if (got != (ssize_t)sizeof info && errno != EINTR)
            break;
        if (got == (ssize_t)sizeof info && info.ssi_signo != SIGCHLD)
            pass_on(session, &info);
        pid_t pid = waitpid(session->pid, &status, WNOHANG);
        if (pid == session->pid || (pid < 0 && errno == ECHILD))
            break;
    }
    ft_outcome_read(&session->outcome, session->pair);
    return status;
}

int ft_session_run(const char *python, char **args, int len, const struct ft_cold *cold)
{
    struct session session = {.pair = -1};
    int pair[2];
    int err = ft_fds_pair(pair, SOCK_SEQPACKET);
    if (err < 0)
        return ft_outcome_system("cannot make a socket pair", -err);
    signal(SIGCHLD, SIG_DFL); /* ignored, no end of a process would be told, to us or to the controller */
    ft_console_note(&session.console);
    session.pair = pair[0];
    err = ft_relay_open(&session.relay, handled, sizeof handled / sizeof handled[0]);
    if (err < 0)
        return ft_outcome_system("cannot make a signal descriptor", -err);
    err = start(&session, python, args, len, pair[1], cold);
    close(pair[1]);
    if (err < 0)
        return ft_outcome_system(python, -err);
    int status = wait_for_end(&session);
    if (!session.outcome.ended)
        ft_console_restore(&session.console);
    if (session.outcome.fatal != 0)
        ft_outcome_die(session.outcome.fatal, &session.relay.before);
    return ft_outcome_exit_code(&session.outcome, status);
}

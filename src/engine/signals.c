#include "engine/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "wire/fds.h"

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP};

enum { CAUGHT = sizeof caught / sizeof caught[0] };

/* A signal handler has no argument of ours, so this state is the process's; `owned` guards it. */
static atomic_flag owned = ATOMIC_FLAG_INIT;
static struct sigaction former[CAUGHT];
static bool taken_over[CAUGHT];
static int pipe_read = -1;
static volatile sig_atomic_t pipe_write = -1;
static volatile pid_t owner;

static void note(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    (void)context;
    if (getpid() != owner) /* a process forked meanwhile has inherited handler and pipe */
        return;
    struct ft_signal signal = {number, info->si_code > 0 ? 0 : info->si_pid, info->si_code == SI_QUEUE};
    /* A full pipe has enough to read already. */
    ssize_t ignored = write(pipe_write, &signal, sizeof signal);
    (void)ignored;
    errno = saved;
}

int ft_signals_catch(void)
{
    int ends[2];
    if (atomic_flag_test_and_set(&owned))
        return -EBUSY;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        int err = errno;
        atomic_flag_clear(&owned);
        return -err;
    }
    owner = getpid();
    pipe_read = ft_fds_raise(ends[0]);
    pipe_write = ft_fds_raise(ends[1]);
    if (pipe_read < 0 || pipe_write < 0) {
        ft_signals_release();
        return -EMFILE;
    }
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < CAUGHT; i++) {
        sigaction(caught[i], NULL, &former[i]);
        taken_over[i] = former[i].sa_handler != SIG_IGN;
        if (taken_over[i])
            sigaction(caught[i], &action, NULL);
    }
    return pipe_read;
}

int ft_signals_take(struct ft_signal *signal)
{
    if (pipe_read < 0)
        return 0;
    return read(pipe_read, signal, sizeof *signal) == (ssize_t)sizeof *signal;
}

void ft_signals_suspend(bool group)
{
    struct sigaction ours, plain = {.sa_handler = SIG_DFL};
    sigset_t only, before;
    sigemptyset(&plain.sa_mask);
    sigemptyset(&only);
    sigaddset(&only, SIGTSTP);
    sigaction(SIGTSTP, &plain, &ours);
    pthread_sigmask(SIG_UNBLOCK, &only, &before);
    kill(group ? 0 : getpid(), SIGTSTP);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sigaction(SIGTSTP, &ours, NULL);
}

void ft_signals_release(void)
{
    for (int i = 0; i < CAUGHT; i++) {
        if (taken_over[i])
            sigaction(caught[i], &former[i], NULL);
        taken_over[i] = false;
    }
    if (pipe_read >= 0)
        close(pipe_read);
    if (pipe_write >= 0)
        close(pipe_write);
    pipe_read = -1;
    pipe_write = -1;
    atomic_flag_clear(&owned);
}

#include "cli/relay.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "wire/fds.h"

enum { AGAIN_MS = 200 };

int ft_relay_open(struct ft_relay *relay, const int *numbers, size_t count)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) {
        struct sigaction action;
        /* A signalfd would show one that is ignored. */
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&set, numbers[i]);
    }
    relay->passed_on = (struct timespec){0, 0};
    sigprocmask(SIG_BLOCK, &set, &relay->before);
    int low = signalfd(-1, &set, SFD_CLOEXEC);
    relay->fd = low < 0 ? -errno : ft_fds_raise(low);
    if (relay->fd < 0)
        sigprocmask(SIG_SETMASK, &relay->before, NULL);
    return relay->fd < 0 ? relay->fd : 0;
}

void ft_relay_stop(void)
{
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGTSTP);
    raise(SIGTSTP); /* blocked, and so pending, until the next call */
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    sigprocmask(SIG_BLOCK, &only, NULL);
}

void ft_relay_close(struct ft_relay *relay)
{
    if (relay->fd < 0)
        return;
    close(relay->fd);
    relay->fd = -1;
    sigprocmask(SIG_SETMASK, &relay->before, NULL);
}

bool ft_relay_repeats(struct ft_relay *relay)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long passed = (now.tv_sec - relay->passed_on.tv_sec) * 1000LL +
                       (now.tv_nsec - relay->passed_on.tv_nsec) / 1000000;
    if (relay->passed_on.tv_sec != 0 && passed < AGAIN_MS)
        return true;
    relay->passed_on = now;
    return false;
}

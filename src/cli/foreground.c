#include "cli/foreground.h"

#include <fcntl.h>
#include <unistd.h>

bool ft_foreground_is_ours(void)
{
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    pid_t group = fd < 0 ? -1 : tcgetpgrp(fd);
    if (fd >= 0)
        close(fd);
    return group == getpgrp();
}

/* Whether somebody in the session, as a rule the shell, would see that we have stopped: the kernel asks the same. */
static bool has_shell(void)
{
    pid_t parent = getppid();
    return getsid(parent) == getsid(0) && getpgid(parent) != getpgrp();
}

bool ft_foreground_wait(const sigset_t *mask)
{
    struct sigaction action;
    bool stops = sigaction(SIGTTIN, NULL, &action) == 0 && action.sa_handler == SIG_DFL && !sigismember(mask, SIGTTIN);
    while (!ft_foreground_is_ours()) {
        if (!stops || !has_shell())
            return false;
        kill(0, SIGTTIN);
    }
    return true;
}

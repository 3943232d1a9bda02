#include "cli/foreground.h"

#include <fcntl.h>
#include <unistd.h>

#include "cli/process_stat.h"

bool ft_foreground_is_ours(void)
{
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    pid_t group = fd < 0 ? -1 : tcgetpgrp(fd);
    if (fd >= 0)
        close(fd);
    return group == getpgrp();
}

/*
 * Whether somebody would see that our group has stopped, as a rule the shell: the first process above us that is not in
 * the group has to be in the session.  The kernel asks the same of all in the group.
 */
static bool has_shell(void)
{
    pid_t above = getppid();
    while (above > 1 && getpgid(above) == getpgrp())
        above = ft_process_stat(above).parent;
    return above > 0 && getsid(above) == getsid(0);
}

/* Whether a signal waits that the caller takes in by other means. */
static bool is_signalled(const sigset_t *mask)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};
    sigset_t pending;
    sigpending(&pending);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (sigismember(&pending, numbers[i]) && !sigismember(mask, numbers[i]))
            return true;
    return false;
}

enum ft_foreground ft_foreground_wait(const sigset_t *mask)
{
    struct sigaction action;
    bool stops = sigaction(SIGTTIN, NULL, &action) == 0 && action.sa_handler == SIG_DFL && !sigismember(mask, SIGTTIN);
    while (!ft_foreground_is_ours()) {
        if (is_signalled(mask))
            return FT_FOREGROUND_SIGNALLED;
        if (!stops || !has_shell())
            return FT_FOREGROUND_NEVER;
        kill(0, SIGTTIN);
    }
    return FT_FOREGROUND_OURS;
}

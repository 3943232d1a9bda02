#include "cli/console.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

void ft_console_note(struct ft_console *console)
{
    console->fd = -1;
    for (int fd = 0; fd <= 2 && console->fd < 0; fd++)
        if (isatty(fd) && tcgetpgrp(fd) == getpgrp() && tcgetattr(fd, &console->modes) == 0)
            console->fd = fd;
}

void ft_console_restore(const struct ft_console *console)
{
    pid_t group = console->fd < 0 ? -1 : tcgetpgrp(console->fd);
    sigset_t block, before;
    /* Nothing to do if we are in the foreground, or if the shell is. */
    if (group < 0 || group == getpgrp() || group == getpgid(getppid()))
        return;
    sigemptyset(&block);
    sigaddset(&block, SIGTTOU);
    sigprocmask(SIG_BLOCK, &block, &before);
    tcsetpgrp(console->fd, getpgrp());
    tcsetattr(console->fd, TCSADRAIN, &console->modes);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

void ft_console_reset(const struct ft_console *console)
{
    if (console->fd >= 0 && tcgetpgrp(console->fd) == getpgrp())
        tcsetattr(console->fd, TCSADRAIN, &console->modes);
}

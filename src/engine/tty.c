#include "engine/tty.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

void ft_tty_init(struct ft_tty *tty, int fd, bool remote)
{
    *tty = (struct ft_tty){.fd = -1, .remote = remote, .own = getpgrp()};
    if (isatty(fd) && (remote || tcgetpgrp(fd) >= 0))
        tty->fd = fd;
    /* Who reads from a remote one asks for it after changing its modes: getpass, for one. */
    if (tty->fd >= 0 && remote && tcgetattr(fd, &tty->modes) < 0)
        tty->fd = -1;
}

bool ft_tty_is_ours(const struct ft_tty *tty)
{
    return tty->fd >= 0 && tcgetpgrp(tty->fd) == tty->own;
}

/* tcsetpgrp from the background stops the caller with SIGTTOU unless the signal is blocked. */
static int set_foreground(const struct ft_tty *tty, pid_t group)
{
    sigset_t block, before;
    sigemptyset(&block);
    sigaddset(&block, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &block, &before);
    int err = tcsetpgrp(tty->fd, group) < 0 ? -errno : 0;
    if (err == 0 && group == tty->own && tty->lent)
        tcsetattr(tty->fd, TCSADRAIN, &tty->modes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

int ft_tty_lend(struct ft_tty *tty, pid_t group)
{
    if (tty->fd < 0)
        return -ENOTTY;
    if (!tty->remote && tcgetattr(tty->fd, &tty->modes) < 0)
        return -errno;
    int err = tty->remote ? 0 : set_foreground(tty, group);
    tty->lent = err == 0;
    return err;
}

void ft_tty_take_back(struct ft_tty *tty)
{
    if (!tty->lent)
        return;
    if (tty->remote)
        tcsetattr(tty->fd, TCSADRAIN, &tty->modes);
    else
        set_foreground(tty, tty->own);
    tty->lent = false;
}

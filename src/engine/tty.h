/* The controlling terminal, lent to one worker at a time and taken back, whatever became of the worker. */
#ifndef FT_ENGINE_TTY_H
#define FT_ENGINE_TTY_H

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

/*
 * A run by way of the daemon is in another session than the terminal: it is the client's, `remote`.  Then there is no
 * foreground group to be made of a worker; whether the client is in the foreground, it says itself.
 */
struct ft_tty {
    int fd;               /* -1: there is no terminal to lend */
    bool remote;
    pid_t own;            /* our process group */
    bool lent;
    struct termios modes; /* as they were when it was lent; of a remote one, when the run began */
};

/* Look whether `fd` is our controlling terminal, or the client's if it is remote.  Does not own fd. */
void ft_tty_init(struct ft_tty *tty, int fd, bool remote);

/* Whether we are in the foreground, so that the terminal is ours to lend.  Not for one that is remote. */
bool ft_tty_is_ours(const struct ft_tty *tty);

/* Make `group` the foreground group, and remember the terminal's modes.  Returns 0 or a negative errno. */
int ft_tty_lend(struct ft_tty *tty, pid_t group);

/* Be the foreground group again, with the modes of before.  Harmless when nothing is lent. */
void ft_tty_take_back(struct ft_tty *tty);

#endif

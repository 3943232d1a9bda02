/* The controlling terminal, lent to one worker at a time and taken back, whatever became of the worker. */
#ifndef FT_ENGINE_TTY_H
#define FT_ENGINE_TTY_H

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

struct ft_tty {
    int fd;               /* -1: there is no terminal to lend */
    pid_t own;            /* our process group */
    bool lent;
    struct termios modes; /* as they were when it was lent */
};

/* Look whether `fd` is our controlling terminal.  Does not own fd. */
void ft_tty_init(struct ft_tty *tty, int fd);

/* Whether we are in the foreground, so that the terminal is ours to lend. */
bool ft_tty_is_ours(const struct ft_tty *tty);

/* Make `group` the foreground group.  Returns 0 or a negative errno. */
int ft_tty_lend(struct ft_tty *tty, pid_t group);

/* Be the foreground group again, with the modes of before.  Harmless when nothing is lent. */
void ft_tty_take_back(struct ft_tty *tty);

#endif

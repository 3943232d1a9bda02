/* Whose turn at the terminal it is, by the rules of job control. */
#ifndef FT_CLI_FOREGROUND_H
#define FT_CLI_FOREGROUND_H

#include <signal.h>
#include <stdbool.h>

/* Whether this process's group is in the foreground of its terminal. */
bool ft_foreground_is_ours(void);

enum ft_foreground {
    FT_FOREGROUND_OURS,
    FT_FOREGROUND_NEVER,     /* a read would fail: SIGTTIN is ignored or blocked, or no shell would let us go on */
    FT_FOREGROUND_SIGNALLED, /* a signal came meanwhile that is blocked now and was not in `mask` */
};

/*
 * Wait until it is, as a process does that reads in the background: its group is stopped with SIGTTIN until a shell
 * puts it into the foreground.  `mask`: the signals that were blocked before we blocked any.
 */
enum ft_foreground ft_foreground_wait(const sigset_t *mask);

#endif

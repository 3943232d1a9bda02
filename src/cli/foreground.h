/* Whose turn at the terminal it is, by the rules of job control. */
#ifndef FT_CLI_FOREGROUND_H
#define FT_CLI_FOREGROUND_H

#include <signal.h>
#include <stdbool.h>

/* Whether this process's group is in the foreground of its terminal. */
bool ft_foreground_is_ours(void);

/*
 * Wait for that as a process does that reads in the background: its group is stopped with SIGTTIN until a shell puts it
 * into the foreground.  `mask`: the signals that were blocked before we blocked any.  False where that cannot be,
 * and a read would fail: the signal is ignored or blocked, or no shell is there to let us go on.
 */
bool ft_foreground_wait(const sigset_t *mask);

#endif

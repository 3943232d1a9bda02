/*
 * The signals that the engine takes over while it runs: noted by a handler, read as bytes of a pipe.  One owner in a
 * process at a time.
 */
#ifndef FT_ENGINE_SIGNALS_H
#define FT_ENGINE_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

/* A signal as it was sent. */
struct ft_signal {
    int number;
    pid_t sender; /* 0: the kernel, on behalf of a terminal or of a pipe that has ended */
    bool queued;  /* by sigqueue */
};

/*
 * Begin to catch SIGINT, SIGTERM, SIGHUP and SIGTSTP (each only if it is not ignored).  Returns the descriptor to
 * poll, or -EBUSY or another negative errno.
 */
int ft_signals_catch(void);

/* Take the next signal.  Returns 1, or 0 if there is none. */
int ft_signals_take(struct ft_signal *signal);

/*
 * Do what SIGTSTP does by default: stop until SIGCONT comes, or nothing where no shell could continue us.
 * `group`: the whole process group.
 */
void ft_signals_suspend(bool group);

/* Give the signals back to their former handlers.  Harmless when none are caught. */
void ft_signals_release(void);

#endif

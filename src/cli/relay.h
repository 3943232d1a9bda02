/* The signals that the command takes in to pass them on to the run. */
#ifndef FT_CLI_RELAY_H
#define FT_CLI_RELAY_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct ft_relay {
    int fd;                    /* a signalfd */
    sigset_t before;           /* the mask of before */
    struct timespec passed_on; /* when a signal was last passed on */
};

/*
 * Block these signals, but for those that are ignored (nohup), and read them from a descriptor.  Returns 0 or a
 * negative errno.
 */
int ft_relay_open(struct ft_relay *relay, const int *numbers, size_t count);

/* Do what SIGTSTP does by default: stop, until somebody lets us go on. */
void ft_relay_stop(void);

/* Let the signals through again. */
void ft_relay_close(struct ft_relay *relay);

/*
 * Whether a signal that is to be passed on now is the last one by another way: `timeout` sends to the command and to
 * its group, and neither may count as the user's second Ctrl-C.
 */
bool ft_relay_repeats(struct ft_relay *relay);

#endif

/* The memory of parked processes, and keeping it within what the user allows. */
#ifndef FT_DAEMON_MEMORY_H
#define FT_DAEMON_MEMORY_H

#include <sys/types.h>

#include "daemon/daemon.h"

/* In kB; zeros: unknown. */
struct ft_memory {
    unsigned long own;      /* what nobody else has */
    unsigned long share;    /* that, and its share of what several have (PSS) */
    unsigned long resident; /* all that it has mapped in */
};

struct ft_memory ft_memory_of(pid_t pid);

/* Of a process that stands by, and of the worker that does so with it; 0: there is none. */
struct ft_memory ft_memory_of_standby(pid_t pid);

/* What all parked processes have together, in kB. */
uint64_t ft_memory_of_parked(const struct ft_daemon *daemon);

/*
 * End parked processes until the others have no more than the daemon may use: those that were not used for longest
 * first, but those that others were forked off last.  Those that a run waits for stay.
 */
void ft_memory_keep_within(struct ft_daemon *daemon);

#endif

/*
 * Has a thread that waits be woken on the processor that it is on.
 *
 * The kernel likes to put who is woken by a socket or a pipe where the one who has written is, and if that one goes on,
 * which ours do, the woken one waits for the rest of its slice: 1 to 4 ms, although its own processor is idle.
 */
#ifndef FT_BASE_STAY_H
#define FT_BASE_STAY_H

#include <sched.h>
#include <stdbool.h>

struct ft_stay {
    cpu_set_t before; /* where the thread may run */
    cpu_set_t here;   /* where it is */
    bool stays;
};

/*
 * The calling thread is about to wait.  `busy`: how many others of ours run meanwhile; if there are not more processors
 * than these nothing is done, as then its own may well be taken.  Nor is anything done where nobody may say where a
 * thread is to run.
 */
void ft_stay_begin(struct ft_stay *stay, unsigned busy);

/* It has waited; where it may run is what it was, if nobody has said otherwise meanwhile.  Leaves errno as it is. */
void ft_stay_end(const struct ft_stay *stay);

#endif

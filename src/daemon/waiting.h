/* The runs that wait for a parked process, and what becomes of them. */
#ifndef FT_DAEMON_WAITING_H
#define FT_DAEMON_WAITING_H

#include "daemon/parked.h"

/* The first run of such a process that has come no further than to this state; NULL: there is none. */
struct ft_run *ft_waiting_first(const struct ft_parked *parked, enum ft_run_state last);

/*
 * The process is gone or will be, for this reason.  Runs that have a controller go on.  Those that wait for plugins go
 * on from the process without; others are refused.
 */
void ft_waiting_part(struct ft_parked *parked, const char *why);

/* It is ready: those that wait for it choose again. */
void ft_waiting_let_choose(struct ft_parked *parked);

/* Something was changed while it was made: runs that have waited in vain for such a reason before go on without. */
void ft_waiting_outrun(struct ft_parked *parked, const char *why);

/* It is not needed: they go on from what it was forked off. */
void ft_waiting_send_back(struct ft_parked *parked);

#endif

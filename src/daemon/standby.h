/*
 * The child of a snapshot that waits to be the next run's controller.  It takes its order right from the daemon: by way
 * of its parent a run would wait for one more process to be woken.
 */
#ifndef FT_DAEMON_STANDBY_H
#define FT_DAEMON_STANDBY_H

#include <sys/types.h>

#include "wire/frame.h"

struct ft_parked;
struct ft_run;

struct ft_standby {
    pid_t pid;  /* 0: there is none */
    int fd;     /* of the socket that it listens to; negative: its order comes from its parent */
    pid_t busy; /* one that has taken its order, of which the parent knows nothing yet; 0: there is none */
};

/* A parked process says that it has one.  Returns 0, or -EBADMSG for what no parked process would say. */
int ft_standby_waits(struct ft_parked *parked, const struct ft_message_view *message);

/* The process `pid` is a run's. */
void ft_standby_forget(struct ft_standby *standby, pid_t pid);

/* The process `pid` has ended.  If it had its order from here its parent forks another one. */
void ft_standby_ended(struct ft_parked *parked, pid_t pid);

/*
 * A parked process is about to get an order of a run, of this type.  Returns the pid of the one that stands by if that
 * has the order now; 0: the parked process is to have it; negative errno: that does not take messages any more.
 */
int ft_standby_order(struct ft_parked *parked, const struct ft_run *run, unsigned type);

/* Let go of it. */
void ft_standby_release(struct ft_standby *standby);

#endif

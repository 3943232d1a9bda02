/* Runs, from the request to the end of their controller. */
#ifndef FT_DAEMON_RUN_H
#define FT_DAEMON_RUN_H

#include "daemon/daemon.h"

/*
 * A peer asks for a run, or `explains`.  The payload is copied, the descriptors become the run's.  The peer is answered
 * in any case.
 */
void ft_run_ask(struct ft_peer *peer, bool explains, const uint8_t *payload, size_t len, const int *fds,
                size_t fd_count);

/* Find the parked process that it comes from, or start one. */
void ft_run_choose(struct ft_run *run);

/* The parked process that a run waits for is ready. */
void ft_run_go_on(struct ft_run *run);

/* It comes from `base`, and imports its plugins itself, for this reason. */
void ft_run_go_without(struct ft_run *run, struct ft_parked *base, const char *why);

/* It comes from `origin` after all, and collects itself, for this reason. */
void ft_run_go_back(struct ft_run *run, struct ft_parked *origin, const char *why);

/* The client has to do it alone, for this reason. */
void ft_run_refuse(struct ft_run *run, const char *reason, const char *advice);

/* It cannot select within what the whole project's session has collected, for this reason. */
void ft_run_declined(struct ft_run *run, struct ft_text why);

/* Its controller has this pid. */
void ft_run_started(struct ft_run *run, pid_t pid);

/* A process has ended that may be a controller: tell its client. */
void ft_run_process_ended(struct ft_daemon *daemon, pid_t pid, int status);

/* Once a second: forget runs that have ended when the parked process that knew it was already gone. */
void ft_run_tick(struct ft_daemon *daemon);

/* The client is gone, or has what it needs. */
void ft_run_left(struct ft_run *run);

void ft_run_free(struct ft_daemon *daemon, struct ft_run *run);

#endif

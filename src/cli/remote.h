/* A run by way of the daemon: it has a process fork that becomes the controller, and then is out of it. */
#ifndef FT_CLI_REMOTE_H
#define FT_CLI_REMOTE_H

#include "cli/caller.h"
#include "cli/cold.h"
#include "cli/starter.h"

/*
 * Run what the caller has asked for; `starting` says with which Python.  Returns the exit code, or -1 with the reason
 * if the daemon cannot do it; then nothing of it is left, and the run has not begun.  As ft_session_run it may die of
 * a signal.
 */
int ft_remote_run(const struct ft_caller *caller, const struct ft_starting *starting, struct ft_cold *cold);

/* Likewise, but show what the session reads on its way to its tests. */
int ft_remote_explain(const struct ft_caller *caller, const struct ft_starting *starting, struct ft_cold *cold);

#endif

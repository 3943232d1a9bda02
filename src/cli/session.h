/* A run without daemon: the session is a Python process that the command starts and waits for. */
#ifndef FT_CLI_SESSION_H
#define FT_CLI_SESSION_H

#include "cli/cold.h"

/*
 * Run pytest with `args` (NULL-terminated, `len` of them) in `python`; `cold` says why so.  Returns the exit code of
 * the run; where the run was ended by SIGTERM or SIGHUP sent to the command, does not return but dies of that signal.
 */
int ft_session_run(const char *python, char **args, int len, const struct ft_cold *cold);

#endif

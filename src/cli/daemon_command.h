/* `fleetest daemon COMMAND`. */
#ifndef FT_CLI_DAEMON_COMMAND_H
#define FT_CLI_DAEMON_COMMAND_H

#include <stdbool.h>

/* Whether the command line is one of these; a folder named daemon can be told as ./daemon. */
bool ft_daemon_command_is(int argc, char **argv);

/* Do it.  Returns the exit code. */
int ft_daemon_command(int argc, char **argv);

#endif

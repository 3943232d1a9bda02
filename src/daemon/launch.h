/* Starting the Python process that becomes a parked one. */
#ifndef FT_DAEMON_LAUNCH_H
#define FT_DAEMON_LAUNCH_H

#include "daemon/daemon.h"

/*
 * Start it with the environment and the umask of a request, in a folder; NULL: the root folder.  Returns our end of a
 * socket pair with it, and its pid, or a negative errno.
 */
int ft_launch_parked(struct ft_daemon *daemon, const struct ft_request *request, const char *folder, pid_t *pid);

#endif

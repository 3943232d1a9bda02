/* Starting the Python process that becomes a parked one. */
#ifndef FT_DAEMON_LAUNCH_H
#define FT_DAEMON_LAUNCH_H

#include "daemon/daemon.h"

/*
 * Start it with the environment and the umask of a request, in its folder or in the root folder.  `seed` of hashes; 0:
 * what the environment says.  Returns our end of a socket pair with it, and its pid, or a negative errno.
 */
int ft_launch_parked(struct ft_daemon *daemon, const struct ft_request *request, bool in_folder, uint32_t seed,
                     pid_t *pid);

#endif

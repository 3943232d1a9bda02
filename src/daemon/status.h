/* What `fleetest daemon status` shows.  Variables of the environment may be named in it, values never. */
#ifndef FT_DAEMON_STATUS_H
#define FT_DAEMON_STATUS_H

#include "daemon/daemon.h"

/* Append it as lines for people, or as one JSON object.  Return 0 or -ENOMEM. */
int ft_status_text(const struct ft_daemon *daemon, struct ft_buf *out);
int ft_status_json(const struct ft_daemon *daemon, struct ft_buf *out);

#endif

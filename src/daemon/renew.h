/*
 * Renewing parked processes: hashes have one seed in a process and all that is forked off it, so that tests which
 * depend on the order of a set would give the same for ever.
 */
#ifndef FT_DAEMON_RENEW_H
#define FT_DAEMON_RENEW_H

#include "daemon/parked.h"

/* Once a second: start successors of those that were used and are idle, and let these take their place. */
void ft_renew_tick(struct ft_daemon *daemon);

/* A successor has imported pytest: it goes on with the plugins. */
void ft_renew_ready(struct ft_parked *parked);

#endif

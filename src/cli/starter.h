/* Reaching the daemon, and starting it where there is none. */
#ifndef FT_CLI_STARTER_H
#define FT_CLI_STARTER_H

#include <stdbool.h>

#include "cli/settings.h"
#include "daemon/place.h"

/* How to start one. */
struct ft_starting {
    const char *python;
    const struct ft_settings *settings;
};

/*
 * Connect to the daemon of a place, starting it if there is none; *started says whether that was done.  Any number of
 * processes may do so at once: one of them starts it.  Returns a socket or a negative errno, -EBUSY if a daemon is
 * alive that cannot be reached.
 */
int ft_starter_connect(const struct ft_place *place, const struct ft_starting *starting, bool *started);

#endif

/*
 * Hearing of changes of installed packages, so that a run does not have to look at all of their files: as soon as there
 * is time, each input of them is left to it.
 */
#ifndef FT_DAEMON_LISTEN_H
#define FT_DAEMON_LISTEN_H

#include "daemon/daemon.h"

/* Begin; where the system allows it no more nothing is heard, and all is looked at. */
void ft_listen_begin(struct ft_daemon *daemon);

/* There may be inputs of which it is not known whether they can be heard of, and time to find out. */
void ft_listen_soon(struct ft_daemon *daemon);

/* Whether there are some still. */
bool ft_listen_is_busy(const struct ft_daemon *daemon);

#endif

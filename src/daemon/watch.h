/*
 * Hearing of changes in the folders of projects, so that the daemon can prepare before somebody asks.  It does not have
 * to hear of each: what a run goes on from is compared again when it comes.
 */
#ifndef FT_DAEMON_WATCH_H
#define FT_DAEMON_WATCH_H

#include "daemon/parked.h"

/* Begin, if it is wanted; where the system allows it no more nothing is heard of. */
void ft_watch_begin(struct ft_daemon *daemon);

/* Hear of the folders in which the inputs of a snapshot are, but for those of installed packages. */
void ft_watch_folders(const struct ft_parked *snapshot);

/* A change that was heard of has mattered, or a run has come: hear of the next ones soon. */
void ft_watch_is_of_use(struct ft_daemon *daemon);

/* Whether something has changed, and it is not known yet what that means. */
bool ft_watch_is_busy(const struct ft_daemon *daemon);

#endif

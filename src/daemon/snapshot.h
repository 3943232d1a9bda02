/*
 * Snapshots: processes that have collected the tests of one kind of session, from which runs with the same inputs go
 * on.  Each was forked off the process that has its plugins.
 *
 * They are made when no run is in flight, for what the last runs would have needed.
 */
#ifndef FT_DAEMON_SNAPSHOT_H
#define FT_DAEMON_SNAPSHOT_H

#include "daemon/known.h"

/* A run of a known command line comes: a snapshot would be of use to the next one. */
void ft_snapshot_wish(struct ft_known *known, const struct ft_run *run);

/* The next run of a known command line is to find another snapshot in the place of this one. */
void ft_snapshot_wish_another(struct ft_known *known, const struct ft_parked *snapshot);

/* Whether it has the configuration of a known command line, or of the whole project that this selects within. */
bool ft_snapshot_is_of(const struct ft_parked *snapshot, const struct ft_known *known);

/* Note why a run is not wide, if it should be, until one is found that it can select within. */
void ft_snapshot_may_be_wide(const struct ft_known *known, struct ft_run *run);

/* The command line that a snapshot was made for; NULL: it is forgotten. */
struct ft_known *ft_snapshot_made_for(const struct ft_parked *snapshot);

/* Whether one is wished for that would come from `base`, or from what was forked off it. */
bool ft_snapshot_is_wished(const struct ft_parked *base);

/*
 * The snapshot that it can go on from, which would else come from `from`, and may still be made, from a checkpoint;
 * NULL: there is none.  `why` then says what
 * has changed, if one was given up, or why there can be none.
 */
struct ft_parked *ft_snapshot_choose(struct ft_known *known, struct ft_parked *from, struct ft_run *run,
                                     char *why, size_t size);

/* One that is being made says who it is.  Returns 0 or -EBADMSG. */
int ft_snapshot_begun(struct ft_parked *parked, const struct ft_message_view *message);

/* It has collected, or given up.  Returns 0 or a negative errno. */
int ft_snapshot_collected(struct ft_parked *parked, const struct ft_message_view *message);

/* No run is in flight, or may be none: make the next one that is wished for. */
void ft_snapshot_make_next(struct ft_daemon *daemon);

/* How many are wished for or being made. */
unsigned ft_snapshot_pending(const struct ft_daemon *daemon);

/* Whether it is time to make one, or to do something else for later: a run is not to be held up by it. */
bool ft_snapshot_is_time(const struct ft_daemon *daemon);

#endif

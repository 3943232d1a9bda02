/*
 * Checkpoints: where a session was on its way to its tests, when it was prepared.  Each is the process that had come so
 * far, and has stayed there; its child went on, to the next checkpoint or to the snapshot.  When an input has changed
 * another snapshot is made from the last one that has not read it.
 */
#ifndef FT_DAEMON_CHECKPOINT_H
#define FT_DAEMON_CHECKPOINT_H

#include "daemon/parked.h"
#include "daemon/said.h"

/* A snapshot that is being made has parked one.  Returns 0, -EBADMSG or -ENOMEM. */
int ft_checkpoint_parked(struct ft_parked *snapshot, const struct ft_message_view *message);

/*
 * A snapshot has said what it has read since the checkpoint that it has come from, and how much of that each one has
 * that it has parked itself.  Returns 0, -EBADMSG or -ENOMEM.
 */
int ft_checkpoint_take_inputs(struct ft_parked *snapshot, const struct ft_said_collected *said);

/*
 * The input number `first` of a snapshot has changed, `changed` says what; NULL: nothing has, but it is used up.  End
 * it, and have another one made from the last checkpoint before that.  Returns that one; NULL: there is no such
 * checkpoint.
 */
struct ft_parked *ft_checkpoint_rewind(struct ft_parked *snapshot, size_t first, const char *changed);

/* A snapshot is none: end the checkpoints that it has parked, of whose inputs nobody knows. */
void ft_checkpoint_drop_unknown(struct ft_parked *snapshot);

/* A snapshot ends, perhaps before it was one: so do its checkpoints, unless another one is made from there. */
void ft_checkpoint_snapshot_ends(struct ft_parked *snapshot);

#endif

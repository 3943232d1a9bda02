#include "daemon/checkpoint.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/log.h"

/* How many it has parked itself. */
static size_t unknown_on_the_way(const struct ft_parked *snapshot)
{
    size_t count = 0;
    const struct ft_parked *checkpoint = snapshot->base;
    for (; checkpoint->checkpoint && !checkpoint->known; checkpoint = checkpoint->base)
        count++;
    return count;
}

int ft_checkpoint_parked(struct ft_parked *parked, const struct ft_message_view *message)
{
    struct ft_said_checkpoint said;
    bool expected = parked->kind.at != NULL && parked->state == FT_PARKED_STARTING && parked->given >= 0;
    int err = expected ? ft_said_checkpoint(message, &said) : -EBADMSG;
    if (err == 0 && (said.stays != parked->pid || unknown_on_the_way(parked) == FT_SAID_COUNTS))
        err = -EBADMSG;
    if (err < 0)
        return err;
    struct ft_parked *checkpoint = ft_parked_checkpoint(parked, parked->given);
    parked->given = -1;
    if (checkpoint == NULL)
        return -ENOMEM;
    checkpoint->pid = parked->pid;
    parked->pid = said.goes_on;
    ft_text_fit(checkpoint->place, sizeof checkpoint->place, said.place);
    return 0;
}

void ft_checkpoint_drop_unknown(struct ft_parked *snapshot)
{
    while (snapshot->base->checkpoint && !snapshot->base->known) {
        struct ft_parked *checkpoint = snapshot->base;
        snapshot->base = checkpoint->base;
        ft_parked_end(checkpoint, "no snapshot has come of it");
    }
}

/* The first checkpoint on the way to it, or itself. */
static struct ft_parked *first_of(struct ft_parked *snapshot)
{
    struct ft_parked *first = snapshot;
    while (first->base->checkpoint)
        first = first->base;
    return first;
}

void ft_checkpoint_snapshot_ends(struct ft_parked *snapshot)
{
    if (!snapshot->rewound && snapshot->base->checkpoint)
        ft_parked_end(first_of(snapshot), "its snapshot ends");
}

/* The last checkpoint on the way to it that has only the inputs before `first`; NULL: there is none. */
static struct ft_parked *checkpoint_before(const struct ft_parked *parked, size_t first)
{
    struct ft_parked *checkpoint = parked->base;
    while (checkpoint->checkpoint && (!checkpoint->known || checkpoint->inputs.count > first))
        checkpoint = checkpoint->base;
    return checkpoint->checkpoint ? checkpoint : NULL;
}

struct ft_parked *ft_checkpoint_rewind(struct ft_parked *snapshot, size_t first, const char *changed)
{
    char path[PATH_MAX], why[PATH_MAX + 16];
    struct ft_parked *below = snapshot, *checkpoint = checkpoint_before(snapshot, first);
    snprintf(path, sizeof path, "%s", changed == NULL ? "" : changed); /* it ends with the snapshot */
    if (changed != NULL)
        snprintf(why, sizeof why, "%s changed", path);
    else
        snprintf(why, sizeof why, "a run has used it up");
    if (checkpoint == NULL) {
        ft_parked_end(snapshot, why);
        return NULL;
    }
    while (below->base != checkpoint)
        below = below->base;
    snapshot->rewound = true;
    ft_parked_end(below, why);
    struct ft_collecting wanted = {&checkpoint->asked, checkpoint->kind, &checkpoint->choices, path};
    struct ft_parked *another = ft_parked_collect(checkpoint, &wanted);
    if (another == NULL) {
        ft_parked_end(first_of(checkpoint), "no snapshot can be made from it");
        return NULL;
    }
    if (changed != NULL)
        snprintf(another->place, sizeof another->place, "%.80s: %.150s changed", checkpoint->place, path);
    else
        snprintf(another->place, sizeof another->place, "%.80s: a run has used up the last one", checkpoint->place);
    ft_text_make_utf8(another->place);
    ft_log("another snapshot is made from checkpoint %d, before %s: %s", (int)checkpoint->pid, checkpoint->place, why);
    return another;
}

/* Give the checkpoints that it has parked what they have of its inputs: the first `known`, and so many others. */
static int make_known(struct ft_parked *snapshot, size_t known, const struct ft_said_collected *said)
{
    struct ft_parked *checkpoint = snapshot->base;
    size_t count = said->count;
    if (unknown_on_the_way(snapshot) != count)
        return -EBADMSG;
    for (; count > 0; checkpoint = checkpoint->base) {
        count--;
        int err = ft_inputs_append_first(&checkpoint->inputs, &snapshot->inputs, known + said->counts[count]);
        if (err == 0)
            err = ft_texts_copy(&checkpoint->reads, &snapshot->reads);
        if (err == 0)
            err = ft_texts_copy(&checkpoint->options, &snapshot->options);
        if (err < 0)
            return err;
        checkpoint->exact = snapshot->exact;
        checkpoint->until = snapshot->until;
        checkpoint->known = true;
    }
    return 0;
}

int ft_checkpoint_take_inputs(struct ft_parked *parked, const struct ft_said_collected *said)
{
    const struct ft_parked *base = checkpoint_before(parked, SIZE_MAX - 1);
    size_t known = base == NULL ? 0 : base->inputs.count;
    int err = base == NULL ? 0 : ft_inputs_append_first(&parked->inputs, &base->inputs, known);
    if (err == 0)
        err = ft_inputs_append_first(&parked->inputs, &said->inputs, said->inputs.count);
    if (said->unchanged < 0)
        parked->outrun = 0;
    else if ((uint64_t)said->unchanged < said->inputs.count)
        parked->outrun = known + (size_t)said->unchanged;
    return err < 0 || parked->stale[0] != '\0' ? err : make_known(parked, known, said);
}

#include "daemon/checkpoint.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/log.h"
#include "wire/fields.h"

int ft_checkpoint_parked(struct ft_parked *parked, const struct ft_message_view *message)
{
    struct ft_mp_reader reader = {message->payload, message->payload + message->len};
    struct ft_text place = {"", 0};
    uint64_t stays = 0, goes_on = 0;
    int err = ft_get_array(0, &reader, 3);
    err = ft_get_uint(err, &reader, INT32_MAX, &stays);
    err = ft_get_uint(err, &reader, INT32_MAX, &goes_on);
    err = ft_get_str(err, &reader, &place);
    bool expected = parked->kind.at != NULL && parked->state == FT_PARKED_STARTING && parked->pid > 1;
    if (err < 0 || !expected || parked->given < 0 || (pid_t)stays != parked->pid || goes_on < 2)
        return -EBADMSG;
    struct ft_parked *checkpoint = ft_parked_checkpoint(parked, parked->given);
    parked->given = -1;
    if (checkpoint == NULL)
        return -ENOMEM;
    checkpoint->pid = parked->pid;
    parked->pid = (pid_t)goes_on;
    snprintf(checkpoint->place, sizeof checkpoint->place, "%.*s", (int)place.len, place.at);
    ft_text_make_utf8(checkpoint->place);
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
    snprintf(path, sizeof path, "%s", changed); /* it ends with the snapshot */
    snprintf(why, sizeof why, "%s changed", path);
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
    snprintf(another->place, sizeof another->place, "%.80s: %.150s changed", checkpoint->place, path);
    ft_text_make_utf8(another->place);
    ft_log("another snapshot is made from checkpoint %d, before %s: %s", (int)checkpoint->pid, checkpoint->place, why);
    return another;
}

/* Give the checkpoints that it has parked what they have of its inputs: the first `known`, and so many others. */
static int make_known(struct ft_parked *snapshot, size_t known, const uint64_t *counts, size_t count)
{
    struct ft_parked *checkpoint = snapshot->base;
    for (; checkpoint->checkpoint && !checkpoint->known; checkpoint = checkpoint->base) {
        if (count == 0 || counts[count - 1] > snapshot->inputs.count - known)
            return -EBADMSG;
        count--;
        int err = ft_inputs_append_first(&checkpoint->inputs, &snapshot->inputs, known + counts[count]);
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
    return count == 0 ? 0 : -EBADMSG;
}

int ft_checkpoint_take_inputs(struct ft_parked *parked, struct ft_text text, const uint64_t *counts, size_t count)
{
    const uint8_t *at = (const uint8_t *)text.at;
    struct ft_mp_reader reader = {at, at + text.len};
    const struct ft_parked *base = checkpoint_before(parked, SIZE_MAX - 1);
    size_t known = base == NULL ? 0 : base->inputs.count;
    int err = base == NULL ? 0 : ft_inputs_append_first(&parked->inputs, &base->inputs, known);
    if (err == 0)
        err = ft_inputs_read(&parked->inputs, &reader);
    return err < 0 || parked->stale[0] != '\0' ? err : make_known(parked, known, counts, count);
}

/* Whether two lists of inputs say the same.  Without cmocka, for the fuzz target too. */
#ifndef TESTS_UNIT_SAME_INPUTS_H
#define TESTS_UNIT_SAME_INPUTS_H

#include <stdbool.h>
#include <string.h>

#include "prep/inputs.h"

static inline bool same_filestat(const struct ft_filestat *a, const struct ft_filestat *b)
{
    return a->exists == b->exists && a->mode == b->mode && a->uid == b->uid && a->gid == b->gid &&
           a->device == b->device && a->inode == b->inode && a->size == b->size && a->modified == b->modified &&
           a->changed == b->changed;
}

static inline bool same_inputs(const struct ft_inputs *a, const struct ft_inputs *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        const struct ft_input *left = &a->items[i], *right = &b->items[i];
        same = left->kind == right->kind && strcmp(ft_inputs_path(a, left), ft_inputs_path(b, right)) == 0 &&
               same_filestat(&left->status, &right->status) &&
               /* Of what is not there nothing is left to be told. */
               (!left->status.exists || (left->settled == right->settled && left->content == right->content));
    }
    return same;
}

#endif

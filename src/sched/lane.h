/* A queue of items; part of the scheduler, nobody else includes this. */
#ifndef FT_SCHED_LANE_H
#define FT_SCHED_LANE_H

#include <stdbool.h>
#include <stdint.h>

struct ft_lane {
    uint32_t *items; /* in order, from `head` on */
    uint32_t head;
    uint32_t len, cap; /* `cap` counts what is before `head` too */
};

void ft_lane_release(struct ft_lane *lane);

/* Append items, after which the first one is items[0].  Returns false without memory. */
bool ft_lane_append(struct ft_lane *lane, const uint32_t *items, uint32_t count);

/* Take out the first items. */
void ft_lane_take(struct ft_lane *lane, uint32_t count);

/*
 * Take out each of `items` that is there, once for each time it is named.  Those found move to the front of `items`, in
 * the order that they had there.  Returns how many they are.
 */
uint32_t ft_lane_remove(struct ft_lane *lane, uint32_t *items, uint32_t count);

#endif

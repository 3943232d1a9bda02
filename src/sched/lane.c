#include "sched/lane.h"

#include <stdlib.h>
#include <string.h>

void ft_lane_release(struct ft_lane *lane)
{
    free(lane->items);
    *lane = (struct ft_lane){0};
}

bool ft_lane_append(struct ft_lane *lane, const uint32_t *items, uint32_t count)
{
    if (lane->head > 0) {
        memmove(lane->items, lane->items + lane->head, lane->len * sizeof *lane->items);
        lane->head = 0;
    }
    if (lane->len + count > lane->cap) {
        uint32_t *grown = realloc(lane->items, (lane->len + count) * sizeof *grown);
        if (grown == NULL)
            return false;
        lane->items = grown;
        lane->cap = lane->len + count;
    }
    if (count > 0)
        memcpy(lane->items + lane->len, items, count * sizeof *items);
    lane->len += count;
    return true;
}

void ft_lane_take(struct ft_lane *lane, uint32_t count)
{
    lane->head += count;
    lane->len -= count;
}

/* Take out the last place at which an item stands: what is taken back is at the end, as a rule. */
static bool remove_one(struct ft_lane *lane, uint32_t item)
{
    for (uint32_t at = lane->head + lane->len; at-- > lane->head;) {
        if (lane->items[at] != item)
            continue;
        memmove(lane->items + at, lane->items + at + 1, (lane->head + lane->len - at - 1) * sizeof *lane->items);
        lane->len--;
        return true;
    }
    return false;
}

uint32_t ft_lane_remove(struct ft_lane *lane, uint32_t *items, uint32_t count)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t item = items[i];
        if (remove_one(lane, item))
            items[found++] = item;
    }
    return found;
}

/* The items of a run in the order in which they are handed out; part of the scheduler, nobody else includes this. */
#ifndef FT_SCHED_LINE_H
#define FT_SCHED_LINE_H

#include "sched/sched.h"

/* Scopes with a long item come first; of the others a worker that is busy can have an item sooner. */
enum ft_part { FT_LINE_LONG, FT_LINE_SHORT, FT_LINE_PARTS };

struct ft_line {
    uint32_t *items;   /* of the parts, each from its head on; there is room to put items back before the first head */
    struct {
        uint32_t head;
        uint32_t len;
    } parts[FT_LINE_PARTS];
    double seconds;    /* expected, of those that wait */
    float *expected;   /* of each item, by its number */
    uint32_t *scopes;  /* of each item */
    bool *tied;        /* of each item */
};

/* Returns 0 or -ENOMEM. */
int ft_line_init(struct ft_line *line, const struct ft_sched_options *options);
void ft_line_release(struct ft_line *line);

/* How many items wait. */
uint32_t ft_line_len(const struct ft_line *line);

/* An order to be: the first items of a part. */
struct ft_cut {
    enum ft_part part;
    const uint32_t *items;
    uint32_t count;
    double seconds; /* expected */
};

/*
 * Items that make about `seconds`: at least `least` where the part has so many, at most `most` (0: no limit) unless
 * they are tied.  With `seconds` 0, short ones are preferred.
 */
struct ft_cut ft_line_cut(const struct ft_line *line, double seconds, uint32_t least, uint32_t most);

/* Take the items of a cut, which was the last call. */
void ft_line_take(struct ft_line *line, const struct ft_cut *cut);

/* Put items that came from the line back to its head. */
void ft_line_put_back(struct ft_line *line, const uint32_t *items, uint32_t count);

#endif

/* The items of a run in the order in which they are handed out; part of the scheduler, nobody else includes this. */
#ifndef FT_SCHED_LINE_H
#define FT_SCHED_LINE_H

#include "sched/sched.h"

/* Items that stand one after the other. */
struct ft_stretch {
    uint32_t head;  /* index in ft_line.items */
    uint32_t len;
    double seconds; /* expected */
};

/*
 * Scopes with a long item come first.  Of the others a worker claims a large part at once, and gets its orders from
 * that: what lies together in the session lies together in memory, and a worker copies each page that it touches.
 */
struct ft_line {
    uint32_t *items; /* of the stretches, one after the other; there is room to put items back before the first one */
    struct ft_stretch first;
    struct ft_stretch *claims; /* of each worker, by its number modulo their number */
    uint32_t claim_count;      /* as many as there are workers at first; 0: nothing is claimed */
    struct ft_stretch rest;
    uint32_t len;      /* how many items wait */
    uint32_t units;    /* how many of them can go to different workers: a tied scope is one; about */
    double seconds;    /* expected, of those that wait */
    float *expected;   /* of each item, by its number */
    uint32_t *scopes;  /* of each item */
    bool *tied;        /* of each item */
};

/* Returns 0 or -ENOMEM. */
int ft_line_init(struct ft_line *line, const struct ft_sched_options *options);
void ft_line_release(struct ft_line *line);

/* Have nothing stand in line; what each item is expected to take stays known. */
void ft_line_empty(struct ft_line *line);

/* An order to be: the first items of a stretch. */
struct ft_cut {
    struct ft_stretch *from;
    const uint32_t *items;
    uint32_t count;
    double seconds; /* expected */
};

/*
 * Items that make about `seconds`: at least `least` where the stretch has so many, at most `most` (0: no limit) unless
 * they are tied.  With `seconds` 0, others than those of the first stretch are preferred.  A worker that has used up
 * its claim makes another one; when nothing is left, it gets items of the largest.
 */
struct ft_cut ft_line_cut(struct ft_line *line, uint32_t worker, double seconds, uint32_t least, uint32_t most);

/* Take the items of a cut, which was the last call. */
void ft_line_take(struct ft_line *line, const struct ft_cut *cut);

/* Put items that came from the line back to its head. */
void ft_line_put_back(struct ft_line *line, const uint32_t *items, uint32_t count);

#endif

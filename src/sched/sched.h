/*
 * The scheduler: which worker runs which items, in which order.  Pure: events in, orders out; no I/O, no clock, no
 * globals, so that it can be tested and simulated on its own.
 *
 * Items are numbers 0 to count - 1 in collection order.  A worker's queue is a promise: the worker announces the
 * successor of the item it runs (pytest's `nextitem`) from it, so what was handed out is never taken back or
 * reordered.  A worker's last item therefore waits until its successor, or FT_SCHED_BREAK, is known.  BREAK is said
 * when nothing waits but what is left to workers that have nothing.
 *
 * Items stand in line by scope (a file, as a rule): those with long items first, the others in collection order, and
 * the items of a scope in collection order.  Of what has no long item each worker claims a stretch at a time; only when
 * nothing is left to claim does it get what another one has claimed.  Orders are a fraction of the work that is left
 * for each worker, cut where a scope ends if one ends nearby.  Both are large at first, so that there are few messages
 * and each worker runs what lies together, and single items at the end, for balance (guided self-scheduling;
 * Polychronopoulos and Kuck, 1987).
 *
 * Or, with the option `assigned`, somebody else says which worker runs what (ft_sched_assign), and here it is only seen
 * to that each worker hears of it in time.
 */
#ifndef FT_SCHED_SCHED_H
#define FT_SCHED_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FT_SCHED_NONE UINT32_MAX

enum ft_sched_kind {
    FT_SCHED_RUN,    /* append these items to the worker's queue */
    FT_SCHED_BREAK,  /* there is no successor for now: run the last item as if it were the last of all */
    FT_SCHED_FINISH, /* nothing will follow: end the session */
};

/* An order for a worker. */
struct ft_sched_order {
    enum ft_sched_kind kind;
    uint32_t worker;
    const uint32_t *items; /* of FT_SCHED_RUN, valid until the next call */
    uint32_t count;
};

/* What is known of an item. */
struct ft_sched_item {
    uint32_t scope;  /* items of one scope are kept together while that costs no balance; below the number of items */
    bool tied;       /* all items of the scope go to one worker, at once; the same for each of them */
    float seconds;   /* expected duration; negative if unknown */
};

struct ft_sched_options {
    uint32_t items;      /* how many there are */
    uint32_t workers;    /* how many are expected at first, at least 1 */
    uint32_t batch_max;  /* most items in one order, but for tied ones; 0: no limit */
    bool in_order;       /* keep the line in collection order, but for tied items */
    bool keep_idle;      /* keep idle workers until all is done: nobody can replace a worker that crashes */
    bool assigned;       /* there is no line: items go where ft_sched_assign says, as often as it does */
    const struct ft_sched_item *known; /* of each item, read by ft_sched_new only; NULL: all are alike */
};

struct ft_sched;

/* Returns a scheduler, or NULL without memory. */
struct ft_sched *ft_sched_new(const struct ft_sched_options *options);
void ft_sched_free(struct ft_sched *sched);

/*
 * A worker is ready for items.  Numbers are the caller's, small and each used once.  Returns 0, -EEXIST, -EINVAL for
 * a number above a million, or -ENOMEM.
 */
int ft_sched_join(struct ft_sched *sched, uint32_t worker);

/*
 * The same of a worker whose messages nobody reads for a moment, while the others are made: its first order is larger,
 * so that it does not wait for the next one.
 */
int ft_sched_join_alone(struct ft_sched *sched, uint32_t worker);

/* The worker began to run the item at the head of its queue.  Returns 0, or -EPROTO if it is another one. */
int ft_sched_started(struct ft_sched *sched, uint32_t worker, uint32_t item);

/* The worker is done with the item it was running.  Returns 0, or -EPROTO if it was not running it. */
int ft_sched_done(struct ft_sched *sched, uint32_t worker, uint32_t item);

/*
 * The worker is gone.  What it had not started goes back to the front of the line; what it was assigned is forgotten.
 * Returns the item it was running, which is not handed out again, or FT_SCHED_NONE.
 */
uint32_t ft_sched_lost(struct ft_sched *sched, uint32_t worker);

/* Run an item once more that a lost worker was running.  Returns 0, or -EINVAL if it is no such item, or assigned. */
int ft_sched_again(struct ft_sched *sched, uint32_t item);

/* Hand out nothing more.  Items in flight end; the others stay unrun. */
void ft_sched_stop(struct ft_sched *sched);

/* See ft_sched_options. */
void ft_sched_keep_idle(struct ft_sched *sched, bool keep);

/*
 * With `assigned`: append items to what a worker is to run.  Returns 0, -EINVAL for an item that does not exist, -ESRCH
 * for a worker that has not joined or was closed, or -ENOMEM.
 */
int ft_sched_assign(struct ft_sched *sched, uint32_t worker, const uint32_t *items, uint32_t count);

/*
 * Take back what a worker was assigned, as far as it was not told of it.  Those taken back move to the front of
 * `items`.  Returns how many they are.
 */
uint32_t ft_sched_withdraw(struct ft_sched *sched, uint32_t worker, uint32_t *items, uint32_t count);

/* With `assigned`: nothing more will be assigned to a worker; it ends its session after what it has. */
void ft_sched_close(struct ft_sched *sched, uint32_t worker);

/*
 * With `assigned`: whether there are workers, and none of them will do anything unless it is assigned more, or closed.
 * To be asked after ft_sched_next has returned false.
 */
bool ft_sched_stalled(const struct ft_sched *sched);

/* The next order, if there is one: true and *order filled in.  Call until false after each event. */
bool ft_sched_next(struct ft_sched *sched, struct ft_sched_order *order);

/* How many items no worker was told of: those in line, or those assigned. */
uint32_t ft_sched_pending(const struct ft_sched *sched);

#endif

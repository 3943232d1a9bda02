#include "sched/sched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sched/lane.h"
#include "sched/line.h"

enum state { WAITING, HELD, DONE, LOST };

enum {
    WORKERS_MAX = 1 << 20,
    SHARES = 8, /* an order is this fraction of a fair share of what is left, so that the end is balanced */
    LEAST = 2,  /* a worker needs two items to start one */
};

/*
 * Seconds for which an order is larger than that, up to half of a fair share: who has less to do waits about as long as
 * it works, and who is alone is not to wait while other workers are made.
 */
static const double LITTLE = 0.002, ALONE = 0.02;

struct worker {
    struct ft_lane queue; /* items promised to it; the first may be running */
    double seconds;     /* expected, of the queue and what is running */
    double low;         /* refill when no more than this is left */
    struct ft_lane lane;  /* items assigned to it, behind the queue */
    bool closed;        /* nothing more will be assigned to it */
    bool joined;
    bool alone;         /* has joined so, and has not been told of anything yet */
    bool running;       /* queue[head] was started */
    bool broken;        /* was told FT_SCHED_BREAK since its last items */
    bool finished;      /* was told FT_SCHED_FINISH */
    bool due;           /* is in `due` below */
};

struct ft_sched {
    struct ft_sched_options options;
    struct ft_line line;
    uint8_t *states;    /* enum state of each item */
    struct worker *workers;
    uint32_t worker_cap;
    uint32_t alive;     /* joined and not finished */
    uint32_t missing;   /* expected at first and not joined yet */
    uint32_t held;      /* items in queues */
    uint32_t assigned;  /* items in lanes */
    uint32_t *due;      /* workers that an event may have made ready for an order: a ring of worker_cap places */
    uint32_t due_head;
    uint32_t due_len;
    bool stopped;
};

struct ft_sched *ft_sched_new(const struct ft_sched_options *options)
{
    struct ft_sched *sched = calloc(1, sizeof *sched);
    if (sched == NULL)
        return NULL;
    sched->options = *options;
    sched->options.known = NULL;
    sched->states = calloc((size_t)options->items + 1, sizeof *sched->states);
    if (sched->states == NULL || ft_line_init(&sched->line, options) < 0) {
        ft_sched_free(sched);
        return NULL;
    }
    sched->missing = options->workers;
    if (options->assigned)
        ft_line_empty(&sched->line);
    return sched;
}

void ft_sched_free(struct ft_sched *sched)
{
    if (sched == NULL)
        return;
    for (uint32_t i = 0; i < sched->worker_cap; i++) {
        ft_lane_release(&sched->workers[i].queue);
        ft_lane_release(&sched->workers[i].lane);
    }
    free(sched->workers);
    free(sched->due);
    free(sched->states);
    ft_line_release(&sched->line);
    free(sched);
}

/* ---- who may be ready for an order ---- */

static void look_at(struct ft_sched *sched, uint32_t id)
{
    struct worker *worker = &sched->workers[id];
    if (worker->due || !worker->joined || worker->finished)
        return;
    worker->due = true;
    sched->due[(sched->due_head + sched->due_len++) % sched->worker_cap] = id;
}

static void look_at_all(struct ft_sched *sched)
{
    for (uint32_t id = 0; id < sched->worker_cap; id++)
        look_at(sched, id);
}

/* ---- events ---- */

static uint32_t head_of(const struct worker *worker)
{
    return worker->queue.items[worker->queue.head];
}

static struct worker *find(struct ft_sched *sched, uint32_t id)
{
    if (id >= sched->worker_cap || !sched->workers[id].joined)
        return NULL;
    return &sched->workers[id];
}

/* Make room for workers with numbers below `cap`. */
static int grow(struct ft_sched *sched, uint32_t cap)
{
    uint32_t *due = calloc(cap, sizeof *due);
    if (due == NULL)
        return -ENOMEM;
    struct worker *workers = realloc(sched->workers, cap * sizeof *workers);
    if (workers == NULL) {
        free(due);
        return -ENOMEM;
    }
    memset(workers + sched->worker_cap, 0, (cap - sched->worker_cap) * sizeof *workers);
    for (uint32_t i = 0; i < sched->due_len; i++)
        due[i] = sched->due[(sched->due_head + i) % sched->worker_cap];
    free(sched->due);
    sched->due = due;
    sched->due_head = 0;
    sched->workers = workers;
    sched->worker_cap = cap;
    return 0;
}

int ft_sched_join(struct ft_sched *sched, uint32_t id)
{
    if (id >= WORKERS_MAX)
        return -EINVAL;
    if (id >= sched->worker_cap && grow(sched, id + 1 + id / 2) < 0)
        return -ENOMEM;
    if (sched->workers[id].joined)
        return -EEXIST;
    sched->workers[id].joined = true;
    sched->alive++;
    if (sched->missing > 0 && --sched->missing == 0)
        look_at_all(sched); /* in the order of their numbers */
    look_at(sched, id);
    return 0;
}

int ft_sched_join_alone(struct ft_sched *sched, uint32_t id)
{
    int err = ft_sched_join(sched, id);
    if (err == 0)
        sched->workers[id].alone = true;
    return err;
}

int ft_sched_started(struct ft_sched *sched, uint32_t id, uint32_t item)
{
    struct worker *worker = find(sched, id);
    if (worker == NULL || worker->running || worker->queue.len == 0 || head_of(worker) != item)
        return -EPROTO;
    worker->running = true;
    look_at(sched, id);
    return 0;
}

/* The head of a queue is done with, or lost. */
static void drop_head(struct ft_sched *sched, struct worker *worker)
{
    worker->seconds -= sched->line.expected[head_of(worker)];
    ft_lane_take(&worker->queue, 1);
    sched->held--;
    if (worker->queue.len == 0)
        worker->seconds = 0; /* what rounding has left */
}

int ft_sched_done(struct ft_sched *sched, uint32_t id, uint32_t item)
{
    struct worker *worker = find(sched, id);
    if (worker == NULL || !worker->running || head_of(worker) != item)
        return -EPROTO;
    sched->states[item] = DONE;
    worker->running = false;
    drop_head(sched, worker);
    if (sched->line.len == 0 && sched->held == 0)
        look_at_all(sched);
    else
        look_at(sched, id);
    return 0;
}

/* Put items back to the front of the line; they came from it, so there is room. */
static void put_back(struct ft_sched *sched, const uint32_t *items, uint32_t count)
{
    ft_line_put_back(&sched->line, items, count);
    for (uint32_t i = 0; i < count; i++)
        sched->states[items[i]] = WAITING;
    look_at_all(sched);
}

uint32_t ft_sched_lost(struct ft_sched *sched, uint32_t id)
{
    struct worker *worker = find(sched, id);
    uint32_t running = FT_SCHED_NONE;
    if (worker == NULL) {
        if (sched->missing > 0)
            sched->missing--;
        look_at_all(sched);
        return running;
    }
    if (worker->running) {
        running = head_of(worker);
        sched->states[running] = LOST;
        drop_head(sched, worker);
    }
    sched->held -= worker->queue.len;
    sched->assigned -= worker->lane.len;
    if (worker->queue.len > 0 && !sched->options.assigned)
        put_back(sched, worker->queue.items + worker->queue.head, worker->queue.len);
    if (!worker->finished)
        sched->alive--;
    ft_lane_release(&worker->queue);
    ft_lane_release(&worker->lane);
    bool due = worker->due; /* ft_sched_next drops it from there */
    *worker = (struct worker){.due = due};
    look_at_all(sched);
    return running;
}

int ft_sched_again(struct ft_sched *sched, uint32_t item)
{
    if (item >= sched->options.items || sched->states[item] != LOST || sched->options.assigned)
        return -EINVAL;
    put_back(sched, &item, 1);
    return 0;
}

void ft_sched_stop(struct ft_sched *sched)
{
    sched->stopped = true;
}

void ft_sched_keep_idle(struct ft_sched *sched, bool keep)
{
    sched->options.keep_idle = keep;
    look_at_all(sched);
}

uint32_t ft_sched_pending(const struct ft_sched *sched)
{
    return sched->line.len + sched->assigned;
}

/* ---- what somebody else decides ---- */

int ft_sched_assign(struct ft_sched *sched, uint32_t id, const uint32_t *items, uint32_t count)
{
    struct worker *worker = find(sched, id);
    if (worker == NULL || worker->closed)
        return -ESRCH;
    for (uint32_t i = 0; i < count; i++)
        if (items[i] >= sched->options.items)
            return -EINVAL;
    if (!ft_lane_append(&worker->lane, items, count))
        return -ENOMEM;
    sched->assigned += count;
    look_at(sched, id);
    return 0;
}

uint32_t ft_sched_withdraw(struct ft_sched *sched, uint32_t id, uint32_t *items, uint32_t count)
{
    struct worker *worker = find(sched, id);
    uint32_t found = worker == NULL ? 0 : ft_lane_remove(&worker->lane, items, count);
    sched->assigned -= found;
    if (found > 0)
        look_at(sched, id);
    return found;
}

void ft_sched_close(struct ft_sched *sched, uint32_t id)
{
    struct worker *worker = find(sched, id);
    if (worker == NULL)
        return;
    worker->closed = true;
    look_at(sched, id);
}

bool ft_sched_stalled(const struct ft_sched *sched)
{
    uint32_t waiting = 0;
    for (uint32_t id = 0; id < sched->worker_cap; id++) {
        const struct worker *worker = &sched->workers[id];
        if (!worker->joined || worker->finished)
            continue;
        if (worker->running || worker->closed || worker->queue.len >= LEAST || worker->lane.len > 0)
            return false;
        waiting++;
    }
    return sched->options.assigned && waiting > 0;
}

/* ---- orders ---- */

/* The next items of a worker's lane: a fraction of them, as the rest may be taken back. */
static struct ft_cut cut_lane(const struct ft_sched *sched, const struct ft_lane *lane, uint32_t least, uint32_t most)
{
    uint32_t count = lane->len / SHARES;
    count = count < least ? least : count;
    count = most != 0 && count > most ? most : count;
    struct ft_cut cut = {.items = lane->items + lane->head, .count = count > lane->len ? lane->len : count};
    for (uint32_t i = 0; i < cut.count; i++)
        cut.seconds += sched->line.expected[cut.items[i]];
    return cut;
}

/* Whether there are hardly more items than workers. */
static bool is_few(const struct ft_sched *sched)
{
    return sched->line.units < LEAST * (sched->alive + sched->missing);
}

/* How many items are to be left to others, one for each worker that has none: few items run side by side. */
static uint32_t left_to_others(const struct ft_sched *sched, const struct worker *worker)
{
    uint32_t count = 0;
    if (!is_few(sched))
        return 0;
    for (uint32_t id = 0; id < sched->worker_cap; id++) {
        const struct worker *other = &sched->workers[id];
        count += other != worker && other->joined && !other->finished && other->queue.len == 0;
    }
    return count;
}

/* Whether there is an item for a worker. */
static bool has_item(const struct ft_sched *sched, const struct worker *worker)
{
    if (sched->options.assigned)
        return worker->lane.len > 0;
    bool untouched = sched->line.len == sched->options.items;
    if (untouched && is_few(sched) && sched->missing > 0)
        return false; /* else who comes first would get what is left to who comes next */
    return sched->line.units > (worker->queue.len == 0 ? 0 : left_to_others(sched, worker));
}

/* What a worker is to be told of next. */
static struct ft_cut cut_for(struct ft_sched *sched, const struct worker *worker)
{
    uint32_t least = worker->queue.len < LEAST ? LEAST - worker->queue.len : 1;
    uint32_t most = sched->options.batch_max;
    uint32_t others = sched->options.assigned ? 0 : left_to_others(sched, worker);
    if (others > 0) {
        uint32_t free = sched->line.units > others ? sched->line.units - others : 1;
        most = most == 0 || most > free ? free : most;
    }
    if (most != 0 && least > most)
        least = most;
    if (sched->options.assigned)
        return cut_lane(sched, &worker->lane, least, most);
    uint32_t workers = sched->alive > sched->options.workers ? sched->alive : sched->options.workers;
    double fair = sched->line.seconds / (double)workers, share = fair / SHARES;
    double little = worker->alone ? ALONE : LITTLE;
    if (share < little)
        share = fair / 2 < little ? fair / 2 : little;
    if (worker->seconds > share)
        share = 0; /* it has enough to do, and only lacks the successor of its last item */
    return ft_line_cut(&sched->line, (uint32_t)(worker - sched->workers), share, least, most);
}

static bool hand_out(struct ft_sched *sched, struct worker *worker, struct ft_sched_order *order)
{
    struct ft_cut cut = cut_for(sched, worker);
    if (!ft_lane_append(&worker->queue, cut.items, cut.count))
        return false;
    const uint32_t *items = worker->queue.items + worker->queue.len - cut.count;
    for (uint32_t i = 0; i < cut.count; i++)
        sched->states[items[i]] = HELD;
    if (sched->options.assigned) {
        ft_lane_take(&worker->lane, cut.count);
        sched->assigned -= cut.count;
    } else {
        ft_line_take(&sched->line, &cut);
    }
    worker->seconds += cut.seconds;
    worker->low = cut.seconds / 2;
    worker->alone = worker->broken = false;
    sched->held += cut.count;
    *order = (struct ft_sched_order){FT_SCHED_RUN, (uint32_t)(worker - sched->workers), items, cut.count};
    return true;
}

/* Whether a worker that has nothing may be sent home. */
static bool may_finish(const struct ft_sched *sched, const struct worker *worker)
{
    if (sched->options.assigned)
        return worker->closed;
    return sched->line.len == 0 && (!sched->options.keep_idle || sched->held == 0);
}

static bool order_for(struct ft_sched *sched, struct worker *worker, struct ft_sched_order *order)
{
    if (has_item(sched, worker))
        return (worker->queue.len < LEAST || worker->seconds <= worker->low) && hand_out(sched, worker, order);
    *order = (struct ft_sched_order){.worker = (uint32_t)(worker - sched->workers)};
    if (worker->queue.len == 1 && !worker->broken && (worker->closed || !sched->options.assigned)) {
        worker->broken = true;
        order->kind = FT_SCHED_BREAK;
        return true;
    }
    if (worker->queue.len == 0 && may_finish(sched, worker)) {
        worker->finished = true;
        sched->alive--;
        order->kind = FT_SCHED_FINISH;
        return true;
    }
    return false;
}

bool ft_sched_next(struct ft_sched *sched, struct ft_sched_order *order)
{
    if (sched->stopped)
        return false;
    while (sched->due_len > 0) {
        uint32_t id = sched->due[sched->due_head];
        struct worker *worker = &sched->workers[id];
        sched->due_head = (sched->due_head + 1) % sched->worker_cap;
        sched->due_len--;
        worker->due = false;
        if (!worker->joined || worker->finished || !order_for(sched, worker, order))
            continue;
        look_at(sched, id); /* there may be another one */
        return true;
    }
    return false;
}

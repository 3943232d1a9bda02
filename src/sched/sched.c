#include "sched/sched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum state { WAITING, HELD, DONE, LOST };

enum {
    WORKERS_MAX = 1 << 20,
    SHARES = 4, /* an order is this fraction of a fair share of what is left, so that the end is balanced */
    LEAST = 2,  /* a worker needs two items to start one */
};

struct worker {
    uint32_t *queue;    /* items promised to it; the first may be running */
    uint32_t len, cap;  /* of queue, from head on */
    uint32_t head;
    uint32_t low;       /* refill when no more than this is left */
    bool joined;
    bool running;       /* queue[head] was started */
    bool broken;        /* was told FT_SCHED_BREAK since its last items */
    bool finished;      /* was told FT_SCHED_FINISH */
};

struct ft_sched {
    struct ft_sched_options options;
    uint8_t *states;    /* enum state of each item */
    uint32_t *line;     /* items not handed out, from line_head on, in collection order */
    uint32_t line_head;
    uint32_t line_len;
    struct worker *workers;
    uint32_t worker_cap;
    uint32_t alive;     /* joined and not finished */
    uint32_t cursor;    /* where ft_sched_next goes on looking */
    bool stopped;
};

struct ft_sched *ft_sched_new(const struct ft_sched_options *options)
{
    struct ft_sched *sched = calloc(1, sizeof *sched);
    if (sched == NULL)
        return NULL;
    sched->options = *options;
    sched->line_len = options->items;
    sched->line = calloc((size_t)options->items + 1, sizeof *sched->line);
    sched->states = calloc((size_t)options->items + 1, sizeof *sched->states);
    if (sched->line == NULL || sched->states == NULL) {
        ft_sched_free(sched);
        return NULL;
    }
    for (uint32_t i = 0; i < options->items; i++)
        sched->line[i] = i;
    return sched;
}

void ft_sched_free(struct ft_sched *sched)
{
    if (sched == NULL)
        return;
    for (uint32_t i = 0; i < sched->worker_cap; i++)
        free(sched->workers[i].queue);
    free(sched->workers);
    free(sched->states);
    free(sched->line);
    free(sched);
}

static struct worker *find(struct ft_sched *sched, uint32_t id)
{
    if (id >= sched->worker_cap || !sched->workers[id].joined)
        return NULL;
    return &sched->workers[id];
}

int ft_sched_join(struct ft_sched *sched, uint32_t id)
{
    if (id >= WORKERS_MAX)
        return -EINVAL;
    if (id >= sched->worker_cap) {
        uint32_t cap = id + 8;
        struct worker *grown = realloc(sched->workers, cap * sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
        memset(grown + sched->worker_cap, 0, (cap - sched->worker_cap) * sizeof *grown);
        sched->workers = grown;
        sched->worker_cap = cap;
    }
    if (sched->workers[id].joined)
        return -EEXIST;
    sched->workers[id].joined = true;
    sched->alive++;
    return 0;
}

int ft_sched_started(struct ft_sched *sched, uint32_t id, uint32_t item)
{
    struct worker *worker = find(sched, id);
    if (worker == NULL || worker->running || worker->len == 0 || worker->queue[worker->head] != item)
        return -EPROTO;
    worker->running = true;
    return 0;
}

int ft_sched_done(struct ft_sched *sched, uint32_t id, uint32_t item)
{
    struct worker *worker = find(sched, id);
    if (worker == NULL || !worker->running || worker->queue[worker->head] != item)
        return -EPROTO;
    sched->states[item] = DONE;
    worker->running = false;
    worker->head++;
    worker->len--;
    return 0;
}

/* Put items back to the front of the line; they came from it, so there is room. */
static void put_back(struct ft_sched *sched, const uint32_t *items, uint32_t count)
{
    sched->line_head -= count;
    sched->line_len += count;
    memcpy(sched->line + sched->line_head, items, count * sizeof *items);
    for (uint32_t i = 0; i < count; i++)
        sched->states[items[i]] = WAITING;
}

uint32_t ft_sched_lost(struct ft_sched *sched, uint32_t id)
{
    struct worker *worker = find(sched, id);
    uint32_t running = FT_SCHED_NONE;
    if (worker == NULL)
        return running;
    if (worker->running) {
        running = worker->queue[worker->head++];
        sched->states[running] = LOST;
        worker->len--;
    }
    if (worker->len > 0)
        put_back(sched, worker->queue + worker->head, worker->len);
    if (!worker->finished)
        sched->alive--;
    free(worker->queue);
    *worker = (struct worker){0};
    return running;
}

int ft_sched_again(struct ft_sched *sched, uint32_t item)
{
    if (item >= sched->options.items || sched->states[item] != LOST)
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
}

uint32_t ft_sched_pending(const struct ft_sched *sched)
{
    return sched->line_len;
}

/* How many items to hand out now: large at first, for few messages; small at the end, for balance. */
static uint32_t batch_size(const struct ft_sched *sched)
{
    uint32_t workers = sched->alive > sched->options.workers ? sched->alive : sched->options.workers;
    uint32_t size = sched->line_len / (SHARES * workers);
    if (size == 0)
        size = 1;
    if (sched->options.batch_max != 0 && size > sched->options.batch_max)
        size = sched->options.batch_max;
    return size;
}

/* Make room for `count` items behind the queue. */
static bool reserve(struct worker *worker, uint32_t count)
{
    if (worker->head > 0) {
        memmove(worker->queue, worker->queue + worker->head, worker->len * sizeof *worker->queue);
        worker->head = 0;
    }
    if (worker->len + count <= worker->cap)
        return true;
    uint32_t *grown = realloc(worker->queue, (worker->len + count) * sizeof *grown);
    if (grown == NULL)
        return false;
    worker->queue = grown;
    worker->cap = worker->len + count;
    return true;
}

static bool hand_out(struct ft_sched *sched, struct worker *worker, struct ft_sched_order *order)
{
    uint32_t size = batch_size(sched);
    uint32_t low = size / 2 > LEAST ? size / 2 : LEAST;
    if (worker->len + size < LEAST)
        size = LEAST - worker->len;
    if (sched->options.batch_max != 0 && size > sched->options.batch_max)
        size = sched->options.batch_max;
    if (size > sched->line_len)
        size = sched->line_len;
    if (!reserve(worker, size))
        return false;
    uint32_t *items = worker->queue + worker->len;
    memcpy(items, sched->line + sched->line_head, size * sizeof *items);
    for (uint32_t i = 0; i < size; i++)
        sched->states[items[i]] = HELD;
    sched->line_head += size;
    sched->line_len -= size;
    worker->len += size;
    worker->low = low;
    worker->broken = false;
    *order = (struct ft_sched_order){FT_SCHED_RUN, (uint32_t)(worker - sched->workers), items, size};
    return true;
}

/* Whether every item is done. */
static bool all_done(const struct ft_sched *sched)
{
    if (sched->line_len > 0)
        return false;
    for (uint32_t i = 0; i < sched->worker_cap; i++)
        if (sched->workers[i].len > 0)
            return false;
    return true;
}

static bool order_for(struct ft_sched *sched, struct worker *worker, struct ft_sched_order *order)
{
    uint32_t low = worker->low > LEAST ? worker->low : LEAST;
    if (sched->line_len > 0 && (worker->len < LEAST || worker->len <= low))
        return hand_out(sched, worker, order);
    if (sched->line_len > 0)
        return false;
    *order = (struct ft_sched_order){.worker = (uint32_t)(worker - sched->workers)};
    if (worker->len == 1 && !worker->broken) {
        worker->broken = true;
        order->kind = FT_SCHED_BREAK;
        return true;
    }
    if (worker->len == 0 && (!sched->options.keep_idle || all_done(sched))) {
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
    for (uint32_t seen = 0; seen < sched->worker_cap; seen++) {
        uint32_t id = (sched->cursor + seen) % sched->worker_cap;
        struct worker *worker = &sched->workers[id];
        if (!worker->joined || worker->finished)
            continue;
        if (order_for(sched, worker, order)) {
            sched->cursor = (id + 1) % sched->worker_cap;
            return true;
        }
    }
    return false;
}

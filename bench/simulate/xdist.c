/*
 * Plain models of two of pytest-xdist's schedulers, written from its documentation and from what it was seen to do:
 * items in collection order, in chunks that shrink (load), or dealt out at once and stolen by idle workers (worksteal).
 */
#include <stdlib.h>

#include "models.h"

enum { LEAST_CHUNK = 2, LEAST_QUEUE = 2 };

struct xdist {
    struct orders *orders;
    const struct setting *setting;
    uint32_t next;     /* the first item that nobody was given */
    uint32_t *queued;  /* of each worker, what runs included */
    uint32_t *stolen;  /* room for what is taken back */
    uint8_t *ended;
};

static void *begin(const struct setting *setting, struct orders *orders)
{
    struct xdist *self = calloc(1, sizeof *self);
    if (self == NULL)
        abort();
    self->orders = orders;
    self->setting = setting;
    self->queued = calloc(setting->workers, sizeof *self->queued);
    self->ended = calloc(setting->workers, 1);
    self->stolen = calloc(setting->items, sizeof *self->stolen);
    if (self->queued == NULL || self->ended == NULL || self->stolen == NULL)
        abort();
    return self;
}

static void end(void *object)
{
    struct xdist *self = object;
    free(self->queued);
    free(self->ended);
    free(self->stolen);
    free(self);
}

static void started(void *object, uint32_t worker, uint32_t item)
{
    (void)object;
    (void)worker;
    (void)item;
}

static void give(struct xdist *self, uint32_t worker, uint32_t count)
{
    orders_message(self->orders);
    for (uint32_t i = 0; i < count && self->next < self->setting->items; i++) {
        orders_run(self->orders, worker, self->next++);
        self->queued[worker]++;
    }
}

static void end_all(struct xdist *self)
{
    for (uint32_t worker = 0; worker < self->setting->workers; worker++)
        if (!self->ended[worker]) {
            self->ended[worker] = 1;
            orders_message(self->orders);
            orders_end(self->orders, worker);
        }
}

static uint32_t at_least(uint32_t number, uint32_t least)
{
    return number < least ? least : number;
}

/* ---- load ---- */

static void *load_begin(const struct setting *setting, struct orders *orders)
{
    struct xdist *self = begin(setting, orders);
    uint32_t chunk = at_least(setting->items / (4 * setting->workers), LEAST_CHUNK);
    for (uint32_t worker = 0; worker < setting->workers; worker++)
        give(self, worker, chunk);
    if (self->next == setting->items)
        end_all(self);
    return self;
}

static void load_done(void *object, uint32_t worker, uint32_t item)
{
    struct xdist *self = object;
    uint32_t left = self->setting->items - self->next;
    uint32_t low = at_least(left / self->setting->workers / 4, LEAST_CHUNK);
    uint32_t high = at_least(left / self->setting->workers / 2, LEAST_CHUNK);
    (void)item;
    orders_message(self->orders); /* each test's end is told */
    self->queued[worker]--;
    if (left > 0 && self->queued[worker] < low)
        give(self, worker, high - self->queued[worker] > 0 ? high - self->queued[worker] : 1);
    if (self->next == self->setting->items)
        end_all(self);
}

/* ---- worksteal ---- */

static void *steal_begin(const struct setting *setting, struct orders *orders)
{
    struct xdist *self = begin(setting, orders);
    for (uint32_t worker = 0; worker < setting->workers; worker++)
        give(self, worker, (setting->items - self->next) / (setting->workers - worker));
    return self;
}

static void steal_done(void *object, uint32_t worker, uint32_t item)
{
    struct xdist *self = object;
    (void)item;
    orders_message(self->orders);
    self->queued[worker]--;
    if (self->ended[worker] || self->queued[worker] >= LEAST_QUEUE)
        return;
    uint32_t victim = worker;
    for (uint32_t other = 0; other < self->setting->workers; other++)
        if (self->queued[other] > self->queued[victim])
            victim = other;
    uint32_t most = self->queued[victim] / 2;
    if (victim == worker || self->queued[victim] <= LEAST_QUEUE + 1) {
        orders_message(self->orders);
        self->ended[worker] = 1;
        orders_end(self->orders, worker);
        return;
    }
    orders_message(self->orders);
    orders_message(self->orders);
    uint32_t count = orders_take_back(self->orders, victim, most, self->stolen);
    self->queued[victim] -= count;
    orders_message(self->orders);
    for (uint32_t i = 0; i < count; i++) {
        orders_run(self->orders, worker, self->stolen[i]);
        self->queued[worker]++;
    }
}

const struct model model_load = {"load", load_begin, started, load_done, end};
const struct model model_worksteal = {"worksteal", steal_begin, started, steal_done, end};

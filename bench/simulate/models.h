/* Ways of spreading items over workers, as the simulator sees them. */
#ifndef BENCH_SIMULATE_MODELS_H
#define BENCH_SIMULATE_MODELS_H

#include <stdint.h>

struct orders; /* where a model puts what it hands out */

/* Hand an item to a worker. */
void orders_run(struct orders *orders, uint32_t worker, uint32_t item);

/* Take the last `count` items of a worker's queue back; returns how many were not promised yet and came back. */
uint32_t orders_take_back(struct orders *orders, uint32_t worker, uint32_t count, uint32_t *items);

/* Nothing will follow: a worker may run the last item it has. */
void orders_end(struct orders *orders, uint32_t worker);

/* Something that was told to a worker or by it. */
void orders_message(struct orders *orders);

struct setting {
    uint32_t items, workers;
    const float *expected; /* NULL: unknown */
    const uint32_t *files; /* of each item */
};

struct model {
    const char *name;
    void *(*begin)(const struct setting *setting, struct orders *orders);
    void (*started)(void *self, uint32_t worker, uint32_t item);
    void (*done)(void *self, uint32_t worker, uint32_t item);
    void (*end)(void *self);
};

extern const struct model model_ours, model_load, model_worksteal;

#endif

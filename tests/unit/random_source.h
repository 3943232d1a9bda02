/* Random choices for the models of workers. */
#ifndef TESTS_UNIT_RANDOM_SOURCE_H
#define TESTS_UNIT_RANDOM_SOURCE_H

#include "random.h"
#include "sched_model.h"

struct random_source {
    struct model_source source;
    struct random random;
    uint32_t left;
};

static inline uint32_t random_source_choose(struct model_source *source, uint32_t limit)
{
    struct random_source *self = (struct random_source *)source;
    if (self->left == 0)
        source->end = true;
    else
        self->left--;
    return random_below(&self->random, limit);
}

/* A source of at least 10 and at most 10 + `choices` choices. */
static inline struct random_source random_source(uint64_t seed, uint32_t choices)
{
    struct random_source source = {.source = {random_source_choose, false}, .random = {seed}};
    source.left = 10 + random_below(&source.random, choices);
    return source;
}

#endif

/*
 * Workers that obey the protocol, in front of the scheduler, driven by a source of choices: random numbers in the unit
 * test, the input in the fuzz target.  After every event the model takes all orders and checks each against what
 * sched.h promises.
 */
#ifndef TESTS_UNIT_SCHED_MODEL_H
#define TESTS_UNIT_SCHED_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum { MODEL_ITEMS = 256, MODEL_WORKERS = 64 };

/* Where choices come from: a number below `limit` (at least 1); *end is set when there are no more. */
struct model_source {
    uint32_t (*choose)(struct model_source *source, uint32_t limit);
    bool end;
};

/* What the run amounted to. */
struct model_result {
    uint32_t done;     /* items that ran to their end */
    uint32_t lost;     /* items that a crash ended, for good */
    uint32_t pending;  /* items that nobody ran: only after a stop */
    bool stopped;
};

/*
 * Play until the source ends, then let all workers go on without further trouble until they have finished.  Returns
 * NULL, or a promise that was broken.
 */
const char *model_play(struct model_source *source, struct model_result *result);

#endif

/* As sched_model.h, for a scheduler whose items are assigned by somebody else. */
#ifndef TESTS_UNIT_LANES_MODEL_H
#define TESTS_UNIT_LANES_MODEL_H

#include "sched_model.h"

/* What the run amounted to. */
struct lanes_result {
    uint32_t done;      /* runs of an item */
    uint32_t withdrawn; /* items that were taken back */
    uint32_t lost;      /* workers */
};

/*
 * Play until the source ends, then close all workers and let them go on until they have finished.  Returns NULL, or a
 * promise that was broken.
 */
const char *lanes_play(struct model_source *source, struct lanes_result *result);

#endif

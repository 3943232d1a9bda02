/*
 * sched/sched under any sequence of events: the input makes the choices of the models of workers that the unit tests
 * use too (tests/unit/sched_model.h, lanes_model.h), one byte a choice, and no promise may be broken.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lanes_model.h"
#include "sched_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    struct model_source source;
    const uint8_t *at, *end;
};

static uint32_t choose(struct model_source *source, uint32_t limit)
{
    struct input *input = (struct input *)source;
    if (input->at == input->end) {
        source->end = true;
        return 0;
    }
    return *input->at++ % limit;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {{choose, false}, data, data + size};
    struct model_result result;
    struct lanes_result assigned;
    bool is_assigned = choose(&input.source, 2) == 1;
    const char *broken =
        is_assigned ? lanes_play(&input.source, &assigned) : model_play(&input.source, &result);
    if (broken != NULL) {
        fprintf(stderr, "not kept: %s\n", broken);
        abort();
    }
    return 0;
}

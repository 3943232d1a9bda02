/*
 * sched/sched under any sequence of events: the input makes the choices of the model of workers that the unit test uses
 * too (tests/unit/sched_model.h), one byte a choice, and no promise may be broken.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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
    const char *broken = model_play(&input.source, &result);
    if (broken != NULL) {
        fprintf(stderr, "not kept: %s\n", broken);
        abort();
    }
    return 0;
}

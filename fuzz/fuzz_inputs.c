/*
 * prep/inputs on any payload: what is taken has a kind and an absolute path, and is the same once it was written and
 * read again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "prep/inputs.h"
#include "same_inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) ((condition) ? (void)0 : abort())

static void check(const struct ft_inputs *inputs, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        const char *path = ft_inputs_path(inputs, &inputs->items[i]);
        MUST(ft_input_is_kind((uint64_t)inputs->items[i].kind) && path[0] == '/');
        MUST(inputs->items[i].path == len);
        len += strlen(path) + 1;
    }
    MUST(len == inputs->paths.len && len <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ft_mp_reader reader = {data, data + size};
    struct ft_inputs inputs = FT_INPUTS_INIT, again = FT_INPUTS_INIT;
    struct ft_buf out = FT_BUF_INIT;
    int err = ft_inputs_read(&inputs, &reader);
    MUST(err == 0 || err == -EBADMSG);
    MUST(reader.at >= data && reader.at <= data + size);
    check(&inputs, size);
    if (err == 0) {
        MUST(ft_inputs_write(&out, &inputs) == 0);
        /* Numbers may have been longer than they had to be. */
        MUST(out.len <= (size_t)(reader.at - data));
        struct ft_mp_reader copy = {ft_buf_head(&out), ft_buf_tail(&out)};
        MUST(ft_inputs_read(&again, &copy) == 0 && copy.at == copy.end);
        MUST(same_inputs(&inputs, &again));
    }
    ft_buf_release(&out);
    ft_inputs_release(&again);
    ft_inputs_release(&inputs);
    return 0;
}

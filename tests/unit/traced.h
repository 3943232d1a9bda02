/* Recording in tests, by the library that stands before the C library in them. */
#ifndef TESTS_UNIT_TRACED_H
#define TESTS_UNIT_TRACED_H

#include <stdbool.h>
#include <string.h>

#include "scratch.h"
#include "trace/trace.h"

const struct ft_trace_library *ft_trace_library(void);

static inline void trace_start(void)
{
    static const struct ft_trace_callbacks none = {NULL, NULL, NULL};
    ft_trace_library()->start(&none);
}

/* The entry of a kind and path, whatever its aspect; its kind is 0 if there is none. */
static inline struct ft_trace_entry traced(enum ft_trace_kind kind, const char *path)
{
    const struct ft_trace_library *library = ft_trace_library();
    struct ft_trace_entry none = {0};
    for (size_t i = 0; i < library->count(); i++) {
        struct ft_trace_entry entry = library->entry(i);
        if (entry.kind == kind && strcmp(entry.path, path) == 0)
            return entry;
    }
    return none;
}

static inline void check_traced(enum ft_trace_kind kind, const char *path, int failed)
{
    struct ft_trace_entry entry = traced(kind, path);
    if (entry.kind == 0)
        print_error("nothing of kind %d was recorded of %s\n", (int)kind, path);
    assert_int_equal(entry.kind, kind);
    assert_int_equal(entry.failed, failed);
}

#endif

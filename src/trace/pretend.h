/*
 * Files that this process takes for terminals: see trace.h.  Any thread may ask at any time, signal handlers and
 * children of vfork too; one at a time may change what is pretended.
 */
#ifndef FT_TRACE_PRETEND_H
#define FT_TRACE_PRETEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

extern atomic_bool pretend_on __attribute__((visibility("hidden")));

/* What is pretended of the file behind a descriptor; 0: nothing.  Leaves errno as it is. */
uint64_t pretend_find(int fd);

static inline uint64_t pretend_of(int fd)
{
    bool on = atomic_load_explicit(&pretend_on, memory_order_relaxed);
    return __builtin_expect(on, false) ? pretend_find(fd) : 0;
}

/* For the library's users; see trace.h. */
int pretend_begin(int fd, uint64_t terminal);
void pretend_end(void);

#endif

/* A table of what was seen, each thing once, in order of first sight.  Its memory comes from mmap alone. */
#ifndef FT_TRACE_RECORD_H
#define FT_TRACE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/trace.h"

struct record_item {
    uint64_t hash;
    struct ft_trace_entry entry; /* its texts are in the chunks */
};

struct record_chunk;

struct ft_record {
    struct record_item *items;
    size_t count, capacity;
    size_t hidden; /* so many of them, from the first on, are not found */
    uint32_t *slots; /* numbers of items, plus one; 0: free */
    size_t slot_count; /* a power of two */
    struct record_chunk *chunks; /* the one that is being filled, and those before it */
};

#define FT_RECORD_INIT {NULL, 0, 0, 0, NULL, 0, NULL}

/* What an entry is found by. */
struct ft_record_key {
    enum ft_trace_kind kind;
    enum ft_trace_aspect aspect;
    const char *path; /* need not end in NUL */
    size_t len;
    uint64_t hash;
};

struct ft_record_key ft_record_key(enum ft_trace_kind kind, enum ft_trace_aspect aspect, const char *path, size_t len);

/* The entry of a key; NULL: there is none.  Valid until the next one is added. */
struct ft_trace_entry *ft_record_find(const struct ft_record *record, const struct ft_record_key *key);

/* Add what is not there.  Returns 0, or -ENOMEM, with nothing added. */
int ft_record_add(struct ft_record *record, const struct ft_record_key *key, int failed, const char *who);

/* Find none of those that are there from now on, so that the same can be added once more. */
void ft_record_hide(struct ft_record *record);

/* Give all memory back; it is empty again. */
void ft_record_clear(struct ft_record *record);

#endif

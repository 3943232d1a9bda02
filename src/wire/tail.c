#include "wire/tail.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Position of the content and its length are one word, so that they change together.  While the position stays, bytes
 * are only added: what a reader has copied is right if it has not moved meanwhile.
 */
enum { LENGTH_BITS = 24 };

struct ft_tail {
    _Atomic uint64_t state; /* position << LENGTH_BITS | length */
    unsigned char data[FT_TAIL_SIZE - sizeof(uint64_t)];
};

_Static_assert(sizeof(struct ft_tail) == FT_TAIL_SIZE, "the reader and the writer map the same size");

static uint64_t position_of(uint64_t state)
{
    return state >> LENGTH_BITS;
}

static size_t length_of(uint64_t state)
{
    return (size_t)(state & ((1u << LENGTH_BITS) - 1));
}

struct ft_tail *ft_tail_map(int fd)
{
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *memory = mmap(NULL, FT_TAIL_SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void ft_tail_unmap(struct ft_tail *tail)
{
    if (tail != NULL)
        munmap(tail, FT_TAIL_SIZE);
}

/* ---- who writes ---- */

size_t ft_tail_room(const struct ft_tail *tail)
{
    size_t len = length_of(atomic_load_explicit(&tail->state, memory_order_relaxed));
    return len < sizeof tail->data ? sizeof tail->data - len : 0;
}

void ft_tail_append(struct ft_tail *tail, const void *data, size_t len)
{
    uint64_t state = atomic_load_explicit(&tail->state, memory_order_relaxed);
    memcpy(tail->data + length_of(state), data, len);
    atomic_store_explicit(&tail->state, state + len, memory_order_release);
}

const unsigned char *ft_tail_content(const struct ft_tail *tail, size_t *len)
{
    *len = length_of(atomic_load_explicit(&tail->state, memory_order_relaxed));
    return tail->data;
}

void ft_tail_sent(struct ft_tail *tail, size_t more)
{
    uint64_t state = atomic_load_explicit(&tail->state, memory_order_relaxed);
    uint64_t position = position_of(state) + length_of(state) + more;
    atomic_store_explicit(&tail->state, position << LENGTH_BITS, memory_order_relaxed);
    /* Whoever sees bytes that are written from now on sees that the content has moved. */
    atomic_thread_fence(memory_order_release);
}

/* ---- who reads ---- */

int64_t ft_tail_peek(const struct ft_tail *tail, uint64_t from, struct ft_buf *into)
{
    uint64_t state = atomic_load_explicit(&tail->state, memory_order_acquire);
    size_t len = length_of(state);
    if (len > sizeof tail->data)
        return -EBADMSG;
    uint64_t position = position_of(state);
    if (from < position || from - position >= len)
        return 0;
    size_t known = (size_t)(from - position);
    int err = ft_buf_reserve(into, len - known);
    if (err < 0)
        return err;
    memcpy(ft_buf_tail(into), tail->data + known, len - known);
    atomic_thread_fence(memory_order_acquire);
    if (position_of(atomic_load_explicit(&tail->state, memory_order_relaxed)) != position)
        return 0;
    ft_buf_grown(into, len - known);
    return (int64_t)(len - known);
}

/*
 * Holes in the memory of a process that is about to fork.  Python's allocator hands out the freed blocks between living
 * objects before it takes a fresh page, so that a process just forked copies pages all over what it shares with the
 * others, for objects that have nothing to do with what is there.  With the holes filled new objects lie together.
 */
#include "ext/core.h"

enum {
    LARGEST = 512, /* of what is taken from pools; the C library gives the rest */
    STEP = 16,
    HEADER = 48,
#if PY_VERSION_HEX >= 0x030A0000
    POOL = 16384,
#else
    POOL = 4096,
#endif
    TUPLE_SIZES = 20, /* for which Python keeps tuples that were freed, wherever they lie */
    TUPLES_KEPT = 2000,
};

struct block {
    struct block *next;
};

static struct block *fillers; /* never given back: a hole would be filled again at once */

/* Whether the objects of this interpreter come from pools, and nobody counts them. */
static int has_pools(void)
{
#if defined(Py_GIL_DISABLED) || defined(Py_TRACE_REFS)
    return 0;
#else
    PyMemAllocatorEx objects, raw;
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &objects);
    PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &raw);
    return objects.ctx == NULL && objects.malloc != raw.malloc;
#endif
}

/* Give back the memory of the tuples that Python keeps. */
static void drain_tuples(void)
{
    static PyObject *taken[TUPLES_KEPT];
    for (Py_ssize_t size = 1; size <= TUPLE_SIZES; size++) {
        size_t count = 0;
        while (count < TUPLES_KEPT && (taken[count] = PyTuple_New(size)) != NULL)
            count++;
        while (count-- > 0) {
            PyObject_GC_UnTrack(taken[count]);
            PyObject_GC_Del(taken[count]); /* not by its reference count, which would have it kept again */
        }
    }
    PyErr_Clear();
}

static void free_first(struct block **list, size_t count)
{
    while (count-- > 0) {
        struct block *block = *list;
        *list = block->next;
        PyObject_Free(block);
    }
}

/*
 * Take blocks of one size until all of a pool's have come one after the other, which is a fresh one; that is given
 * back.  Returns how many bytes are kept.
 */
static size_t fill(size_t size, size_t limit)
{
    size_t in_pool = (POOL - HEADER) / size, run = 0, taken = 0;
    const char *last = NULL;
    while (run < in_pool && taken + size <= limit) {
        struct block *block = PyObject_Malloc(size);
        if (block == NULL)
            break;
        run = last != NULL && (const char *)block == last + size ? run + 1 : 1;
        last = (const char *)block;
        block->next = fillers;
        fillers = block;
        taken += size;
    }
    if (run < in_pool)
        return taken;
    free_first(&fillers, run);
    return taken - run * size;
}

PyObject *core_fill_holes(PyObject *module, PyObject *args)
{
    Py_ssize_t limit;
    (void)module;
    if (!PyArg_ParseTuple(args, "n:fill_holes", &limit))
        return NULL;
    size_t whole = limit < 0 ? 0 : (size_t)limit, left = whole;
    if (has_pools()) {
        drain_tuples();
        for (size_t size = STEP; size <= LARGEST; size += STEP)
            left -= fill(size, left);
    }
    return PyLong_FromSize_t(whole - left);
}

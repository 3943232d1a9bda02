/*
 * Pages that runs write to.  A process that was forked off a snapshot copies each page that it writes to, and waits
 * for it.  A run notes which these were, and the process that stands by for the next one copies them ahead.  Ustiugov
 * et al., "Benchmarking, Analysis, and Optimization of Serverless Function Snapshots" (2021), do so for virtual
 * machines.  The worker that stands by has a list of its own: what the first one has written to until it was ready.
 *
 * The lists are hints, in memory that all processes of a snapshot share: whatever they say, copying a page changes
 * nothing that anybody could see, and the kernel refuses what is no page of this process.
 */
#include "ext/hot.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ext/core.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14 */
#endif

enum {
    RANGES = 4096,
    /* Who writes to more takes so long that they do not matter, and they would take much memory. */
    PAGES_OF_RUN = 4096,
    PAGES_OF_WORKER = 2400,
    MAPPING_MOST = 1 << 30, /* bytes: a larger one is a reserve, as of sanitizers, and takes long to look through */
    AT_ONCE = 512,     /* entries that are read together */
    RANGES_AT_ONCE = 16, /* that are copied while something else may happen */
};

/* Of /proc/PID/pagemap: see "pagemap" in the kernel's documentation. */
#define PRESENT (UINT64_C(1) << 63)
#define OF_FILE (UINT64_C(1) << 61)
#define EXCLUSIVE (UINT64_C(1) << 56)

struct range {
    uintptr_t begin;
    size_t size;
};

struct list {
    bool noted; /* also if it is empty, since there were too many */
    size_t count;
    struct range ranges[RANGES];
};

static struct lists {
    struct list run, worker;
} *shared; /* NULL: nobody notes anything */

PyObject *core_share_hot_pages(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared = memory == MAP_FAILED ? NULL : memory;
    Py_RETURN_NONE;
}

/* Copy the range with this number.  Returns false if there is none. */
static bool copy(const struct list *list, size_t number)
{
    if (number >= list->count || number >= RANGES)
        return false;
    struct range range = list->ranges[number];
    madvise((void *)range.begin, range.size, MADV_POPULATE_WRITE); /* NOLINT(performance-no-int-to-ptr) */
    return true;
}

PyObject *core_copy_hot_pages(PyObject *module, PyObject *args)
{
    int of_worker = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "|p:copy_hot_pages", &of_worker))
        return NULL;
    for (size_t i = 0; shared != NULL && copy(of_worker ? &shared->worker : &shared->run, i); i++)
        ;
    Py_RETURN_NONE;
}

bool core_copy_more_hot_pages(void)
{
    static size_t next;
    for (int i = 0; i < RANGES_AT_ONCE; i++)
        if (shared == NULL || !copy(&shared->run, next++))
            return false;
    return true;
}

/* ---- noting ---- */

/* Another page; they come in order.  Returns false if there is no room. */
static bool note(struct list *list, uintptr_t page, size_t size)
{
    struct range *last = list->count > 0 ? &list->ranges[list->count - 1] : NULL;
    if (last != NULL && last->begin + last->size == page) {
        last->size += size;
        return true;
    }
    if (list->count == RANGES)
        return false;
    list->ranges[list->count++] = (struct range){page, size};
    return true;
}

/* The pages from `begin` to `end` that no other process has.  Returns how many, or SIZE_MAX if they cannot be told. */
static size_t note_own(struct list *list, int pagemap, uintptr_t begin, uintptr_t end, size_t size)
{
    uint64_t entries[AT_ONCE];
    size_t found = 0;
    while (begin < end) {
        size_t wanted = (end - begin) / size < AT_ONCE ? (end - begin) / size : AT_ONCE;
        ssize_t got = pread(pagemap, entries, wanted * sizeof *entries, (off_t)(begin / size * sizeof *entries));
        if (got <= 0)
            return SIZE_MAX;
        size_t count = (size_t)got / sizeof *entries;
        for (size_t i = 0; i < count; i++) {
            if ((entries[i] & (PRESENT | OF_FILE | EXCLUSIVE)) != (PRESENT | EXCLUSIVE))
                continue;
            if (!note(list, begin + i * size, size))
                return SIZE_MAX;
            found++;
        }
        begin += count * size;
    }
    return found;
}

/* Likewise of all memory that is this process's to write.  Returns false if it is too much, or cannot be told. */
static bool note_all(struct list *list, FILE *maps, int pagemap, size_t most)
{
    char line[512], access[8];
    size_t pages = 0, size = (size_t)sysconf(_SC_PAGESIZE);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long begin, end;
        if (sscanf(line, "%lx-%lx %7s", &begin, &end, access) != 3 || strcmp(access, "rw-p") != 0 ||
            end - begin > MAPPING_MOST)
            continue;
        size_t found = note_own(list, pagemap, begin, end, size);
        if (found == SIZE_MAX || (pages += found) > most)
            return false;
    }
    return true;
}

/* Note in this list which pages are this process's own by now, if they are no more than this. */
static void note_in(struct list *list, size_t most)
{
    static struct list found;
    FILE *maps = fopen("/proc/self/maps", "re");
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (maps != NULL && pagemap >= 0 && note_all(&found, maps, pagemap, most))
        *list = found;
    list->noted = true;
    if (maps != NULL)
        fclose(maps);
    if (pagemap >= 0)
        close(pagemap);
}

void core_note_hot_pages(void)
{
    if (shared != NULL)
        note_in(&shared->run, PAGES_OF_RUN);
}

PyObject *core_note_worker_pages(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    if (shared != NULL && !shared->worker.noted)
        note_in(&shared->worker, PAGES_OF_WORKER);
    Py_RETURN_NONE;
}

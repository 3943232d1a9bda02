#include "trace/pretend.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

#include "trace/trace.h"

/* Which file it is changes only while nothing is pretended of it. */
struct pretended {
    _Atomic dev_t device;
    _Atomic ino_t number;
    _Atomic uint64_t terminal; /* 0: the place is free */
};

atomic_bool pretend_on;

static struct pretended files[FT_TRACE_TERMINALS];

static struct pretended *find(const struct stat *status)
{
    for (size_t i = 0; i < FT_TRACE_TERMINALS; i++)
        if (atomic_load(&files[i].terminal) != 0 && atomic_load(&files[i].device) == status->st_dev &&
            atomic_load(&files[i].number) == status->st_ino)
            return &files[i];
    return NULL;
}

static struct pretended *take(const struct stat *status)
{
    for (size_t i = 0; i < FT_TRACE_TERMINALS; i++) {
        if (atomic_load(&files[i].terminal) != 0)
            continue;
        atomic_store(&files[i].device, status->st_dev);
        atomic_store(&files[i].number, status->st_ino);
        return &files[i];
    }
    return NULL;
}

uint64_t pretend_find(int fd)
{
    struct stat status;
    int saved = errno;
    struct pretended *file = fstat(fd, &status) == 0 ? find(&status) : NULL;
    errno = saved;
    return file == NULL ? 0 : atomic_load(&file->terminal);
}

static void switch_on_or_off(void)
{
    bool on = false;
    for (size_t i = 0; i < FT_TRACE_TERMINALS; i++)
        on = on || atomic_load(&files[i].terminal) != 0;
    atomic_store(&pretend_on, on);
}

int pretend_begin(int fd, uint64_t terminal)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    struct pretended *file = find(&status);
    if (file == NULL && terminal == 0)
        return 0;
    if (file == NULL)
        file = take(&status);
    if (file == NULL)
        return -ENOSPC;
    atomic_store(&file->terminal, terminal);
    switch_on_or_off();
    return 0;
}

void pretend_end(void)
{
    for (size_t i = 0; i < FT_TRACE_TERMINALS; i++)
        atomic_store(&files[i].terminal, 0);
    switch_on_or_off();
}

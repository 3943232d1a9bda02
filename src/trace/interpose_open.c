/* Files that are opened, and folders that are listed. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trace/interpose.h"

/* ---- open ---- */

/* What a mode is behind, if the flags ask for one. */
#define MODE_BEHIND(flags, mode) \
    do { \
        if (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE) { \
            va_list more; \
            va_start(more, flags); \
            mode = va_arg(more, mode_t); \
            va_end(more); \
        } \
    } while (0)

static void opened(int folder, const char *path, int flags, bool failed)
{
    int err = recorder_failed(failed), access = flags & O_ACCMODE;
    bool creates = (flags & O_CREAT) != 0;
    if ((flags & O_TMPFILE) == O_TMPFILE)
        return; /* a file without a name, which is nothing to others */
    if ((flags & O_PATH) != 0 || ((flags & O_DIRECTORY) != 0 && access == O_RDONLY)) {
        /* What is asked of the descriptor is not seen. */
        recorder_aspect(FT_TRACE_STATUS, FT_ASPECT_FULL, folder, path, err);
        return;
    }
    bool anew = (flags & O_TRUNC) != 0 || (creates && (flags & O_EXCL) != 0);
    if (access != O_WRONLY && !anew)
        recorder_path(FT_TRACE_READ, folder, path, err);
    if (access != O_RDONLY || creates || (flags & O_TRUNC) != 0)
        recorder_path(FT_TRACE_CHANGE, folder, path, err);
}

#define OPEN(name) \
    INTERPOSED(int, name, (const char *path, int flags, ...)) \
    { \
        mode_t mode = 0; \
        MODE_BEHIND(flags, mode); \
        int fd = REAL(name)(path, flags, mode); \
        if (recorder_is_on()) \
            opened(AT_FDCWD, path, flags, fd < 0); \
        return fd; \
    }

OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    INTERPOSED(int, name, (int folder, const char *path, int flags, ...)) \
    { \
        mode_t mode = 0; \
        MODE_BEHIND(flags, mode); \
        int fd = REAL(name)(folder, path, flags, mode); \
        if (recorder_is_on()) \
            opened(folder, path, flags, fd < 0); \
        return fd; \
    }

OPENAT(openat)
OPENAT(openat64)

/* What fortified programs call where there is no mode. */
#define OPEN_2(name) \
    INTERPOSED(int, name, (const char *path, int flags)) \
    { \
        int fd = REAL(name)(path, flags); \
        if (recorder_is_on()) \
            opened(AT_FDCWD, path, flags, fd < 0); \
        return fd; \
    }

OPEN_2(__open_2)
OPEN_2(__open64_2)

#define OPENAT_2(name) \
    INTERPOSED(int, name, (int folder, const char *path, int flags)) \
    { \
        int fd = REAL(name)(folder, path, flags); \
        if (recorder_is_on()) \
            opened(folder, path, flags, fd < 0); \
        return fd; \
    }

OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

#define CREAT(name) \
    INTERPOSED(int, name, (const char *path, mode_t mode)) \
    { \
        int fd = REAL(name)(path, mode); \
        interpose_changed(AT_FDCWD, path, fd < 0); \
        return fd; \
    }

CREAT(creat)
CREAT(creat64)

/* ---- streams ---- */

static void stream_opened(const char *path, const char *mode, bool failed)
{
    int flags = strchr(mode, '+') != NULL ? O_RDWR : mode[0] == 'r' ? O_RDONLY : O_WRONLY;
    if (mode[0] != 'r')
        flags |= O_CREAT | (mode[0] == 'w' ? O_TRUNC : 0);
    opened(AT_FDCWD, path, flags, failed);
}

#define FOPEN(name) \
    INTERPOSED(void *, name, (const char *path, const char *mode)) \
    { \
        void *stream = REAL(name)(path, mode); \
        if (recorder_is_on()) \
            stream_opened(path, mode, stream == NULL); \
        return stream; \
    }

FOPEN(fopen)
FOPEN(fopen64)

#define FREOPEN(name) \
    INTERPOSED(void *, name, (const char *path, const char *mode, void *old)) \
    { \
        void *stream = REAL(name)(path, mode, old); \
        if (recorder_is_on()) \
            stream_opened(path, mode, stream == NULL); \
        return stream; \
    }

FREOPEN(freopen)
FREOPEN(freopen64)

/* ---- folders ---- */

INTERPOSED(void *, opendir, (const char *path))
{
    void *folder = REAL(opendir)(path);
    interpose_path(FT_TRACE_LIST, AT_FDCWD, path, folder == NULL);
    return folder;
}

INTERPOSED(void *, fdopendir, (int fd))
{
    void *folder = REAL(fdopendir)(fd);
    if (recorder_is_on())
        recorder_descriptor(FT_TRACE_LIST, fd, recorder_failed(folder == NULL));
    return folder;
}

INTERPOSED(ssize_t, getdents64, (int fd, void *buffer, size_t size))
{
    ssize_t len = HAS_REAL(getdents64) ? REAL(getdents64)(fd, buffer, size)
                                       : syscall(SYS_getdents64, fd, buffer, size);
    if (recorder_is_on())
        recorder_descriptor(FT_TRACE_LIST, fd, recorder_failed(len < 0));
    return len;
}

#define SCANDIR(name) \
    INTERPOSED(int, name, (const char *path, void *names, interpose_any *select, interpose_any *compare)) \
    { \
        int count = REAL(name)(path, names, select, compare); \
        interpose_path(FT_TRACE_LIST, AT_FDCWD, path, count < 0); \
        return count; \
    }

SCANDIR(scandir)
SCANDIR(scandir64)

#define SCANDIRAT(name) \
    INTERPOSED(int, name, \
               (int folder, const char *path, void *names, interpose_any *select, interpose_any *compare)) \
    { \
        int count = REAL(name)(folder, path, names, select, compare); \
        interpose_path(FT_TRACE_LIST, folder, path, count < 0); \
        return count; \
    }

SCANDIRAT(scandirat)
SCANDIRAT(scandirat64)

/* ---- whole trees ---- */

#define FTW(name) \
    INTERPOSED(int, name, (const char *path, interpose_any *each, int descriptors)) \
    { \
        interpose_opaque(#name); \
        return REAL(name)(path, each, descriptors); \
    }

FTW(ftw)
FTW(ftw64)

#define NFTW(name) \
    INTERPOSED(int, name, (const char *path, interpose_any *each, int descriptors, int flags)) \
    { \
        interpose_opaque(#name); \
        return REAL(name)(path, each, descriptors, flags); \
    }

NFTW(nftw)
NFTW(nftw64)

#define GLOB(name) \
    INTERPOSED(int, name, (const char *pattern, int flags, interpose_any *failed, void *found)) \
    { \
        interpose_opaque(#name); \
        return REAL(name)(pattern, flags, failed, found); \
    }

GLOB(glob)
GLOB(glob64)

#define FTS_OPEN(name, older) \
    INTERPOSED(void *, name, (char *const *paths, int options, interpose_any *compare)) \
    { \
        interpose_opaque(#name); \
        return HAS_REAL(name) ? REAL(name)(paths, options, compare) : REAL(older)(paths, options, compare); \
    }

FTS_OPEN(fts_open, fts_open)
FTS_OPEN(fts64_open, fts_open)

INTERPOSED(int, wordexp, (const char *words, void *found, int flags))
{
    interpose_opaque("wordexp");
    return REAL(wordexp)(words, found, flags);
}

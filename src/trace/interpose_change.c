/* What changes a file system. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "trace/interpose.h"

#define ONE_PATH(name) \
    INTERPOSED(int, name, (const char *path)) \
    { \
        int result = REAL(name)(path); \
        interpose_changed(AT_FDCWD, path, result < 0); \
        return result; \
    }

ONE_PATH(unlink)
ONE_PATH(rmdir)
ONE_PATH(remove)

INTERPOSED(int, unlinkat, (int folder, const char *path, int flags))
{
    int result = REAL(unlinkat)(folder, path, flags);
    interpose_changed(folder, path, result < 0);
    return result;
}

/* ---- made ---- */

#define PATH_MODE(name) \
    INTERPOSED(int, name, (const char *path, mode_t mode)) \
    { \
        int result = REAL(name)(path, mode); \
        interpose_changed(AT_FDCWD, path, result < 0); \
        return result; \
    }

#define PATH_MODE_AT(name) \
    INTERPOSED(int, name, (int folder, const char *path, mode_t mode)) \
    { \
        int result = REAL(name)(folder, path, mode); \
        interpose_changed(folder, path, result < 0); \
        return result; \
    }

PATH_MODE(mkdir)
PATH_MODE(mkfifo)
PATH_MODE(chmod)
PATH_MODE(lchmod)
PATH_MODE_AT(mkdirat)
PATH_MODE_AT(mkfifoat)

/* Before glibc 2.33 programs have these of their own, which call __xmknod. */
INTERPOSED(int, __xmknod, (int version, const char *path, mode_t mode, dev_t *device))
{
    int result = REAL(__xmknod)(version, path, mode, device);
    interpose_changed(AT_FDCWD, path, result < 0);
    return result;
}

INTERPOSED(int, __xmknodat, (int version, int folder, const char *path, mode_t mode, dev_t *device))
{
    int result = REAL(__xmknodat)(version, folder, path, mode, device);
    interpose_changed(folder, path, result < 0);
    return result;
}

INTERPOSED(int, mknod, (const char *path, mode_t mode, dev_t device))
{
    int result = HAS_REAL(mknod) ? REAL(mknod)(path, mode, device) : REAL(__xmknod)(0, path, mode, &device);
    interpose_changed(AT_FDCWD, path, result < 0);
    return result;
}

INTERPOSED(int, mknodat, (int folder, const char *path, mode_t mode, dev_t device))
{
    int result = HAS_REAL(mknodat) ? REAL(mknodat)(folder, path, mode, device)
                                   : REAL(__xmknodat)(0, folder, path, mode, &device);
    interpose_changed(folder, path, result < 0);
    return result;
}

/* The template is the path afterwards. */
#define MKSTEMP(name) \
    INTERPOSED(int, name, (char *path)) \
    { \
        int fd = REAL(name)(path); \
        interpose_changed(AT_FDCWD, path, fd < 0); \
        return fd; \
    }

MKSTEMP(mkstemp)
MKSTEMP(mkstemp64)

/* With flags, or with the length of what follows the template's X. */
#define MKSTEMP_MORE(name) \
    INTERPOSED(int, name, (char *path, int more)) \
    { \
        int fd = REAL(name)(path, more); \
        interpose_changed(AT_FDCWD, path, fd < 0); \
        return fd; \
    }

MKSTEMP_MORE(mkostemp)
MKSTEMP_MORE(mkostemp64)
MKSTEMP_MORE(mkstemps)
MKSTEMP_MORE(mkstemps64)

#define MKOSTEMPS(name) \
    INTERPOSED(int, name, (char *path, int suffix, int flags)) \
    { \
        int fd = REAL(name)(path, suffix, flags); \
        interpose_changed(AT_FDCWD, path, fd < 0); \
        return fd; \
    }

MKOSTEMPS(mkostemps)
MKOSTEMPS(mkostemps64)

INTERPOSED(char *, mkdtemp, (char *path))
{
    char *made = REAL(mkdtemp)(path);
    interpose_changed(AT_FDCWD, path, made == NULL);
    return made;
}

/* ---- two paths ---- */

INTERPOSED(int, rename, (const char *from, const char *to))
{
    int result = REAL(rename)(from, to);
    interpose_changed(AT_FDCWD, from, result < 0);
    interpose_changed(AT_FDCWD, to, result < 0);
    return result;
}

INTERPOSED(int, renameat, (int folder, const char *from, int to_folder, const char *to))
{
    int result = REAL(renameat)(folder, from, to_folder, to);
    interpose_changed(folder, from, result < 0);
    interpose_changed(to_folder, to, result < 0);
    return result;
}

INTERPOSED(int, renameat2, (int folder, const char *from, int to_folder, const char *to, unsigned flags))
{
    int result = HAS_REAL(renameat2) ? REAL(renameat2)(folder, from, to_folder, to, flags)
                                     : (int)syscall(SYS_renameat2, folder, from, to_folder, to, flags);
    interpose_changed(folder, from, result < 0);
    interpose_changed(to_folder, to, result < 0);
    return result;
}

INTERPOSED(int, link, (const char *from, const char *to))
{
    int result = REAL(link)(from, to);
    interpose_changed(AT_FDCWD, from, result < 0); /* another number of links */
    interpose_changed(AT_FDCWD, to, result < 0);
    return result;
}

INTERPOSED(int, linkat, (int folder, const char *from, int to_folder, const char *to, int flags))
{
    int result = REAL(linkat)(folder, from, to_folder, to, flags);
    interpose_changed(folder, from, result < 0);
    interpose_changed(to_folder, to, result < 0);
    return result;
}

INTERPOSED(int, symlink, (const char *target, const char *path))
{
    int result = REAL(symlink)(target, path);
    interpose_changed(AT_FDCWD, path, result < 0);
    return result;
}

INTERPOSED(int, symlinkat, (const char *target, int folder, const char *path))
{
    int result = REAL(symlinkat)(target, folder, path);
    interpose_changed(folder, path, result < 0);
    return result;
}

/* ---- other properties ---- */

INTERPOSED(int, fchmodat, (int folder, const char *path, mode_t mode, int flags))
{
    int result = REAL(fchmodat)(folder, path, mode, flags);
    interpose_changed(folder, path, result < 0);
    return result;
}

INTERPOSED(int, fchmod, (int fd, mode_t mode))
{
    int result = REAL(fchmod)(fd, mode);
    interpose_changed_descriptor(fd, result < 0);
    return result;
}

#define CHOWN(name) \
    INTERPOSED(int, name, (const char *path, uid_t owner, gid_t group)) \
    { \
        int result = REAL(name)(path, owner, group); \
        interpose_changed(AT_FDCWD, path, result < 0); \
        return result; \
    }

CHOWN(chown)
CHOWN(lchown)

INTERPOSED(int, fchownat, (int folder, const char *path, uid_t owner, gid_t group, int flags))
{
    int result = REAL(fchownat)(folder, path, owner, group, flags);
    interpose_changed(folder, path, result < 0);
    return result;
}

INTERPOSED(int, fchown, (int fd, uid_t owner, gid_t group))
{
    int result = REAL(fchown)(fd, owner, group);
    interpose_changed_descriptor(fd, result < 0);
    return result;
}

#define TRUNCATE(name) \
    INTERPOSED(int, name, (const char *path, off_t size)) \
    { \
        int result = REAL(name)(path, size); \
        interpose_changed(AT_FDCWD, path, result < 0); \
        return result; \
    }

TRUNCATE(truncate)
TRUNCATE(truncate64)

#define UTIMES(name) \
    INTERPOSED(int, name, (const char *path, const void *times)) \
    { \
        int result = REAL(name)(path, times); \
        interpose_changed(AT_FDCWD, path, result < 0); \
        return result; \
    }

UTIMES(utime)
UTIMES(utimes)
UTIMES(lutimes)

#define FUTIMES(name) \
    INTERPOSED(int, name, (int fd, const void *times)) \
    { \
        int result = REAL(name)(fd, times); \
        interpose_changed_descriptor(fd, result < 0); \
        return result; \
    }

FUTIMES(futimens)
FUTIMES(futimes)

/* Without a path they are about the descriptor. */
static void times_changed(int folder, const char *path, bool failed)
{
    if (path == NULL)
        interpose_changed_descriptor(folder, failed);
    else
        interpose_changed(folder, path, failed);
}

INTERPOSED(int, futimesat, (int folder, const char *path, const void *times))
{
    int result = REAL(futimesat)(folder, path, times);
    times_changed(folder, path, result < 0);
    return result;
}

INTERPOSED(int, utimensat, (int folder, const char *path, const struct timespec *times, int flags))
{
    int result = REAL(utimensat)(folder, path, times, flags);
    times_changed(folder, path, result < 0);
    return result;
}

#define SETXATTR(name) \
    INTERPOSED(int, name, (const char *path, const char *attribute, const void *value, size_t size, int flags)) \
    { \
        int result = REAL(name)(path, attribute, value, size, flags); \
        interpose_changed(AT_FDCWD, path, result < 0); \
        return result; \
    }

SETXATTR(setxattr)
SETXATTR(lsetxattr)

#define REMOVEXATTR(name) \
    INTERPOSED(int, name, (const char *path, const char *attribute)) \
    { \
        int result = REAL(name)(path, attribute); \
        interpose_changed(AT_FDCWD, path, result < 0); \
        return result; \
    }

REMOVEXATTR(removexattr)
REMOVEXATTR(lremovexattr)

/* Questions about what is there. */
#include <sys/syscall.h>
#include <unistd.h>

#include "trace/interpose.h"

/* ---- stat ---- */

/*
 * Before glibc 2.33 programs had these of their own, which call __xstat; where somebody finds ours all the same, the
 * system answers it.
 */
static int ask_system(int folder, const char *path, void *status, int flags)
{
    return (int)syscall(SYS_newfstatat, folder, path, status, flags);
}

#define STAT(name, kind, flags) \
    INTERPOSED(int, name, (const char *path, void *status)) \
    { \
        int result = HAS_REAL(name) ? REAL(name)(path, status) : ask_system(AT_FDCWD, path, status, flags); \
        interpose_path(kind, AT_FDCWD, path, result < 0); \
        return result; \
    }

STAT(stat, FT_TRACE_STATUS, 0)
STAT(stat64, FT_TRACE_STATUS, 0)
STAT(lstat, FT_TRACE_LINK, AT_SYMLINK_NOFOLLOW)
STAT(lstat64, FT_TRACE_LINK, AT_SYMLINK_NOFOLLOW)

static enum ft_trace_kind kind_of(int flags)
{
    return (flags & AT_SYMLINK_NOFOLLOW) != 0 ? FT_TRACE_LINK : FT_TRACE_STATUS;
}

#define FSTATAT(name) \
    INTERPOSED(int, name, (int folder, const char *path, void *status, int flags)) \
    { \
        int result = HAS_REAL(name) ? REAL(name)(folder, path, status, flags) \
                                    : ask_system(folder, path, status, flags); \
        interpose_path(kind_of(flags), folder, path, result < 0); \
        return result; \
    }

FSTATAT(fstatat)
FSTATAT(fstatat64)

#define XSTAT(name, kind) \
    INTERPOSED(int, name, (int version, const char *path, void *status)) \
    { \
        int result = REAL(name)(version, path, status); \
        interpose_path(kind, AT_FDCWD, path, result < 0); \
        return result; \
    }

XSTAT(__xstat, FT_TRACE_STATUS)
XSTAT(__xstat64, FT_TRACE_STATUS)
XSTAT(__lxstat, FT_TRACE_LINK)
XSTAT(__lxstat64, FT_TRACE_LINK)

#define FXSTATAT(name) \
    INTERPOSED(int, name, (int version, int folder, const char *path, void *status, int flags)) \
    { \
        int result = REAL(name)(version, folder, path, status, flags); \
        interpose_path(kind_of(flags), folder, path, result < 0); \
        return result; \
    }

FXSTATAT(__fxstatat)
FXSTATAT(__fxstatat64)

INTERPOSED(int, statx, (int folder, const char *path, int flags, unsigned mask, void *status))
{
    int result = HAS_REAL(statx) ? REAL(statx)(folder, path, flags, mask, status)
                                 : (int)syscall(SYS_statx, folder, path, flags, mask, status);
    interpose_path(kind_of(flags), folder, path, result < 0);
    return result;
}

/* ---- access ---- */

static void asked_for_access(int folder, const char *path, int mode, int flags, bool failed)
{
    if (!recorder_is_on())
        return;
    int err = recorder_failed(failed);
    if (mode == F_OK)
        recorder_aspect(kind_of(flags), FT_ASPECT_PRESENCE, folder, path, err);
    else
        recorder_path(kind_of(flags), folder, path, err);
}

#define ACCESS(name) \
    INTERPOSED(int, name, (const char *path, int mode)) \
    { \
        int result = REAL(name)(path, mode); \
        asked_for_access(AT_FDCWD, path, mode, 0, result < 0); \
        return result; \
    }

ACCESS(access)
ACCESS(eaccess)
ACCESS(euidaccess)

INTERPOSED(int, faccessat, (int folder, const char *path, int mode, int flags))
{
    int result = REAL(faccessat)(folder, path, mode, flags);
    asked_for_access(folder, path, mode, flags, result < 0);
    return result;
}

/* ---- links ---- */

static void asked_for_link(int folder, const char *path, bool failed)
{
    if (recorder_is_on())
        recorder_aspect(FT_TRACE_LINK, FT_ASPECT_PRESENCE, folder, path, recorder_failed(failed));
}

INTERPOSED(ssize_t, readlink, (const char *path, char *buffer, size_t size))
{
    ssize_t len = REAL(readlink)(path, buffer, size);
    asked_for_link(AT_FDCWD, path, len < 0);
    return len;
}

INTERPOSED(ssize_t, readlinkat, (int folder, const char *path, char *buffer, size_t size))
{
    ssize_t len = REAL(readlinkat)(folder, path, buffer, size);
    asked_for_link(folder, path, len < 0);
    return len;
}

INTERPOSED(ssize_t, __readlink_chk, (const char *path, char *buffer, size_t size, size_t room))
{
    ssize_t len = REAL(__readlink_chk)(path, buffer, size, room);
    asked_for_link(AT_FDCWD, path, len < 0);
    return len;
}

INTERPOSED(ssize_t, __readlinkat_chk, (int folder, const char *path, char *buffer, size_t size, size_t room))
{
    ssize_t len = REAL(__readlinkat_chk)(folder, path, buffer, size, room);
    asked_for_link(folder, path, len < 0);
    return len;
}

INTERPOSED(char *, realpath, (const char *path, char *buffer))
{
    char *resolved = REAL(realpath)(path, buffer);
    if (recorder_is_on())
        recorder_resolved(path);
    return resolved;
}

INTERPOSED(char *, __realpath_chk, (const char *path, char *buffer, size_t room))
{
    char *resolved = REAL(__realpath_chk)(path, buffer, room);
    if (recorder_is_on())
        recorder_resolved(path);
    return resolved;
}

INTERPOSED(char *, canonicalize_file_name, (const char *path))
{
    char *resolved = REAL(canonicalize_file_name)(path);
    if (recorder_is_on())
        recorder_resolved(path);
    return resolved;
}

/* ---- other properties ---- */

static void asked_for_all(enum ft_trace_kind kind, const char *path, bool failed)
{
    if (recorder_is_on())
        recorder_aspect(kind, FT_ASPECT_FULL, AT_FDCWD, path, recorder_failed(failed));
}

#define GETXATTR(name, kind) \
    INTERPOSED(ssize_t, name, (const char *path, const char *attribute, void *value, size_t size)) \
    { \
        ssize_t len = REAL(name)(path, attribute, value, size); \
        asked_for_all(kind, path, len < 0); \
        return len; \
    }

GETXATTR(getxattr, FT_TRACE_STATUS)
GETXATTR(lgetxattr, FT_TRACE_LINK)

#define LISTXATTR(name, kind) \
    INTERPOSED(ssize_t, name, (const char *path, char *names, size_t size)) \
    { \
        ssize_t len = REAL(name)(path, names, size); \
        asked_for_all(kind, path, len < 0); \
        return len; \
    }

LISTXATTR(listxattr, FT_TRACE_STATUS)
LISTXATTR(llistxattr, FT_TRACE_LINK)

#define STATFS(name) \
    INTERPOSED(int, name, (const char *path, void *status)) \
    { \
        int result = REAL(name)(path, status); \
        asked_for_all(FT_TRACE_STATUS, path, result < 0); \
        interpose_moment("space"); \
        return result; \
    }

STATFS(statfs)
STATFS(statfs64)
STATFS(statvfs)
STATFS(statvfs64)

INTERPOSED(int, chdir, (const char *path))
{
    /* A relative path is relative to where we are before. */
    size_t number =
        recorder_is_on() ? recorder_before(FT_TRACE_STATUS, FT_ASPECT_PRESENCE, AT_FDCWD, path) : 0;
    int result = REAL(chdir)(path);
    if (result < 0)
        recorder_has_failed(number, errno);
    return result;
}

#include "trace/recorder.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { LOADED = -1 }; /* in place of an errno: nobody knows who did it */

enum { WHO_SIZE = 1024, LINKS = 40, SPINS = 1 << 20, POLITE_SPINS = 64 };

atomic_bool recorder_on;

static struct ft_record record = FT_RECORD_INIT;
static struct ft_trace_callbacks callbacks;
static atomic_bool locked, missed, held;
static atomic_int threads_inside; /* who has begun to record, and will end soon */

/* It must not be allocated when it is first touched, which may be in a signal handler. */
static _Thread_local volatile sig_atomic_t inside __attribute__((tls_model("initial-exec")));

/* ---- who may touch the table ---- */

void recorder_miss(void)
{
    atomic_store(&missed, true);
}

static void leave(int saved)
{
    atomic_fetch_sub(&threads_inside, 1);
    inside = 0;
    errno = saved;
}

/* Whether this thread may record; then it leaves with the errno that it had. */
static bool enter(int *saved)
{
    *saved = errno;
    if (inside) {
        recorder_miss();
        return false;
    }
    inside = 1;
    atomic_fetch_add(&threads_inside, 1);
    if (atomic_load(&recorder_on))
        return true;
    leave(*saved); /* it was switched off meanwhile, and may be read */
    return false;
}

/*
 * Who has the lock needs it for less than a microsecond.  A child of vfork that was killed just then has it for ever:
 * that is the end of the recording.
 */
static bool lock(void)
{
    for (int spins = 0; spins < SPINS; spins++) {
        if (!atomic_exchange_explicit(&locked, true, memory_order_acquire))
            return true;
        if (spins > POLITE_SPINS)
            sched_yield();
    }
    atomic_store(&recorder_on, false);
    recorder_miss();
    return false;
}

static void unlock(void)
{
    atomic_store_explicit(&locked, false, memory_order_release);
}

/* ---- adding ---- */

static int64_t nanoseconds(const struct statx_timestamp *time)
{
    return (int64_t)((uint64_t)time->tv_sec * 1000000000 + time->tv_nsec);
}

static struct ft_trace_seen look_at(const char *path, bool follow)
{
    struct statx found;
    unsigned wanted = STATX_BASIC_STATS;
    long failed = syscall(SYS_statx, AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, wanted, &found);
    if (failed != 0 && errno == ENOSYS)
        return (struct ft_trace_seen){.known = 0};
    if (failed != 0)
        return (struct ft_trace_seen){.known = 1};
    return (struct ft_trace_seen){
        .known = 1,
        .mode = found.stx_mode,
        .device = makedev(found.stx_dev_major, found.stx_dev_minor),
        .inode = found.stx_ino,
        .size = found.stx_size,
        .modified = nanoseconds(&found.stx_mtime),
        .changed = nanoseconds(&found.stx_ctime),
    };
}

/* Whether it says what was there. */
static bool is_look(enum ft_trace_kind kind)
{
    return kind == FT_TRACE_READ || kind == FT_TRACE_STATUS || kind == FT_TRACE_LINK || kind == FT_TRACE_LIST;
}

/* Remember what is there now where a new entry says that somebody has looked. */
static void see(size_t number, enum ft_trace_kind kind, const char *path)
{
    if (!is_look(kind))
        return;
    struct ft_trace_seen seen = look_at(path, kind != FT_TRACE_LINK);
    if (!lock())
        return;
    record.items[number - 1].entry.seen = seen;
    unlock();
}

static size_t add(const struct ft_record_key *key, int failed);

/*
 * Whether it has to be known if a project reads this as well as pytest: what plugins of pytest's keep for the next run,
 * which each run reads anew.
 */
static bool counts_by_reader(const struct ft_record_key *key)
{
    return key->kind == FT_TRACE_READ && key->aspect == FT_ASPECT_NONE &&
           memmem(key->path, key->len, "/v/cache/", strlen("/v/cache/")) != NULL;
}

/* Add what pytest has read before as another entry if it is a project that reads it now. */
static size_t add_reader(const struct ft_record_key *key, int failed)
{
    char who[WHO_SIZE];
    who[0] = '\0';
    if (callbacks.who != NULL)
        callbacks.who(who, sizeof who);
    if (who[0] == '\0')
        return 0;
    struct ft_record_key another = ft_record_key(key->kind, FT_ASPECT_FULL, key->path, key->len);
    return add(&another, failed);
}

static bool is_absent(int failed)
{
    return failed == ENOENT || failed == ENOTDIR;
}

/*
 * Whether the same call has another answer now, by way of another folder or link than before: a file's own times tell
 * of other changes.  Few files are looked at twice with an interest in more than that they are there.
 */
static bool is_another(const struct ft_trace_entry *entry, int failed)
{
    if (!is_look(entry->kind))
        return false;
    if ((failed == 0) != (entry->failed == 0))
        return is_absent(failed != 0 ? failed : entry->failed);
    bool counts = entry->kind == FT_TRACE_READ || entry->aspect == FT_ASPECT_FULL;
    if (failed != 0 || !counts || !entry->seen.known || S_ISDIR(entry->seen.mode))
        return false;
    struct ft_trace_seen now = look_at(entry->path, entry->kind != FT_TRACE_LINK);
    return memcmp(&entry->seen, &now, sizeof now) != 0; /* it has no padding */
}

/* Returns the number of the new entry, from 1; 0: it is not new, or could not be added. */
static size_t add(const struct ft_record_key *key, int failed)
{
    char who[WHO_SIZE];
    who[0] = '\0';
    if (!lock())
        return 0;
    const struct ft_trace_entry *entry = ft_record_find(&record, key);
    struct ft_trace_entry before = entry != NULL ? *entry : (struct ft_trace_entry){.who = ""};
    unlock();
    bool known = entry != NULL, by_nobody = known && before.who[0] == '\0';
    if (known && is_another(&before, failed)) {
        struct ft_record_key another = ft_record_key(FT_TRACE_ANOTHER, FT_ASPECT_NONE, key->path, key->len);
        add(&another, 0);
    }
    if (by_nobody && counts_by_reader(key))
        return add_reader(key, failed);
    if (known)
        return 0;
    if (callbacks.who != NULL && failed != LOADED)
        callbacks.who(who, sizeof who);
    if (!lock())
        return 0;
    size_t number = 0;
    const char *path = NULL;
    if (ft_record_find(&record, key) == NULL) { /* as before: another thread may have come first */
        if (ft_record_add(&record, key, failed == LOADED ? 0 : failed, who) < 0) {
            recorder_miss();
        } else {
            number = record.count;
            path = record.items[number - 1].entry.path;
        }
    }
    unlock();
    if (path != NULL)
        see(number, key->kind, path);
    return number;
}

/* The path behind a descriptor or of the current folder.  Returns its length; 0: it has none. */
static size_t path_behind(int fd, char *buffer, size_t size)
{
    char name[32];
    long len;
    if (fd == AT_FDCWD) {
        len = syscall(SYS_getcwd, buffer, size) - 1; /* it counts the NUL */
    } else {
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        len = syscall(SYS_readlinkat, AT_FDCWD, name, buffer, size - 1);
    }
    return len > 0 && buffer[0] == '/' ? (size_t)len : 0;
}

/* A function of its own, since it needs much of the stack. */
static __attribute__((noinline)) size_t add_relative(enum ft_trace_kind kind, enum ft_trace_aspect aspect, int folder,
                                                     const char *path, size_t path_len, int failed)
{
    char joined[2 * PATH_MAX];
    size_t len = path_behind(folder, joined, PATH_MAX);
    if (len == 0) {
        if (failed != EBADF && failed != ENOTDIR && failed != ENOENT)
            recorder_miss();
        return 0;
    }
    if (joined[len - 1] != '/')
        joined[len++] = '/';
    memcpy(joined + len, path, path_len);
    struct ft_record_key key = ft_record_key(kind, aspect, joined, len + path_len);
    return add(&key, failed);
}

static size_t add_path(enum ft_trace_kind kind, enum ft_trace_aspect aspect, int folder, const char *path, int failed)
{
    size_t len = path == NULL || failed == EFAULT ? 0 : strlen(path);
    if (len == 0 || len >= PATH_MAX) /* too long: nothing can be there */
        return 0;
    if (path[0] != '/')
        return add_relative(kind, aspect, folder, path, len, failed);
    struct ft_record_key key = ft_record_key(kind, aspect, path, len);
    return add(&key, failed);
}

void recorder_aspect(enum ft_trace_kind kind, enum ft_trace_aspect aspect, int folder, const char *path, int failed)
{
    int saved;
    if (!enter(&saved))
        return;
    add_path(kind, aspect, folder, path, failed);
    leave(saved);
}

static enum ft_trace_aspect aspect_of(enum ft_trace_kind kind)
{
    if (kind != FT_TRACE_STATUS && kind != FT_TRACE_LINK && kind != FT_TRACE_LIST)
        return FT_ASPECT_NONE;
    if (callbacks.aspect != NULL)
        return callbacks.aspect(kind);
    return kind == FT_TRACE_LIST ? FT_ASPECT_ALL : FT_ASPECT_FULL;
}

void recorder_path(enum ft_trace_kind kind, int folder, const char *path, int failed)
{
    int saved;
    if (!enter(&saved))
        return;
    add_path(kind, aspect_of(kind), folder, path, failed);
    leave(saved);
}

void recorder_descriptor(enum ft_trace_kind kind, int fd, int failed)
{
    char path[PATH_MAX];
    int saved;
    if (!enter(&saved))
        return;
    size_t len = path_behind(fd, path, sizeof path);
    if (len > 0) {
        struct ft_record_key key = ft_record_key(kind, aspect_of(kind), path, len);
        add(&key, failed);
    }
    leave(saved);
}

size_t recorder_before(enum ft_trace_kind kind, enum ft_trace_aspect aspect, int folder, const char *path)
{
    int saved;
    if (!enter(&saved))
        return 0;
    size_t number = add_path(kind, aspect, folder, path, 0);
    leave(saved);
    return number;
}

void recorder_library(const char *path)
{
    recorder_aspect(FT_TRACE_READ, FT_ASPECT_NONE, AT_FDCWD, path, LOADED);
}

size_t recorder_before_text(enum ft_trace_kind kind, const char *text)
{
    int saved;
    if (!enter(&saved))
        return 0;
    struct ft_record_key key = ft_record_key(kind, FT_ASPECT_NONE, text, strlen(text));
    size_t number = add(&key, 0);
    leave(saved);
    return number;
}

void recorder_has_failed(size_t number, int failed)
{
    int saved;
    if (number == 0 || !enter(&saved))
        return;
    if (lock()) {
        if (number <= record.count)
            record.items[number - 1].entry.failed = failed;
        unlock();
    }
    leave(saved);
}

void recorder_text(enum ft_trace_kind kind, const char *text, int failed)
{
    recorder_has_failed(recorder_before_text(kind, text), failed);
}

void recorder_moment(const char *what)
{
    char text[32 + WHO_SIZE];
    int saved;
    if (callbacks.asker == NULL || !enter(&saved))
        return;
    int len = snprintf(text, sizeof text - WHO_SIZE, "%s ", what);
    text[len] = '\0';
    callbacks.asker(what, text + len, WHO_SIZE);
    if (text[len] != '\0') {
        struct ft_record_key key = ft_record_key(FT_TRACE_MOMENT, FT_ASPECT_NONE, text, strlen(text));
        add(&key, 0);
    }
    leave(saved);
}

/* ---- where links lead ---- */

/* The way that is left to go, and how far we are: "" for the root. */
struct way {
    char done[PATH_MAX], left[2 * PATH_MAX];
};

/* Put what a link says before what is left.  Returns whether there is room. */
static bool follow(struct way *way, const char *rest, const char *target, size_t len)
{
    size_t rest_len = strlen(rest);
    if (len + 1 + rest_len >= sizeof way->left)
        return false;
    memmove(way->left + len + 1, rest, rest_len + 1);
    memcpy(way->left, target, len);
    way->left[len] = '/';
    return true;
}

static void go_up(struct way *way)
{
    char *last = strrchr(way->done, '/');
    if (last != NULL)
        *last = '\0';
}

/* Go one name further.  Returns 0 if that is no link, 1 if it is, or a negative errno. */
static int go_on(struct way *way, const char *name, size_t len, const char *rest)
{
    char target[PATH_MAX];
    size_t at = strlen(way->done);
    if (at + 1 + len >= sizeof way->done)
        return -ENAMETOOLONG;
    way->done[at] = '/';
    memcpy(way->done + at + 1, name, len);
    way->done[at + 1 + len] = '\0';
    long target_len = syscall(SYS_readlinkat, AT_FDCWD, way->done, target, sizeof target);
    int err = target_len < 0 && errno != EINVAL ? errno : 0;
    add_path(FT_TRACE_LINK, FT_ASPECT_PRESENCE, AT_FDCWD, way->done, err);
    if (target_len < 0)
        return -err;
    way->done[target[0] == '/' ? 0 : at] = '\0';
    return follow(way, rest, target, (size_t)target_len) ? 1 : -ENAMETOOLONG;
}

static __attribute__((noinline)) void resolve(const char *path)
{
    struct way way;
    size_t len = path[0] == '/' ? 0 : path_behind(AT_FDCWD, way.left, PATH_MAX);
    if (strlen(path) >= PATH_MAX || (path[0] != '/' && len == 0))
        return;
    way.done[0] = '\0';
    snprintf(way.left + len, sizeof way.left - len, "/%s", path);
    for (int links = 0; links < LINKS;) {
        const char *name = way.left + strspn(way.left, "/");
        size_t name_len = strcspn(name, "/");
        const char *rest = name + name_len;
        if (name_len == 0)
            return;
        if (name_len == 2 && memcmp(name, "..", 2) == 0) {
            go_up(&way);
        } else if (name_len > 1 || name[0] != '.') {
            int link = go_on(&way, name, name_len, rest);
            if (link < 0)
                return;
            links += link;
            if (link > 0)
                continue;
        }
        memmove(way.left, rest, strlen(rest) + 1);
    }
}

void recorder_resolved(const char *path)
{
    int saved;
    if (path == NULL || !enter(&saved))
        return;
    resolve(path);
    leave(saved);
}

/* ---- on and off ---- */

void recorder_start(const struct ft_trace_callbacks *wanted)
{
    callbacks = *wanted;
    atomic_store(&recorder_on, true);
}

void recorder_stop(void)
{
    atomic_store(&recorder_on, false);
    atomic_store(&held, false);
    /* None of them waits for the caller: they have what they need, or go without. */
    for (int spins = 0; spins < SPINS && atomic_load(&threads_inside) > 0; spins++)
        sched_yield();
    if (atomic_load(&threads_inside) > 0)
        recorder_miss();
}

void recorder_hold(bool hold)
{
    atomic_bool *from = hold ? &recorder_on : &held, *to = hold ? &held : &recorder_on;
    if (atomic_exchange(from, false))
        atomic_store(to, true);
}

size_t recorder_count(void)
{
    return record.count;
}

struct ft_trace_entry recorder_entry(size_t number)
{
    return record.items[number].entry;
}

int recorder_missed(void)
{
    return atomic_load(&missed);
}

void recorder_anew(void)
{
    if (!lock())
        return;
    ft_record_hide(&record);
    unlock();
}

void recorder_forget(void)
{
    if (!lock())
        return;
    ft_record_clear(&record);
    atomic_store(&missed, false);
    unlock();
}

void recorder_in_child(void)
{
    if (atomic_load(&held) || (!atomic_load(&recorder_on) && record.count == 0))
        return;
    atomic_store(&recorder_on, false);
    /* Another thread may have been adding, and is gone: the memory is given up. */
    if (atomic_load(&locked))
        record = (struct ft_record)FT_RECORD_INIT;
    else
        ft_record_clear(&record);
    atomic_store(&locked, false);
    atomic_store(&missed, false);
    atomic_store(&threads_inside, 0);
}

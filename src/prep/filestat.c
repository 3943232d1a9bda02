#include "prep/filestat.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { CHUNK = 64 * 1024 };

static const int64_t SECOND = 1000000000, MILLISECOND = 1000000, MICROSECOND = 1000;

/* Times that do not fit, of years after 2262, are other ones, but always the same. */
static int64_t nanoseconds(const struct timespec *time)
{
    return (int64_t)((uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec);
}

struct ft_filestat ft_filestat_of(const char *path, bool follow)
{
    struct stat st;
    if (fstatat(AT_FDCWD, path, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
        return (struct ft_filestat){.exists = false};
    return (struct ft_filestat){
        .exists = true,
        .mode = st.st_mode,
        .uid = st.st_uid,
        .gid = st.st_gid,
        .device = st.st_dev,
        .inode = st.st_ino,
        .size = (uint64_t)st.st_size,
        .modified = nanoseconds(&st.st_mtim),
        .changed = nanoseconds(&st.st_ctim),
    };
}

bool ft_filestat_same_type(const struct ft_filestat *left, const struct ft_filestat *right)
{
    return left->exists == right->exists && ((left->mode ^ right->mode) & S_IFMT) == 0;
}

bool ft_filestat_same(const struct ft_filestat *left, const struct ft_filestat *right)
{
    return left->exists == right->exists && left->mode == right->mode && left->uid == right->uid &&
           left->gid == right->gid && left->device == right->device && left->inode == right->inode &&
           left->size == right->size && left->modified == right->modified && left->changed == right->changed;
}

int64_t ft_time_past(int64_t changed)
{
    int64_t step = MICROSECOND;
    if (changed % SECOND == 0)
        step = 2 * SECOND;
    else if (changed % MILLISECOND == 0)
        step = 10 * MILLISECOND;
    return changed > INT64_MAX - step ? INT64_MAX : changed + step;
}

int64_t ft_earliest(int64_t since)
{
    return since < INT64_MIN + FT_CLOCK_SKEW ? INT64_MIN : since - FT_CLOCK_SKEW;
}

bool ft_time_is_young(int64_t changed, int64_t since)
{
    return ft_time_past(changed) > ft_earliest(since);
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return nanoseconds(&now);
}

int64_t ft_file_clock(void)
{
    return read_clock(CLOCK_REALTIME_COARSE);
}

int64_t ft_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

static uint64_t content_of(int fd)
{
    struct stat st;
    unsigned char bytes[CHUNK];
    XXH3_state_t state;
    ssize_t got;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    XXH3_64bits_reset(&state);
    while ((got = read(fd, bytes, sizeof bytes)) != 0) {
        if (got > 0)
            XXH3_64bits_update(&state, bytes, (size_t)got);
        else if (errno != EINTR)
            return 0;
    }
    return XXH3_64bits_digest(&state);
}

uint64_t ft_file_content(const char *path)
{
    /* It may have become something since that one would wait for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return 0;
    uint64_t content = content_of(fd);
    close(fd);
    return content;
}

uint64_t ft_link_target(const char *path)
{
    char target[PATH_MAX];
    ssize_t len = readlink(path, target, sizeof target);
    return len < 0 ? 0 : XXH3_64bits(target, (size_t)len);
}

/* What there is under a path: its status, and its content as one number. */
#ifndef FT_PREP_FILESTAT_H
#define FT_PREP_FILESTAT_H

#include <stdbool.h>
#include <stdint.h>

struct ft_filestat {
    bool exists;
    uint32_t mode, uid, gid;
    uint64_t device, inode, size;
    int64_t modified, changed; /* ns since 1970 */
};

/* What there is now; if it does not exist the rest is 0. */
struct ft_filestat ft_filestat_of(const char *path, bool follow);

/* Whether both are there or not, and of the same type. */
bool ft_filestat_same_type(const struct ft_filestat *left, const struct ft_filestat *right);

/* Whether they are the same file, and it was not changed between. */
bool ft_filestat_same(const struct ft_filestat *left, const struct ft_filestat *right);

/*
 * The first moment of the files' clock, in ns since 1970, from which on a change gives another time than the last one.
 * A file system that keeps whole seconds or milliseconds, or pairs or tens of them, is known by such a time.
 */
int64_t ft_time_past(int64_t changed);

/*
 * A file server's clock may be so far behind ours, in ns, and a write may go on for so long after it has set the time
 * of the change, without anything being missed.
 */
#define FT_CLOCK_SKEW 20000000

/* `since`, with that to spare. */
int64_t ft_earliest(int64_t since);

/* Whether a file that was changed then was changed after `since`, or may be before long with the same time. */
bool ft_time_is_young(int64_t changed, int64_t since);

/*
 * The clock that gives files their times, in ns since 1970: it goes on with each tick of the kernel, and what is
 * changed after it was read has this time or a later one.
 */
int64_t ft_file_clock(void);

/* ns since 1970. */
int64_t ft_now(void);

/* What a regular file holds, as one number; 0: it cannot be read. */
uint64_t ft_file_content(const char *path);

/* Where a symbolic link goes, likewise. */
uint64_t ft_link_target(const char *path);

#endif

/* What there is under a path: its status, and its content as one number. */
#ifndef FT_PREP_FILESTAT_H
#define FT_PREP_FILESTAT_H

#include <stdbool.h>
#include <stdint.h>

/* Two changes within it may have the same time, in ns; a kernel with 100 ticks a second has 10 ms. */
#define FT_CLOCK_TICK 20000000

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

/* Whether a file that is changed after `now` will have another time. */
bool ft_filestat_is_settled(const struct ft_filestat *status, int64_t now);

/* The earliest time that a file may have which was changed after `since`. */
int64_t ft_earliest(int64_t since);

/* ns since 1970. */
int64_t ft_now(void);

/* What a regular file holds, as one number; 0: it cannot be read. */
uint64_t ft_file_content(const char *path);

/* Where a symbolic link goes, likewise. */
uint64_t ft_link_target(const char *path);

#endif

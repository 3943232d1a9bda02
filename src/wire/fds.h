/* Bytes with descriptors attached, over sockets of the AF_UNIX family. */
#ifndef FT_WIRE_FDS_H
#define FT_WIRE_FDS_H

#include <stddef.h>
#include <sys/types.h>

/* The kernel attaches no more to one message; tests may count on descriptors that are lower than ours. */
enum { FT_FDS_MAX = 253, FT_FDS_LOWEST = 10 };

/* A close-on-exec descriptor at or above FT_FDS_LOWEST in place of `fd`, which is closed.  Or a negative errno. */
int ft_fds_raise(int fd);

/* A pair of sockets of this type, close-on-exec and raised.  Returns 0 or a negative errno. */
int ft_fds_pair(int pair[2], int type);

/*
 * Send bytes with `count` descriptors attached to the first of them; does not wait.  Returns how many bytes were sent,
 * which may be fewer than `len`, or a negative errno.
 */
ssize_t ft_fds_send(int sock, const void *data, size_t len, const int *fds, size_t count);

/*
 * Receive at most `len` bytes and what is attached to them, as close-on-exec descriptors; *count is the room in `fds`
 * and then their number.  Returns the number of bytes, 0 at the end, or a negative errno; -EMSGSIZE, with nothing kept
 * open, if there were more descriptors than room.  `flags` as of recv.
 */
ssize_t ft_fds_receive(int sock, void *data, size_t len, int *fds, size_t *count, int flags);

/* Close all of them; those that are negative are none. */
void ft_fds_close(const int *fds, size_t count);

#endif

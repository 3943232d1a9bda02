/*
 * Where the daemon of a user, a Python environment and a version of fleetest is found: a socket, a lock and a log in a
 * folder of the user's.
 *
 * The lock is held for as long as a daemon lives: whoever starts one takes it and hands it over.  So what is there
 * without a lock is what a dead daemon has left behind.
 */
#ifndef FT_DAEMON_PLACE_H
#define FT_DAEMON_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct ft_place {
    int folder;          /* descriptor of the folder, O_PATH */
    char path[PATH_MAX]; /* its path */
    char name[17];       /* what the daemon's files begin with */
};

/*
 * Find the place for an interpreter (NULL: any, for what concerns all daemons) in `folder`; NULL stands for
 * $XDG_RUNTIME_DIR/fleetest, else fleetest-UID among the temporary files.  Makes the folder if there is none.  Returns
 * 0 or a negative errno, -EPERM if what is there may be used by others too, with a message in `problem`.
 */
int ft_place_open(struct ft_place *place, const char *folder, const char *python, char *problem, size_t size);

void ft_place_release(struct ft_place *place);

/*
 * Connect to the daemon.  Returns a stream socket that does not block; -ENOENT or -ECONNREFUSED if there is none,
 * -EAGAIN if it does not take connections, or another negative errno.
 */
int ft_place_connect(const struct ft_place *place);

/* Take the lock.  Returns its descriptor, -EWOULDBLOCK while a daemon lives or starts, or another negative errno. */
int ft_place_lock(const struct ft_place *place);

/* With the lock: make a listening socket, in the place of what a dead daemon left.  Returns it or a negative errno. */
int ft_place_listen(const struct ft_place *place);

/* Open the daemon's log for appending, not by a link; above `keep` bytes it begins anew.  Or a negative errno. */
int ft_place_log(const struct ft_place *place, off_t keep);

/* Open that log for reading.  Or a negative errno. */
int ft_place_open_log(const struct ft_place *place);

/* The status of the socket, to see later whether it is still the same file.  Returns 0 or a negative errno. */
int ft_place_stat_socket(const struct ft_place *place, struct stat *status);

/* With the lock: remove socket and lock. */
void ft_place_clear(const struct ft_place *place);

/* Which build this process is: version, and the executable's identity; the same in client and daemon. */
int ft_place_build(char *build, size_t size);

#endif

/*
 * What a process has from where it was started and cannot hand to another: namespaces, privileges, limits of its
 * control group.  A process that the daemon has made can stand for a client's only where these are the same.
 */
#ifndef FT_DAEMON_CONTEXT_H
#define FT_DAEMON_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/request.h"

enum { FT_CONTEXT_STATUS = 14, FT_CONTEXT_SPACES = 10 };

struct ft_context {
    char *text;                              /* owns what `status` and `cgroup` point into */
    struct ft_text status[FT_CONTEXT_STATUS]; /* lines of /proc/PID/status, by the table in context.c */
    struct ft_text cgroup;
    uint64_t spaces[FT_CONTEXT_SPACES];      /* inode of each namespace; 0: the kernel has no such */
    uint64_t root[2];                        /* device and inode of the root folder */
    int64_t personality;
    int64_t oom_score;                       /* by which the kernel chooses whom to end for memory */
    int policy;                              /* of the processor's scheduler */
    int io_priority;
};

#define FT_CONTEXT_INIT {.text = NULL}

/* Read that of a process.  Returns 0, or a negative errno with nothing to release: -ENOENT if it is gone. */
int ft_context_read(struct ft_context *context, pid_t pid);

void ft_context_release(struct ft_context *context);

/* What stands between daemon and client. */
struct ft_difference {
    const char *what; /* for "(WHAT differs from the daemon's)"; NULL: nothing */
    bool narrow;      /* the daemon has less than the client: another daemon would do better */
};

/* Compare.  A client that is traced differs from all. */
struct ft_difference ft_context_compare(const struct ft_context *daemon, const struct ft_context *client);

/* Compare what a request says of limits and nice value with those of this process. */
struct ft_difference ft_context_compare_limits(const struct ft_request *request);

#endif

/*
 * The daemon: keeps parked processes, and has one of them fork the controller of each run that a client asks for.  It
 * runs no code of a project, and nobody waits for it once a run has begun.
 *
 * One thread, one loop (libuv).  The daemon owns all that hangs on it: peers (connections of clients), parked
 * processes, runs.  A run outlives its peer, and the parked process that it came from.
 */
#ifndef FT_DAEMON_DAEMON_H
#define FT_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <uv.h>

#include "daemon/context.h"
#include "daemon/place.h"
#include "wire/fds.h"
#include "wire/frame.h"
#include "wire/request.h"

struct ft_peer;
struct ft_parked;
struct ft_known;

enum ft_run_state {
    FT_RUN_WAITING, /* for its parked process to be ready */
    FT_RUN_ASKED,   /* that was told to fork */
    FT_RUN_GOING,   /* has a controller */
};

/* One run that was asked for. */
struct ft_run {
    TAILQ_ENTRY(ft_run) link;
    enum ft_run_state state;
    bool explains; /* shows what the session reads on its way, and runs no tests */
    bool cold;     /* pytest had to be imported first */
    int choices;   /* how often a process was chosen for it */
    bool imported; /* it had to wait for plugins to be imported */
    bool waited;   /* for a snapshot to be made */
    bool outrun;   /* something was changed while that was made */
    bool chooses;  /* it has waited for a process that is there now, or is no longer to be waited for */
    bool without;  /* plugins; they are imported in the run */
    bool wide;     /* it selects within what the whole project's session has collected */
    bool declined; /* it cannot, as a process of that session has said */
    char why[128]; /* it did not come from where it should have */
    char narrow[128]; /* it is not wide, though it should be; empty: it should not */
    char how[480]; /* it starts, for the header line */
    uint32_t number;
    struct ft_peer *peer;     /* who asked; NULL: is gone */
    struct ft_parked *parked; /* where it comes from; NULL: is gone */
    struct ft_kept_request asked; /* until it is handed over */
    int fds[FT_REQUEST_FDS];  /* that came with it, likewise */
    size_t fd_count;
    uint64_t asked_at;        /* when the parked process was told to fork, in ms of the loop's clock */
    pid_t pid;                /* of the controller */
    uint64_t begun;           /* in ms of the loop's clock */
};

TAILQ_HEAD(ft_runs, ft_run);
TAILQ_HEAD(ft_peers, ft_peer);
TAILQ_HEAD(ft_parkeds, ft_parked);
TAILQ_HEAD(ft_knowns, ft_known);

/* Hearing of changes: see watch.h. */
struct ft_watch {
    int fd;        /* of inotify; negative: nothing is heard */
    uv_poll_t poll;
    uv_timer_t timer;
    uint64_t first;    /* when the first change was since nothing was waited for, in ms of the loop's clock */
    unsigned futile;   /* how often nothing has come of them, since something has */
    int last;      /* number of the folder that was added last */
    size_t count;  /* of folders */
    bool changed;  /* something has, since all snapshots were compared */
};

struct ft_daemon {
    uv_loop_t loop;
    uv_poll_t listener;
    uv_signal_t signals[4];
    uv_check_t check; /* whether all is done */
    uv_timer_t timer; /* once a second: whatever has a deadline */
    struct ft_watch watch;
    struct ft_heard *heard;   /* NULL: nothing is heard of installed packages */
    uv_timer_t listening;     /* active: there may be more to hear of, see listen.h */
    struct ft_place place;
    const char *python;
    char build[128];
    struct ft_context context;
    struct stat socket;   /* our listening socket as it was made */
    struct stat program;  /* our executable likewise */
    char program_path[PATH_MAX];
    char trace_library[PATH_MAX]; /* that is preloaded into parked processes; empty: there is none */
    int listen_fd;
    int lock_fd;
    int log_fd;
    struct ft_peers peers;
    struct ft_parkeds parked;
    struct ft_knowns known;
    size_t known_count;
    struct ft_runs runs;
    uint32_t run_count;
    char last[512];       /* what was said of the last run */
    uint64_t begun;       /* in ms of the loop's clock */
    uint64_t used;        /* when it was last asked for something */
    uint64_t idle_ms;     /* leave after so long without use; 0: never */
    uint64_t memory_kb;   /* that parked processes may have; 0: no limit */
    uint64_t renew_ms;    /* renew what was used after so long without use; 0: never */
    uint64_t snapshots;   /* how many are kept at most */
    uint64_t ahead;       /* how often each is made again after a save, until the next run */
    bool over_memory;     /* they have more, and are all needed */
    bool leaving;
};

struct ft_daemon_options {
    const char *folder; /* of the place */
    const char *python;
    int listen_fd, lock_fd; /* those of place.h, which become the daemon's */
    uint64_t idle_seconds;  /* leave after so long without use; 0: never */
    uint64_t memory_mb;     /* that parked processes may have; 0: no limit */
    uint64_t renew_seconds; /* renew parked processes after so long without use; 0: never */
    uint64_t snapshots;     /* how many are kept at most */
    uint64_t ahead;         /* how often each is made again after a save, until the next run; 0: never */
};

/* Be the daemon until it is told to leave or has nothing to do.  Returns an exit code. */
int ft_daemon_serve(const struct ft_daemon_options *options);

/* Begin to leave: parked processes end, runs go on without us. */
void ft_daemon_leave(struct ft_daemon *daemon, const char *why);

#endif

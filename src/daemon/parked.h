/*
 * Parked processes: Python with pytest imported, which waits to be forked, and children of such a one that have
 * imported the plugins of one kind of session, and children of all these that have collected: see snapshot.h.
 *
 * A run may come from one if what the interpreter and the modules have read up to there is still the same: the files,
 * and those variables of the environment that they, or the C library, have looked at.
 */
#ifndef FT_DAEMON_PARKED_H
#define FT_DAEMON_PARKED_H

#include "daemon/daemon.h"
#include "daemon/standby.h"
#include "prep/inputs.h"

enum ft_parked_state {
    FT_PARKED_STARTING,
    FT_PARKED_READY,
    FT_PARKED_UNFIT, /* to fork runs from, see `stale`; is kept so that it is not tried again */
    FT_PARKED_ENDING,
};

struct ft_parked {
    TAILQ_ENTRY(ft_parked) link;
    struct ft_daemon *daemon;
    struct ft_parked *base;     /* what it was forked off; NULL: it has pytest only */
    struct ft_text plugins;     /* which, see known.h */
    struct ft_text kind;        /* a snapshot, see snapshot.h: of which configuration; NULL: it is none */
    struct ft_texts choices;    /* its command line's other options, as NAME=VALUE */
    struct ft_texts options;    /* names of those that were read on the way */
    bool checkpoint;            /* it was parked on the way to a snapshot, whose other fields it has */
    bool known;                 /* of a checkpoint: its inputs are */
    bool compared;              /* of a snapshot: since something has changed */
    bool rewound;               /* of a snapshot: its checkpoints stay, for another one */
    char place[256];            /* of a checkpoint: what the session was about to do; of a snapshot: why it was made */
    char once[256];             /* of a snapshot: why it serves one run only; empty: it serves all */
    bool spent;                 /* that run has been forked */
    bool exact;                 /* it is good for the same arguments only */
    int64_t until;              /* and until then, in ns since 1970; 0: for ever */
    struct ft_parked *successor_of; /* whose place it takes once it is ready; NULL: nobody's */
    enum ft_parked_state state;
    pid_t pid;
    struct ft_standby standby;
    int fd; /* our end of the socket pair with it */
    int given; /* a descriptor that came with what was read last; negative: none */
    uv_poll_t poll;
    struct ft_frame_reader in;
    struct ft_kept_request asked; /* what it was started for: has its environment */
    bool in_folder;             /* it was started in that request's folder, which matters */
    uint32_t seed;              /* of hashes; 0: it is in the environment */
    struct ft_texts reads;      /* names of variables that were read */
    struct ft_inputs inputs;
    size_t outrun;              /* the number of the first input that was changed after it was read; SIZE_MAX: none */
    char stale[256];            /* why it is not to be used again; empty: it may be */
    int64_t since;              /* when it began to read, in ns since 1970; later changes have a later time */
    uint64_t begun;             /* the same, in ms of the loop's clock */
    uint64_t used;
    uint64_t renewal;           /* when a successor was started last; 0: never */
    uint32_t runs;
};

/*
 * The one without plugins that a request can be resumed from, ready or not; NULL: there is none.  Ends those that are
 * out of date.
 */
struct ft_parked *ft_parked_find(struct ft_daemon *daemon, const struct ft_request *request);

/* Likewise, the child of `base` with these plugins, which may also be unfit. */
struct ft_parked *ft_parked_find_plugins(struct ft_parked *base, struct ft_text plugins,
                                         const struct ft_request *request);

/* Start one for such requests.  Returns 0 or a negative errno. */
int ft_parked_start(struct ft_daemon *daemon, const struct ft_kept_request *asked, struct ft_parked **parked);

/* Have `base` fork one that finds out about the plugins for a request.  Returns it, which is starting, or NULL. */
struct ft_parked *ft_parked_prepare(struct ft_parked *base, const struct ft_kept_request *asked);

/* What a snapshot is to be made for. */
struct ft_collecting {
    const struct ft_kept_request *asked;
    struct ft_text kind;
    const struct ft_texts *choices;
    const char *changed; /* the path for whose sake it goes on from a checkpoint; empty: none */
};

/* Have one that is ready, perhaps a checkpoint, fork a snapshot.  Returns it, which is starting, or NULL. */
struct ft_parked *ft_parked_collect(struct ft_parked *from, const struct ft_collecting *wanted);

/* A snapshot that is being made has parked a checkpoint behind this socket, which is taken over; NULL: no memory. */
struct ft_parked *ft_parked_checkpoint(struct ft_parked *snapshot, int fd);

/* It cannot be used, nor could another like it, for the reason in `stale`: the runs that have waited go on without. */
void ft_parked_lay_off(struct ft_parked *parked);

/* Have it import the plugins, for which this is the key. */
void ft_parked_import(struct ft_parked *parked, struct ft_text plugins);

/* It is not needed: its runs choose again, now that it is known what they need. */
void ft_parked_send_back(struct ft_parked *parked);

/*
 * Have it fork a run's controller.  Returns 0, the pid if one that stands by is that already, or a negative errno;
 * -EAGAIN if it does not take messages any more.
 */
int ft_parked_fork(struct ft_parked *parked, struct ft_run *run);

/*
 * End it, and its children.  Runs that have a controller go on.  Those that wait for plugins go on from the process
 * without; others are refused for this reason.
 */
void ft_parked_end(struct ft_parked *parked, const char *why);

/* What it was forked off, perhaps by way of checkpoints. */
static inline struct ft_parked *ft_parked_origin(const struct ft_parked *parked)
{
    struct ft_parked *base = parked->base;
    while (base != NULL && base->checkpoint)
        base = base->base;
    return base;
}

/* Whether it is `base`, or was forked off it, perhaps by way of others. */
static inline bool ft_parked_is_of(const struct ft_parked *parked, const struct ft_parked *base)
{
    while (parked != NULL && parked != base)
        parked = parked->base;
    return parked != NULL;
}

/* Once a second. */
void ft_parked_tick(struct ft_parked *parked);

#endif

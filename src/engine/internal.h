/* What the files of the engine share; nobody else includes this. */
#ifndef FT_ENGINE_INTERNAL_H
#define FT_ENGINE_INTERNAL_H

#include <poll.h>

#include "engine/client.h"
#include "engine/engine.h"
#include "engine/tty.h"

/* What a poll slot is about. */
enum slot_kind { SLOT_SIGNALS, SLOT_CLIENT, SLOT_SOCKET, SLOT_STDOUT, SLOT_STDERR, SLOT_PROCESS };

struct slot {
    enum slot_kind kind;
    struct ft_worker *worker;
};

struct ft_engine {
    struct ft_engine_options options;
    struct ft_engine_ops ops;
    void *arg;
    struct ft_sched *sched;
    struct ft_worker **workers; /* by number; never moved while a worker lives */
    uint32_t count;
    uint32_t alive;             /* not FT_WORKER_GONE */
    struct pollfd *polled;
    struct slot *slots;
    nfds_t slot_cap;
    nfds_t slot_len;
    int signal_fd;              /* says which signals were caught; negative: none are */
    struct ft_tty tty;
    struct ft_worker *holder;   /* of the terminal */
    struct ft_client client;
    uint64_t ticked;            /* when `tick` was last called, in ms of the monotonic clock */
    bool client_gone;
    bool pausing;               /* so will they be, once the one that has the terminal has stopped */
    bool paused;                /* the workers are stopped, as the client is or will be */
    bool stopped;
    bool refusing;              /* the terminal is lent no more */
};

/* Tell the workers what the scheduler has decided.  Returns 0 or -ENOMEM. */
int ft_dispatch(struct ft_engine *engine);

/* Take in what has come on a worker's socket.  These return 0 or -ENOMEM. */
int ft_hear(struct ft_engine *engine, struct ft_worker *worker);

/* Take in what a worker has written to one of its pipes, of which poll() said this. */
int ft_hear_output(struct ft_engine *engine, struct ft_worker *worker, int stream, short events);

/* See whether a worker's process has ended, or was stopped. */
int ft_hear_process(struct ft_engine *engine, struct ft_worker *worker);

/*
 * Do not wait for the processes of workers that have said that they leave: for the kernel to take a large one apart
 * takes milliseconds.
 */
int ft_let_go(struct ft_engine *engine);

/* Tell the session the oldest note of each worker.  Sets *more if notes are left.  Returns what a callback did. */
int ft_tell_round(struct ft_engine *engine, bool *more);

#endif

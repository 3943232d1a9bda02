/* A worker process as the engine sees it: its descriptors, what it sent and what is still to be sent. */
#ifndef FT_ENGINE_WORKER_H
#define FT_ENGINE_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "engine/inbox.h"
#include "wire/frame.h"
#include "wire/tail.h"

enum ft_worker_state {
    FT_WORKER_STARTING,  /* has not said hello */
    FT_WORKER_READY,     /* is in the scheduler */
    FT_WORKER_FINISHED,  /* its session is over; the process may still be there */
    FT_WORKER_GONE,      /* reaped, descriptors closed */
};

enum { FT_STDOUT = 0, FT_STDERR = 1, FT_STREAMS = 2 };

/* What the engine needs of a worker process.  Descriptors and tail become the engine's. */
struct ft_worker_spec {
    pid_t pid;
    int sock;               /* stream socket to the worker */
    int out[FT_STREAMS];    /* read ends of its output pipes; -1: none */
    struct ft_tail *tail;   /* of what it sends; NULL: none */
    bool own_group;         /* its process group is its pid */
};

struct ft_worker {
    uint32_t id;
    struct ft_worker_spec spec;
    int pidfd;              /* -1 where the kernel has none */
    enum ft_worker_state state;
    struct ft_frame_reader in;
    uint64_t received;      /* bytes that came from the socket */
    uint64_t taken;         /* bytes that were taken in, some of them maybe from the tail before they came */
    struct ft_inbox inbox;  /* what the session has yet to be told */
    struct ft_buf outgoing; /* frames not yet written */
    int64_t item;           /* being run; -1: none */
    unsigned syncs;         /* how often its pipes were read as it asked for */
    bool closed;            /* the socket is at its end */
    bool wants_tty;         /* asked for the terminal */
    bool stopped;           /* is to be continued once it has the terminal, instead of answered */
    bool until_report;      /* reads without having asked: its next report ends the loan */
    bool broken;            /* sent nonsense and was killed */
    bool exited;
    bool leaving;           /* it counts as exited, and has yet to be reaped */
    int status;             /* of waitpid, once exited */
};

/* Take over `spec` as worker `id`: descriptors non-blocking and close-on-exec, pidfd opened.  Cannot fail. */
void ft_worker_init(struct ft_worker *worker, uint32_t id, const struct ft_worker_spec *spec);

/* Close and free all that it holds. */
void ft_worker_release(struct ft_worker *worker);

/* Queue a message for it.  Returns 0 or -ENOMEM. */
int ft_worker_send(struct ft_worker *worker, unsigned type, const void *payload, size_t len);

/* Write what the socket takes.  A worker that is gone is noticed elsewhere: its queue is dropped. */
void ft_worker_flush(struct ft_worker *worker);

/* Read up to `most` bytes of an output pipe, and up to its usual capacity, into the inbox.  Returns 0 or -ENOMEM. */
int ft_worker_read_output(struct ft_worker *worker, int stream, size_t most);

/* Read up to a bounded amount from the socket.  Returns bytes read, 0 for nothing now or the end, or -ENOMEM. */
ssize_t ft_worker_receive(struct ft_worker *worker);

/* Take in what it has yet to write to the socket.  Returns bytes taken, -EBADMSG for nonsense, or -ENOMEM. */
int64_t ft_worker_peek(struct ft_worker *worker);

/* Ask the kernel whether the process has ended (1: yes and reaped), or was stopped (2: *signal says by what). */
int ft_worker_reap(struct ft_worker *worker, int *signal);

/* Send a signal to the process, or to its group as well. */
void ft_worker_kill(const struct ft_worker *worker, int signal, bool group);

#endif

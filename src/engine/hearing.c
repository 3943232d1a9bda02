/* What is heard of workers: what they send and write, and that they have ended. */
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "engine/internal.h"
#include "engine/loan.h"
#include "wire/msgpack.h"
#include "wire/protocol.h"

enum { DRAIN_READS = 64 }; /* of a pipe whose worker has ended */

/* ---- what they send ---- */

/* The messages that concern the scheduler and the engine itself.  Returns 0 or a negative errno for nonsense. */
static int engine_message(struct ft_engine *engine, struct ft_worker *worker, const struct ft_message_view *view)
{
    struct ft_mp_reader reader = {view->payload, view->payload + view->len};
    uint32_t item;
    int err;
    switch (view->type) {
    case FT_MSG_HELLO:
        err = ft_sched_join(engine->sched, worker->id);
        if (err == -EEXIST && worker->state == FT_WORKER_STARTING)
            err = 0; /* ft_engine_begin */
        worker->state = FT_WORKER_READY;
        return err;
    case FT_MSG_START:
        err = ft_mp_read_u32(&reader, &item);
        if (err == 0)
            err = ft_sched_started(engine->sched, worker->id, item);
        if (err == 0)
            worker->item = item;
        return err;
    case FT_MSG_DONE:
        err = ft_mp_read_u32(&reader, &item);
        if (err == 0)
            err = ft_sched_done(engine->sched, worker->id, item);
        if (err == 0)
            worker->item = -1;
        return err;
    case FT_MSG_FINISHED:
        worker->state = FT_WORKER_FINISHED;
        return 0;
    case FT_MSG_LEAVES:
        if (worker->state != FT_WORKER_FINISHED)
            return -EBADMSG;
        worker->leaving = !worker->exited;
        return 0;
    case FT_MSG_SYNC:
        worker->syncs++;
        if ((err = ft_worker_read_output(worker, FT_STDOUT, SIZE_MAX)) < 0 ||
            (err = ft_worker_read_output(worker, FT_STDERR, SIZE_MAX)) < 0)
            return err;
        err = ft_worker_send(worker, FT_MSG_SYNCED, "\xc0", 1);
        ft_worker_flush(worker);
        return err;
    default:
        return 0;
    }
}

/* A worker that sends nonsense is killed, and reported as crashed. */
static void distrust(struct ft_worker *worker)
{
    worker->broken = true;
    ft_worker_kill(worker, SIGKILL, true);
}

/* Take in all whole messages. */
static int take_messages(struct ft_engine *engine, struct ft_worker *worker)
{
    struct ft_message_view view;
    int got;
    while (!worker->broken && (got = ft_frame_next(&worker->in, &view)) != 0) {
        int err = got < 0 ? got : engine_message(engine, worker, &view);
        if (err == -ENOMEM)
            return err;
        if (err < 0) {
            distrust(worker);
            break;
        }
        if (view.type != FT_MSG_SYNC && view.type != FT_MSG_LEAVES) {
            err = ft_inbox_put(&worker->inbox, FT_NOTE_MESSAGE, view.type, view.payload, view.len);
            if (err < 0)
                return err;
        }
    }
    return ft_dispatch(engine);
}

/* Take in what a worker has not yet written: it is in a long test, or gone. */
static int peek(struct ft_engine *engine, struct ft_worker *worker)
{
    if (worker->broken)
        return 0;
    int64_t got = ft_worker_peek(worker);
    if (got == -EBADMSG)
        distrust(worker);
    else if (got != 0)
        return got < 0 ? (int)got : take_messages(engine, worker);
    return 0;
}

int ft_engine_look(struct ft_engine *engine)
{
    int err = 0;
    for (uint32_t i = 0; err == 0 && i < engine->count; i++) {
        struct ft_worker *worker = engine->workers[i];
        if (worker->state != FT_WORKER_GONE && !worker->exited && worker->inbox.bytes < FT_INBOX_FULL)
            err = peek(engine, worker);
    }
    return err;
}

int ft_hear(struct ft_engine *engine, struct ft_worker *worker)
{
    ssize_t got = ft_worker_receive(worker);
    if (got < 0)
        return (int)got;
    return got == 0 ? 0 : take_messages(engine, worker);
}

/*
 * Read what a pipe holds now, but first what was sent before it was written.  A worker tells before a message that it
 * has written (FT_MSG_SYNC), but not before it writes.
 */
int ft_hear_output(struct ft_engine *engine, struct ft_worker *worker, int stream, short events)
{
    int held = 0;
    unsigned syncs = worker->syncs;
    if (worker->spec.out[stream] < 0)
        return 0;
    if (ioctl(worker->spec.out[stream], FIONREAD, &held) < 0 || held == 0)
        return events & POLLHUP ? ft_worker_read_output(worker, stream, 1) : 0;
    int err = worker->closed ? 0 : ft_hear(engine, worker);
    if (err == 0)
        err = peek(engine, worker);
    /* What was held was read for a FT_MSG_SYNC: what is there now may be later than what is unread on the socket. */
    if (err < 0 || worker->syncs != syncs)
        return err;
    return ft_worker_read_output(worker, stream, (size_t)held);
}

/* ---- their end ---- */

/* Take in what a process has left behind.  Bounded: its children may go on writing to the pipes. */
static int drain(struct ft_engine *engine, struct ft_worker *worker)
{
    for (;;) {
        ssize_t got = ft_worker_receive(worker);
        if (got < 0)
            return (int)got;
        if (got == 0)
            break;
        int err = take_messages(engine, worker);
        if (err < 0)
            return err;
    }
    int peeked = peek(engine, worker);
    if (peeked < 0)
        return peeked;
    for (int stream = 0; stream < FT_STREAMS; stream++) {
        size_t before;
        int reads = 0;
        do {
            before = worker->inbox.bytes;
            int err = ft_worker_read_output(worker, stream, SIZE_MAX);
            if (err < 0)
                return err;
        } while (worker->inbox.bytes > before && ++reads < DRAIN_READS);
    }
    return 0;
}

/* The process has ended: take in what it left behind, then note that it is gone. */
static int collect_exited(struct ft_engine *engine, struct ft_worker *worker)
{
    int err = drain(engine, worker);
    return err < 0 ? err : ft_inbox_put(&worker->inbox, FT_NOTE_GONE, 0, NULL, 0);
}

int ft_let_go(struct ft_engine *engine)
{
    int err = 0;
    for (uint32_t i = 0; err == 0 && i < engine->count; i++) {
        struct ft_worker *worker = engine->workers[i];
        if (!worker->leaving || worker->exited)
            continue;
        worker->exited = true;
        err = collect_exited(engine, worker);
    }
    return err;
}

int ft_hear_process(struct ft_engine *engine, struct ft_worker *worker)
{
    int signal = 0;
    if (worker->exited)
        return 0;
    int state = ft_worker_reap(worker, &signal);
    if (state == 1)
        return collect_exited(engine, worker);
    if (state == 0)
        return 0;
    int err = drain(engine, worker);
    return err < 0 ? err : ft_loan_stopped(engine, worker, signal);
}

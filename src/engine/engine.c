#include "engine/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/stay.h"
#include "engine/internal.h"
#include "engine/loan.h"
#include "engine/signals.h"
#include "wire/msgpack.h"
#include "wire/protocol.h"

enum {
    TTY_TICK_MS = 100, /* how often to look for workers that wait for the terminal */
    REAP_TICK_MS = 50, /* how often to ask where the kernel has no pidfd */
};

struct ft_engine *ft_engine_new(const struct ft_engine_options *options, const struct ft_engine_ops *ops, void *arg)
{
    struct ft_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return NULL;
    engine->options = *options;
    engine->options.sched.known = NULL;
    engine->ops = *ops;
    engine->arg = arg;
    engine->sched = ft_sched_new(&options->sched);
    if (engine->sched == NULL) {
        free(engine);
        return NULL;
    }
    engine->signal_fd = -1;
    ft_tty_init(&engine->tty, options->tty_fd, options->client_pid != 0);
    return engine;
}

/* Negative descriptor afterwards: another engine of this process has them. */
static void catch_signals(struct ft_engine *engine)
{
    if (engine->signal_fd < 0)
        engine->signal_fd = ft_signals_catch();
}

static void release_signals(struct ft_engine *engine)
{
    if (engine->signal_fd >= 0)
        ft_signals_release();
    engine->signal_fd = -1;
}

void ft_engine_free(struct ft_engine *engine)
{
    if (engine == NULL)
        return;
    ft_tty_take_back(&engine->tty);
    release_signals(engine);
    for (uint32_t i = 0; i < engine->count; i++) {
        ft_worker_release(engine->workers[i]);
        free(engine->workers[i]);
    }
    free(engine->workers);
    free(engine->polled);
    free(engine->slots);
    ft_sched_free(engine->sched);
    free(engine);
}

int64_t ft_engine_add(struct ft_engine *engine, const struct ft_worker_spec *spec)
{
    struct ft_worker **grown = realloc(engine->workers, (engine->count + 1) * sizeof(*grown));
    if (grown == NULL)
        return -ENOMEM;
    engine->workers = grown;
    struct ft_worker *worker = malloc(sizeof *worker);
    if (worker == NULL)
        return -ENOMEM;
    ft_worker_init(worker, engine->count, spec);
    grown[engine->count] = worker;
    engine->alive++;
    if (engine->stopped)
        ft_worker_send(worker, FT_MSG_STOP, "\xc0", 1);
    return engine->count++;
}

/* ---- orders ---- */

static int send_run(struct ft_worker *worker, const struct ft_sched_order *order)
{
    struct ft_buf payload = FT_BUF_INIT;
    int err = ft_mp_array(&payload, order->count);
    for (uint32_t i = 0; err == 0 && i < order->count; i++)
        err = ft_mp_uint(&payload, order->items[i]);
    if (err == 0)
        err = ft_worker_send(worker, FT_MSG_RUN, ft_buf_head(&payload), payload.len);
    ft_buf_release(&payload);
    return err;
}

int ft_dispatch(struct ft_engine *engine)
{
    struct ft_sched_order order;
    while (ft_sched_next(engine->sched, &order)) {
        struct ft_worker *worker = engine->workers[order.worker];
        int err;
        if (order.kind == FT_SCHED_RUN)
            err = send_run(worker, &order);
        else
            err = ft_worker_send(worker, order.kind == FT_SCHED_BREAK ? FT_MSG_BREAK : FT_MSG_FINISH, "\xc0", 1);
        if (err < 0)
            return err;
        ft_worker_flush(worker);
    }
    return 0;
}

int ft_engine_begin(struct ft_engine *engine, uint32_t id)
{
    if (id >= engine->count || engine->workers[id]->state != FT_WORKER_STARTING)
        return -ESRCH;
    int err = ft_sched_join_alone(engine->sched, id);
    if (err < 0)
        return err;
    catch_signals(engine);
    return ft_dispatch(engine);
}

void ft_engine_stop(struct ft_engine *engine)
{
    if (engine->stopped)
        return;
    engine->stopped = true;
    ft_sched_stop(engine->sched);
    for (uint32_t i = 0; i < engine->count; i++) {
        struct ft_worker *worker = engine->workers[i];
        if (worker->state == FT_WORKER_STARTING || worker->state == FT_WORKER_READY) {
            ft_worker_send(worker, FT_MSG_STOP, "\xc0", 1);
            ft_worker_flush(worker);
        }
    }
}

void ft_engine_kill(struct ft_engine *engine, int signal, bool group)
{
    for (uint32_t i = 0; i < engine->count; i++)
        if (engine->workers[i]->state != FT_WORKER_GONE)
            ft_worker_kill(engine->workers[i], signal, group);
}

int ft_engine_send(struct ft_engine *engine, uint32_t id, unsigned type, const void *payload, size_t len)
{
    if (id >= engine->count || engine->workers[id]->state == FT_WORKER_GONE)
        return -ESRCH;
    int err = ft_worker_send(engine->workers[id], type, payload, len);
    if (err == 0)
        ft_worker_flush(engine->workers[id]);
    return err;
}

void ft_engine_keep_idle(struct ft_engine *engine, bool keep)
{
    ft_sched_keep_idle(engine->sched, keep);
}

int ft_engine_again(struct ft_engine *engine, uint32_t item)
{
    return ft_sched_again(engine->sched, item);
}

int ft_engine_assign(struct ft_engine *engine, uint32_t worker, const uint32_t *items, uint32_t count)
{
    int err = ft_sched_assign(engine->sched, worker, items, count);
    return err < 0 ? err : ft_dispatch(engine);
}

uint32_t ft_engine_withdraw(struct ft_engine *engine, uint32_t worker, uint32_t *items, uint32_t count)
{
    return ft_sched_withdraw(engine->sched, worker, items, count);
}

int ft_engine_close_worker(struct ft_engine *engine, uint32_t worker)
{
    ft_sched_close(engine->sched, worker);
    return ft_dispatch(engine);
}

bool ft_engine_stalled(const struct ft_engine *engine)
{
    return ft_sched_stalled(engine->sched);
}

uint32_t ft_engine_count(const struct ft_engine *engine)
{
    return engine->count;
}

int64_t ft_engine_item(const struct ft_engine *engine, uint32_t worker)
{
    return worker < engine->count ? engine->workers[worker]->item : -1;
}

uint32_t ft_engine_pending(const struct ft_engine *engine)
{
    return ft_sched_pending(engine->sched);
}

/* ---- the loop ---- */

static int add_slot(struct ft_engine *engine, int fd, short events, enum slot_kind kind, struct ft_worker *worker)
{
    if (fd < 0)
        return 0;
    if (engine->slot_len == engine->slot_cap) {
        nfds_t cap = engine->slot_cap + 32;
        struct pollfd *polled = realloc(engine->polled, cap * sizeof *polled);
        if (polled == NULL)
            return -ENOMEM;
        engine->polled = polled;
        struct slot *slots = realloc(engine->slots, cap * sizeof *slots);
        if (slots == NULL)
            return -ENOMEM;
        engine->slots = slots;
        engine->slot_cap = cap;
    }
    engine->polled[engine->slot_len] = (struct pollfd){.fd = fd, .events = events};
    engine->slots[engine->slot_len++] = (struct slot){kind, worker};
    return 0;
}

static int add_worker_slots(struct ft_engine *engine, struct ft_worker *worker)
{
    if (worker->state == FT_WORKER_GONE || worker->exited)
        return 0;
    int err = add_slot(engine, worker->pidfd, POLLIN, SLOT_PROCESS, worker);
    bool paused = worker->inbox.bytes >= FT_INBOX_FULL || (engine->holder != NULL && engine->holder != worker);
    if (err < 0 || paused)
        return err;
    if (!worker->closed) {
        short events = worker->outgoing.len > 0 ? POLLIN | POLLOUT : POLLIN;
        err = add_slot(engine, worker->spec.sock, events, SLOT_SOCKET, worker);
    }
    if (err == 0)
        err = add_slot(engine, worker->spec.out[FT_STDOUT], POLLIN, SLOT_STDOUT, worker);
    if (err == 0)
        err = add_slot(engine, worker->spec.out[FT_STDERR], POLLIN, SLOT_STDERR, worker);
    return err;
}

static int fill_slots(struct ft_engine *engine)
{
    engine->slot_len = 0;
    int err = add_slot(engine, engine->signal_fd, POLLIN, SLOT_SIGNALS, NULL);
    if (err == 0 && !engine->client_gone)
        err = add_slot(engine, engine->options.client_fd, POLLIN | POLLRDHUP, SLOT_CLIENT, NULL);
    if (engine->paused)
        return err;
    for (uint32_t i = 0; err == 0 && i < engine->count; i++)
        err = add_worker_slots(engine, engine->workers[i]);
    return err;
}

/* Whether any living worker has to be asked for its state, as no descriptor tells. */
static bool must_ask(const struct ft_engine *engine)
{
    for (uint32_t i = 0; i < engine->count; i++)
        if (engine->workers[i]->pidfd < 0 && engine->workers[i]->state != FT_WORKER_GONE)
            return true;
    return false;
}

static int poll_timeout(const struct ft_engine *engine, bool more)
{
    if (more)
        return 0;
    int timeout = engine->options.tick_ms > 0 ? engine->options.tick_ms : -1;
    if (engine->tty.fd >= 0 && (timeout < 0 || timeout > TTY_TICK_MS))
        timeout = TTY_TICK_MS;
    if (must_ask(engine) && (timeout < 0 || timeout > REAP_TICK_MS))
        timeout = REAP_TICK_MS;
    return timeout;
}

/* Ctrl-Z: the workers stop, then we do; and all go on together. */
static void suspend_all(struct ft_engine *engine)
{
    ft_engine_kill(engine, SIGSTOP, true);
    ft_signals_suspend(false);
    ft_engine_kill(engine, SIGCONT, true);
}

/* What came from the terminal of the client, by way of it. */
static int handle_terminal_signal(struct ft_engine *engine, int number)
{
    if (number == SIGTSTP)
        ft_loan_pause(engine);
    else if (number == SIGINT && engine->tty.lent && engine->holder != NULL)
        ft_worker_kill(engine->holder, number, true);
    else
        return engine->ops.signal(engine->arg, number, 0);
    return 0;
}

static int handle_signals(struct ft_engine *engine)
{
    struct ft_signal signal;
    pid_t client = engine->options.client_pid;
    int err = 0;
    while (err == 0 && ft_signals_take(&signal)) {
        if (client != 0 && signal.sender == client && !signal.queued) {
            err = handle_terminal_signal(engine, signal.number);
            continue;
        }
        if (signal.number == SIGTSTP) {
            suspend_all(engine);
            continue;
        }
        if (err == 0 && engine->paused) /* so that the workers hear of it */
            err = ft_loan_resume(engine, false);
        if (err == 0)
            err = engine->ops.signal(engine->arg, signal.number, signal.sender);
    }
    return err;
}

static int handle_client(struct ft_engine *engine, short events)
{
    int err = events & POLLIN ? ft_client_hear(engine) : 1;
    if (err <= 0)
        return err;
    engine->client_gone = true;
    err = ft_loan_resume(engine, false);
    return err < 0 ? err : engine->ops.signal(engine->arg, SIGHUP, 0);
}

static int handle_slot(struct ft_engine *engine, const struct slot *slot, short events)
{
    struct ft_worker *worker = slot->worker;
    if (worker != NULL && worker->exited)
        return 0;
    switch (slot->kind) {
    case SLOT_SIGNALS:
        return handle_signals(engine);
    case SLOT_CLIENT:
        return handle_client(engine, events);
    case SLOT_SOCKET:
        if (events & POLLOUT)
            ft_worker_flush(worker);
        return events & (POLLIN | POLLHUP | POLLERR) ? ft_hear(engine, worker) : 0;
    case SLOT_STDOUT:
        return ft_hear_output(engine, worker, FT_STDOUT, events);
    case SLOT_STDERR:
        return ft_hear_output(engine, worker, FT_STDERR, events);
    case SLOT_PROCESS:
    default:
        return ft_hear_process(engine, worker);
    }
}

static int ask_all(struct ft_engine *engine)
{
    int err = 0;
    for (uint32_t i = 0; err == 0 && i < engine->count; i++)
        if (engine->workers[i]->state != FT_WORKER_GONE)
            err = ft_hear_process(engine, engine->workers[i]);
    return err;
}

/* Poll, which takes at most `timeout` ms; negative: any time.  Returns how many descriptors are ready. */
static int wait_for_slots(struct ft_engine *engine, int timeout)
{
    int ready = 0;
    while (timeout != 0 && engine->ops.idle != NULL) {
        ready = poll(engine->polled, engine->slot_len, 0);
        if (ready != 0)
            return ready;
        if (!engine->ops.idle(engine->arg))
            engine->ops.idle = NULL;
    }
    if (timeout == 0)
        return poll(engine->polled, engine->slot_len, 0);
    if (engine->ops.unlock != NULL)
        engine->ops.unlock(engine->arg);
    struct ft_stay stay;
    ft_stay_begin(&stay, engine->alive);
    ready = poll(engine->polled, engine->slot_len, timeout);
    ft_stay_end(&stay);
    if (engine->ops.lock != NULL)
        engine->ops.lock(engine->arg);
    return ready;
}

static int wait_and_handle(struct ft_engine *engine, bool more)
{
    int timeout = poll_timeout(engine, more);
    int err = fill_slots(engine);
    if (err < 0)
        return err;
    int ready = wait_for_slots(engine, timeout);
    /* Sockets come behind the pidfds of their worker: what it sent is read once more when it has exited. */
    nfds_t len = engine->slot_len;
    for (nfds_t i = 0; ready > 0 && err == 0 && i < len; i++)
        if (engine->polled[i].revents != 0)
            err = handle_slot(engine, &engine->slots[i], engine->polled[i].revents);
    if (err == 0 && !engine->paused && (engine->tty.fd >= 0 || must_ask(engine)))
        err = ask_all(engine);
    return err;
}

static bool is_time_to_tick(struct ft_engine *engine)
{
    struct timespec now;
    if (engine->options.tick_ms <= 0)
        return false;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    if (ms - engine->ticked < (uint64_t)engine->options.tick_ms)
        return false;
    engine->ticked = ms;
    return true;
}

int ft_engine_run(struct ft_engine *engine)
{
    bool more = false;
    int err = 0;
    catch_signals(engine);
    while (err == 0 && engine->alive > 0) {
        err = wait_and_handle(engine, more && !engine->paused);
        if (engine->paused)
            continue;
        if (err == 0)
            err = ft_let_go(engine);
        if (err == 0)
            err = ft_tell_round(engine, &more);
        if (err == 0)
            err = ft_loan_serve(engine);
        if (err == 0 && is_time_to_tick(engine)) {
            err = ft_engine_look(engine);
            more = true; /* what was found is told at once */
            if (err == 0)
                err = engine->ops.tick(engine->arg);
        }
    }
    int ended = ft_loan_end(engine);
    if (err == 0)
        err = ended;
    release_signals(engine);
    return err;
}

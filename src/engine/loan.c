#include "engine/loan.h"

#include <signal.h>

#include "engine/internal.h"
#include "engine/signals.h"
#include "wire/protocol.h"

/* A worker that the kernel has stopped in a read cannot be answered: it is interrupted. */
static void refuse(struct ft_worker *worker)
{
    worker->wants_tty = false;
    if (worker->stopped) {
        ft_worker_kill(worker, SIGINT, true);
        ft_worker_kill(worker, SIGCONT, true);
        return;
    }
    ft_worker_send(worker, FT_MSG_TTY_LENT, "\xc0", 1);
    ft_worker_flush(worker);
}

void ft_engine_refuse_terminal(struct ft_engine *engine)
{
    engine->refusing = true;
    for (uint32_t i = 0; i < engine->count; i++)
        if (engine->workers[i]->wants_tty && engine->workers[i]->state != FT_WORKER_GONE)
            refuse(engine->workers[i]);
}

/* Returns 0 or -ENOMEM. */
static int tell_lent(struct ft_worker *worker, bool lent)
{
    int err = ft_worker_send(worker, FT_MSG_TTY_LENT, lent ? "\xc3" : "\xc2", 1);
    ft_worker_flush(worker);
    return err;
}

void ft_loan_wanted(struct ft_engine *engine, struct ft_worker *worker)
{
    if (engine->holder == worker && !worker->stopped) {
        /* It has it since it was stopped in a read; from now on until it says that it gives it back. */
        worker->until_report = false;
        tell_lent(worker, engine->tty.lent);
        return;
    }
    worker->wants_tty = true;
    if (engine->refusing)
        refuse(worker);
}

void ft_loan_stop_told(struct ft_engine *engine, struct ft_worker *worker)
{
    worker->stopped = true;
    worker->until_report = true;
    ft_loan_wanted(engine, worker);
}

static int lend(struct ft_engine *engine, struct ft_worker *worker)
{
    engine->holder = worker;
    worker->wants_tty = false;
    int err = engine->ops.terminal(engine->arg, worker->id, true);
    if (err < 0)
        return err;
    bool lent = worker->spec.own_group && ft_tty_lend(&engine->tty, worker->spec.pid) == 0;
    if (worker->stopped) {
        worker->stopped = false;
        ft_worker_kill(worker, SIGCONT, true);
        return 0;
    }
    return tell_lent(worker, lent);
}

/* The first worker that waits for the terminal; NULL: none does. */
static struct ft_worker *first_waiting(const struct ft_engine *engine)
{
    for (uint32_t i = 0; i < engine->count; i++) {
        struct ft_worker *worker = engine->workers[i];
        if (worker->wants_tty && worker->state != FT_WORKER_GONE && !worker->exited)
            return worker;
    }
    return NULL;
}

/* In the background the terminal is somebody else's: workers wait until we, or the client, are in the foreground. */
static bool may_lend(struct ft_engine *engine)
{
    if (engine->tty.fd < 0)
        return true;
    return engine->tty.remote ? ft_client_in_foreground(engine) : ft_tty_is_ours(&engine->tty);
}

int ft_loan_serve(struct ft_engine *engine)
{
    struct ft_worker *worker = engine->holder == NULL ? first_waiting(engine) : NULL;
    bool now = worker != NULL && may_lend(engine);
    engine->client.foreground = false; /* the answer is good for this moment only */
    return now ? lend(engine, worker) : 0;
}

/* All workers have stopped; the client may. */
static void pause_all(struct ft_engine *engine)
{
    engine->paused = true;
    engine->pausing = false;
    ft_tty_take_back(&engine->tty);
    ft_engine_kill(engine, SIGSTOP, true);
    ft_client_suspended(engine);
}

int ft_loan_end(struct ft_engine *engine)
{
    struct ft_worker *worker = engine->holder;
    if (worker == NULL)
        return 0;
    ft_tty_take_back(&engine->tty);
    engine->holder = NULL;
    worker->until_report = false;
    if (engine->pausing) /* it was to stop, and has let go instead */
        pause_all(engine);
    return engine->ops.terminal(engine->arg, worker->id, false);
}

/*
 * Ctrl-Z at the worker that has the terminal: stop the whole job, as the shell expects.  If it goes on in the
 * background, so does the worker: it is stopped when it reads, and then waits for the terminal like any other.
 */
static int suspend_job(struct ft_engine *engine, struct ft_worker *worker)
{
    ft_tty_take_back(&engine->tty);
    ft_engine_kill(engine, SIGSTOP, true);
    ft_signals_suspend(true);
    int err = 0;
    if (ft_tty_is_ours(&engine->tty))
        ft_tty_lend(&engine->tty, worker->spec.pid);
    else
        err = ft_loan_end(engine);
    ft_engine_kill(engine, SIGCONT, true);
    return err;
}

void ft_loan_pause(struct ft_engine *engine)
{
    engine->pausing = engine->holder != NULL && engine->tty.lent;
    if (engine->pausing)
        ft_worker_kill(engine->holder, SIGTSTP, true);
    else
        pause_all(engine);
}

int ft_loan_resume(struct ft_engine *engine, bool foreground)
{
    int err = 0;
    if (!engine->paused) {
        engine->pausing = false; /* if it stops after all, it is let go on then */
        return 0;
    }
    engine->paused = false;
    if (engine->holder != NULL && !foreground)
        err = ft_loan_end(engine);
    else if (engine->holder != NULL && engine->holder->spec.own_group)
        ft_tty_lend(&engine->tty, engine->holder->spec.pid);
    ft_engine_kill(engine, SIGCONT, true);
    return err;
}

/* A worker of a remote terminal has stopped as by Ctrl-Z. */
static void stopped_remotely(struct ft_engine *engine, struct ft_worker *worker)
{
    if (engine->pausing)
        pause_all(engine);
    else if (!engine->paused)
        ft_worker_kill(worker, SIGCONT, true);
}

int ft_loan_stopped(struct ft_engine *engine, struct ft_worker *worker, int signal)
{
    if (signal == SIGTSTP && engine->tty.remote)
        stopped_remotely(engine, worker);
    else if (signal == SIGTSTP && engine->holder == worker)
        return suspend_job(engine, worker);
    if ((signal == SIGTTIN || signal == SIGTTOU) && engine->holder != worker)
        return ft_inbox_put(&worker->inbox, FT_NOTE_STOPPED, 0, NULL, 0);
    return 0;
}

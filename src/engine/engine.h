/*
 * The engine: a poll loop over the workers of one run.  It feeds them items from the scheduler, takes in what they
 * send, notices their death and lends the terminal.  It never blocks on one worker; the session is called back for
 * what concerns it, one event at a time, from ft_engine_run.
 *
 * Not thread-safe: all functions are called from the thread that runs it, those marked "any time" from callbacks too.
 */
#ifndef FT_ENGINE_ENGINE_H
#define FT_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/worker.h"
#include "sched/sched.h"

/* How a worker ended. */
struct ft_gone {
    bool finished;  /* had sent FT_MSG_FINISHED */
    int64_t item;   /* was being run; -1: none */
    int status;     /* as of waitpid */
    bool leaving;   /* it exits with 0 in a moment; the caller reaps it */
};

/* The messages about a test that passed and of which nothing else is to be told, in this order. */
enum ft_passed_part { FT_PASSED_LOGSTART, FT_PASSED_SETUP, FT_PASSED_CALL, FT_PASSED_TEARDOWN, FT_PASSED_PARTS };

struct ft_passed {
    uint32_t item;
    struct {
        const uint8_t *payload;
        size_t len;
    } parts[FT_PASSED_PARTS];
};

/*
 * Callbacks into the session.  Each returns 0, or a negative number that ft_engine_run stops with and returns.
 * `lock` and `unlock` surround every wait; NULL where there is nothing to do.
 */
struct ft_engine_ops {
    int (*message)(void *arg, uint32_t worker, unsigned type, const uint8_t *payload, size_t len);
    /* Instead of FT_MSG_START, LOGSTART, three PASSED, LOGFINISH and DONE, if all have come.  May be NULL. */
    int (*passed)(void *arg, uint32_t worker, const struct ft_passed *test);
    int (*output)(void *arg, uint32_t worker, int stream, const uint8_t *bytes, size_t len);
    int (*gone)(void *arg, uint32_t worker, const struct ft_gone *how);
    int (*signal)(void *arg, int number, int sender);
    int (*terminal)(void *arg, uint32_t worker, bool lent);
    int (*tick)(void *arg);
    /* Do a little of what may as well be done while nothing happens; whether to call it again.  May be NULL. */
    bool (*idle)(void *arg);
    void (*unlock)(void *arg);
    void (*lock)(void *arg);
};

struct ft_engine_options {
    struct ft_sched_options sched;
    int client_fd;    /* the run is cancelled when its peer closes it; -1: none */
    pid_t client_pid; /* the terminal is that of this process, which passes on what the terminal sends; 0: it is ours */
    int tty_fd;       /* terminal to lend; -1: none */
    int tick_ms;   /* how often to call `tick`; 0: never */
};

struct ft_engine;

/* Returns an engine, or NULL without memory. */
struct ft_engine *ft_engine_new(const struct ft_engine_options *options, const struct ft_engine_ops *ops, void *arg);

/* Closes all descriptors.  Does not end processes: see ft_engine_kill. */
void ft_engine_free(struct ft_engine *engine);

/* Any time: add a worker process.  Returns its number (0, 1 ...) or -ENOMEM. */
int64_t ft_engine_add(struct ft_engine *engine, const struct ft_worker_spec *spec);

/*
 * Give a worker that was added, and will say hello in a moment, its first items now: the caller has to do something
 * else before it runs the engine.  Signals are caught from here on, and told when it runs.  Returns 0, -ESRCH if there
 * is no such worker or it has said hello, -EEXIST, -ENOMEM.
 */
int ft_engine_begin(struct ft_engine *engine, uint32_t worker);

/* Run until every worker is gone.  Returns 0 or what a callback returned. */
int ft_engine_run(struct ft_engine *engine);

/* Any time: hand out nothing more; workers end their session after the test in flight. */
void ft_engine_stop(struct ft_engine *engine);

/* Any time: signal every living worker (and its process group). */
void ft_engine_kill(struct ft_engine *engine, int signal, bool group);

/* Any time: queue a message for a worker.  Returns 0, -ESRCH or -ENOMEM. */
int ft_engine_send(struct ft_engine *engine, uint32_t worker, unsigned type, const void *payload, size_t len);

/* Any time: lend the terminal no more; workers that wait for it, or will ask, are told so. */
void ft_engine_refuse_terminal(struct ft_engine *engine);

/* Any time: idle workers are kept, as nobody can replace one that crashes. */
void ft_engine_keep_idle(struct ft_engine *engine, bool keep);

/* In `gone` only: run the item once more that the lost worker was running.  Returns 0 or -EINVAL. */
int ft_engine_again(struct ft_engine *engine, uint32_t item);

/* Any time, where the scheduler's items are assigned: as the functions of the same name in sched/sched.h. */
int ft_engine_assign(struct ft_engine *engine, uint32_t worker, const uint32_t *items, uint32_t count);
uint32_t ft_engine_withdraw(struct ft_engine *engine, uint32_t worker, uint32_t *items, uint32_t count);
int ft_engine_close_worker(struct ft_engine *engine, uint32_t worker);
bool ft_engine_stalled(const struct ft_engine *engine);

/* Any time: look at what each worker is doing now, before all of that is told.  Returns 0 or -ENOMEM. */
int ft_engine_look(struct ft_engine *engine);

/* How many workers were added. */
uint32_t ft_engine_count(const struct ft_engine *engine);

/* The item that a worker was running when it was last looked at or heard of; -1: none, or no such worker. */
int64_t ft_engine_item(const struct ft_engine *engine, uint32_t worker);

/* Items that nobody was given. */
uint32_t ft_engine_pending(const struct ft_engine *engine);

#endif

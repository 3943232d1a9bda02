/* The session's side of an engine, for the tests: keeps account of what it was told and checks what always holds. */
#ifndef TESTS_UNIT_FAKE_SESSION_H
#define TESTS_UNIT_FAKE_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/engine.h"
#include "fake_worker.h"

enum { SESSION_WORKERS = 64, SESSION_ITEMS = 4096 };

enum session_kind { ON_MESSAGE, ON_PASSED, ON_OUTPUT, ON_GONE, ON_SIGNAL, ON_TERMINAL, ON_TICK };

/* One call back. */
struct session_event {
    enum session_kind kind;
    uint32_t worker;
    int number; /* type of message, item, stream, signal, or whether the terminal is lent */
    int sender; /* of a signal */
    const uint8_t *bytes;
    size_t len;
    const struct ft_gone *gone;
};

struct session {
    struct ft_engine *engine;
    int (*react)(struct session *session, const struct session_event *event); /* NULL: nothing more is done */
    void *arg;                             /* for react */
    int client_fd, tty_fd, tick_ms;        /* as in ft_engine_options */
    pid_t client_pid;                      /* likewise */

    unsigned types[SESSION_WORKERS][256];  /* messages by type */
    uint32_t item[SESSION_WORKERS];        /* that it runs; UINT32_MAX: none */
    size_t output[SESSION_WORKERS][FT_STREAMS];
    struct ft_gone gone[SESSION_WORKERS];
    bool is_gone[SESSION_WORKERS];
    unsigned gones, signals[65], ticks, terminals, waits;
    bool lent, unlocked;
    unsigned starts[SESSION_ITEMS], dones[SESSION_ITEMS], passes[SESSION_ITEMS];
    const char *broken;                    /* what did not hold; NULL: all did */
};

/* An engine for `items` and `workers`, with all of the session's callbacks. */
void session_init(struct session *session, const struct ft_sched_options *options);
void session_release(struct session *session);

/* The same with nothing else set.  It is the one that the last call has returned. */
struct session *session_make(uint32_t items, uint32_t workers);

/* Start a worker and add it.  Returns its number. */
uint32_t session_add(struct session *session, unsigned options, fake_body *body, void *arg);

/* Run the engine; fails the test where something that always holds did not. */
int session_run(struct session *session);

/* Whether each of `items` was done, and none twice. */
bool session_all_done(const struct session *session, uint32_t items);

#endif

/*
 * Worker processes for the tests: forked C children that speak the protocol over a socket pair, as a Python worker
 * does.  They end with the test program, and only those that it started are ever killed, through their pidfds.
 */
#ifndef TESTS_UNIT_FAKE_WORKER_H
#define TESTS_UNIT_FAKE_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/worker.h"
#include "wire/frame.h"
#include "wire/protocol.h"

/* Memory that the test program and all of its workers see; zero at the start of each test. */
struct fake_shared {
    atomic_size_t sent; /* bytes or messages so far, as the test likes */
    atomic_int blocked; /* the worker is about to wait until the engine reads */
    atomic_int flags[8];
};

extern struct fake_shared *fake_shared;

/* A worker, in its own process. */
struct fake {
    int sock;
    struct ft_tail *tail; /* with FAKE_TAIL */
    struct ft_frame_reader in;
    struct ft_buf queue; /* items and breaks to come, uint32_t */
    bool finish, stopped;
};

typedef void fake_body(struct fake *fake, void *arg);

/* What a worker is started with. */
enum {
    FAKE_PIPES = 1, /* stdout and stderr go to the engine */
    FAKE_GROUP = 2, /* a process group of its own */
    FAKE_TAIL = 4,  /* memory for what is posted */
};

/* Before and after each test: make the shared memory; end and reap all workers that are left. */
int fake_setup(void **state);
int fake_teardown(void **state);

/* Fork a worker that runs `body` and exits 0.  Fills in `spec`; ends the program if that is impossible. */
void fake_start(struct ft_worker_spec *spec, unsigned options, fake_body *body, void *arg);

/* Kill a worker with SIGKILL, if the engine has not reaped it. */
void fake_kill(pid_t pid);

/* ---- in the worker; all of these exit 9 when the engine is gone ---- */

void fake_send(struct fake *fake, unsigned type, const void *payload, size_t len);
void fake_send_raw(struct fake *fake, const void *bytes, size_t len);
void fake_send_item(struct fake *fake, unsigned type, uint32_t item);

/* Put a message into the tail, where it stays. */
void fake_post(struct fake *fake, unsigned type, const void *payload, size_t len);
void fake_post_item(struct fake *fake, unsigned type, uint32_t item);

void fake_hello(struct fake *fake);
void fake_finished(struct fake *fake);

/* Wait for an item and its successor.  False: the session is to end. */
bool fake_next(struct fake *fake, uint32_t *item);

/* Wait for a message of this type; its first byte of payload, or 0. */
uint8_t fake_wait(struct fake *fake, unsigned type);

/* A whole session, in which `each` stands between START and DONE (NULL: nothing does). */
void fake_session(struct fake *fake, void (*each)(struct fake *fake, uint32_t item, void *arg), void *arg);

/* fake_session without anything in it. */
void fake_plain(struct fake *fake, void *arg);

/* Write all of it to a descriptor. */
void fake_write(int fd, const void *bytes, size_t len);

/* Wait until somebody sets a flag of the shared memory; yields the processor meanwhile. */
void fake_await(atomic_int *flag);

#endif

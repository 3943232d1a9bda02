#include "daemon/parked.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/checkpoint.h"
#include "daemon/environ.h"
#include "daemon/known.h"
#include "daemon/launch.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/orders.h"
#include "daemon/renew.h"
#include "daemon/run.h"
#include "daemon/said.h"
#include "daemon/snapshot.h"
#include "daemon/waiting.h"
#include "wire/fds.h"
#include "wire/protocol.h"

enum { START_MS = 30 * 1000, COLLECT_MS = 600 * 1000, PREPARE_MS = 5 * 1000, ANSWER_MS = 2 * 1000 };
enum { CHUNK = 64 * 1024, TICK_SHARES = 100, LEAST_PRIORITY = 19 };

/* ---- its end ---- */

static void freed(uv_handle_t *handle)
{
    struct ft_parked *parked = handle->data;
    close(parked->fd);
    ft_fds_close(&parked->given, 1);
    ft_standby_release(&parked->standby);
    ft_frame_reader_release(&parked->in);
    ft_inputs_release(&parked->inputs);
    ft_request_drop(&parked->asked);
    ft_texts_release(&parked->reads);
    ft_text_release(&parked->plugins);
    ft_text_release(&parked->kind);
    ft_texts_release(&parked->choices);
    ft_texts_release(&parked->options);
    free(parked);
}

static void end_children(struct ft_parked *base, const char *why)
{
    struct ft_parked *other;
again:
    TAILQ_FOREACH(other, &base->daemon->parked, link) {
        if (other->successor_of == base)
            other->successor_of = NULL;
        if (other->base == base && other->state != FT_PARKED_ENDING) {
            ft_parked_end(other, why); /* and perhaps others, wherever they are in the list */
            goto again;
        }
    }
}

/*
 * A snapshot leads a group, with whatever the project has started in it.  Its memory takes the kernel some milliseconds
 * to give back, which the next snapshot, or a run, needs more.
 */
static void kill_it(const struct ft_parked *parked)
{
    bool is_group = parked->kind.at != NULL;
    if (parked->pid <= 0)
        return;
    setpriority(is_group ? PRIO_PGRP : PRIO_PROCESS, (id_t)parked->pid, LEAST_PRIORITY);
    kill(is_group ? -parked->pid : parked->pid, SIGKILL);
}

void ft_parked_end(struct ft_parked *parked, const char *why)
{
    if (parked->state == FT_PARKED_ENDING)
        return;
    if (parked->state != FT_PARKED_UNFIT)
        ft_log("parked process %d ends: %s", (int)parked->pid, why);
    parked->state = FT_PARKED_ENDING;
    end_children(parked, why);
    if (parked->kind.at != NULL && !parked->checkpoint)
        ft_checkpoint_snapshot_ends(parked);
    ft_known_parked_ends(parked);
    TAILQ_REMOVE(&parked->daemon->parked, parked, link);
    ft_waiting_part(parked, why); /* before the descriptors that it was sent go with it */
    kill_it(parked);
    uv_poll_stop(&parked->poll);
    uv_close((uv_handle_t *)&parked->poll, freed);
}

/* ---- what it says ---- */

/* What it has read, and whether it can be used. */
static int learn(struct ft_parked *parked, const struct ft_said_ready *said)
{
    int err = ft_inputs_add_all(0, &parked->inputs, FT_INPUT_FILE, &said->files);
    err = ft_inputs_add_all(err, &parked->inputs, FT_INPUT_INSTALLED, &said->installed);
    err = ft_inputs_add_all(err, &parked->inputs, FT_INPUT_NAMES, &said->folders);
    if (err == 0)
        err = ft_texts_copy(&parked->reads, &said->reads);
    ft_text_fit(parked->stale, sizeof parked->stale, said->unfit);
    return err;
}

/* Whether it was forked to prepare and has not said anything: perhaps it was not even forked. */
static bool is_unheard(const struct ft_parked *parked)
{
    return parked->base != NULL && parked->plugins.at == NULL && parked->kind.at == NULL;
}

void ft_parked_lay_off(struct ft_parked *parked)
{
    ft_log("parked process %d cannot be used: %s", (int)parked->pid, parked->stale);
    parked->state = FT_PARKED_UNFIT;
    if (parked->kind.at != NULL)
        ft_checkpoint_drop_unknown(parked);
    uv_poll_stop(&parked->poll);
    kill_it(parked);
    parked->pid = 0;
    ft_waiting_part(parked, parked->stale);
}

/* It is ready: the runs that have waited go on. */
static int ready(struct ft_parked *parked, const struct ft_message_view *message)
{
    struct ft_run *run;
    struct ft_text name;
    bool expected = parked->state == FT_PARKED_STARTING && !is_unheard(parked) && parked->kind.at == NULL;
    struct ft_said_ready said;
    int err = expected ? ft_said_ready(message, &said) : -EBADMSG;
    if (err < 0)
        return err;
    err = learn(parked, &said);
    ft_said_ready_release(&said);
    if (err < 0)
        return err;
    parked->used = uv_now(&parked->daemon->loop);
    if (parked->base != NULL && parked->stale[0] != '\0') {
        ft_parked_lay_off(parked);
        return 0;
    }
    parked->state = FT_PARKED_READY;
    ft_log("parked process %d is ready: %zu files, %zu variables", (int)parked->pid, parked->inputs.count,
           parked->reads.count);
    while (parked->state == FT_PARKED_READY && (run = ft_waiting_first(parked, FT_RUN_WAITING)) != NULL) {
        run->imported = parked->base != NULL;
        /* What it has read is known only now. */
        if (ft_environ_differs(&parked->asked.request.environ, &run->asked.request.environ, &parked->reads, &name))
            ft_run_choose(run);
        else
            ft_run_go_on(run);
    }
    if (parked->state == FT_PARKED_READY)
        ft_renew_ready(parked);
    ft_memory_keep_within(parked->daemon);
    return 0;
}

static int stands_by(struct ft_parked *parked, const struct ft_message_view *message)
{
    int err = ft_standby_waits(parked, message);
    if (err < 0)
        return err;
    ft_memory_keep_within(parked->daemon);
    return 0;
}

/* The run with this number that it was asked to fork; NULL: there is none. */
static struct ft_run *asked_run(const struct ft_parked *parked, uint32_t number)
{
    struct ft_run *run;
    TAILQ_FOREACH(run, &parked->daemon->runs, link)
        if (run->parked == parked && run->state == FT_RUN_ASKED && run->number == number)
            break;
    return run;
}

static int started(struct ft_parked *parked, const struct ft_message_view *message)
{
    struct ft_said_started said;
    int err = ft_said_started(message, &said);
    if (err < 0)
        return err;
    ft_standby_forget(&parked->standby, said.pid);
    struct ft_run *run = asked_run(parked, said.number);
    if (run != NULL)
        ft_run_started(run, said.pid);
    return 0;
}

static int declined(struct ft_parked *parked, const struct ft_message_view *message)
{
    struct ft_said_declined said;
    int err = ft_said_declined(message, &said);
    if (err < 0)
        return err;
    struct ft_run *run = asked_run(parked, said.number);
    if (run != NULL && run->wide)
        ft_run_declined(run, said.why);
    return 0;
}

static bool is_alive(const struct ft_parked *parked)
{
    return parked->state != FT_PARKED_ENDING && parked->state != FT_PARKED_UNFIT;
}

static ssize_t hear(struct ft_parked *parked);

static int child_ended(struct ft_parked *parked, const struct ft_message_view *message)
{
    struct ft_said_ended said;
    struct ft_parked *child;
    int err = ft_said_ended(message, &said);
    if (err < 0)
        return err;
    TAILQ_FOREACH(child, &parked->daemon->parked, link) {
        if (child->base == parked && child->pid == said.pid) {
            while (is_alive(child) && hear(child) > 0) /* what it has said at its end */
                ;
            if (is_alive(child)) {
                child->pid = 0; /* it may be another's from here on */
                ft_parked_end(child, "the parked process died");
            }
            return 0;
        }
    }
    ft_run_process_ended(parked->daemon, said.pid, said.status);
    ft_standby_ended(parked, said.pid);
    return 0;
}

static int take(struct ft_parked *parked, const struct ft_message_view *message)
{
    switch (message->type) {
    case FT_MSG_READY:
        return ready(parked, message);
    case FT_MSG_STARTED:
        return started(parked, message);
    case FT_MSG_DECLINED:
        return declined(parked, message);
    case FT_MSG_CHILD_ENDED:
        return child_ended(parked, message);
    case FT_MSG_CONFIGURED:
        return ft_known_configured(parked, message);
    case FT_MSG_BEGUN:
        return ft_snapshot_begun(parked, message);
    case FT_MSG_CHECKPOINT:
        return ft_checkpoint_parked(parked, message);
    case FT_MSG_STANDS_BY:
        return stands_by(parked, message);
    case FT_MSG_SNAPSHOT:
        return ft_snapshot_collected(parked, message);
    default:
        return -EBADMSG;
    }
}

/* Read and take what it says.  Returns how many bytes that was, 0 at its end, or a negative errno; ends it then. */
static ssize_t hear(struct ft_parked *parked)
{
    unsigned char bytes[CHUNK];
    struct ft_message_view message;
    int given = -1;
    size_t count = 1;
    ssize_t got = ft_fds_receive(parked->fd, bytes, sizeof bytes, &given, &count, MSG_DONTWAIT);
    if (got == -EAGAIN || got == -EINTR)
        return got;
    if (got > 0 && count == 1) { /* with the last of these bytes */
        ft_fds_close(&parked->given, 1);
        parked->given = given;
    }
    if (got <= 0) {
        bool early = parked->state == FT_PARKED_STARTING && parked->base == NULL;
        ft_parked_end(parked, early ? "Python did not start" : "the parked process died");
        return got;
    }
    int more = ft_frame_feed(&parked->in, bytes, (size_t)got);
    while (more >= 0 && is_alive(parked)) {
        more = ft_frame_next(&parked->in, &message);
        if (more <= 0)
            break;
        more = take(parked, &message);
    }
    if (more < 0)
        ft_parked_end(parked, "the parked process said what it should not");
    return got;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct ft_parked *parked = poll->data;
    (void)events;
    if (status < 0)
        ft_parked_end(parked, "the parked process died");
    else
        hear(parked);
}

/* ---- its use ---- */

/* Whether it may be used for a request, ready or not; it is ended if it is out of date. */
static bool is_current(struct ft_parked *parked, const struct ft_request *request)
{
    struct ft_text name;
    char why[sizeof parked->stale];
    if (parked->state == FT_PARKED_ENDING ||
        ft_environ_differs(&parked->asked.request.environ, &request->environ, &parked->reads, &name))
        return false;
    if (parked->in_folder && !ft_text_equal(parked->asked.request.folder, request->folder))
        return false;
    if (parked->state == FT_PARKED_STARTING)
        return true;
    const char *changed = ft_inputs_changed(&parked->inputs, parked->since);
    if (changed != NULL)
        snprintf(why, sizeof why, "%s changed", changed);
    else if (parked->state == FT_PARKED_READY && parked->stale[0] != '\0')
        memcpy(why, parked->stale, sizeof why);
    else
        return true;
    ft_parked_end(parked, why);
    return false;
}

/* The one of `base` with these plugins that may be used; NULL and none: of those that have pytest only. */
static struct ft_parked *find(struct ft_daemon *daemon, const struct ft_parked *base, struct ft_text plugins,
                              const struct ft_request *request)
{
    struct ft_parked *parked;
again:
    TAILQ_FOREACH(parked, &daemon->parked, link) {
        if (parked->base != base || parked->kind.at != NULL || !ft_text_equal(parked->plugins, plugins))
            continue;
        if (is_current(parked, request))
            return parked;
        if (parked->state == FT_PARKED_ENDING) /* perhaps with children, who are next in the list */
            goto again;
    }
    return NULL;
}

struct ft_parked *ft_parked_find(struct ft_daemon *daemon, const struct ft_request *request)
{
    return find(daemon, NULL, (struct ft_text){NULL, 0}, request);
}

struct ft_parked *ft_parked_find_plugins(struct ft_parked *base, struct ft_text plugins,
                                         const struct ft_request *request)
{
    return find(base->daemon, base, plugins, request);
}

static struct ft_parked *new_parked(struct ft_daemon *daemon, const struct ft_kept_request *asked)
{
    struct ft_parked *parked = calloc(1, sizeof *parked);
    if (parked == NULL)
        return NULL;
    parked->inputs.heard = daemon->heard;
    parked->daemon = daemon;
    parked->given = -1;
    parked->standby.fd = -1;
    parked->outrun = SIZE_MAX;
    parked->begun = parked->used = uv_now(&daemon->loop);
    if (ft_request_keep(&parked->asked, ft_buf_head(&asked->payload), asked->payload.len) == 0)
        return parked;
    free(parked);
    return NULL;
}

/* It has been started, or failed to, if `fd` is a negative errno.  Returns 0 or a negative errno. */
static int listen_to(struct ft_parked *parked, int fd)
{
    int err = fd < 0 ? fd : uv_poll_init(&parked->daemon->loop, &parked->poll, fd);
    if (err < 0) {
        if (fd >= 0)
            close(fd);
        if (parked->pid > 0)
            kill(parked->pid, SIGKILL);
        ft_request_drop(&parked->asked);
        ft_text_release(&parked->kind);
        ft_texts_release(&parked->choices);
        free(parked);
        return err;
    }
    parked->fd = fd;
    parked->poll.data = parked;
    uv_poll_start(&parked->poll, UV_READABLE, on_poll);
    TAILQ_INSERT_TAIL(&parked->daemon->parked, parked, link);
    return 0;
}

/* Any but 0, which would turn the randomness of hashes off. */
static uint32_t new_seed(void)
{
    uint32_t seed = 0;
    while (seed == 0)
        if (getrandom(&seed, sizeof seed, 0) < 0)
            seed = (uint32_t)uv_hrtime();
    return seed;
}

/*
 * Have what has been changed by now be older than what is changed once a process reads: that may have the time of the
 * last tick of the files' clock, and files that have just been written a later one, see ft_file_clock().
 */
static void begin_to_read(struct ft_parked *parked)
{
    const struct timespec share = {0, 300000};
    parked->since = ft_now();
    for (int i = 0; i < TICK_SHARES && ft_file_clock() <= parked->since; i++)
        nanosleep(&share, NULL);
}

int ft_parked_start(struct ft_daemon *daemon, const struct ft_kept_request *asked, struct ft_parked **started)
{
    struct ft_parked *parked = new_parked(daemon, asked);
    if (parked == NULL)
        return -ENOMEM;
    parked->in_folder = ft_environ_needs_folder(&parked->asked.request.environ);
    if (!ft_environ_has_hash_seed(&parked->asked.request.environ))
        parked->seed = new_seed();
    begin_to_read(parked);
    int fd = ft_launch_parked(daemon, &parked->asked.request, parked->in_folder, parked->seed, &parked->pid);
    int err = listen_to(parked, fd);
    if (err < 0)
        return err;
    *started = parked;
    ft_log("parked process %d starts: %s", (int)parked->pid, daemon->python);
    return 0;
}

struct ft_parked *ft_parked_prepare(struct ft_parked *base, const struct ft_kept_request *asked)
{
    struct ft_parked *parked = new_parked(base->daemon, asked);
    if (parked == NULL)
        return NULL;
    parked->base = base;
    parked->seed = base->seed;
    begin_to_read(parked);
    return listen_to(parked, ft_order_prepare(base->fd, &asked->payload)) < 0 ? NULL : parked;
}

/* One of a snapshot's kind.  Returns it, which listens, or NULL. */
static struct ft_parked *new_of_kind(struct ft_parked *base, const struct ft_collecting *wanted, int fd)
{
    struct ft_parked *parked = fd < 0 ? NULL : new_parked(base->daemon, wanted->asked);
    if (parked == NULL) {
        ft_fds_close(&fd, 1);
        return NULL;
    }
    parked->base = base;
    parked->seed = base->seed;
    int err = ft_text_copy(&parked->kind, wanted->kind);
    if (err == 0)
        err = ft_texts_copy(&parked->choices, wanted->choices);
    if (err < 0)
        ft_fds_close(&fd, 1);
    return listen_to(parked, err < 0 ? err : fd) < 0 ? NULL : parked;
}

struct ft_parked *ft_parked_collect(struct ft_parked *from, const struct ft_collecting *wanted)
{
    return new_of_kind(from, wanted, ft_order_collect(from->fd, &wanted->asked->payload, wanted->changed));
}

struct ft_parked *ft_parked_checkpoint(struct ft_parked *snapshot, int fd)
{
    struct ft_collecting same = {&snapshot->asked, snapshot->kind, &snapshot->choices, ""};
    struct ft_parked *parked = new_of_kind(snapshot->base, &same, fd);
    if (parked == NULL)
        return NULL;
    parked->checkpoint = true;
    parked->state = FT_PARKED_READY;
    parked->since = snapshot->since;
    snapshot->base = parked;
    return parked;
}

void ft_parked_import(struct ft_parked *parked, struct ft_text plugins)
{
    if (ft_text_copy(&parked->plugins, plugins) < 0 || ft_order_import(parked->fd) < 0)
        ft_parked_end(parked, "it does not take orders");
}

void ft_parked_send_back(struct ft_parked *parked)
{
    ft_waiting_send_back(parked);
    ft_parked_end(parked, "it is not needed");
}

int ft_parked_fork(struct ft_parked *parked, struct ft_run *run)
{
    unsigned type = run->explains ? FT_MSG_START_EXPLAIN : run->wide ? FT_MSG_START_WIDE : FT_MSG_START_RUN;
    int pid = ft_standby_order(parked, run, type), err = pid;
    if (pid == 0)
        err = ft_order_run(parked->fd, &run->asked.payload, type, run->number, run->how, run->fds, run->fd_count);
    if (err < 0)
        return err;
    parked->used = uv_now(&parked->daemon->loop);
    parked->runs++;
    parked->spent = parked->once[0] != '\0';
    return pid;
}

void ft_parked_tick(struct ft_parked *parked)
{
    uint64_t now = uv_now(&parked->daemon->loop);
    struct ft_run *run;
    bool collects = parked->kind.at != NULL;
    if (parked->state == FT_PARKED_STARTING && now - parked->begun > (collects ? COLLECT_MS : START_MS)) {
        ft_parked_end(parked, parked->base == NULL ? "Python took too long to start"
                      : collects             ? "collecting took too long"
                                             : "importing plugins took too long");
        return;
    }
    if (parked->state == FT_PARKED_STARTING && is_unheard(parked) && now - parked->begun > PREPARE_MS) {
        ft_parked_end(parked->base, "the parked process does not answer");
        return;
    }
    TAILQ_FOREACH(run, &parked->daemon->runs, link) {
        if (run->parked == parked && run->state == FT_RUN_ASKED && now - run->asked_at > ANSWER_MS) {
            ft_parked_end(parked, "the parked process does not answer");
            return;
        }
    }
}

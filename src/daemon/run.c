#include "daemon/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "daemon/known.h"
#include "daemon/log.h"
#include "daemon/parked.h"
#include "daemon/peer.h"
#include "daemon/snapshot.h"
#include "wire/msgpack.h"
#include "wire/protocol.h"

/* What a client is told that has to do it alone. */
static void tell_refused(struct ft_peer *peer, const char *why, const char *advice)
{
    char reason[256];
    struct ft_buf payload = FT_BUF_INIT;
    snprintf(reason, sizeof reason, "%s", why);
    ft_text_make_utf8(reason);
    if (ft_mp_array(&payload, 2) == 0 && ft_mp_str(&payload, reason, (uint32_t)strlen(reason)) == 0 &&
        ft_mp_str(&payload, advice, (uint32_t)strlen(advice)) == 0)
        ft_peer_send(peer, FT_MSG_REFUSED, &payload);
    ft_buf_release(&payload);
    snprintf(peer->daemon->last, sizeof peer->daemon->last, "cold (%s)", reason);
    ft_log("client %d: cold (%s)", (int)peer->pid, reason);
}

void ft_run_free(struct ft_daemon *daemon, struct ft_run *run)
{
    TAILQ_REMOVE(&daemon->runs, run, link);
    if (run->peer != NULL)
        run->peer->run = NULL;
    ft_fds_close(run->fds, run->fd_count);
    ft_request_drop(&run->asked);
    free(run);
}

/* The descriptors and the request are with the parked process, or not needed. */
static void hand_over(struct ft_run *run)
{
    ft_fds_close(run->fds, run->fd_count);
    run->fd_count = 0;
    ft_request_drop(&run->asked);
}

void ft_run_refuse(struct ft_run *run, const char *reason, const char *advice)
{
    struct ft_peer *peer = run->peer;
    if (peer != NULL) /* before its end of the pair with the controller closes, or it would blame that */
        tell_refused(peer, reason, advice);
    ft_run_free(run->parked != NULL ? run->parked->daemon : peer->daemon, run);
    if (peer != NULL)
        ft_peer_close(peer);
}

/* Say also whether it is wide. */
static void describe_selection(struct ft_run *run)
{
    size_t len = strlen(run->how);
    if (run->wide)
        snprintf(run->how + len, sizeof run->how - len, ", selected within the whole project (--wide)");
    else if (run->narrow[0] != '\0')
        snprintf(run->how + len, sizeof run->how - len, ", not wide (%s)", run->narrow);
}

/* How it starts, for its header line and for the status. */
static void describe(struct ft_run *run)
{
    struct ft_daemon *daemon = run->parked->daemon;
    if (run->cold)
        snprintf(run->how, sizeof run->how, "cold (nothing was prepared)");
    else if (run->parked->kind.at != NULL && run->waited && run->parked->place[0] != '\0')
        snprintf(run->how, sizeof run->how, "rewound to %s", run->parked->place);
    else if (run->parked->kind.at != NULL)
        snprintf(run->how, sizeof run->how, "warm");
    else if (run->why[0] != '\0')
        snprintf(run->how, sizeof run->how, "warm start (%s)", run->why);
    else if (run->imported)
        snprintf(run->how, sizeof run->how, "warm start (plugins imported anew)");
    else
        snprintf(run->how, sizeof run->how, "warm start");
    describe_selection(run);
    ft_text_make_utf8(run->how);
    if (!run->explains)
        snprintf(daemon->last, sizeof daemon->last, "%s", run->how);
}

/* Have the parked process fork the controller. */
static void fork_controller(struct ft_run *run)
{
    describe(run);
    run->state = FT_RUN_ASKED;
    run->asked_at = uv_now(&run->parked->daemon->loop);
    int pid = ft_parked_fork(run->parked, run);
    if (pid < 0)
        ft_parked_end(run->parked, "it does not take requests");
    else if (pid > 0)
        ft_run_started(run, (pid_t)pid);
    else if (!run->wide) /* which may be declined */
        hand_over(run);
}

void ft_run_go_on(struct ft_run *run)
{
    if (run->parked->base == NULL && !run->without) {
        run->parked = ft_known_choose(run->parked, run, run->why, sizeof run->why);
        if (run->parked->state == FT_PARKED_STARTING) {
            run->waited = run->parked->kind.at != NULL;
            ft_peer_send_nil(run->peer, FT_MSG_PREPARING);
            return;
        }
    }
    fork_controller(run);
}

void ft_run_go_without(struct ft_run *run, struct ft_parked *base, const char *why)
{
    run->parked = base;
    run->wide = false;
    run->without = true;
    snprintf(run->why, sizeof run->why, "plugins imported anew: %s", why);
    fork_controller(run);
}

void ft_run_go_back(struct ft_run *run, struct ft_parked *origin, const char *why)
{
    run->parked = origin;
    if (run->wide)
        snprintf(run->narrow, sizeof run->narrow, "its session cannot be gone on from");
    run->wide = false;
    snprintf(run->why, sizeof run->why, "%s", why);
    fork_controller(run);
}

void ft_run_choose(struct ft_run *run)
{
    struct ft_daemon *daemon = run->peer->daemon; /* it waits, so there is one */
    run->parked = NULL; /* the search may end the one that it has waited for, and with it the runs that wait */
    run->parked = ft_parked_find(daemon, &run->asked.request);
    if (run->parked != NULL && run->parked->state == FT_PARKED_READY) {
        ft_run_go_on(run);
        return;
    }
    run->cold = true;
    int err = run->parked == NULL ? ft_parked_start(daemon, &run->asked, &run->parked) : 0;
    if (err < 0) {
        char reason[128];
        snprintf(reason, sizeof reason, "cannot start %s: %s", daemon->python, strerror(-err));
        ft_run_refuse(run, reason, "");
        return;
    }
    ft_peer_send_nil(run->peer, FT_MSG_PREPARING);
}

void ft_run_declined(struct ft_run *run, struct ft_text why)
{
    ft_text_fit(run->narrow, sizeof run->narrow, why);
    ft_log("run %u is not wide: %s", run->number, run->narrow);
    if (run->peer == NULL) {
        ft_run_free(run->parked->daemon, run);
        return;
    }
    run->state = FT_RUN_WAITING;
    run->declined = true;
    run->wide = run->waited = false;
    ft_run_choose(run);
}

void ft_run_started(struct ft_run *run, pid_t pid)
{
    if (pid < 0) {
        char reason[128];
        snprintf(reason, sizeof reason, "cannot fork: %s", strerror(-(int)pid));
        ft_run_refuse(run, reason, "");
        return;
    }
    hand_over(run);
    run->state = FT_RUN_GOING;
    run->pid = pid;
    ft_log("run %u: controller %d of parked process %d", run->number, (int)pid, (int)run->parked->pid);
}

void ft_run_process_ended(struct ft_daemon *daemon, pid_t pid, int status)
{
    struct ft_run *run;
    TAILQ_FOREACH(run, &daemon->runs, link)
        if (run->pid == pid && run->state == FT_RUN_GOING)
            break;
    if (run == NULL)
        return;
    if (WIFSIGNALED(status))
        ft_log("run %u: killed by signal %d", run->number, WTERMSIG(status));
    else
        ft_log("run %u: exit code %d", run->number, WEXITSTATUS(status));
    struct ft_peer *peer = run->peer;
    ft_run_free(daemon, run);
    struct ft_buf payload = FT_BUF_INIT;
    if (peer != NULL) {
        if (ft_mp_int(&payload, status) == 0)
            ft_peer_send(peer, FT_MSG_ENDED, &payload);
        ft_peer_close(peer);
    }
    ft_buf_release(&payload);
    ft_snapshot_make_next(daemon);
}

void ft_run_tick(struct ft_daemon *daemon)
{
    struct ft_run *run, *next;
    bool ended = false;
    for (run = TAILQ_FIRST(&daemon->runs); run != NULL; run = next) {
        next = TAILQ_NEXT(run, link);
        if (run->state != FT_RUN_GOING || run->parked != NULL || kill(run->pid, 0) == 0 || errno != ESRCH)
            continue;
        struct ft_peer *peer = run->peer;
        ft_log("run %u: ended", run->number);
        ended = true;
        ft_run_free(daemon, run);
        if (peer != NULL)
            ft_peer_close(peer);
    }
    if (ended)
        ft_snapshot_make_next(daemon);
}

void ft_run_left(struct ft_run *run)
{
    struct ft_daemon *daemon = run->peer->daemon;
    run->peer->run = NULL;
    run->peer = NULL;
    if (run->state == FT_RUN_WAITING)
        ft_run_free(daemon, run);
}

/* What stands between the client of a request and this daemon; also lets the daemon leave where that helps. */
static struct ft_difference compare(struct ft_daemon *daemon, pid_t pid, const struct ft_request *request)
{
    struct ft_context context;
    if (ft_context_read(&context, pid) < 0)
        return (struct ft_difference){"what /proc shows", false};
    struct ft_difference found = ft_context_compare(&daemon->context, &context);
    ft_context_release(&context);
    return found.what != NULL ? found : ft_context_compare_limits(request);
}

/* Why a request cannot be served at all; false: it can be. */
static bool turn_away(struct ft_peer *peer, const struct ft_request *request, size_t fd_count)
{
    struct ft_daemon *daemon = peer->daemon;
    char reason[128];
    if (!ft_text_equal(request->build, ft_text_of(daemon->build))) {
        tell_refused(peer, "the daemon is of another build and leaves", "");
        ft_daemon_leave(daemon, "a client of another build came");
        return true;
    }
    if (daemon->leaving) {
        tell_refused(peer, "the daemon is leaving", "");
        return true;
    }
    if (fd_count != FT_REQUEST_FDS) {
        tell_refused(peer, "the request was malformed", "");
        return true;
    }
    struct ft_difference found = compare(daemon, peer->pid, request);
    if (found.what == NULL)
        return false;
    snprintf(reason, sizeof reason, "%s differs from the daemon's", found.what);
    tell_refused(peer, reason, "");
    if (found.narrow)
        ft_daemon_leave(daemon, "a client has wider limits");
    return true;
}

static struct ft_run *new_run(struct ft_peer *peer, const uint8_t *payload, size_t len)
{
    struct ft_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return NULL;
    run->number = ++peer->daemon->run_count;
    run->begun = uv_now(&peer->daemon->loop);
    if (ft_request_keep(&run->asked, payload, len) < 0) {
        free(run);
        return NULL;
    }
    return run;
}

void ft_run_ask(struct ft_peer *peer, bool explains, const uint8_t *payload, size_t len, const int *fds,
                size_t fd_count)
{
    struct ft_daemon *daemon = peer->daemon;
    struct ft_run *run = peer->run == NULL ? new_run(peer, payload, len) : NULL;
    if (run == NULL) {
        ft_fds_close(fds, fd_count);
        tell_refused(peer, "the request was malformed", "");
        ft_peer_close(peer);
        return;
    }
    daemon->used = run->begun;
    memcpy(run->fds, fds, fd_count * sizeof *fds);
    run->fd_count = fd_count;
    run->explains = explains;
    run->peer = peer;
    peer->run = run;
    TAILQ_INSERT_TAIL(&daemon->runs, run, link);
    if (turn_away(peer, &run->asked.request, fd_count)) {
        ft_run_free(daemon, run);
        ft_peer_close(peer);
        return;
    }
    ft_peer_send_nil(peer, FT_MSG_TAKEN);
    ft_run_choose(run);
}

#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exitcode.h"
#include "daemon/listen.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/parked.h"
#include "daemon/peer.h"
#include "daemon/renew.h"
#include "daemon/run.h"
#include "daemon/snapshot.h"
#include "daemon/watch.h"

enum { LOG_KEEP = 1024 * 1024, TICK_MS = 1000 };

static const int caught[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

/* ---- leaving ---- */

static bool same_file(const struct stat *left, const struct stat *right)
{
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino;
}

static void stop_listening(struct ft_daemon *daemon)
{
    struct stat there;
    if (ft_place_stat_socket(&daemon->place, &there) == 0 && same_file(&there, &daemon->socket))
        ft_place_clear(&daemon->place);
    close(daemon->lock_fd); /* from here on another daemon may start */
    daemon->lock_fd = -1;
}

static void on_closed(uv_handle_t *handle)
{
    (void)handle;
}

void ft_daemon_leave(struct ft_daemon *daemon, const char *why)
{
    if (daemon->leaving)
        return;
    daemon->leaving = true;
    ft_log("the daemon leaves: %s", why);
    stop_listening(daemon);
    uv_poll_stop(&daemon->listener);
    uv_close((uv_handle_t *)&daemon->listener, on_closed);
    while (!TAILQ_EMPTY(&daemon->parked))
        ft_parked_end(TAILQ_FIRST(&daemon->parked), "the daemon leaves");
}

/* Whether nobody needs this process any more: the controllers do not, their clients like to hear of their end. */
static bool is_done(const struct ft_daemon *daemon)
{
    return daemon->leaving && TAILQ_EMPTY(&daemon->runs) && TAILQ_EMPTY(&daemon->peers);
}

/* ---- the loop's events ---- */

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct ft_daemon *daemon = poll->data;
    (void)events;
    while (status == 0) {
        int fd = accept4(daemon->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            break;
        ft_peer_accept(daemon, fd);
    }
}

static void reap(struct ft_daemon *daemon)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        ft_run_process_ended(daemon, pid, status);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct ft_daemon *daemon = signal->data;
    if (number == SIGCHLD)
        reap(daemon);
    else
        ft_daemon_leave(daemon, "it was told to by a signal");
}

static bool is_idle(const struct ft_daemon *daemon)
{
    uint64_t unused = uv_now(&daemon->loop) - daemon->used;
    return daemon->idle_ms > 0 && TAILQ_EMPTY(&daemon->runs) && unused > daemon->idle_ms;
}

/* What may have become of the daemon's own files. */
static void look_around(struct ft_daemon *daemon)
{
    struct stat there;
    if (ft_place_stat_socket(&daemon->place, &there) < 0 || !same_file(&there, &daemon->socket))
        ft_daemon_leave(daemon, "its socket was removed or replaced");
    else if (stat(daemon->program_path, &there) < 0 || !same_file(&there, &daemon->program))
        ft_daemon_leave(daemon, "the fleetest command was replaced");
    else if (is_idle(daemon))
        ft_daemon_leave(daemon, "it was not used for long");
}

static void on_tick(uv_timer_t *timer)
{
    struct ft_daemon *daemon = timer->data;
    struct ft_peer *peer, *next_peer;
    struct ft_parked *parked, *next;
    for (peer = TAILQ_FIRST(&daemon->peers); peer != NULL; peer = next_peer) {
        next_peer = TAILQ_NEXT(peer, link);
        ft_peer_tick(peer);
    }
    for (parked = TAILQ_FIRST(&daemon->parked); parked != NULL; parked = next) {
        next = TAILQ_NEXT(parked, link);
        ft_parked_tick(parked);
    }
    ft_run_tick(daemon);
    ft_renew_tick(daemon);
    ft_snapshot_make_next(daemon);
    if (daemon->over_memory)
        ft_memory_keep_within(daemon);
    if (!daemon->leaving)
        look_around(daemon);
}

/* After the events of each round. */
static void on_check(uv_check_t *check)
{
    struct ft_daemon *daemon = check->data;
    if (is_done(daemon))
        uv_stop(&daemon->loop);
}

/* ---- beginning ---- */

static int set_up_loop(struct ft_daemon *daemon)
{
    int err = uv_loop_init(&daemon->loop);
    if (err == 0)
        err = uv_poll_init(&daemon->loop, &daemon->listener, daemon->listen_fd);
    if (err == 0)
        err = uv_timer_init(&daemon->loop, &daemon->timer);
    if (err < 0)
        return err;
    ft_watch_begin(daemon);
    ft_listen_begin(daemon);
    uv_check_init(&daemon->loop, &daemon->check);
    uv_check_start(&daemon->check, on_check);
    daemon->check.data = daemon;
    daemon->listener.data = daemon;
    daemon->timer.data = daemon;
    for (size_t i = 0; err == 0 && i < sizeof caught / sizeof caught[0]; i++) {
        err = uv_signal_init(&daemon->loop, &daemon->signals[i]);
        daemon->signals[i].data = daemon;
        if (err == 0)
            err = uv_signal_start(&daemon->signals[i], on_signal, caught[i]);
    }
    if (err == 0)
        err = uv_poll_start(&daemon->listener, UV_READABLE, on_connection);
    return err < 0 ? err : uv_timer_start(&daemon->timer, on_tick, TICK_MS, TICK_MS);
}

/* The library of src/trace is beside the folder of the command.  The linker takes no blank or colon in its name. */
static void find_trace_library(struct ft_daemon *daemon)
{
    static const char below[] = "lib/fleetest/fleetest_trace.so";
    char *path = daemon->trace_library;
    snprintf(path, sizeof daemon->trace_library, "%s", daemon->program_path);
    for (int ups = 0; ups < 2; ups++) {
        char *slash = strrchr(path, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    size_t len = strlen(path), room = sizeof daemon->trace_library - len;
    int below_len = snprintf(path + len, room, "/%s", below);
    if ((size_t)below_len >= room || strpbrk(path, ": ") != NULL || access(path, R_OK) < 0)
        path[0] = '\0';
}

static int set_up(struct ft_daemon *daemon, const char *folder)
{
    char problem[PATH_MAX + 64];
    int err = ft_place_open(&daemon->place, folder, daemon->python, problem, sizeof problem);
    if (err < 0)
        return err;
    daemon->log_fd = ft_place_log(&daemon->place, LOG_KEEP);
    ft_log_to(daemon->log_fd);
    if (ft_place_stat_socket(&daemon->place, &daemon->socket) < 0 || stat("/proc/self/exe", &daemon->program) < 0)
        return -errno;
    ssize_t len = readlink("/proc/self/exe", daemon->program_path, sizeof daemon->program_path - 1);
    if (len < 0)
        return -errno;
    find_trace_library(daemon);
    err = ft_place_build(daemon->build, sizeof daemon->build);
    if (err == 0)
        err = ft_context_read(&daemon->context, getpid());
    if (err < 0)
        return err;
    /* Once more, since a client has made it: its peers shall see this process's pid. */
    listen(daemon->listen_fd, SOMAXCONN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGPIPE, SIG_IGN);
    return set_up_loop(daemon);
}

int ft_daemon_serve(const struct ft_daemon_options *options)
{
    struct ft_daemon daemon = {
        .python = options->python,
        .listen_fd = options->listen_fd,
        .lock_fd = options->lock_fd,
        .log_fd = -1,
        .idle_ms = options->idle_seconds * 1000,
        .memory_kb = options->memory_mb * 1024,
        .renew_ms = options->renew_seconds * 1000,
        .snapshots = options->snapshots,
        .ahead = options->ahead,
        .context = FT_CONTEXT_INIT,
    };
    TAILQ_INIT(&daemon.peers);
    TAILQ_INIT(&daemon.parked);
    TAILQ_INIT(&daemon.known);
    TAILQ_INIT(&daemon.runs);
    int err = set_up(&daemon, options->folder);
    if (err < 0) {
        ft_log("the daemon cannot start: %s", strerror(-err));
        fprintf(stderr, "fleetest: the daemon cannot start: %s\n", strerror(-err));
        return FT_EXIT_SYSTEM;
    }
    daemon.begun = daemon.used = uv_now(&daemon.loop);
    ft_log("the daemon starts: pid %d, " FT_VERSION ", %s", (int)getpid(), daemon.python);
    uv_run(&daemon.loop, UV_RUN_DEFAULT);
    ft_log("the daemon is gone");
    ft_heard_free(daemon.heard);
    ft_context_release(&daemon.context);
    ft_place_release(&daemon.place);
    return 0;
}

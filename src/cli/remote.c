#include "cli/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/exitcode.h"
#include "cli/console.h"
#include "cli/foreground.h"
#include "cli/outcome.h"
#include "cli/process_stat.h"
#include "cli/relay.h"
#include "wire/fds.h"
#include "wire/fields.h"
#include "wire/frame.h"
#include "wire/protocol.h"

enum {
    ANSWER_MS = 1000, /* the daemon answers at once; a loaded machine may take a while */
    STATUS_MS = 500,  /* how long to wait for the daemon to say how the controller ended */
    CONNECTIONS = 3,  /* the daemon may leave just when we come */
    SUSPEND_MS = 500, /* how long workers may take to stop */
    SAID_MS = 50,     /* how long to wait for the daemon to say why there is no controller */
    LOOK_MS = 5,      /* how often to look whether the controller has been stopped */
};

static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};

static const char yes[] = "\xc3", no[] = "\xc2", nil[] = "\xc0"; /* as msgpack has them */

static const char restart[] = "fleetest daemon restart";

struct remote {
    unsigned asks; /* message: FT_MSG_ASK or FT_MSG_EXPLAIN */
    struct ft_cold *cold;
    struct ft_outcome outcome;
    struct ft_console console;
    struct ft_relay relay;
    int daemon;   /* connection; -1: closed */
    int pair;     /* our end of the pair with the controller */
    int lifeline; /* write end of the pipe whose end tells the controller of ours */
    int pidfd;    /* of the controller; -1: there is none yet */
    pid_t pid;
    bool taken;   /* the daemon has answered */
    bool suspended; /* the controller has stopped its workers */
    bool deferred;  /* it waits to hear that it may read, until a signal was passed on */
    bool told;    /* it has told how the controller ended */
    bool prodded; /* it was asked whether it is there, and has not answered since */
    int status;   /* that it told */
    struct ft_frame_reader in;
};

/* ---- the request ---- */

/* Make pair and lifeline.  The other ends are for `fds`. */
static int attach(struct remote *remote, int *fds)
{
    int pair[2], lifeline[2];
    int err = ft_fds_pair(pair, SOCK_SEQPACKET);
    if (err < 0)
        return err;
    remote->pair = pair[0];
    fds[FT_REQUEST_PAIR] = pair[1];
    if (pipe2(lifeline, O_CLOEXEC) < 0)
        return -errno;
    remote->lifeline = ft_fds_raise(lifeline[1]);
    fds[FT_REQUEST_LIFELINE] = ft_fds_raise(lifeline[0]);
    return remote->lifeline < 0 ? remote->lifeline : fds[FT_REQUEST_LIFELINE] < 0 ? fds[FT_REQUEST_LIFELINE] : 0;
}

/* Send a message whole, waiting where the daemon is behind. */
static int send_all(int sock, const struct ft_buf *frame, const int *fds, size_t count)
{
    size_t done = 0;
    while (done < frame->len) {
        ssize_t sent = ft_fds_send(sock, ft_buf_head(frame) + done, frame->len - done, fds, done == 0 ? count : 0);
        if (sent == -EAGAIN) {
            struct pollfd polled = {sock, POLLOUT, 0};
            if (poll(&polled, 1, ANSWER_MS) == 0)
                return -ETIMEDOUT;
        } else if (sent < 0) {
            return (int)sent;
        } else {
            done += (size_t)sent;
        }
    }
    return 0;
}

static int send_request(struct remote *remote, const struct ft_request *request)
{
    int fds[FT_REQUEST_FDS] = {-1, -1};
    struct ft_buf payload = FT_BUF_INIT, frame = FT_BUF_INIT;
    int err = attach(remote, fds);
    if (err == 0)
        err = ft_request_write(&payload, request);
    if (err == 0)
        err = ft_frame_append(&frame, remote->asks, ft_buf_head(&payload), payload.len);
    if (err == 0)
        err = send_all(remote->daemon, &frame, fds, FT_REQUEST_FDS);
    ft_fds_close(fds, FT_REQUEST_FDS);
    ft_buf_release(&payload);
    ft_buf_release(&frame);
    return err;
}

static void drop_daemon(struct remote *remote)
{
    if (remote->daemon >= 0)
        close(remote->daemon);
    remote->daemon = -1;
    ft_frame_reader_release(&remote->in);
}

static void drop_run(struct remote *remote)
{
    ft_fds_close((int[]){remote->pair, remote->lifeline, remote->pidfd}, 3);
    remote->pair = remote->lifeline = remote->pidfd = -1;
}

/* ---- what the daemon says ---- */

static void read_refusal(struct remote *remote, const struct ft_message_view *message)
{
    struct ft_mp_reader reader = {message->payload, message->payload + message->len};
    struct ft_text reason = {"", 0}, advice = {"", 0};
    int err = ft_get_array(0, &reader, 2);
    err = ft_get_str(err, &reader, &reason);
    err = ft_get_str(err, &reader, &advice);
    if (err == 0) {
        char text[sizeof remote->cold->advice];
        snprintf(text, sizeof text, "%.*s", (int)advice.len, advice.at);
        ft_cold_because(remote->cold, text, "%.*s", (int)reason.len, reason.at);
    } else {
        ft_cold_because(remote->cold, restart, "the daemon said what it should not");
    }
}

static void read_status(struct remote *remote, const struct ft_message_view *message)
{
    struct ft_mp_reader reader = {message->payload, message->payload + message->len};
    uint64_t status = 0;
    if (ft_get_uint(0, &reader, INT32_MAX, &status) == 0) {
        remote->told = true;
        remote->status = (int)status;
    }
}

/* Returns 1 for more to come, 0 if the connection has ended, -1 if the daemon refuses. */
static int hear_daemon(struct remote *remote)
{
    unsigned char bytes[4096];
    struct ft_message_view message;
    ssize_t got = recv(remote->daemon, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 1;
    if (got <= 0)
        return 0;
    int more = ft_frame_feed(&remote->in, bytes, (size_t)got);
    remote->prodded = false;
    while (more == 0 && (more = ft_frame_next(&remote->in, &message)) == 1) {
        more = 0;
        if (message.type == FT_MSG_TAKEN) {
            remote->taken = true;
        } else if (message.type == FT_MSG_REFUSED) {
            read_refusal(remote, &message);
            return -1;
        } else if (message.type == FT_MSG_ENDED) {
            read_status(remote, &message);
        }
    }
    if (more == 0)
        return 1;
    return ft_cold_because(remote->cold, restart, "the daemon speaks another version");
}

/* ---- until the run begins ---- */

/* The pid that the controller has sent.  Or a negative errno. */
static int read_pid(struct remote *remote)
{
    unsigned char bytes[64];
    struct ft_message_view message;
    uint32_t pid = 0;
    ssize_t got = recv(remote->pair, bytes, sizeof bytes, MSG_DONTWAIT);
    int err = got > 0 ? ft_frame_packet(bytes, (size_t)got, &message) : -ESRCH;
    if (err == 0 && message.type != FT_MSG_RUNNING)
        err = -EBADMSG;
    if (err == 0) {
        struct ft_mp_reader payload = {message.payload, message.payload + message.len};
        err = ft_mp_read_u32(&payload, &pid);
    }
    return err < 0 ? err : (int)pid;
}

/* A message for the daemon or the controller with a bool, or nil, and descriptors.  Returns 0 or a negative errno. */
static int tell(int sock, unsigned type, const char *value, const int *fds, size_t count)
{
    struct ft_buf frame = FT_BUF_INIT;
    int err = ft_frame_append(&frame, type, value, 1);
    if (err == 0)
        err = send_all(sock, &frame, fds, count);
    ft_buf_release(&frame);
    return err;
}

/* Give the controller the folder and all descriptors that we were given: from here on the run is its own. */
static int send_go(struct remote *remote, const struct ft_request *request)
{
    int fds[FT_FDS_MAX];
    size_t count = 1;
    fds[0] = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fds[0] < 0)
        return -errno;
    fds[1] = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    bool terminal = fds[1] >= 0;
    count += terminal;
    for (size_t i = 0; i < request->fd_count; i++)
        fds[count++] = (int)request->fds[i];
    int err = tell(remote->pair, FT_MSG_GO, terminal ? yes : no, fds, count);
    ft_fds_close(fds, terminal ? 2 : 1);
    return err;
}

static const char controller_died[] = "the controller died before the run began";

/* Why there will be no run, where the daemon's connection has ended. */
static const char *why_gone(const struct remote *remote)
{
    return remote->told ? controller_died : "the daemon died";
}

/* The controller is ready: 0, or -1 if it is gone already. */
static int begin(struct remote *remote, const struct ft_request *request)
{
    int err = read_pid(remote);
    if (err >= 0) {
        remote->pid = err;
        int low = (int)syscall(SYS_pidfd_open, remote->pid, 0); /* glibc has had it since 2.36 */
        remote->pidfd = low < 0 ? -errno : ft_fds_raise(low);
        err = remote->pidfd < 0 ? remote->pidfd : 0;
    }
    /* It waits for this.  If it had died, and its pid were another's by now, the pair would be closed. */
    if (err == 0)
        err = send_go(remote, request);
    if (err == 0)
        return 0;
    /* Why the pair was closed the daemon says a little later, or its own end. */
    struct pollfd polled = {remote->daemon, POLLIN, 0};
    int said = poll(&polled, 1, SAID_MS) > 0 ? hear_daemon(remote) : 1;
    if (said < 0)
        return -1;
    const char *reason = said == 0 ? why_gone(remote) : controller_died;
    return ft_cold_because(remote->cold, "", "%s", reason);
}

/* Nothing was heard for a while: -1 if the daemon has to be given up. */
static int prod(struct remote *remote)
{
    if (!remote->taken || remote->prodded)
        return ft_cold_because(remote->cold, restart, "the daemon does not answer");
    remote->prodded = true;
    tell(remote->daemon, FT_MSG_PING, nil, NULL, 0);
    return 0;
}

/* A signal before there is a run: the user does not want it any more. */
static void die_early(struct remote *remote)
{
    struct signalfd_siginfo info;
    if (read(remote->relay.fd, &info, sizeof info) != (ssize_t)sizeof info || info.ssi_signo == SIGWINCH)
        return;
    if (info.ssi_signo == SIGTSTP) {
        ft_relay_stop();
        return;
    }
    drop_run(remote);
    drop_daemon(remote);
    ft_outcome_die((int)info.ssi_signo, &remote->relay.before);
}

/* Wait for the controller.  Returns 0, -1 with a reason, or 1 if the daemon left before it looked at the request. */
static int wait_for_run(struct remote *remote, const struct ft_request *request)
{
    for (;;) {
        struct pollfd polled[] = {
            {remote->pair, POLLIN, 0}, {remote->daemon, POLLIN, 0}, {remote->relay.fd, POLLIN, 0}};
        int count = poll(polled, 3, ANSWER_MS);
        if (count < 0 && errno != EINTR)
            return ft_cold_because(remote->cold, "", "poll: %s", strerror(errno));
        if (count < 0)
            continue;
        if (count == 0 && prod(remote) < 0)
            return -1;
        if (polled[2].revents != 0)
            die_early(remote);
        /* The daemon first: if it refuses, the pair is closed too. */
        int more = polled[1].revents != 0 ? hear_daemon(remote) : 1;
        if (more < 0)
            return -1;
        if (polled[0].revents != 0)
            return begin(remote, request);
        if (more == 0)
            return remote->taken ? ft_cold_because(remote->cold, "", "%s", why_gone(remote)) : 1;
    }
}

/* ---- while it goes on ---- */

/* The controller would like to read; a signal that came while we were stopped goes first. */
static void give_turn(struct remote *remote)
{
    enum ft_foreground found = ft_foreground_wait(&remote->relay.before);
    remote->deferred = found == FT_FOREGROUND_SIGNALLED;
    if (!remote->deferred)
        tell(remote->pair, FT_MSG_TTY_STATE, found == FT_FOREGROUND_OURS ? yes : no, NULL, 0);
}

/* Take in what the controller has sent; whether that was the end of the run. */
static bool hear_controller(struct remote *remote)
{
    unsigned char bytes[64];
    struct ft_message_view message;
    ssize_t got = recv(remote->pair, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got <= 0 || ft_frame_packet(bytes, (size_t)got, &message) < 0)
        return false;
    if (message.type == FT_MSG_TTY_ASK)
        tell(remote->pair, FT_MSG_TTY_STATE, ft_foreground_is_ours() ? yes : no, NULL, 0);
    else if (message.type == FT_MSG_TTY_NEED)
        give_turn(remote);
    else if (message.type == FT_MSG_SUSPENDED)
        remote->suspended = true;
    return ft_outcome_take(&remote->outcome, &message);
}

/* Whether the kernel has stopped the controller: it was not in its loop, or has no workers. */
static bool is_stopped(pid_t pid)
{
    return ft_process_stat(pid).state == 'T';
}

/* Ctrl-Z: the run stops, then we do, until a shell lets us go on. */
static void suspend(struct remote *remote)
{
    remote->suspended = false;
    kill(-remote->pid, SIGTSTP);
    for (int waited = 0; waited < SUSPEND_MS && !remote->suspended && !is_stopped(remote->pid); waited += LOOK_MS) {
        struct pollfd polled = {remote->pair, POLLIN, 0};
        if (poll(&polled, 1, LOOK_MS) > 0 && (polled.revents & POLLIN) && hear_controller(remote))
            return; /* it ended just now */
    }
    if (!remote->suspended)
        kill(-remote->pid, SIGSTOP);
    struct ft_console stopped; /* who reads without workers has the terminal in modes of its own */
    ft_console_note(&stopped);
    ft_console_reset(&remote->console);
    ft_relay_stop();
    ft_console_reset(&stopped);
    kill(-remote->pid, SIGCONT);
    tell(remote->pair, FT_MSG_RESUME, ft_foreground_is_ours() ? yes : no, NULL, 0);
}

/*
 * What the terminal has sent us goes to the whole process group of the controller, which is not in the terminal's; what
 * somebody sent to us alone, to the controller alone, by way of a queue so that it can tell.
 */
static void pass_on(struct remote *remote)
{
    struct signalfd_siginfo info;
    if (read(remote->relay.fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    int number = (int)info.ssi_signo;
    if (number == SIGTERM || number == SIGHUP)
        remote->outcome.fatal = number;
    if (number == SIGTSTP) {
        suspend(remote);
    } else if (number == SIGWINCH) {
        kill(-remote->pid, number);
        tell(remote->pair, FT_MSG_RESIZED, nil, NULL, 0);
    } else if (info.ssi_code == SI_KERNEL) {
        kill(-remote->pid, number);
    } else if (!ft_relay_repeats(&remote->relay)) {
        sigqueue(remote->pid, number, (union sigval){0});
    }
}

static void wait_for_end(struct remote *remote)
{
    bool ended = false;
    while (!ended && !remote->outcome.ended) {
        struct pollfd polled[] = {{remote->pair, POLLIN, 0},
                                  {remote->pidfd, POLLIN, 0},
                                  {remote->relay.fd, POLLIN, 0},
                                  {remote->daemon, POLLIN, 0}};
        if (poll(polled, 4, -1) < 0)
            continue;
        if (polled[2].revents != 0)
            pass_on(remote);
        if (remote->deferred && polled[2].revents != 0) { /* the signal ends the read, as a rule */
            remote->deferred = false;
            tell(remote->pair, FT_MSG_TTY_STATE, no, NULL, 0);
        }
        if (polled[3].revents != 0 && hear_daemon(remote) <= 0)
            drop_daemon(remote);
        if (polled[0].revents & POLLIN)
            ended = hear_controller(remote);
        ended = ended || polled[1].revents != 0;
    }
}

/* The controller has ended without the end-of-run message: how, says the daemon, if it is there. */
static int lost(struct remote *remote)
{
    struct pollfd polled = {remote->daemon, POLLIN, 0};
    while (!remote->told && remote->daemon >= 0 && poll(&polled, 1, STATUS_MS) > 0)
        if (hear_daemon(remote) <= 0)
            break;
    ft_console_reset(&remote->console);
    return remote->told ? ft_outcome_exit_code(&remote->outcome, remote->status) : ft_outcome_killed(0);
}

static int finish(struct remote *remote)
{
    wait_for_end(remote);
    int code = remote->outcome.ended ? remote->outcome.code : lost(remote);
    if (remote->outcome.fatal != 0)
        ft_outcome_die(remote->outcome.fatal, &remote->relay.before);
    return code;
}

/* ---- all of it ---- */

/* Ask for the run.  Returns 0 when it has begun, -1 with a reason. */
static int ask(struct remote *remote, const struct ft_place *place, const struct ft_caller *caller,
               const struct ft_starting *starting)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        bool started;
        remote->daemon = ft_starter_connect(place, starting, &started);
        if (remote->daemon == -EAGAIN || remote->daemon == -EBUSY)
            return ft_cold_because(remote->cold, restart, "the daemon does not answer");
        if (remote->daemon < 0)
            return ft_cold_because(remote->cold, "", "no daemon: %s", strerror(-remote->daemon));
        remote->taken = remote->prodded = false;
        int err = send_request(remote, &caller->request);
        if (err == -EPIPE || err == -ECONNRESET)
            err = 1;
        else if (err < 0)
            return ft_cold_because(remote->cold, restart, "the daemon does not take requests: %s", strerror(-err));
        else
            err = wait_for_run(remote, &caller->request);
        if (err <= 0)
            return err;
        drop_run(remote);
        drop_daemon(remote);
    }
    return ft_cold_because(remote->cold, "", "the daemon left");
}

static int go(unsigned asks, const struct ft_caller *caller, const struct ft_starting *starting, struct ft_cold *cold)
{
    char problem[PATH_MAX + 64];
    struct ft_place place;
    struct remote remote = {.asks = asks, .cold = cold, .daemon = -1, .pair = -1, .lifeline = -1, .pidfd = -1};
    remote.in = (struct ft_frame_reader)FT_FRAME_READER_INIT;
    if (ft_place_open(&place, NULL, starting->python, problem, sizeof problem) < 0)
        return ft_cold_because(cold, "", "%s", problem);
    ft_console_note(&remote.console);
    int code = ft_relay_open(&remote.relay, handled, sizeof handled / sizeof handled[0]);
    if (code < 0)
        code = ft_cold_because(cold, "", "cannot make a signal descriptor: %s", strerror(-code));
    else
        code = ask(&remote, &place, caller, starting);
    if (code == 0)
        code = finish(&remote);
    drop_run(&remote);
    drop_daemon(&remote);
    ft_relay_close(&remote.relay);
    ft_place_release(&place);
    return code;
}

int ft_remote_run(const struct ft_caller *caller, const struct ft_starting *starting, struct ft_cold *cold)
{
    return go(FT_MSG_ASK, caller, starting, cold);
}

int ft_remote_explain(const struct ft_caller *caller, const struct ft_starting *starting, struct ft_cold *cold)
{
    return go(FT_MSG_EXPLAIN, caller, starting, cold);
}

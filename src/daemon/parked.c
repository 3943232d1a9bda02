#include "daemon/parked.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/environ.h"
#include "daemon/launch.h"
#include "daemon/log.h"
#include "daemon/run.h"
#include "wire/msgpack.h"
#include "wire/protocol.h"

enum { START_MS = 30 * 1000, ANSWER_MS = 2 * 1000, CHUNK = 64 * 1024 };

/* ---- its end ---- */

static void freed(uv_handle_t *handle)
{
    struct ft_parked *parked = handle->data;
    close(parked->fd);
    ft_frame_reader_release(&parked->in);
    ft_inputs_release(&parked->inputs);
    ft_texts_release(&parked->environ);
    ft_texts_release(&parked->reads);
    free(parked->folder);
    free(parked);
}

void ft_parked_end(struct ft_parked *parked, const char *why)
{
    struct ft_runs *runs = &parked->daemon->runs;
    struct ft_run *run, *next;
    if (parked->state == FT_PARKED_ENDING)
        return;
    parked->state = FT_PARKED_ENDING;
    ft_log("parked process %d ends: %s", (int)parked->pid, why);
    TAILQ_REMOVE(&parked->daemon->parked, parked, link);
    kill(parked->pid, SIGKILL);
    for (run = TAILQ_FIRST(runs); run != NULL; run = next) {
        next = TAILQ_NEXT(run, link);
        if (run->parked == parked && run->state == FT_RUN_GOING)
            run->parked = NULL;
        else if (run->parked == parked)
            ft_run_refuse(run, why, "fleetest daemon logs");
    }
    uv_poll_stop(&parked->poll);
    uv_close((uv_handle_t *)&parked->poll, freed);
}

/* ---- what it says ---- */

/* Read a list of texts that point into the message. */
static int read_texts(struct ft_mp_reader *reader, struct ft_texts *texts)
{
    struct ft_mp_token token;
    if (ft_mp_read(reader, &token) < 0 || token.kind != FT_MP_ARRAY)
        return -EBADMSG;
    texts->items = calloc((size_t)token.len + 1, sizeof *texts->items);
    if (texts->items == NULL)
        return -ENOMEM;
    for (texts->count = 0; texts->count < token.len; texts->count++) {
        struct ft_mp_token text;
        if (ft_mp_read(reader, &text) < 0 || text.kind != FT_MP_BIN)
            return -EBADMSG;
        texts->items[texts->count] = (struct ft_text){(const char *)text.bytes, text.len};
    }
    return 0;
}

/* [paths, names of variables, why it must not be used or ""] */
static int read_ready(struct ft_parked *parked, const struct ft_message_view *message)
{
    struct ft_mp_reader reader = {message->payload, message->payload + message->len};
    struct ft_texts paths = {NULL, 0}, reads = {NULL, 0};
    struct ft_mp_token token;
    int err = ft_mp_read(&reader, &token) < 0 || token.kind != FT_MP_ARRAY || token.len != 3 ? -EBADMSG : 0;
    if (err == 0)
        err = read_texts(&reader, &paths);
    if (err == 0)
        err = read_texts(&reader, &reads);
    if (err == 0 && (ft_mp_read(&reader, &token) < 0 || token.kind != FT_MP_STR))
        err = -EBADMSG;
    if (err == 0)
        err = ft_texts_copy(&parked->reads, &reads);
    for (size_t i = 0; err == 0 && i < paths.count; i++)
        err = ft_inputs_add(&parked->inputs, paths.items[i].at, paths.items[i].len);
    if (err == 0)
        snprintf(parked->stale, sizeof parked->stale, "%.*s", (int)token.len, (const char *)token.bytes);
    ft_texts_release(&paths);
    ft_texts_release(&reads);
    return err;
}

static struct ft_run *first_waiting(const struct ft_parked *parked)
{
    struct ft_run *run;
    TAILQ_FOREACH(run, &parked->daemon->runs, link)
        if (run->parked == parked && run->state == FT_RUN_WAITING)
            break;
    return run;
}

/* It is ready: the runs that have waited go on. */
static int ready(struct ft_parked *parked, const struct ft_message_view *message)
{
    struct ft_run *run;
    int err = parked->state == FT_PARKED_STARTING ? read_ready(parked, message) : -EBADMSG;
    if (err < 0)
        return err;
    parked->state = FT_PARKED_READY;
    parked->used = uv_now(&parked->daemon->loop);
    ft_log("parked process %d is ready: %zu files, %zu variables", (int)parked->pid, parked->inputs.count,
           parked->reads.count);
    while (parked->state == FT_PARKED_READY && (run = first_waiting(parked)) != NULL)
        ft_run_go_on(run);
    return 0;
}

static int read_pair(const struct ft_message_view *message, int64_t *left, int64_t *right)
{
    struct ft_mp_reader reader = {message->payload, message->payload + message->len};
    struct ft_mp_token token;
    int64_t *values[] = {left, right};
    if (ft_mp_read(&reader, &token) < 0 || token.kind != FT_MP_ARRAY || token.len != 2)
        return -EBADMSG;
    for (int i = 0; i < 2; i++) {
        if (ft_mp_read(&reader, &token) < 0 || (token.kind != FT_MP_UINT && token.kind != FT_MP_INT))
            return -EBADMSG;
        *values[i] = token.kind == FT_MP_UINT ? (int64_t)token.u : token.i;
    }
    return 0;
}

static int started(struct ft_parked *parked, const struct ft_message_view *message)
{
    int64_t number = 0, pid = 0;
    struct ft_run *run;
    if (read_pair(message, &number, &pid) < 0)
        return -EBADMSG;
    TAILQ_FOREACH(run, &parked->daemon->runs, link) {
        if (run->parked == parked && run->state == FT_RUN_ASKED && run->number == number) {
            ft_run_started(run, (pid_t)pid);
            break;
        }
    }
    return 0;
}

static int child_ended(struct ft_parked *parked, const struct ft_message_view *message)
{
    int64_t pid = 0, status = 0;
    if (read_pair(message, &pid, &status) < 0)
        return -EBADMSG;
    ft_run_process_ended(parked->daemon, (pid_t)pid, (int)status);
    return 0;
}

static int take(struct ft_parked *parked, const struct ft_message_view *message)
{
    switch (message->type) {
    case FT_MSG_READY:
        return ready(parked, message);
    case FT_MSG_STARTED:
        return started(parked, message);
    case FT_MSG_CHILD_ENDED:
        return child_ended(parked, message);
    default:
        return -EBADMSG;
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct ft_parked *parked = poll->data;
    unsigned char bytes[CHUNK];
    struct ft_message_view message;
    (void)events;
    ssize_t got = status < 0 ? status : recv(parked->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && status == 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        ft_parked_end(parked, parked->state == FT_PARKED_STARTING ? "Python did not start" : "the parked process died");
        return;
    }
    int more = ft_frame_feed(&parked->in, bytes, (size_t)got);
    while (more >= 0 && parked->state != FT_PARKED_ENDING) {
        more = ft_frame_next(&parked->in, &message);
        if (more <= 0)
            break;
        more = take(parked, &message);
    }
    if (more < 0)
        ft_parked_end(parked, "the parked process said what it should not");
}

/* ---- its use ---- */

struct ft_parked *ft_parked_find(struct ft_daemon *daemon, const struct ft_request *request)
{
    struct ft_parked *parked, *next;
    struct ft_text name;
    for (parked = TAILQ_FIRST(&daemon->parked); parked != NULL; parked = next) {
        next = TAILQ_NEXT(parked, link);
        if (ft_environ_differs(&parked->environ, &request->environ, &parked->reads, &name))
            continue;
        if (parked->folder != NULL && !ft_text_equal(ft_text_of(parked->folder), request->folder))
            continue;
        if (parked->state == FT_PARKED_STARTING)
            return parked;
        const char *changed = ft_inputs_changed(&parked->inputs, parked->since);
        if (changed != NULL)
            snprintf(parked->stale, sizeof parked->stale, "%s changed", changed);
        if (parked->stale[0] == '\0')
            return parked;
        char why[sizeof parked->stale];
        memcpy(why, parked->stale, sizeof why);
        ft_parked_end(parked, why);
    }
    return NULL;
}

int ft_parked_start(struct ft_daemon *daemon, struct ft_run *run)
{
    struct timespec now;
    struct ft_parked *parked = calloc(1, sizeof *parked);
    if (parked == NULL)
        return -ENOMEM;
    clock_gettime(CLOCK_REALTIME, &now);
    parked->since = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    parked->daemon = daemon;
    parked->begun = uv_now(&daemon->loop);
    int err = ft_texts_copy(&parked->environ, &run->request.environ);
    if (err == 0 && ft_environ_needs_folder(&run->request.environ)) {
        parked->folder = strndup(run->request.folder.at, run->request.folder.len);
        err = parked->folder == NULL ? -ENOMEM : 0;
    }
    if (err == 0)
        err = ft_launch_parked(daemon, &run->request, parked->folder, &parked->pid);
    if (err >= 0) {
        parked->fd = err;
        err = uv_poll_init(&daemon->loop, &parked->poll, parked->fd);
        if (err < 0) {
            close(parked->fd);
            kill(parked->pid, SIGKILL);
        }
    }
    if (err < 0) {
        ft_texts_release(&parked->environ);
        free(parked->folder);
        free(parked);
        return err;
    }
    parked->poll.data = parked;
    uv_poll_start(&parked->poll, UV_READABLE, on_poll);
    TAILQ_INSERT_TAIL(&daemon->parked, parked, link);
    run->parked = parked;
    ft_log("parked process %d starts: %s", (int)parked->pid, daemon->python);
    return 0;
}

/* The request as a file in memory, which the new process reads. */
static int as_file(const struct ft_buf *payload)
{
    int fd = memfd_create("fleetest request", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    const unsigned char *at = ft_buf_head(payload);
    for (size_t left = payload->len; left > 0;) {
        ssize_t wrote = write(fd, at, left);
        if (wrote < 0 && errno != EINTR) {
            int err = errno;
            close(fd);
            return -err;
        }
        if (wrote > 0) {
            at += wrote;
            left -= (size_t)wrote;
        }
    }
    return fd;
}

int ft_parked_fork(struct ft_parked *parked, struct ft_run *run)
{
    int fds[1 + FT_REQUEST_FDS];
    struct ft_buf payload = FT_BUF_INIT, frame = FT_BUF_INIT;
    fds[0] = as_file(&run->payload);
    if (fds[0] < 0)
        return fds[0];
    memcpy(fds + 1, run->fds, run->fd_count * sizeof *fds);
    int err = ft_mp_array(&payload, 2);
    if (err == 0)
        err = ft_mp_uint(&payload, run->number);
    if (err == 0)
        err = ft_mp_bool(&payload, run->warm);
    if (err == 0)
        err = ft_frame_append(&frame, FT_MSG_START_RUN, ft_buf_head(&payload), payload.len);
    if (err == 0) {
        ssize_t sent = ft_fds_send(parked->fd, ft_buf_head(&frame), frame.len, fds, run->fd_count + 1);
        /* It has room for hundreds of these: one that does not read does not live. */
        err = sent == (ssize_t)frame.len ? 0 : sent < 0 ? (int)sent : -EAGAIN;
    }
    close(fds[0]);
    ft_buf_release(&payload);
    ft_buf_release(&frame);
    if (err == 0) {
        parked->used = uv_now(&parked->daemon->loop);
        parked->runs++;
    }
    return err;
}

void ft_parked_tick(struct ft_parked *parked)
{
    uint64_t now = uv_now(&parked->daemon->loop);
    struct ft_run *run;
    if (parked->state == FT_PARKED_STARTING && now - parked->begun > START_MS) {
        ft_parked_end(parked, "Python took too long to start");
        return;
    }
    TAILQ_FOREACH(run, &parked->daemon->runs, link) {
        if (run->parked == parked && run->state == FT_RUN_ASKED && now - parked->used > ANSWER_MS) {
            ft_parked_end(parked, "the parked process does not answer");
            return;
        }
    }
}

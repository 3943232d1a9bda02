#include "fake_session.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "wire/msgpack.h"

static void check(struct session *session, bool holds, const char *what)
{
    if (!holds && session->broken == NULL)
        session->broken = what;
}

static int react(struct session *session, const struct session_event *event)
{
    check(session, !session->unlocked, "callbacks come with the lock held");
    return session->react != NULL ? session->react(session, event) : 0;
}

static void note_item(struct session *session, const struct session_event *event)
{
    struct ft_mp_reader reader = {event->bytes, event->bytes + event->len};
    uint32_t item, *running = &session->item[event->worker];
    if (ft_mp_read_u32(&reader, &item) < 0 || item >= SESSION_ITEMS) {
        check(session, false, "START and DONE that the session hears of name an item");
        return;
    }
    if (event->number == FT_MSG_START) {
        check(session, *running == UINT32_MAX, "a worker runs one item at a time");
        *running = item;
        session->starts[item]++;
    } else {
        check(session, *running == item, "what is done was running");
        *running = UINT32_MAX;
        session->dones[item]++;
    }
}

static int on_message(void *arg, uint32_t worker, unsigned type, const uint8_t *payload, size_t len)
{
    struct session *session = arg;
    struct session_event event = {ON_MESSAGE, worker, (int)type, 0, payload, len, NULL};
    check(session, worker < SESSION_WORKERS && !session->is_gone[worker], "nothing comes after `gone`");
    check(session, type != FT_MSG_SYNC && type != FT_MSG_TTY_WANT && type != FT_MSG_TTY_BACK,
          "what is the engine's own business is not the session's");
    session->types[worker][type]++;
    if (type == FT_MSG_START || type == FT_MSG_DONE)
        note_item(session, &event);
    return react(session, &event);
}

static int on_passed(void *arg, uint32_t worker, const struct ft_passed *test)
{
    struct session *session = arg;
    struct session_event event = {ON_PASSED, worker, (int)test->item, 0, NULL, 0, NULL};
    check(session, worker < SESSION_WORKERS && !session->is_gone[worker], "nothing comes after `gone`");
    check(session, session->item[worker] == UINT32_MAX, "a worker runs one item at a time");
    for (int part = 0; part < FT_PASSED_PARTS; part++)
        check(session, test->parts[part].payload != NULL && test->parts[part].len > 0, "all parts are there");
    session->starts[test->item]++;
    session->dones[test->item]++;
    session->passes[test->item]++;
    return react(session, &event);
}

static int on_output(void *arg, uint32_t worker, int stream, const uint8_t *bytes, size_t len)
{
    struct session *session = arg;
    struct session_event event = {ON_OUTPUT, worker, stream, 0, bytes, len, NULL};
    check(session, worker < SESSION_WORKERS && !session->is_gone[worker], "no output comes after `gone`");
    check(session, len > 0, "output is not empty");
    session->output[worker][stream] += len;
    return react(session, &event);
}

static int on_gone(void *arg, uint32_t worker, const struct ft_gone *how)
{
    struct session *session = arg;
    struct session_event event = {ON_GONE, worker, 0, 0, NULL, 0, how};
    check(session, worker < SESSION_WORKERS && !session->is_gone[worker], "a worker is gone once");
    check(session, how->item == (session->item[worker] == UINT32_MAX ? -1 : (int64_t)session->item[worker]),
          "the item of a worker that is gone is the one that it was running");
    session->is_gone[worker] = true;
    session->gone[worker] = *how;
    session->gones++;
    return react(session, &event);
}

static int on_signal(void *arg, int number, int sender)
{
    struct session *session = arg;
    struct session_event event = {ON_SIGNAL, 0, number, sender, NULL, 0, NULL};
    session->signals[number]++;
    return react(session, &event);
}

static int on_terminal(void *arg, uint32_t worker, bool lent)
{
    struct session *session = arg;
    struct session_event event = {ON_TERMINAL, worker, lent, 0, NULL, 0, NULL};
    check(session, lent != session->lent, "the terminal is lent and taken back in turn");
    session->lent = lent;
    session->terminals++;
    return react(session, &event);
}

static int on_tick(void *arg)
{
    struct session *session = arg;
    struct session_event event = {ON_TICK, 0, 0, 0, NULL, 0, NULL};
    session->ticks++;
    return react(session, &event);
}

static void on_unlock(void *arg)
{
    struct session *session = arg;
    check(session, !session->unlocked, "the lock is given up once");
    session->unlocked = true;
    session->waits++;
}

static void on_lock(void *arg)
{
    struct session *session = arg;
    check(session, session->unlocked, "the lock is taken after it was given up");
    session->unlocked = false;
}

void session_init(struct session *session, const struct ft_sched_options *options)
{
    static const struct ft_engine_ops ops = {
        .message = on_message, .passed = on_passed, .output = on_output, .gone = on_gone, .signal = on_signal,
        .terminal = on_terminal, .tick = on_tick, .unlock = on_unlock, .lock = on_lock,
    };
    struct ft_engine_options all = {
        .sched = *options,
        .client_fd = session->client_fd > 0 ? session->client_fd : -1,
        .client_pid = session->client_pid,
        .tty_fd = session->tty_fd > 0 ? session->tty_fd : -1,
        .tick_ms = session->tick_ms,
    };
    memset(session->item, 0xff, sizeof session->item);
    session->engine = ft_engine_new(&all, &ops, session);
    if (session->engine == NULL)
        abort();
}

struct session *session_make(uint32_t items, uint32_t workers)
{
    static struct session session;
    memset(&session, 0, sizeof session);
    session_init(&session, &(struct ft_sched_options){.items = items, .workers = workers});
    return &session;
}

void session_release(struct session *session)
{
    ft_engine_free(session->engine);
    session->engine = NULL;
}

uint32_t session_add(struct session *session, unsigned options, fake_body *body, void *arg)
{
    struct ft_worker_spec spec;
    fake_start(&spec, options, body, arg);
    int64_t id = ft_engine_add(session->engine, &spec);
    if (id < 0 || id >= SESSION_WORKERS)
        abort();
    return (uint32_t)id;
}

int session_run(struct session *session)
{
    int err = ft_engine_run(session->engine);
    if (session->broken != NULL)
        fail_msg("does not hold: %s", session->broken);
    return err;
}

bool session_all_done(const struct session *session, uint32_t items)
{
    for (uint32_t item = 0; item < SESSION_ITEMS; item++)
        if (session->dones[item] != (item < items) || session->starts[item] < session->dones[item])
            return false;
    return true;
}

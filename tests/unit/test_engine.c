/* engine/engine: a run with real processes that speak the protocol; trouble is in test_engine_trouble.c. */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "check.h"
#include "fake_session.h"

enum { LARGE = 20 * 1024 * 1024, PRINTED = 50 * 1024 * 1024, KILO = 1024 };

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 31 + (at >> 12));
}

/* ---- a normal run ---- */

static void every_item_is_run_once(void **state)
{
    struct session *session = session_make(1000, 4);
    (void)state;
    for (int i = 0; i < 4; i++)
        session_add(session, FAKE_PIPES, fake_plain, NULL);
    assert_int_equal(session_run(session), 0);
    assert_true(session_all_done(session, 1000));
    assert_int_equal(ft_engine_pending(session->engine), 0);
    assert_int_equal(session->gones, 4);
    for (uint32_t id = 0; id < 4; id++) {
        assert_int_equal(session->types[id][FT_MSG_HELLO], 1);
        assert_int_equal(session->types[id][FT_MSG_FINISHED], 1);
        assert_true(session->gone[id].finished);
        assert_int_equal(session->gone[id].item, -1);
        assert_true(WIFEXITED(session->gone[id].status) && WEXITSTATUS(session->gone[id].status) == 0);
    }
    session_release(session);
}

static void a_run_without_items_or_workers_ends(void **state)
{
    struct session *session = session_make(0, 1);
    (void)state;
    assert_int_equal(session_run(session), 0);
    session_add(session, FAKE_PIPES, fake_plain, NULL);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->gones, 1);
    session_release(session);
    ft_engine_free(NULL);
}

static void the_lock_is_given_up_during_waits(void **state)
{
    struct session *session = session_make(10, 1);
    (void)state;
    session_add(session, 0, fake_plain, NULL);
    assert_int_equal(session_run(session), 0);
    assert_true(session->waits > 0);
    assert_false(session->unlocked);
    session_release(session);
}

/* ---- large messages, both ways ---- */

static void echo_large(struct fake *fake, void *arg)
{
    (void)arg;
    uint8_t *bytes = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = pattern(i);
    fake_send(fake, FT_MSG_REPORT, bytes, LARGE);
    free(bytes);
    if (fake_wait(fake, FT_MSG_SEND_IDS) != pattern(0))
        _exit(3);
    fake_plain(fake, NULL);
}

static int answer_large(struct session *session, const struct session_event *event)
{
    if (event->kind != ON_MESSAGE || event->number != FT_MSG_REPORT)
        return 0;
    assert_int_equal(event->len, LARGE);
    for (size_t i = 0; i < LARGE; i++)
        if (event->bytes[i] != pattern(i))
            fail_msg("byte %zu is wrong", i);
    return ft_engine_send(session->engine, event->worker, FT_MSG_SEND_IDS, event->bytes, event->len);
}

static void a_message_of_20_mb_travels_both_ways(void **state)
{
    struct session *session = session_make(3, 1);
    (void)state;
    session->react = answer_large;
    session_add(session, 0, echo_large, NULL);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->types[0][FT_MSG_REPORT], 1);
    assert_true(session_all_done(session, 3));
    session_release(session);
}

static void a_message_for_nobody_is_refused(void **state)
{
    struct session *session = session_make(1, 1);
    (void)state;
    assert_int_equal(ft_engine_send(session->engine, 0, FT_MSG_SEND_IDS, "\xc0", 1), -ESRCH);
    session_add(session, 0, fake_plain, NULL);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(ft_engine_send(session->engine, 0, FT_MSG_SEND_IDS, "\xc0", 1), -ESRCH);
    session_release(session);
}

/* ---- output ---- */

static void print_much(struct fake *fake, uint32_t item, void *arg)
{
    (void)item;
    (void)fake;
    int stream = *(int *)arg;
    uint8_t bytes[64 * KILO];
    for (size_t at = 0; at < PRINTED; at += sizeof bytes) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = pattern(at + i);
        fake_write(STDOUT_FILENO + stream, bytes, sizeof bytes);
    }
}

static void print_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, print_much, arg);
}

static int check_printed(struct session *session, const struct session_event *event)
{
    if (event->kind != ON_OUTPUT)
        return 0;
    size_t at = session->output[event->worker][event->number] - event->len;
    for (size_t i = 0; i < event->len; i++)
        if (event->bytes[i] != pattern(at + i))
            fail_msg("byte %zu is wrong", at + i);
    return 0;
}

static void output_of_50_mb_arrives_whole(void **state)
{
    (void)state;
    for (int stream = 0; stream < FT_STREAMS; stream++) {
        struct session *session = session_make(1, 1);
        session->react = check_printed;
        session_add(session, FAKE_PIPES, print_in_session, &stream);
        assert_int_equal(session_run(session), 0);
        assert_int_equal(session->output[0][stream], PRINTED);
        assert_int_equal(session->output[0][!stream], 0);
        assert_true(session_all_done(session, 1));
        session_release(session);
    }
}

static void print_and_sync(struct fake *fake, uint32_t item, void *arg)
{
    (void)arg;
    (void)item;
    for (int i = 0; i < 20; i++) {
        fake_write(STDOUT_FILENO, "out", 3);
        fake_write(STDERR_FILENO, "error", 5);
        fake_send(fake, FT_MSG_SYNC, "\xc0", 1);
        fake_wait(fake, FT_MSG_SYNCED);
        fake_send(fake, FT_MSG_TEXT, "\xc0", 1);
    }
}

static void print_and_sync_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, print_and_sync, arg);
}

static int check_synced(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_MESSAGE && event->number == FT_MSG_TEXT) {
        assert_true(session->output[0][FT_STDOUT] >= 3 * session->types[0][FT_MSG_TEXT]);
        assert_true(session->output[0][FT_STDERR] >= 5 * session->types[0][FT_MSG_TEXT]);
    }
    return 0;
}

static void output_before_a_sync_comes_before_the_message_after_it(void **state)
{
    struct session *session = session_make(50, 1);
    (void)state;
    session->react = check_synced;
    session_add(session, FAKE_PIPES, print_and_sync_in_session, NULL);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->types[0][FT_MSG_TEXT], 50 * 20);
    session_release(session);
}

static void print_and_exit(struct fake *fake, void *arg)
{
    (void)fake;
    (void)arg;
    char bytes[60 * KILO];
    memset(bytes, 'x', sizeof bytes);
    fake_write(STDOUT_FILENO, bytes, sizeof bytes);
    fake_write(STDERR_FILENO, bytes, sizeof bytes);
}

static void output_that_a_worker_left_behind_comes_before_gone(void **state)
{
    struct session *session = session_make(0, 1);
    (void)state;
    session_add(session, FAKE_PIPES, print_and_exit, NULL);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->output[0][FT_STDOUT], 60 * KILO);
    assert_int_equal(session->output[0][FT_STDERR], 60 * KILO);
    session_release(session);
}

/* ---- back-pressure ---- */

/* Reports of 1 KiB, 12 MB of them; how many bytes were sent is counted in the shared memory. */
static void report_much(struct fake *fake, uint32_t item, void *arg)
{
    uint8_t bytes[KILO] = {0};
    (void)item;
    (void)arg;
    for (int i = 0; i < 12 * KILO; i++) {
        fake_send(fake, FT_MSG_REPORT, bytes, sizeof bytes);
        atomic_fetch_add(&fake_shared->sent, sizeof bytes);
    }
}

static void report_much_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, report_much, arg);
}

/* What the engine may hold for one worker: its inbox, one read beyond, and what the kernel holds. */
enum { MOST_AHEAD = (int)FT_INBOX_FULL + 2 * 256 * KILO + 1024 * KILO };

static int be_slow(struct session *session, const struct session_event *event)
{
    if (event->kind != ON_MESSAGE || event->number != FT_MSG_REPORT)
        return 0;
    unsigned told = session->types[event->worker][FT_MSG_REPORT];
    if (told == 1 || told == 1000)
        fake_await(&fake_shared->blocked); /* a hook that takes until the worker can go no further */
    size_t ahead = atomic_load(&fake_shared->sent) - (size_t)told * KILO;
    if (ahead < SIZE_MAX / 2 && ahead > MOST_AHEAD)
        fail_msg("the worker is %zu bytes ahead of the session", ahead);
    return 0;
}

static void a_worker_waits_for_a_slow_session(void **state)
{
    struct session *session = session_make(2, 1);
    (void)state;
    session->react = be_slow;
    session_add(session, 0, report_much_in_session, NULL);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->types[0][FT_MSG_REPORT], 2 * 12 * KILO);
    assert_true(session_all_done(session, 2));
    session_release(session);
}

enum { EMPTY = 1500000 };

static void send_empty(struct fake *fake, void *arg)
{
    static const uint8_t empty[FT_FRAME_HEAD] = {0, 0, 0, 0, FT_PROTOCOL_VERSION, FT_MSG_TEXT, 0, 0};
    uint8_t many[1000 * FT_FRAME_HEAD];
    (void)arg;
    for (size_t i = 0; i < 1000; i++)
        memcpy(many + i * sizeof empty, empty, sizeof empty);
    for (int i = 0; i < EMPTY / 1000; i++) {
        fake_send_raw(fake, many, sizeof many);
        atomic_fetch_add(&fake_shared->sent, 1000);
    }
}

/* Each of them costs memory too: no more may wait than would fill the inbox with their heads alone. */
static int count_empty(struct session *session, const struct session_event *event)
{
    if (event->kind != ON_MESSAGE)
        return 0;
    size_t ahead = atomic_load(&fake_shared->sent) - session->types[event->worker][FT_MSG_TEXT];
    return ahead < SIZE_MAX / 2 && ahead > MOST_AHEAD / FT_FRAME_HEAD ? -77 : 0;
}

static void a_worker_with_empty_messages_waits_too(void **state)
{
    struct session *session = session_make(0, 1);
    (void)state;
    session->react = count_empty;
    session_add(session, 0, send_empty, NULL);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->types[0][FT_MSG_TEXT], EMPTY);
    session_release(session);
}

/* One that sends without end must not keep the others waiting. */
static int check_fair(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_GONE && event->worker == 1)
        assert_true(session->types[0][FT_MSG_REPORT] < 12 * KILO);
    return 0;
}

static void a_worker_that_sends_much_does_not_hold_up_another(void **state)
{
    struct session *session = session_make(4, 2);
    (void)state;
    session->react = check_fair;
    session_add(session, 0, report_much_in_session, NULL);
    session_add(session, 0, fake_plain, NULL);
    assert_int_equal(session_run(session), 0);
    assert_true(session_all_done(session, 4));
    session_release(session);
}

/* ---- stop ---- */

static int stop_at_first(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_MESSAGE && event->number == FT_MSG_START)
        ft_engine_stop(session->engine);
    return 0;
}

static void wait_for_stop(struct fake *fake, uint32_t item, void *arg)
{
    (void)item;
    (void)arg;
    fake_wait(fake, FT_MSG_STOP);
}

static void wait_for_stop_in_session(struct fake *fake, void *arg)
{
    fake_session(fake, wait_for_stop, arg);
}

static void a_stop_lets_items_in_flight_end_and_starts_no_more(void **state)
{
    struct session *session = session_make(1000, 2);
    (void)state;
    session->react = stop_at_first;
    session_add(session, 0, wait_for_stop_in_session, NULL);
    session_add(session, 0, wait_for_stop_in_session, NULL);
    assert_int_equal(session_run(session), 0);
    unsigned done = 0;
    for (uint32_t item = 0; item < 1000; item++) {
        assert_int_equal(session->starts[item], session->dones[item]);
        done += session->dones[item];
    }
    assert_in_range(done, 1, 2);
    assert_int_equal(ft_engine_pending(session->engine), 1000 - done);
    assert_true(session->gone[0].finished && session->gone[1].finished);
    session_release(session);
}

static void a_worker_added_after_a_stop_is_stopped_too(void **state)
{
    struct session *session = session_make(10, 2);
    (void)state;
    session_add(session, 0, fake_plain, NULL);
    ft_engine_stop(session->engine);
    ft_engine_stop(session->engine);
    session_add(session, 0, fake_plain, NULL);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->gones, 2);
    assert_int_equal(ft_engine_pending(session->engine), 10);
    session_release(session);
}

/* ---- signals and the client ---- */

static int raise_and_stop(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_MESSAGE && event->number == FT_MSG_START && session->signals[SIGINT] == 0)
        raise(SIGINT);
    if (event->kind == ON_SIGNAL) {
        assert_int_equal(event->number, SIGINT);
        assert_int_equal(event->sender, getpid());
        ft_engine_stop(session->engine);
    }
    return 0;
}

static void a_signal_is_told_to_the_session(void **state)
{
    struct session *session = session_make(100, 1);
    struct sigaction before, after;
    (void)state;
    signal(SIGINT, SIG_DFL); /* a shell's background job would ignore it */
    sigaction(SIGINT, NULL, &before);
    session->react = raise_and_stop;
    session_add(session, 0, wait_for_stop_in_session, NULL);
    assert_int_equal(session_run(session), 0);
    assert_true(session->signals[SIGINT] >= 1);
    sigaction(SIGINT, NULL, &after);
    assert_true(before.sa_handler == after.sa_handler);
    session_release(session);
}

static int count_signals_and_stop(struct session *session, const struct session_event *event)
{
    int *end = session->arg;
    if (event->kind == ON_MESSAGE && event->number == FT_MSG_START && *end >= 0) {
        close(*end);
        *end = -1;
    }
    if (event->kind == ON_SIGNAL) {
        assert_int_equal(event->number, SIGHUP);
        assert_int_equal(event->sender, 0);
        ft_engine_stop(session->engine);
    }
    return 0;
}

static struct session *make_with_client(int pair[2])
{
    static struct session session;
    memset(&session, 0, sizeof session);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    session.client_fd = pair[0];
    session_init(&session, &(struct ft_sched_options){.items = 10, .workers = 1});
    return &session;
}

/* The worker must not hold the client's end open. */
static void close_client_and_wait(struct fake *fake, void *arg)
{
    close(*(int *)arg);
    fake_session(fake, wait_for_stop, NULL);
}

static void a_client_that_closes_is_a_hangup(void **state)
{
    int pair[2];
    struct session *session = make_with_client(pair);
    (void)state;
    session->react = count_signals_and_stop;
    session->arg = &pair[1];
    session_add(session, 0, close_client_and_wait, &pair[1]);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->signals[SIGHUP], 1);
    session_release(session);
    close(pair[0]);
}

static void a_client_that_sends_is_not_a_hangup(void **state)
{
    int pair[2];
    struct session *session = make_with_client(pair);
    (void)state;
    assert_int_equal(send(pair[1], "x", 1, 0), 1);
    session_add(session, 0, fake_plain, NULL);
    assert_int_equal(session_run(session), 0);
    assert_int_equal(session->signals[SIGHUP], 0);
    session_release(session);
    close(pair[0]);
    close(pair[1]);
}

/* ---- callbacks that fail ---- */

static int fail_at(struct session *session, const struct session_event *event)
{
    return event->kind == *(enum session_kind *)session->arg ? -4242 : 0;
}

static void print_and_raise(struct fake *fake, void *arg)
{
    (void)arg;
    fake_write(STDOUT_FILENO, "x", 1);
    fake_session(fake, NULL, NULL);
}

static void a_callback_that_fails_ends_the_run_with_its_error(void **state)
{
    (void)state;
    for (enum session_kind kind = ON_MESSAGE; kind <= ON_TICK; kind++) {
        if (kind == ON_TERMINAL || kind == ON_PASSED)
            continue; /* in test_engine_terminal.c, test_engine_tail.c */
        static struct session session;
        memset(&session, 0, sizeof session);
        session.tick_ms = 10;
        session_init(&session, &(struct ft_sched_options){.items = 10, .workers = 1});
        session.react = fail_at;
        session.arg = &kind;
        session_add(&session, FAKE_PIPES, print_and_raise, NULL);
        int client = -1, pair[2];
        if (kind == ON_SIGNAL) {
            session_release(&session);
            assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
            close(pair[1]);
            session.client_fd = client = pair[0];
            session_init(&session, &(struct ft_sched_options){.items = 10, .workers = 1});
            session_add(&session, FAKE_PIPES, print_and_raise, NULL);
        }
        assert_int_equal(session_run(&session), -4242);
        ft_engine_kill(session.engine, SIGKILL, true);
        session_release(&session);
        close(client);
    }
}

/* ---- the clock ---- */

static void ticks_come_no_more_often_than_asked_for(void **state)
{
    static struct session session;
    (void)state;
    memset(&session, 0, sizeof session);
    session.tick_ms = 600 * 1000;
    session_init(&session, &(struct ft_sched_options){.items = 1000, .workers = 1});
    session_add(&session, 0, fake_plain, NULL);
    assert_int_equal(session_run(&session), 0);
    assert_true(session.ticks <= 1);
    session_release(&session);
}

static void await_flag(struct fake *fake, void *arg)
{
    (void)arg;
    fake_await(&fake_shared->flags[0]);
    fake_plain(fake, NULL);
}

static int release_after_ticks(struct session *session, const struct session_event *event)
{
    if (event->kind == ON_TICK && session->ticks == 5)
        atomic_store(&fake_shared->flags[0], 1);
    return 0;
}

static void ticks_come_while_nothing_happens(void **state)
{
    static struct session session;
    (void)state;
    memset(&session, 0, sizeof session);
    session.tick_ms = 1;
    session_init(&session, &(struct ft_sched_options){.items = 1, .workers = 1});
    session.react = release_after_ticks;
    session_add(&session, 0, await_flag, NULL);
    assert_int_equal(session_run(&session), 0);
    assert_true(session.ticks >= 5);
    session_release(&session);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_item_is_run_once),
        TEST(a_run_without_items_or_workers_ends),
        TEST(the_lock_is_given_up_during_waits),
        TEST(a_message_of_20_mb_travels_both_ways),
        TEST(a_message_for_nobody_is_refused),
        TEST(output_of_50_mb_arrives_whole),
        TEST(output_before_a_sync_comes_before_the_message_after_it),
        TEST(output_that_a_worker_left_behind_comes_before_gone),
        TEST(a_worker_waits_for_a_slow_session),
        TEST(a_worker_with_empty_messages_waits_too),
        TEST(a_worker_that_sends_much_does_not_hold_up_another),
        TEST(a_stop_lets_items_in_flight_end_and_starts_no_more),
        TEST(a_worker_added_after_a_stop_is_stopped_too),
        TEST(a_signal_is_told_to_the_session),
        TEST(a_client_that_closes_is_a_hangup),
        TEST(a_client_that_sends_is_not_a_hangup),
        TEST(a_callback_that_fails_ends_the_run_with_its_error),
        TEST(ticks_come_no_more_often_than_asked_for),
        TEST(ticks_come_while_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

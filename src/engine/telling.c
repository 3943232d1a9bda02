/* What the session is told of what workers sent. */
#include <stdlib.h>

#include "engine/internal.h"
#include "engine/loan.h"
#include "wire/msgpack.h"
#include "wire/protocol.h"

static int tell_gone(struct ft_engine *engine, struct ft_worker *worker)
{
    struct ft_gone how = {
        .finished = worker->state == FT_WORKER_FINISHED,
        .item = worker->item,
        .status = worker->status,
        .leaving = worker->leaving,
    };
    worker->state = FT_WORKER_GONE;
    engine->alive--;
    ft_sched_lost(engine->sched, worker->id);
    ft_worker_release(worker);
    int err = engine->holder == worker ? ft_loan_end(engine) : 0;
    if (err == 0)
        err = engine->ops.gone(engine->arg, worker->id, &how);
    return err < 0 ? err : ft_dispatch(engine);
}

static int tell_message(struct ft_engine *engine, struct ft_worker *worker, const struct ft_note *note)
{
    bool is_report = note->type == FT_MSG_REPORT || note->type == FT_MSG_PASSED;
    bool ends = note->type == FT_MSG_TTY_BACK || (worker->until_report && is_report);
    if (engine->holder == worker && ends) {
        int err = ft_loan_end(engine);
        if (err < 0)
            return err;
    }
    if (note->type == FT_MSG_TTY_BACK)
        return 0;
    if (note->type == FT_MSG_TTY_WANT) {
        ft_loan_wanted(engine, worker);
        return 0;
    }
    return engine->ops.message(engine->arg, worker->id, note->type, note->bytes, note->len);
}

/*
 * Whether FT_MSG_START, the note `start`, is followed by all that is told of a test that passed without anything to
 * tell; if so describe it.
 */
static bool is_passed_test(const struct ft_worker *worker, const struct ft_note *start, struct ft_passed *test)
{
    static const uint8_t expected[] = {FT_MSG_LOGSTART, FT_MSG_PASSED, FT_MSG_PASSED,
                                       FT_MSG_PASSED,   FT_MSG_LOGFINISH, FT_MSG_DONE};
    struct ft_mp_reader reader = {start->bytes, start->bytes + start->len};
    if (start->kind != FT_NOTE_MESSAGE || start->type != FT_MSG_START || ft_mp_read_u32(&reader, &test->item) < 0)
        return false;
    const struct ft_note *note = worker->inbox.first;
    for (size_t i = 0; i < sizeof expected; i++, note = note->next) {
        if (note == NULL || note->kind != FT_NOTE_MESSAGE || note->type != expected[i])
            return false;
        if (i < FT_PASSED_PARTS) {
            test->parts[i].payload = note->bytes;
            test->parts[i].len = note->len;
        }
    }
    return true;
}

static int tell_passed(struct ft_engine *engine, struct ft_worker *worker, const struct ft_passed *test)
{
    int err = engine->ops.passed(engine->arg, worker->id, test);
    for (int told = 0; told < FT_PASSED_PARTS + 2; told++)
        free(ft_inbox_take(&worker->inbox));
    return err;
}

static int tell(struct ft_engine *engine, struct ft_worker *worker, const struct ft_note *note)
{
    struct ft_passed test;
    if (engine->ops.passed != NULL && engine->holder == NULL && is_passed_test(worker, note, &test))
        return tell_passed(engine, worker, &test);
    switch (note->kind) {
    case FT_NOTE_STDOUT:
    case FT_NOTE_STDERR:
        return engine->ops.output(engine->arg, worker->id, note->kind == FT_NOTE_STDERR, note->bytes, note->len);
    case FT_NOTE_STOPPED:
        ft_loan_stop_told(engine, worker);
        return 0;
    case FT_NOTE_GONE:
        return tell_gone(engine, worker);
    case FT_NOTE_MESSAGE:
    default:
        return tell_message(engine, worker, note);
    }
}

int ft_tell_round(struct ft_engine *engine, bool *more)
{
    *more = false;
    for (uint32_t i = 0; i < engine->count; i++) {
        struct ft_worker *worker = engine->workers[i];
        if (engine->holder != NULL && engine->holder != worker)
            continue;
        struct ft_note *note = ft_inbox_take(&worker->inbox);
        if (note == NULL)
            continue;
        int err = tell(engine, worker, note);
        free(note);
        if (err < 0)
            return err;
        *more = *more || worker->inbox.first != NULL;
    }
    return 0;
}

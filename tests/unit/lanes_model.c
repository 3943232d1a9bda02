#include "lanes_model.h"

#include <errno.h>
#include <string.h>

#include "sched/sched.h"

enum { ITEMS = 64, WORKERS = 16, MOST = 32, ROOM = 4096 };

struct lane_worker {
    bool joined, lost, closed, finish;
    bool broken; /* was told BREAK since its last items */
    bool running;
    uint32_t items[ROOM]; /* assigned: done with before `at`, told of before `told` */
    uint32_t at, told, end;
};

struct lanes {
    struct ft_sched *sched;
    uint32_t batch_max;
    struct lane_worker workers[WORKERS];
    uint32_t count; /* of workers, ever */
    struct lanes_result result;
    const char *broken; /* promise */
};

static bool check(struct lanes *model, bool holds, const char *promise)
{
    if (!holds && model->broken == NULL)
        model->broken = promise;
    return holds;
}

static uint32_t waiting(const struct lanes *model)
{
    uint32_t count = 0;
    for (uint32_t id = 0; id < model->count; id++)
        count += model->workers[id].end - model->workers[id].told;
    return count;
}

static bool stalled(const struct lanes *model)
{
    uint32_t waiting = 0;
    for (uint32_t id = 0; id < model->count; id++) {
        const struct lane_worker *worker = &model->workers[id];
        if (worker->lost || worker->finish)
            continue;
        if (worker->running || worker->closed || worker->end - worker->at >= 2)
            return false;
        waiting++;
    }
    return waiting > 0;
}

/* ---- orders ---- */

static void take_order(struct lanes *model, const struct ft_sched_order *order)
{
    struct lane_worker *worker = &model->workers[order->worker];
    if (!check(model, order->worker < model->count && !worker->lost && !worker->finish, "an order is for a worker"))
        return;
    switch (order->kind) {
    case FT_SCHED_RUN:
        check(model, order->count > 0, "an order to run has items");
        check(model, model->batch_max == 0 || order->count <= model->batch_max, "an order has at most batch_max items");
        if (!check(model, order->count <= worker->end - worker->told, "no more is told than was assigned"))
            return;
        for (uint32_t i = 0; i < order->count; i++)
            check(model, order->items[i] == worker->items[worker->told + i], "items are told in their order");
        worker->told += order->count;
        worker->broken = false;
        break;
    case FT_SCHED_BREAK:
        check(model, worker->told - worker->at == 1 && !worker->broken, "BREAK is for a last item, and is said once");
        check(model, worker->closed && worker->told == worker->end, "BREAK is said when nothing can follow");
        worker->broken = true;
        break;
    default:
        check(model, worker->closed && worker->at == worker->end, "FINISH is for a closed worker that is done");
        worker->finish = true;
    }
}

static void take_orders(struct lanes *model)
{
    struct ft_sched_order order;
    uint32_t taken = 0;
    while (model->broken == NULL && ft_sched_next(model->sched, &order)) {
        take_order(model, &order);
        if (!check(model, ++taken < ROOM, "orders come to an end"))
            return;
    }
    check(model, ft_sched_pending(model->sched) == waiting(model), "pending counts what nobody was told of");
    check(model, ft_sched_stalled(model->sched) == stalled(model), "stalled is who has nothing that it may begin");
}

/* ---- events ---- */

static void join(struct lanes *model)
{
    uint32_t item = 0, id = model->count;
    if (id == WORKERS)
        return;
    check(model, ft_sched_assign(model->sched, id, &item, 1) == -ESRCH, "nothing is assigned to an unknown worker");
    check(model, ft_sched_join(model->sched, id) == 0, "a new worker may join");
    model->workers[id].joined = true;
    model->count++;
}

static void assign(struct lanes *model, struct model_source *source, uint32_t id)
{
    struct lane_worker *worker = &model->workers[id];
    uint32_t items[MOST], count = source->choose(source, MOST), beyond = ITEMS;
    if (worker->end + count > ROOM)
        return;
    for (uint32_t i = 0; i < count; i++)
        items[i] = source->choose(source, ITEMS);
    check(model, worker->lost || worker->closed || ft_sched_assign(model->sched, id, &beyond, 1) == -EINVAL,
          "an item that does not exist is not assigned");
    int err = ft_sched_assign(model->sched, id, items, count);
    if (worker->lost || worker->closed) {
        check(model, err == -ESRCH, "nothing is assigned to a worker that is closed or lost");
        return;
    }
    check(model, err == 0, "items are assigned");
    memcpy(worker->items + worker->end, items, count * sizeof *items);
    worker->end += count;
}

/* Take out the last place of an item among those not told of. */
static bool remove_one(struct lane_worker *worker, uint32_t item)
{
    for (uint32_t at = worker->end; at-- > worker->told;) {
        if (worker->items[at] != item)
            continue;
        memmove(worker->items + at, worker->items + at + 1, (worker->end - at - 1) * sizeof worker->items[0]);
        worker->end--;
        return true;
    }
    return false;
}

static void withdraw(struct lanes *model, struct model_source *source, uint32_t id)
{
    uint32_t items[MOST], found[MOST], count = source->choose(source, MOST), kept = 0;
    for (uint32_t i = 0; i < count; i++)
        items[i] = source->choose(source, ITEMS);
    for (uint32_t i = 0; i < count; i++)
        if (remove_one(&model->workers[id], items[i]))
            found[kept++] = items[i];
    check(model, ft_sched_withdraw(model->sched, id, items, count) == kept, "what was not told of is taken back");
    check(model, memcmp(items, found, kept * sizeof *items) == 0, "those taken back are named");
    model->result.withdrawn += kept;
}

static void lose(struct lanes *model, uint32_t id)
{
    struct lane_worker *worker = &model->workers[id];
    uint32_t item = worker->running ? worker->items[worker->at] : FT_SCHED_NONE;
    if (worker->lost)
        return;
    check(model, ft_sched_lost(model->sched, id) == item, "a lost worker's item is named");
    if (item != FT_SCHED_NONE)
        check(model, ft_sched_again(model->sched, item) == -EINVAL, "who assigns sees to what is run again");
    worker->lost = true;
    worker->told = worker->end;
    model->result.lost++;
}

/* What a living worker does next by itself.  Returns whether it could do anything. */
static bool go_on(struct lanes *model, uint32_t id)
{
    struct lane_worker *worker = &model->workers[id];
    uint32_t item = worker->items[worker->at];
    if (worker->lost || worker->finish)
        return false;
    if (worker->running) {
        check(model, ft_sched_done(model->sched, id, item) == 0, "what runs may be done");
        worker->running = false;
        worker->at++;
        model->result.done++;
        return true;
    }
    uint32_t held = worker->told - worker->at;
    if (held >= 2 || (held == 1 && worker->broken)) {
        check(model, ft_sched_started(model->sched, id, item) == 0, "the head of the queue may start");
        worker->running = true;
        return true;
    }
    return false;
}

static void event(struct lanes *model, struct model_source *source)
{
    uint32_t what = source->choose(source, 32);
    if (model->count == 0 || what == 0) {
        join(model);
        return;
    }
    uint32_t id = source->choose(source, model->count);
    if (what == 1) {
        ft_sched_close(model->sched, id);
        model->workers[id].closed = true;
    } else if (what == 2) {
        lose(model, id);
    } else if (what <= 6) {
        assign(model, source, id);
    } else if (what <= 8) {
        withdraw(model, source, id);
    } else {
        go_on(model, id);
    }
}

/* ---- the run ---- */

static void play_to_the_end(struct lanes *model)
{
    for (uint32_t id = 0; id < model->count; id++) {
        ft_sched_close(model->sched, id);
        model->workers[id].closed = true;
    }
    take_orders(model);
    for (bool any = true; any && model->broken == NULL;) {
        any = false;
        for (uint32_t id = 0; id < model->count && model->broken == NULL; id++) {
            any = go_on(model, id) || any;
            take_orders(model);
        }
    }
    for (uint32_t id = 0; id < model->count; id++) {
        const struct lane_worker *worker = &model->workers[id];
        check(model, worker->lost || worker->finish, "every worker is told to finish in the end");
    }
}

const char *lanes_play(struct model_source *source, struct lanes_result *result)
{
    static struct lanes model;
    memset(&model, 0, sizeof model);
    model.batch_max = (const uint32_t[]){0, 2, 3, 10}[source->choose(source, 4)];
    struct ft_sched_options options = {
        .items = ITEMS,
        .workers = 2,
        .batch_max = model.batch_max,
        .keep_idle = source->choose(source, 2) == 1,
        .assigned = true,
    };
    model.sched = ft_sched_new(&options);
    if (model.sched == NULL)
        return NULL;
    while (!source->end && model.broken == NULL) {
        event(&model, source);
        take_orders(&model);
    }
    if (model.broken == NULL)
        play_to_the_end(&model);
    ft_sched_free(model.sched);
    *result = model.result;
    return model.broken;
}

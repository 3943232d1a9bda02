#include "sched_model.h"

#include <errno.h>
#include <string.h>

#include "sched/sched.h"

enum fate { WAITING, PROMISED, RUNNING, DONE, LOST };

enum { MOST_ORDERS = 4 * MODEL_ITEMS + 4 * MODEL_WORKERS };

struct model_worker {
    bool joined, lost, finish;
    bool broken; /* was told BREAK since its last items */
    uint32_t ended; /* how many workers had been lost when it was told BREAK, and one; 0: it was not */
    bool running;
    uint32_t queue[MODEL_ITEMS]; /* as promised, from `head` on */
    uint32_t head, len;
};

struct model {
    struct ft_sched *sched;
    struct ft_sched_options options;
    struct ft_sched_item known[MODEL_ITEMS];
    struct model_worker workers[MODEL_WORKERS];
    uint32_t count; /* of workers, ever */
    enum fate fates[MODEL_ITEMS];
    bool keep_idle, stopped;
    uint32_t losses; /* of workers, expected ones included */
    bool again; /* items were put back, alone or in the order that a worker had them */
    const char *broken; /* promise */
};

static bool check(struct model *model, bool holds, const char *promise)
{
    if (!holds && model->broken == NULL)
        model->broken = promise;
    return holds;
}

static uint32_t how_many(const struct model *model, enum fate fate)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->options.items; i++)
        count += model->fates[i] == fate;
    return count;
}

static bool is_free(const struct model_worker *worker)
{
    return worker->joined && !worker->lost && !worker->finish;
}

/* Whether a worker may start the head of its queue: its successor, or that there is none, is known. */
static bool may_start(const struct model_worker *worker)
{
    if (!worker->joined || worker->lost || worker->running || worker->len == 0)
        return false;
    return worker->len >= 2 || worker->broken || worker->finish;
}

/* How many of the items that wait can go to different workers. */
static uint32_t waiting_units(const struct model *model)
{
    bool seen[MODEL_ITEMS] = {false};
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->options.items; i++) {
        const struct ft_sched_item *item = &model->known[i];
        if (model->fates[i] != WAITING || (item->tied && seen[item->scope]))
            continue;
        if (item->tied)
            seen[item->scope] = true;
        count++;
    }
    return count;
}

static uint32_t alive(const struct model *model)
{
    uint32_t count = 0;
    for (uint32_t id = 0; id < model->count; id++)
        count += is_free(&model->workers[id]);
    return count;
}

/* ---- orders ---- */

/* Of a tied scope that is handed out nothing waits. */
static void check_tied(struct model *model, const struct ft_sched_order *order)
{
    for (uint32_t i = 0; i < order->count && model->broken == NULL; i++) {
        const struct ft_sched_item *item = &model->known[order->items[i]];
        for (uint32_t other = 0; item->tied && other < model->options.items; other++)
            if (model->known[other].scope == item->scope)
                check(model, model->fates[other] != WAITING || model->again, "a tied scope is handed out at once");
        if (i > 0 && !model->again && model->known[order->items[i - 1]].scope == item->scope)
            check(model, order->items[i - 1] < order->items[i], "the items of a scope keep their order");
    }
}

static void take_items(struct model *model, struct model_worker *worker, const struct ft_sched_order *order)
{
    uint32_t max = model->options.batch_max;
    check(model, order->count > 0, "an order to run has items");
    check(model, worker->ended == 0 || worker->ended <= model->losses, "nothing follows BREAK unless a worker is lost");
    bool tied = false;
    for (uint32_t i = 0; i < order->count; i++)
        tied = tied || (order->items[i] < MODEL_ITEMS && model->known[order->items[i]].tied);
    check(model, max == 0 || tied || order->count <= max, "an order has at most batch_max items");
    for (uint32_t i = 0; i < order->count && model->broken == NULL; i++) {
        uint32_t item = order->items[i];
        if (!check(model, item < model->options.items, "an order has items that exist"))
            return;
        check(model, model->fates[item] == WAITING, "an item is handed out once");
        model->fates[item] = PROMISED;
        worker->queue[worker->head + worker->len++] = item;
    }
    worker->broken = false;
    check_tied(model, order);
}

static void take_order(struct model *model, const struct ft_sched_order *order)
{
    if (!check(model, order->worker < model->count, "an order is for a worker that joined"))
        return;
    struct model_worker *worker = &model->workers[order->worker];
    if (!check(model, is_free(worker), "an order is for a living worker that was not told to finish"))
        return;
    check(model, !model->stopped, "there are no orders after a stop");
    switch (order->kind) {
    case FT_SCHED_RUN:
        take_items(model, worker, order);
        break;
    case FT_SCHED_BREAK:
        check(model, worker->len == 1 && !worker->broken, "BREAK is for a last item, and is said once");
        check(model, waiting_units(model) <= 2 * (alive(model) + model->options.workers),
              "BREAK is said when there is no successor but for others");
        worker->broken = true;
        worker->ended = model->losses + 1;
        break;
    case FT_SCHED_FINISH:
        check(model, worker->len == 0, "FINISH is for a worker that is done");
        check(model, how_many(model, WAITING) == 0, "FINISH is said when there is nothing left to hand out");
        if (model->keep_idle)
            check(model, how_many(model, PROMISED) + how_many(model, RUNNING) == 0,
                  "idle workers are kept until all is done");
        worker->finish = true;
        break;
    default:
        check(model, false, "an order has a kind");
    }
}

static void take_orders(struct model *model)
{
    struct ft_sched_order order;
    uint32_t taken = 0;
    while (model->broken == NULL && ft_sched_next(model->sched, &order)) {
        take_order(model, &order);
        if (!check(model, ++taken < MOST_ORDERS, "orders come to an end"))
            return;
    }
    check(model, ft_sched_pending(model->sched) == how_many(model, WAITING), "pending counts what nobody was given");
}

/* ---- events ---- */

static void join(struct model *model)
{
    if (model->count == MODEL_WORKERS)
        return;
    uint32_t id = model->count++;
    bool alone = id == 0;
    int err = alone ? ft_sched_join_alone(model->sched, id) : ft_sched_join(model->sched, id);
    check(model, err == 0, "a new worker may join");
    check(model, ft_sched_join(model->sched, id) == -EEXIST, "a worker joins once");
    model->workers[id].joined = true;
}

static void start(struct model *model, uint32_t id)
{
    struct model_worker *worker = &model->workers[id];
    uint32_t item = worker->queue[worker->head];
    check(model, ft_sched_started(model->sched, id, item + 1) == -EPROTO, "only the head of the queue may start");
    check(model, ft_sched_done(model->sched, id, item) == -EPROTO, "what was not started is not done");
    check(model, ft_sched_started(model->sched, id, item) == 0, "the head of the queue may start");
    check(model, ft_sched_started(model->sched, id, item) == -EPROTO, "an item starts once");
    worker->running = true;
    model->fates[item] = RUNNING;
}

static void end(struct model *model, uint32_t id)
{
    struct model_worker *worker = &model->workers[id];
    uint32_t item = worker->queue[worker->head];
    check(model, ft_sched_done(model->sched, id, item + 1) == -EPROTO, "only what runs is done");
    check(model, ft_sched_done(model->sched, id, item) == 0, "what runs may be done");
    worker->running = false;
    worker->head++;
    worker->len--;
    model->fates[item] = DONE;
}

static void lose(struct model *model, uint32_t id, bool again)
{
    struct model_worker *worker = &model->workers[id];
    uint32_t item = worker->running ? worker->queue[worker->head] : FT_SCHED_NONE;
    worker->lost = true;
    model->losses++;
    model->again = true;
    for (uint32_t i = 0; i < worker->len; i++)
        model->fates[worker->queue[worker->head + i]] = WAITING;
    check(model, ft_sched_lost(model->sched, id) == item, "a lost worker's item is named");
    if (item == FT_SCHED_NONE)
        return;
    model->fates[item] = LOST;
    if (again) {
        check(model, ft_sched_again(model->sched, item) == 0, "a lost item may be run again");
        model->fates[item] = WAITING;
    }
}

/* What a living worker does next by itself.  Returns whether it could do anything. */
static bool go_on(struct model *model, uint32_t id)
{
    struct model_worker *worker = &model->workers[id];
    if (worker->joined && !worker->lost && worker->running) {
        end(model, id);
        return true;
    }
    if (may_start(worker)) {
        start(model, id);
        return true;
    }
    return false;
}

static void event(struct model *model, struct model_source *source)
{
    uint32_t id = model->count > 0 ? source->choose(source, model->count) : 0;
    struct model_worker *worker = &model->workers[id];
    uint32_t what = source->choose(source, 64);
    if (model->count == 0 || what == 0) {
        join(model);
    } else if (what == 1) {
        model->keep_idle = !model->keep_idle;
        ft_sched_keep_idle(model->sched, model->keep_idle);
    } else if (what == 2 && source->choose(source, 32) == 0) {
        model->stopped = true;
        ft_sched_stop(model->sched);
    } else if ((what == 3 || what == 4) && worker->joined && !worker->lost) {
        lose(model, id, what == 3);
    } else if (what == 5) {
        model->losses++;
        check(model, ft_sched_lost(model->sched, model->count) == FT_SCHED_NONE, "an unknown worker is no loss");
        check(model, ft_sched_started(model->sched, model->count, 0) == -EPROTO, "an unknown worker starts nothing");
    } else {
        go_on(model, id);
    }
}

/* ---- the run ---- */

/* No more trouble: as long as anything is left to do, some worker must be able to do it. */
static void play_to_the_end(struct model *model)
{
    if (!model->stopped && model->count == MODEL_WORKERS && how_many(model, WAITING) > 0)
        return; /* the model has no room for a replacement */
    if (!model->stopped && how_many(model, WAITING) > 0)
        join(model);
    model->losses++;
    for (uint32_t i = 0; i < model->options.workers; i++)
        ft_sched_lost(model->sched, MODEL_WORKERS + i); /* whoever did not come by now will not */
    take_orders(model);
    for (bool any = true; any && model->broken == NULL;) {
        any = false;
        for (uint32_t id = 0; id < model->count && model->broken == NULL; id++) {
            any = go_on(model, id) || any;
            take_orders(model);
        }
    }
    if (model->stopped)
        return;
    for (uint32_t id = 0; id < model->count; id++) {
        const struct model_worker *worker = &model->workers[id];
        check(model, worker->lost || worker->len == 0, "a last item gets a successor or BREAK");
        check(model, worker->lost || worker->finish, "every worker is told to finish in the end");
    }
    check(model, how_many(model, WAITING) + how_many(model, PROMISED) + how_many(model, RUNNING) == 0,
          "every item is handed out");
}

/* Describe the items, or leave them alike. */
static void describe(struct model *model, struct model_source *source)
{
    uint32_t scopes = 1 + source->choose(source, 20), tied = source->choose(source, 4);
    bool known = source->choose(source, 3) != 0;
    model->options.in_order = source->choose(source, 4) == 0;
    if (!known || model->options.items == 0)
        return;
    for (uint32_t i = 0; i < model->options.items; i++) {
        uint32_t scope = source->choose(source, scopes) % model->options.items;
        uint32_t seconds = source->choose(source, 100);
        model->known[i] = (struct ft_sched_item){
            .scope = scope,
            .tied = scope < tied,
            .seconds = seconds > 90 ? -1.0F : seconds > 80 ? 100.0F : (float)seconds / 100.0F,
        };
    }
    model->options.known = model->known;
}

const char *model_play(struct model_source *source, struct model_result *result)
{
    static struct model model;
    memset(&model, 0, sizeof model);
    model.options = (struct ft_sched_options){
        .items = source->choose(source, MODEL_ITEMS + 1),
        .workers = 1 + source->choose(source, 8),
        .batch_max = (const uint32_t[]){0, 0, 2, 3, 10}[source->choose(source, 5)],
        .keep_idle = source->choose(source, 2) == 1,
    };
    model.keep_idle = model.options.keep_idle;
    describe(&model, source);
    model.sched = ft_sched_new(&model.options);
    if (model.sched == NULL)
        return NULL;
    while (!source->end && model.broken == NULL) {
        event(&model, source);
        take_orders(&model);
    }
    if (model.broken == NULL)
        play_to_the_end(&model);
    ft_sched_free(model.sched);
    *result = (struct model_result){
        .done = how_many(&model, DONE),
        .lost = how_many(&model, LOST),
        .pending = how_many(&model, WAITING),
        .stopped = model.stopped,
    };
    return model.broken;
}

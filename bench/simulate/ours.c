/* fleetest's scheduler. */
#include <stdio.h>
#include <stdlib.h>

#include "models.h"
#include "sched/sched.h"

struct ours {
    struct ft_sched *sched;
    struct orders *orders;
};

static void pass_on(struct ours *self)
{
    struct ft_sched_order order;
    while (ft_sched_next(self->sched, &order)) {
        orders_message(self->orders);
        for (uint32_t i = 0; order.kind == FT_SCHED_RUN && i < order.count; i++)
            orders_run(self->orders, order.worker, order.items[i]);
        if (order.kind != FT_SCHED_RUN)
            orders_end(self->orders, order.worker);
    }
}

static void *begin(const struct setting *setting, struct orders *orders)
{
    struct ours *self = calloc(1, sizeof *self);
    struct ft_sched_item *known = calloc(setting->items, sizeof *known);
    if (self == NULL || known == NULL)
        abort();
    for (uint32_t i = 0; i < setting->items; i++) {
        known[i].scope = setting->files[i];
        known[i].seconds = setting->expected != NULL ? setting->expected[i] : -1;
    }
    struct ft_sched_options options = {.items = setting->items, .workers = setting->workers, .known = known};
    self->orders = orders;
    self->sched = ft_sched_new(&options);
    free(known);
    if (self->sched == NULL)
        abort();
    for (uint32_t worker = 0; worker < setting->workers; worker++)
        ft_sched_join(self->sched, worker);
    pass_on(self);
    return self;
}

static void started(void *object, uint32_t worker, uint32_t item)
{
    struct ours *self = object;
    if (ft_sched_started(self->sched, worker, item) < 0)
        abort();
    pass_on(self);
}

static void done(void *object, uint32_t worker, uint32_t item)
{
    struct ours *self = object;
    if (ft_sched_done(self->sched, worker, item) < 0)
        abort();
    pass_on(self);
}

static void end(void *object)
{
    ft_sched_free(((struct ours *)object)->sched);
    free(object);
}

const struct model model_ours = {"fleetest", begin, started, done, end};

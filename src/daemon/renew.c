#include "daemon/renew.h"

#include "daemon/known.h"
#include "daemon/log.h"
#include "daemon/snapshot.h"

enum { PATIENCE = 20 }; /* after an attempt that came to nothing, so many times as long */

static bool has_successor(const struct ft_parked *parked)
{
    const struct ft_parked *other;
    TAILQ_FOREACH(other, &parked->daemon->parked, link)
        if (other->successor_of == parked)
            return true;
    return false;
}

/* Whether runs have come from it or its children, none of them lately. */
static bool is_worn(const struct ft_parked *base)
{
    uint32_t runs = 0;
    uint64_t used = 0;
    const struct ft_parked *parked;
    TAILQ_FOREACH(parked, &base->daemon->parked, link) {
        if (!ft_parked_is_of(parked, base))
            continue;
        runs += parked->runs;
        used = parked->used > used ? parked->used : used;
    }
    return runs > 0 && uv_now(&base->daemon->loop) - used > base->daemon->renew_ms;
}

/* Whether a run waits for it, or for one of its children. */
static bool is_awaited(const struct ft_parked *base)
{
    const struct ft_run *run;
    TAILQ_FOREACH(run, &base->daemon->runs, link)
        if (run->state != FT_RUN_GOING && run->parked != NULL && ft_parked_is_of(run->parked, base))
            return true;
    return false;
}

/* Whether the last attempt, which came to nothing, was long ago. */
static bool may_try_again(const struct ft_parked *base)
{
    return base->renewal == 0 || uv_now(&base->daemon->loop) - base->renewal > PATIENCE * base->daemon->renew_ms;
}

static bool may_be_renewed(const struct ft_parked *parked)
{
    return parked->base == NULL && parked->state == FT_PARKED_READY && parked->seed != 0 &&
           parked->successor_of == NULL && !has_successor(parked) && may_try_again(parked) && is_worn(parked);
}

static bool is_complete(const struct ft_parked *base)
{
    const struct ft_parked *parked;
    TAILQ_FOREACH(parked, &base->daemon->parked, link)
        if (parked->state == FT_PARKED_STARTING && ft_parked_is_of(parked, base))
            return false;
    return base->state == FT_PARKED_READY && !ft_snapshot_is_wished(base);
}

static void take_places(struct ft_daemon *daemon)
{
    struct ft_parked *parked;
    TAILQ_FOREACH(parked, &daemon->parked, link) {
        if (parked->successor_of != NULL && is_complete(parked) && !is_awaited(parked->successor_of)) {
            ft_parked_end(parked->successor_of, "it is renewed");
            break; /* that may have been the next in the list; another one's turn is in a second */
        }
    }
}

void ft_renew_tick(struct ft_daemon *daemon)
{
    struct ft_parked *parked, *successor;
    take_places(daemon);
    if (daemon->renew_ms == 0 || daemon->leaving || !TAILQ_EMPTY(&daemon->runs))
        return;
    TAILQ_FOREACH(parked, &daemon->parked, link)
        if (may_be_renewed(parked))
            break;
    if (parked == NULL)
        return;
    parked->renewal = uv_now(&daemon->loop);
    if (ft_parked_start(daemon, &parked->asked, &successor) < 0)
        return;
    ft_log("parked process %d takes the place of %d", (int)successor->pid, (int)parked->pid);
    successor->successor_of = parked;
}

void ft_renew_ready(struct ft_parked *parked)
{
    if (parked->successor_of != NULL)
        ft_known_hand_on(parked->successor_of, parked);
}

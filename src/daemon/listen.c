#include "daemon/listen.h"

#include "daemon/known.h"
#include "daemon/log.h"
#include "daemon/parked.h"
#include "daemon/snapshot.h"

/* When there is something to listen to; how many inputs in one go, which take about 1 ms. */
enum { SOON_MS = 10, AT_ONCE = 256 };

static bool is_wanted(const struct ft_inputs *inputs)
{
    return inputs->listened < inputs->count;
}

/* Whether its inputs are known, and compared before each run. */
static bool is_compared(const struct ft_parked *parked)
{
    return parked->state == FT_PARKED_READY || parked->state == FT_PARKED_UNFIT;
}

/* The next ones; `since` is when they may have been read first.  NULL: there are none. */
static struct ft_inputs *next_inputs(struct ft_daemon *daemon, int64_t *since)
{
    struct ft_parked *parked;
    struct ft_known *known;
    TAILQ_FOREACH(parked, &daemon->parked, link)
        if (is_compared(parked) && is_wanted(&parked->inputs)) {
            *since = parked->since;
            return &parked->inputs;
        }
    TAILQ_FOREACH(known, &daemon->known, link)
        if (known->asked == NULL && is_wanted(&known->inputs)) {
            *since = known->since;
            return &known->inputs;
        }
    return NULL;
}

static void on_time(uv_timer_t *timer)
{
    struct ft_daemon *daemon = timer->data;
    int64_t since;
    struct ft_inputs *inputs = ft_snapshot_is_time(daemon) ? next_inputs(daemon, &since) : NULL;
    if (inputs == NULL)
        return; /* ft_snapshot_make_next() asks again when something has ended */
    ft_inputs_listen(inputs, AT_ONCE, since);
    uv_timer_start(timer, on_time, 0, 0);
}

void ft_listen_begin(struct ft_daemon *daemon)
{
    uv_timer_init(&daemon->loop, &daemon->listening);
    daemon->listening.data = daemon;
    daemon->heard = ft_heard_new();
    if (daemon->heard == NULL)
        ft_log("changes of installed packages are not heard of: no inotify is left");
}

void ft_listen_soon(struct ft_daemon *daemon)
{
    int64_t since;
    bool may_begin = daemon->heard != NULL && !ft_listen_is_busy(daemon) && ft_snapshot_is_time(daemon);
    if (may_begin && next_inputs(daemon, &since) != NULL)
        uv_timer_start(&daemon->listening, on_time, SOON_MS, 0);
}

bool ft_listen_is_busy(const struct ft_daemon *daemon)
{
    return uv_is_active((const uv_handle_t *)&daemon->listening);
}

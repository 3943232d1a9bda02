#include "daemon/standby.h"

#include <errno.h>

#include "daemon/orders.h"
#include "daemon/parked.h"
#include "daemon/run.h"
#include "daemon/said.h"
#include "wire/fds.h"
#include "wire/protocol.h"

static void close_socket(struct ft_standby *standby)
{
    ft_fds_close(&standby->fd, 1);
    standby->fd = -1;
}

/* Whether it has an order that it may yet hand on to its child, whatever that has said by now. */
static bool has_order(const struct ft_parked *parked)
{
    const struct ft_run *run;
    TAILQ_FOREACH(run, &parked->daemon->runs, link)
        if (run->parked == parked && run->state == FT_RUN_ASKED)
            return true;
    return false;
}

int ft_standby_waits(struct ft_parked *parked, const struct ft_message_view *message)
{
    pid_t pid = 0;
    int err = parked->given < 0 ? -EBADMSG : ft_said_pid(message, &pid);
    if (err < 0)
        return err;
    close_socket(&parked->standby);
    parked->standby = (struct ft_standby){pid, parked->given, 0};
    parked->given = -1;
    if (has_order(parked))
        close_socket(&parked->standby);
    return 0;
}

void ft_standby_forget(struct ft_standby *standby, pid_t pid)
{
    if (standby->pid != pid)
        return;
    standby->pid = 0;
    close_socket(standby);
}

/* Have it know who has taken an order. */
static int tell(struct ft_parked *parked)
{
    struct ft_standby *standby = &parked->standby;
    int err = standby->busy == 0 ? 0 : ft_order_told(parked->fd, standby->busy);
    standby->busy = 0;
    return err;
}

int ft_standby_order(struct ft_parked *parked, const struct ft_run *run, unsigned type)
{
    struct ft_standby *standby = &parked->standby;
    pid_t pid = standby->pid;
    if (type == FT_MSG_START_RUN && standby->fd >= 0 &&
        ft_order_run(standby->fd, &run->asked.payload, type, run->number, run->how, run->fds, run->fd_count) == 0) {
        ft_standby_forget(standby, pid);
        standby->busy = pid;
        return (int)pid;
    }
    close_socket(standby); /* its parent hands the order on to it, or knows that it has died */
    return tell(parked);
}

void ft_standby_ended(struct ft_parked *parked, pid_t pid)
{
    ft_standby_forget(&parked->standby, pid);
    if (parked->standby.busy == pid && parked->state == FT_PARKED_READY)
        tell(parked); /* if that fails it has orders enough */
}

void ft_standby_release(struct ft_standby *standby)
{
    close_socket(standby);
    *standby = (struct ft_standby){0, -1, 0};
}

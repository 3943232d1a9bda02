#include "base/stay.h"

#include <errno.h>

void ft_stay_begin(struct ft_stay *stay, unsigned busy)
{
    int cpu = sched_getcpu();
    size_t here = cpu < 0 ? CPU_SETSIZE : (size_t)cpu;
    stay->stays = false;
    if (here >= CPU_SETSIZE || sched_getaffinity(0, sizeof stay->before, &stay->before) < 0)
        return;
    if (!CPU_ISSET(here, &stay->before) || (unsigned)CPU_COUNT(&stay->before) <= busy)
        return;
    CPU_ZERO(&stay->here);
    CPU_SET(here, &stay->here);
    stay->stays = sched_setaffinity(0, sizeof stay->here, &stay->here) == 0;
}

void ft_stay_end(const struct ft_stay *stay)
{
    int err = errno;
    cpu_set_t now;
    if (stay->stays && sched_getaffinity(0, sizeof now, &now) == 0 && CPU_EQUAL(&now, &stay->here))
        sched_setaffinity(0, sizeof stay->before, &stay->before);
    errno = err;
}

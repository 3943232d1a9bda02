#include "daemon/waiting.h"

#include "daemon/run.h"

struct ft_run *ft_waiting_first(const struct ft_parked *parked, enum ft_run_state last)
{
    struct ft_run *run;
    TAILQ_FOREACH(run, &parked->daemon->runs, link)
        if (run->parked == parked && run->state <= last)
            break;
    return run;
}

void ft_waiting_part(struct ft_parked *parked, const char *why)
{
    struct ft_run *run;
    while ((run = ft_waiting_first(parked, FT_RUN_ASKED)) != NULL) {
        struct ft_parked *origin = ft_parked_origin(parked);
        if (run->state != FT_RUN_WAITING || origin == NULL || origin->state != FT_PARKED_READY)
            ft_run_refuse(run, why, "fleetest daemon logs");
        else if (parked->kind.at != NULL)
            ft_run_go_back(run, origin, why);
        else
            ft_run_go_without(run, origin, why);
    }
    TAILQ_FOREACH(run, &parked->daemon->runs, link)
        if (run->parked == parked)
            run->parked = NULL;
}

/* A run that is to choose; NULL: there is none. */
static struct ft_run *first_to_choose(const struct ft_daemon *daemon)
{
    struct ft_run *run;
    TAILQ_FOREACH(run, &daemon->runs, link)
        if (run->chooses)
            break;
    return run;
}

void ft_waiting_let_choose(struct ft_parked *parked)
{
    struct ft_run *run;
    struct ft_daemon *daemon = parked->daemon;
    /* All let go of it first: what one of them chooses may end it. */
    while (parked->state == FT_PARKED_READY && (run = ft_waiting_first(parked, FT_RUN_WAITING)) != NULL) {
        run->parked = NULL;
        run->chooses = true;
    }
    while ((run = first_to_choose(daemon)) != NULL) {
        run->chooses = false;
        ft_run_choose(run);
    }
}

/* A run that waits for it, and has waited for another one that was outrun; NULL: there is none. */
static struct ft_run *first_outrun(const struct ft_parked *parked)
{
    struct ft_run *run;
    TAILQ_FOREACH(run, &parked->daemon->runs, link)
        if (run->parked == parked && run->state == FT_RUN_WAITING && run->outrun)
            break;
    return run;
}

void ft_waiting_outrun(struct ft_parked *parked, const char *why)
{
    struct ft_run *run;
    struct ft_parked *origin = ft_parked_origin(parked);
    while (origin != NULL && origin->state == FT_PARKED_READY && (run = first_outrun(parked)) != NULL)
        ft_run_go_back(run, origin, why);
    TAILQ_FOREACH(run, &parked->daemon->runs, link)
        if (run->parked == parked)
            run->outrun = true;
}

void ft_waiting_send_back(struct ft_parked *parked)
{
    struct ft_run *run;
    while ((run = ft_waiting_first(parked, FT_RUN_WAITING)) != NULL) {
        run->parked = parked->base;
        ft_run_go_on(run);
    }
}

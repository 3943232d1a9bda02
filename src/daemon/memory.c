#include "daemon/memory.h"

#include <stdio.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/parked.h"

struct ft_memory ft_memory_of(pid_t pid)
{
    char path[64], line[256];
    struct ft_memory memory = {0, 0, 0};
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = pid > 0 ? fopen(path, "re") : NULL;
    if (file == NULL)
        return memory;
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long kilobytes;
        if (sscanf(line, "Rss: %lu", &kilobytes) == 1)
            memory.resident = kilobytes;
        else if (sscanf(line, "Pss: %lu", &kilobytes) == 1)
            memory.share = kilobytes;
        else if (sscanf(line, "Private_Clean: %lu", &kilobytes) == 1 ||
                 sscanf(line, "Private_Dirty: %lu", &kilobytes) == 1)
            memory.own += kilobytes;
    }
    fclose(file);
    return memory;
}

/* As if nothing of it were shared: to find out what is takes the kernel a millisecond for 10 MB. */
static struct ft_memory at_most_of(pid_t pid)
{
    char path[64];
    struct ft_memory memory = {0, 0, 0};
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = pid > 0 ? fopen(path, "re") : NULL;
    unsigned long pages;
    if (file != NULL && fscanf(file, "%*u %lu", &pages) == 1)
        memory.share = memory.resident = pages * ((unsigned long)sysconf(_SC_PAGESIZE) / 1024);
    if (file != NULL)
        fclose(file);
    return memory;
}

/* A process and its children. */
static struct ft_memory of_family(pid_t pid, struct ft_memory (*of)(pid_t pid))
{
    char path[64];
    struct ft_memory memory = of(pid);
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *file = pid > 0 ? fopen(path, "re") : NULL;
    int child;
    while (file != NULL && fscanf(file, "%d", &child) == 1) {
        struct ft_memory more = of(child);
        memory.own += more.own;
        memory.share += more.share;
        memory.resident += more.resident;
    }
    if (file != NULL)
        fclose(file);
    return memory;
}

struct ft_memory ft_memory_of_standby(pid_t pid)
{
    return of_family(pid, ft_memory_of);
}

static uint64_t of_parked(const struct ft_daemon *daemon, struct ft_memory (*of)(pid_t pid))
{
    uint64_t sum = 0;
    const struct ft_parked *parked;
    TAILQ_FOREACH(parked, &daemon->parked, link)
        sum += of(parked->pid).share + of_family(parked->standby.pid, of).share;
    return sum;
}

uint64_t ft_memory_of_parked(const struct ft_daemon *daemon)
{
    return of_parked(daemon, ft_memory_of);
}

static bool is_over(const struct ft_daemon *daemon)
{
    return daemon->memory_kb > 0 && of_parked(daemon, at_most_of) > daemon->memory_kb &&
           ft_memory_of_parked(daemon) > daemon->memory_kb;
}

static bool is_needed(const struct ft_parked *parked)
{
    const struct ft_run *run;
    const struct ft_parked *other;
    if (parked->state != FT_PARKED_READY)
        return true;
    TAILQ_FOREACH(run, &parked->daemon->runs, link)
        if (run->parked == parked && run->state != FT_RUN_GOING)
            return true;
    TAILQ_FOREACH(other, &parked->daemon->parked, link)
        if (other->base == parked && other->state != FT_PARKED_UNFIT)
            return true;
    return false;
}

static struct ft_parked *least_useful(const struct ft_daemon *daemon)
{
    struct ft_parked *parked, *least = NULL;
    TAILQ_FOREACH(parked, &daemon->parked, link)
        if (!is_needed(parked) && (least == NULL || parked->used < least->used))
            least = parked;
    return least;
}

void ft_memory_keep_within(struct ft_daemon *daemon)
{
    daemon->over_memory = is_over(daemon);
    while (daemon->over_memory) {
        struct ft_parked *parked = least_useful(daemon);
        if (parked == NULL)
            break;
        ft_parked_end(parked, "it takes more memory than the daemon may use");
        daemon->over_memory = is_over(daemon);
    }
}

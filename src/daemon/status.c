#include "daemon/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/parked.h"

static int __attribute__((format(printf, 2, 3))) put(struct ft_buf *out, const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        return -ENOMEM;
    int err = ft_buf_append(out, text, (size_t)len);
    free(text);
    return err;
}

/* A JSON string.  Bytes that are not printable ASCII are shown as \u00XX: paths may be in any encoding. */
static int put_string(struct ft_buf *out, const char *text)
{
    int err = put(out, "\"");
    for (; err == 0 && *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            err = put(out, "\\%c", c);
        else
            err = c < ' ' || c == 0x7f ? put(out, "\\u%04x", c) : ft_buf_append(out, text, 1);
    }
    return err < 0 ? err : put(out, "\"");
}

/* The memory of a process that nobody else has, and all that it has mapped in, in kB; 0: unknown. */
static void memory_of(pid_t pid, unsigned long *own, unsigned long *resident)
{
    char path[64], line[256];
    *own = *resident = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long kilobytes;
        if (sscanf(line, "Rss: %lu", &kilobytes) == 1)
            *resident = kilobytes;
        else if (sscanf(line, "Private_Clean: %lu", &kilobytes) == 1 ||
                 sscanf(line, "Private_Dirty: %lu", &kilobytes) == 1)
            *own += kilobytes;
    }
    fclose(file);
}

static const char *state_of(const struct ft_parked *parked)
{
    return parked->state == FT_PARKED_STARTING ? "starting" : "pytest imported";
}

static unsigned going(const struct ft_daemon *daemon)
{
    const struct ft_run *run;
    unsigned count = 0;
    TAILQ_FOREACH(run, &daemon->runs, link)
        count++;
    return count;
}

/* "3 s", "5 min", "2 h". */
static const char *ago(uint64_t ms, char *text, size_t size)
{
    if (ms < 120 * 1000)
        snprintf(text, size, "%llu s", (unsigned long long)(ms / 1000));
    else if (ms < 120 * 60 * 1000)
        snprintf(text, size, "%llu min", (unsigned long long)(ms / 60000));
    else
        snprintf(text, size, "%llu h", (unsigned long long)(ms / 3600000));
    return text;
}

int ft_status_text(const struct ft_daemon *daemon, struct ft_buf *out)
{
    char span[32];
    unsigned long own, resident;
    uint64_t now = uv_now(&daemon->loop);
    const struct ft_parked *parked;
    memory_of(getpid(), &own, &resident);
    int err = put(out, "daemon    pid %d, fleetest " FT_VERSION ", up %s, %.1f MB\n", (int)getpid(),
                  ago(now - daemon->begun, span, sizeof span), (double)resident / 1024);
    if (err == 0)
        err = put(out, "python    %s\nfolder    %s\n", daemon->python, daemon->place.path);
    if (err == 0)
        err = put(out, "runs      %u, %u of them in flight\n", daemon->run_count, going(daemon));
    if (err == 0 && daemon->last[0] != '\0')
        err = put(out, "last run  %s\n", daemon->last);
    TAILQ_FOREACH(parked, &daemon->parked, link) {
        memory_of(parked->pid, &own, &resident);
        if (err == 0)
            err = put(out, "parked    pid %d, %s, %.1f MB of its own, %u runs, last used %s ago\n", (int)parked->pid,
                      state_of(parked), (double)own / 1024, parked->runs, ago(now - parked->used, span, sizeof span));
    }
    return err;
}

static int put_parked(struct ft_buf *out, const struct ft_parked *parked)
{
    unsigned long own, resident;
    memory_of(parked->pid, &own, &resident);
    return put(out,
               "{\"pid\": %d, \"state\": \"%s\", \"own_kb\": %lu, \"resident_kb\": %lu, \"runs\": %u, \"files\": %zu, "
               "\"variables\": %zu, \"idle_ms\": %llu}",
               (int)parked->pid, state_of(parked), own, resident, parked->runs, parked->inputs.count,
               parked->reads.count, (unsigned long long)(uv_now(&parked->daemon->loop) - parked->used));
}

int ft_status_json(const struct ft_daemon *daemon, struct ft_buf *out)
{
    unsigned long own, resident;
    const struct ft_parked *parked;
    memory_of(getpid(), &own, &resident);
    int err = put(out, "{\"pid\": %d, \"version\": \"" FT_VERSION "\", \"up_ms\": %llu, \"own_kb\": %lu, "
                       "\"resident_kb\": %lu, \"runs\": %u, \"in_flight\": %u, \"python\": ",
                  (int)getpid(), (unsigned long long)(uv_now(&daemon->loop) - daemon->begun), own, resident,
                  daemon->run_count, going(daemon));
    if (err == 0)
        err = put_string(out, daemon->python);
    if (err == 0)
        err = put(out, ", \"folder\": ");
    if (err == 0)
        err = put_string(out, daemon->place.path);
    if (err == 0)
        err = put(out, ", \"last_run\": ");
    if (err == 0)
        err = daemon->last[0] == '\0' ? put(out, "null") : put_string(out, daemon->last);
    if (err == 0)
        err = put(out, ", \"parked\": [");
    TAILQ_FOREACH(parked, &daemon->parked, link) {
        if (err == 0 && parked != TAILQ_FIRST(&daemon->parked))
            err = put(out, ", ");
        if (err == 0)
            err = put_parked(out, parked);
    }
    return err < 0 ? err : put(out, "]}\n");
}

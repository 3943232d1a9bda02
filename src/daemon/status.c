#include "daemon/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/known.h"
#include "daemon/memory.h"
#include "daemon/parked.h"
#include "daemon/snapshot.h"

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

static const char *state_of(const struct ft_parked *parked)
{
    if (parked->state == FT_PARKED_STARTING)
        return "starting";
    if (parked->checkpoint)
        return "checkpoint";
    if (parked->spent)
        return "used up";
    if (parked->kind.at != NULL && parked->once[0] != '\0')
        return "tests collected for one run";
    if (parked->kind.at != NULL)
        return "tests collected";
    return parked->base == NULL ? "pytest imported" : "plugins imported";
}

static bool is_process(const struct ft_parked *parked)
{
    return parked->state != FT_PARKED_UNFIT;
}

/* A configuration that sessions had, from all command lines that have it. */
struct kind {
    const char *label;
    uint32_t runs;
    uint64_t used;
    const struct ft_parked *parked; /* where they come from; NULL: there is none now */
};

/* Whether runs of a configuration come from it: the process with its plugins, or its snapshot if it has none. */
static bool is_of_kind(const struct ft_parked *parked, const struct ft_known *known)
{
    if (known->plugins.len == 0)
        return parked->state == FT_PARKED_READY && !parked->checkpoint && ft_snapshot_is_of(parked, known);
    return parked->base == known->base && parked->kind.at == NULL && ft_text_equal(parked->plugins, known->plugins);
}

/* Whether this is the first of the command lines of a configuration; then all of them together. */
static bool sum_up(const struct ft_daemon *daemon, const struct ft_known *first, struct kind *kind)
{
    const struct ft_known *known;
    bool seen = false;
    *kind = (struct kind){first->label.at, 0, 0, NULL};
    if (first->label.len == 0)
        return false;
    TAILQ_FOREACH(known, &daemon->known, link) {
        if (!ft_text_equal(known->kind, first->kind))
            continue;
        if (!seen && known != first)
            return false;
        seen = true;
        kind->runs += known->runs;
        kind->used = known->used > kind->used ? known->used : kind->used;
    }
    const struct ft_parked *parked;
    TAILQ_FOREACH(parked, &daemon->parked, link)
        if (is_of_kind(parked, first))
            kind->parked = parked;
    /* Without plugins there is nothing of its own but a snapshot. */
    return first->plugins.len > 0 || kind->parked != NULL;
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

static int show_parked(struct ft_buf *out, const struct ft_parked *parked)
{
    char span[32];
    bool once = parked->once[0] != '\0' && !parked->spent;
    int err = put(out, "parked    pid %d, %s%s%s%s%s, %.1f MB of its own", (int)parked->pid, state_of(parked),
                  parked->checkpoint ? " before " : "", parked->checkpoint ? parked->place : "",
                  once ? " only: " : "", once ? parked->once : "", (double)ft_memory_of(parked->pid).own / 1024);
    if (err == 0 && parked->standby.pid > 0)
        err = put(out, " and %.1f MB of pid %d, which stands by",
                  (double)ft_memory_of_standby(parked->standby.pid).own / 1024, (int)parked->standby.pid);
    return err < 0 ? err
                   : put(out, ", %u runs, last used %s ago\n", parked->runs,
                         ago(uv_now(&parked->daemon->loop) - parked->used, span, sizeof span));
}

static int show_kind(struct ft_buf *out, const struct ft_daemon *daemon, const struct kind *kind)
{
    char span[32];
    int err = put(out, "prepared  %s: %u runs, last used %s ago", kind->label, kind->runs,
                  ago(uv_now(&daemon->loop) - kind->used, span, sizeof span));
    if (err == 0 && kind->parked != NULL && is_process(kind->parked))
        err = put(out, ", from pid %d", (int)kind->parked->pid);
    else if (err == 0 && kind->parked != NULL)
        err = put(out, ", plugins imported anew: %s", kind->parked->stale);
    return err < 0 ? err : put(out, "\n");
}

static int show_daemon(struct ft_buf *out, const struct ft_daemon *daemon)
{
    char span[32];
    int err = put(out, "daemon    pid %d, fleetest " FT_VERSION ", up %s, %.1f MB\n", (int)getpid(),
                  ago(uv_now(&daemon->loop) - daemon->begun, span, sizeof span),
                  (double)ft_memory_of(getpid()).resident / 1024);
    if (err == 0)
        err = put(out, "python    %s\nfolder    %s\n", daemon->python, daemon->place.path);
    if (err == 0)
        err = put(out, "runs      %u, %u of them in flight\n", daemon->run_count, going(daemon));
    if (err == 0)
        err = put(out, "memory    %.1f MB for parked processes", (double)ft_memory_of_parked(daemon) / 1024);
    if (err == 0)
        err = daemon->memory_kb == 0 ? put(out, ", no limit\n")
                                     : put(out, ", at most %.1f MB\n", (double)daemon->memory_kb / 1024);
    if (err == 0 && daemon->last[0] != '\0')
        err = put(out, "last run  %s\n", daemon->last);
    return err;
}

int ft_status_text(const struct ft_daemon *daemon, struct ft_buf *out)
{
    const struct ft_parked *parked;
    const struct ft_known *known;
    struct kind kind;
    int err = show_daemon(out, daemon);
    TAILQ_FOREACH(parked, &daemon->parked, link)
        if (err == 0 && is_process(parked))
            err = show_parked(out, parked);
    TAILQ_FOREACH(known, &daemon->known, link)
        if (err == 0 && sum_up(daemon, known, &kind))
            err = show_kind(out, daemon, &kind);
    return err;
}

static int put_parked(struct ft_buf *out, const struct ft_parked *parked)
{
    struct ft_memory memory = ft_memory_of(parked->pid);
    return put(out,
               "{\"pid\": %d, \"state\": \"%s\", \"own_kb\": %lu, \"resident_kb\": %lu, \"standby_pid\": %d, "
               "\"standby_kb\": %lu, \"runs\": %u, \"files\": %zu, \"variables\": %zu, \"hash_seed\": %u, "
               "\"idle_ms\": %llu}",
               (int)parked->pid, state_of(parked), memory.own, memory.resident, (int)parked->standby.pid,
               ft_memory_of_standby(parked->standby.pid).own, parked->runs, parked->inputs.count, parked->reads.count,
               parked->seed, (unsigned long long)(uv_now(&parked->daemon->loop) - parked->used));
}

static int put_kind(struct ft_buf *out, const struct ft_daemon *daemon, const struct kind *kind)
{
    int err = put(out, "{\"configuration\": ");
    if (err == 0)
        err = put_string(out, kind->label);
    if (err == 0)
        err = put(out, ", \"runs\": %u, \"idle_ms\": %llu, \"parked\": ", kind->runs,
                  (unsigned long long)(uv_now(&daemon->loop) - kind->used));
    if (err == 0)
        err = kind->parked != NULL && is_process(kind->parked) ? put(out, "%d", (int)kind->parked->pid)
                                                               : put(out, "null");
    if (err == 0)
        err = put(out, ", \"plugins_imported_anew\": ");
    if (err == 0)
        err = kind->parked != NULL && !is_process(kind->parked) ? put_string(out, kind->parked->stale)
                                                                : put(out, "null");
    return err < 0 ? err : put(out, "}");
}

int ft_status_json(const struct ft_daemon *daemon, struct ft_buf *out)
{
    struct ft_memory memory = ft_memory_of(getpid());
    const struct ft_parked *parked;
    int err = put(out, "{\"pid\": %d, \"version\": \"" FT_VERSION "\", \"up_ms\": %llu, \"own_kb\": %lu, "
                       "\"resident_kb\": %lu, \"parked_kb\": %llu, \"memory_kb\": %llu, \"runs\": %u, "
                       "\"in_flight\": %u, \"preparing\": %u, \"python\": ",
                  (int)getpid(), (unsigned long long)(uv_now(&daemon->loop) - daemon->begun), memory.own,
                  memory.resident, (unsigned long long)ft_memory_of_parked(daemon),
                  (unsigned long long)daemon->memory_kb, daemon->run_count, going(daemon), ft_snapshot_pending(daemon));
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
    const char *comma = "";
    TAILQ_FOREACH(parked, &daemon->parked, link) {
        if (err < 0 || !is_process(parked))
            continue;
        err = put(out, "%s", comma);
        comma = ", ";
        if (err == 0)
            err = put_parked(out, parked);
    }
    if (err == 0)
        err = put(out, "], \"prepared\": [");
    comma = "";
    const struct ft_known *known;
    struct kind kind;
    TAILQ_FOREACH(known, &daemon->known, link) {
        if (err < 0 || !sum_up(daemon, known, &kind))
            continue;
        err = put(out, "%s", comma);
        comma = ", ";
        if (err == 0)
            err = put_kind(out, daemon, &kind);
    }
    return err < 0 ? err : put(out, "]}\n");
}

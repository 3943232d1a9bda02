#include "daemon/context.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"

enum { IO_OF_PROCESS = 1 }; /* IOPRIO_WHO_PROCESS, which has no header */

/* Lines of /proc/PID/status; those of which `mask` is set may be wider or narrower. */
static const struct {
    const char *name;
    const char *what;
    bool mask;
} lines[FT_CONTEXT_STATUS] = {
    {"Uid", "user", false},
    {"Gid", "group", false},
    {"Groups", "groups", false},
    {"NoNewPrivs", "no_new_privs", false},
    {"Seccomp", "seccomp", false},
    {"Seccomp_filters", "seccomp", false},
    {"CapInh", "capabilities", false},
    {"CapPrm", "capabilities", true},
    {"CapEff", "capabilities", true},
    {"CapBnd", "capabilities", true},
    {"CapAmb", "capabilities", false},
    {"Cpus_allowed", "CPU affinity", true},
    {"Mems_allowed", "memory policy", true},
    {"TracerPid", "tracer", false},
};

enum { TRACER = FT_CONTEXT_STATUS - 1 };

static const struct {
    const char *name;
    const char *what;
} spaces[FT_CONTEXT_SPACES] = {
    {"mnt", "mount namespace"},    {"pid", "PID namespace"},
    {"net", "network namespace"},  {"ipc", "IPC namespace"},
    {"uts", "UTS namespace"},      {"user", "user namespace"},
    {"cgroup", "cgroup namespace"}, {"time", "time namespace"},
    {"pid_for_children", "PID namespace"}, {"time_for_children", "time namespace"},
};

static int read_file(pid_t pid, const char *name, struct ft_buf *out)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t got = 1;
    int err = 0;
    while (err == 0 && got > 0) {
        err = ft_buf_reserve(out, 4096);
        if (err < 0)
            break;
        got = read(fd, ft_buf_tail(out), 4096);
        if (got > 0)
            ft_buf_grown(out, (size_t)got);
        else if (got < 0)
            err = errno == ESRCH ? -ENOENT : -errno; /* it ended just now */
    }
    close(fd);
    return err;
}

/* The rest of the line that begins with `name` and a colon. */
static struct ft_text line_of(const char *text, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    for (const char *at = text, *end = text + len; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop == NULL ? end : stop;
        if ((size_t)(stop - at) > name_len && at[name_len] == ':' && memcmp(at, name, name_len) == 0) {
            at += name_len + 1;
            while (at < stop && (*at == '\t' || *at == ' '))
                at++;
            return (struct ft_text){at, (size_t)(stop - at)};
        }
        at = stop + 1;
    }
    return (struct ft_text){"", 0};
}

static uint64_t space_of(pid_t pid, const char *name)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, name);
    return stat(path, &st) < 0 ? 0 : st.st_ino;
}

/* The number in a file of a process; 0: it cannot be read. */
static int64_t number_of(pid_t pid, const char *name, int base)
{
    struct ft_buf text = FT_BUF_INIT;
    int64_t number = 0;
    if (read_file(pid, name, &text) == 0 && ft_buf_append(&text, "", 1) == 0)
        number = strtoll((const char *)ft_buf_head(&text), NULL, base);
    ft_buf_release(&text);
    return number;
}

static int read_texts(struct ft_context *context, pid_t pid)
{
    struct ft_buf text = FT_BUF_INIT;
    int err = read_file(pid, "status", &text);
    size_t status_len = text.len;
    if (err == 0)
        err = read_file(pid, "cgroup", &text);
    if (err < 0) {
        ft_buf_release(&text);
        return err;
    }
    context->text = (char *)text.data;
    for (size_t i = 0; i < FT_CONTEXT_STATUS; i++)
        context->status[i] = line_of(context->text, status_len, lines[i].name);
    context->cgroup = (struct ft_text){context->text + status_len, text.len - status_len};
    return 0;
}

int ft_context_read(struct ft_context *context, pid_t pid)
{
    char path[64];
    struct stat root;
    *context = (struct ft_context)FT_CONTEXT_INIT;
    int err = read_texts(context, pid);
    if (err < 0)
        return err;
    for (size_t i = 0; i < FT_CONTEXT_SPACES; i++)
        context->spaces[i] = space_of(pid, spaces[i].name);
    snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
    if (stat(path, &root) == 0) {
        context->root[0] = root.st_dev;
        context->root[1] = root.st_ino;
    }
    context->personality = number_of(pid, "personality", 16);
    context->oom_score = number_of(pid, "oom_score_adj", 10);
    context->policy = sched_getscheduler(pid);
    context->io_priority = (int)syscall(SYS_ioprio_get, IO_OF_PROCESS, pid);
    return 0;
}

void ft_context_release(struct ft_context *context)
{
    free(context->text);
    *context = (struct ft_context)FT_CONTEXT_INIT;
}

static unsigned digit(char c)
{
    return c >= 'a' ? (unsigned)(c - 'a') + 10 : (unsigned)(c - '0');
}

/* Whether a mask in hexadecimal, groups parted by commas, has no bit that another lacks.  Both are of one kernel. */
static bool within(struct ft_text narrow, struct ft_text wide)
{
    if (narrow.len != wide.len)
        return false;
    for (size_t i = 0; i < narrow.len; i++)
        if (narrow.at[i] != ',' && (digit(narrow.at[i]) & ~digit(wide.at[i])) != 0)
            return false;
    return true;
}

struct ft_difference ft_context_compare(const struct ft_context *daemon, const struct ft_context *client)
{
    if (client->status[TRACER].len != 1 || client->status[TRACER].at[0] != '0')
        return (struct ft_difference){"tracer", false};
    for (size_t i = 0; i < TRACER; i++)
        if (!ft_text_equal(daemon->status[i], client->status[i]))
            return (struct ft_difference){lines[i].what,
                                          lines[i].mask && within(daemon->status[i], client->status[i])};
    for (size_t i = 0; i < FT_CONTEXT_SPACES; i++)
        if (daemon->spaces[i] != client->spaces[i])
            return (struct ft_difference){spaces[i].what, false};
    if (daemon->root[0] != client->root[0] || daemon->root[1] != client->root[1])
        return (struct ft_difference){"root folder", false};
    if (!ft_text_equal(daemon->cgroup, client->cgroup))
        return (struct ft_difference){"control group", false};
    if (daemon->personality != client->personality)
        return (struct ft_difference){"personality", false};
    if (daemon->policy != client->policy)
        return (struct ft_difference){"scheduling policy", false};
    if (daemon->io_priority != client->io_priority)
        return (struct ft_difference){"I/O priority", false};
    if (daemon->oom_score != client->oom_score)
        return (struct ft_difference){"oom_score_adj", false};
    return (struct ft_difference){NULL, false};
}

struct ft_difference ft_context_compare_limits(const struct ft_request *request)
{
    for (int i = 0; i < FT_REQUEST_LIMITS && i < RLIM_NLIMITS; i++) {
        struct rlimit own;
        /* A privileged daemon's children could raise it, but it is simpler to have one rule. */
        if (getrlimit((__rlimit_resource_t)i, &own) == 0 && own.rlim_max < request->limits[i][1])
            return (struct ft_difference){"resource limit", true};
    }
    errno = 0;
    int own = getpriority(PRIO_PROCESS, 0);
    if (errno == 0 && own > request->nice)
        return (struct ft_difference){"nice value", true};
    return (struct ft_difference){NULL, false};
}

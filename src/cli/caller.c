#include "cli/caller.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/python.h"
#include "daemon/place.h"
#include "wire/fds.h"

extern char **environ;

enum { MOST_FDS = FT_FDS_MAX - FT_GO_FIXED };

static int compare_numbers(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* The open descriptors that are not close-on-exec: there are no others before we open one. */
static int note_fds(struct ft_request *request)
{
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return -errno;
    request->fds = calloc(MOST_FDS, sizeof *request->fds);
    int err = request->fds == NULL ? -ENOMEM : 0;
    for (struct dirent *entry; err == 0 && (entry = readdir(folder)) != NULL;) {
        char *end;
        unsigned long number = strtoul(entry->d_name, &end, 10);
        if (end == entry->d_name || *end != '\0' || (int)number == dirfd(folder))
            continue;
        int flags = fcntl((int)number, F_GETFD);
        if (flags < 0 || flags & FD_CLOEXEC)
            continue;
        if (request->fd_count == MOST_FDS)
            err = -EMFILE;
        else
            request->fds[request->fd_count++] = (uint32_t)number;
    }
    closedir(folder);
    if (err == 0)
        qsort(request->fds, request->fd_count, sizeof *request->fds, compare_numbers);
    return err;
}

static int point_to(struct ft_texts *texts, char **strings)
{
    size_t count = 0;
    while (strings[count] != NULL)
        count++;
    texts->items = calloc(count + 1, sizeof *texts->items);
    if (texts->items == NULL)
        return -ENOMEM;
    texts->count = count;
    for (size_t i = 0; i < count; i++)
        texts->items[i] = ft_text_of(strings[i]);
    return 0;
}

static void note_signals(struct ft_request *request)
{
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    for (int number = 1; number <= 64; number++) {
        struct sigaction action;
        uint64_t bit = (uint64_t)1 << (number - 1);
        if (sigismember(&blocked, number) == 1)
            request->blocked |= bit;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            request->ignored |= bit;
    }
}

static int note_limits(struct ft_request *request)
{
    for (int i = 0; i < FT_REQUEST_LIMITS; i++) {
        struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
        if (i < RLIM_NLIMITS && getrlimit((__rlimit_resource_t)i, &limit) < 0)
            return -errno;
        request->limits[i][0] = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
        request->limits[i][1] = limit.rlim_max == RLIM_INFINITY ? UINT64_MAX : limit.rlim_max;
    }
    return 0;
}

static void note_terminals(struct ft_request *request)
{
    for (int fd = 0; fd < FT_REQUEST_STREAMS; fd++) {
        struct winsize size = {0};
        if (isatty(fd) == 0)
            continue;
        if (ioctl(fd, TIOCGWINSZ, &size) < 0)
            size = (struct winsize){0};
        request->terminals[fd] = FT_REQUEST_TERMINAL | (uint64_t)size.ws_row << 16 | size.ws_col;
    }
}

int ft_caller_init(struct ft_caller *caller, char **args)
{
    struct ft_request *request = &caller->request;
    memset(caller, 0, sizeof *caller);
    int err = note_fds(request);
    if (err == 0)
        err = point_to(&request->args, args);
    if (err == 0)
        err = point_to(&request->environ, environ);
    if (err == 0)
        err = note_limits(request);
    if (err == 0)
        err = ft_place_build(caller->build, sizeof caller->build);
    if (err == 0)
        err = ft_python_self(caller->command, sizeof caller->command);
    if (err == 0 && getcwd(caller->folder, sizeof caller->folder) == NULL)
        err = -errno;
    if (err < 0) {
        ft_caller_release(caller);
        return err;
    }
    note_signals(request);
    note_terminals(request);
    mode_t mask = umask(0);
    umask(mask);
    request->umask = (uint32_t)mask & 0777;
    request->nice = getpriority(PRIO_PROCESS, 0);
    request->build = ft_text_of(caller->build);
    request->command = ft_text_of(caller->command);
    request->folder = ft_text_of(caller->folder);
    return 0;
}

void ft_caller_release(struct ft_caller *caller)
{
    ft_request_release(&caller->request);
}

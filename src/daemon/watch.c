#include "daemon/watch.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/snapshot.h"
#include "prep/listing.h"

/*
 * A save is several changes: wait until there are none for so long, in ms, after which another change also has another
 * time.  Folders that are watched at most: the system has a limit for each user.
 */
enum { QUIET_MS = 40, MOST = 4000, EVENTS_SIZE = 16 * 1024 };

static const uint32_t interesting =
    IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

static void on_quiet(uv_timer_t *timer)
{
    struct ft_daemon *daemon = timer->data;
    daemon->watch.changed = true;
    ft_snapshot_make_next(daemon);
}

/* Whether an event is of something that may be read on the way to tests. */
static bool counts(const struct inotify_event *event)
{
    if (event->len == 0)
        return true; /* the folder itself, or events were lost */
    return ft_counts_all(event->name, event->mask & IN_ISDIR ? DT_DIR : DT_REG) != FT_LISTED_NOT;
}

static void on_events(uv_poll_t *poll, int status, int events)
{
    struct ft_daemon *daemon = poll->data;
    union {
        struct inotify_event first;
        char bytes[EVENTS_SIZE];
    } buffer;
    bool any = false;
    (void)events;
    ssize_t got = status < 0 ? -1 : read(daemon->watch.fd, buffer.bytes, sizeof buffer.bytes);
    for (ssize_t at = 0; at < got;) {
        struct inotify_event event;
        memcpy(&event, buffer.bytes + at, sizeof event);
        any = any || counts((const struct inotify_event *)(const void *)(buffer.bytes + at));
        at += (ssize_t)(sizeof event + event.len);
    }
    if (any && !daemon->leaving)
        uv_timer_start(&daemon->watch.timer, on_quiet, QUIET_MS, 0);
}

void ft_watch_begin(struct ft_daemon *daemon)
{
    struct ft_watch *watch = &daemon->watch;
    watch->fd = -1;
    if (daemon->ahead == 0 || daemon->snapshots == 0)
        return;
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->fd < 0 || uv_poll_init(&daemon->loop, &watch->poll, watch->fd) < 0) {
        ft_log("changes are not heard of: no inotify is left");
        if (watch->fd >= 0)
            close(watch->fd);
        watch->fd = -1;
        return;
    }
    uv_timer_init(&daemon->loop, &watch->timer);
    watch->poll.data = watch->timer.data = daemon;
    uv_poll_start(&watch->poll, UV_READABLE, on_events);
}

static bool is_installed(const char *path)
{
    return strstr(path, "/site-packages/") != NULL || strstr(path, "/dist-packages/") != NULL ||
           strstr(path, "/lib/python3") != NULL;
}

void ft_watch_folders(const struct ft_parked *snapshot)
{
    struct ft_watch *watch = &snapshot->daemon->watch;
    char folder[PATH_MAX], last[PATH_MAX] = "";
    for (size_t i = 0; watch->fd >= 0 && i < snapshot->inputs.count && watch->count < MOST; i++) {
        const char *path = ft_inputs_path(&snapshot->inputs, &snapshot->inputs.items[i]);
        const char *slash = strrchr(path, '/');
        size_t len = slash == NULL || slash == path ? 1 : (size_t)(slash - path);
        if (len >= sizeof folder || is_installed(path))
            continue;
        memcpy(folder, path, len);
        folder[len] = '\0';
        if (strcmp(folder, last) == 0)
            continue;
        memcpy(last, folder, len + 1);
        int number = inotify_add_watch(watch->fd, folder, interesting);
        if (number > watch->last) { /* the same folder has the same number again */
            watch->last = number;
            watch->count++;
        }
    }
}

#include "daemon/watch.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/snapshot.h"
#include "prep/heard.h"
#include "prep/listing.h"

/*
 * A save is several changes: wait until there are none for so long, in ms, and longer if a file was made, which is
 * written now; for ever longer where nothing has come of it more than so often, as of what runs write themselves, and
 * not for ever.  Folders that are watched at most: the system has a limit for each user.
 */
enum { QUIET_MS = 4, WRITTEN_MS = 22, QUIET_MAX_MS = 5000, ENOUGH_MS = 500, FUTILE = 4 };
enum { MOST = 4000, EVENTS_SIZE = 16 * 1024 };

static const uint32_t interesting =
    IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

static void on_quiet(uv_timer_t *timer)
{
    struct ft_daemon *daemon = timer->data;
    struct ft_watch *watch = &daemon->watch;
    watch->changed = true;
    watch->futile++;
    ft_snapshot_make_next(daemon);
}

/* Whether it is what Linux calls a file that has no name, as tempfile makes them: "#9978267". */
static bool is_nameless(const char *name)
{
    return name[0] == '#' && name[1] != '\0' && name[1 + strspn(name + 1, "0123456789")] == '\0';
}

/* Whether an event is of something that may be read on the way to tests. */
static bool counts(const struct inotify_event *event)
{
    if (event->len == 0)
        return true; /* the folder itself, or events were lost */
    if (is_nameless(event->name))
        return false;
    return ft_counts_all(event->name, event->mask & IN_ISDIR ? DT_DIR : DT_REG) != FT_LISTED_NOT;
}

/* How long there have to be no changes after this one, in ms. */
static uint64_t quiet_ms(const struct ft_watch *watch, uint32_t what)
{
    uint64_t wanted = what & IN_CREATE && !(what & IN_ISDIR) ? WRITTEN_MS : QUIET_MS;
    for (unsigned i = FUTILE; i < watch->futile && wanted < QUIET_MAX_MS; i++)
        wanted *= 2;
    return wanted < QUIET_MAX_MS ? wanted : QUIET_MAX_MS;
}

static void wait_for_quiet(struct ft_watch *watch, uint32_t what, uint64_t now)
{
    bool is_first = !uv_is_active((const uv_handle_t *)&watch->timer);
    if (is_first)
        watch->first = now;
    if (is_first || now - watch->first < ENOUGH_MS)
        uv_timer_start(&watch->timer, on_quiet, quiet_ms(watch, what), 0);
}

static void on_events(uv_poll_t *poll, int status, int events)
{
    struct ft_daemon *daemon = poll->data;
    union {
        struct inotify_event first;
        char bytes[EVENTS_SIZE];
    } buffer;
    uint32_t last = 0;
    (void)events;
    ssize_t got = status < 0 ? -1 : read(daemon->watch.fd, buffer.bytes, sizeof buffer.bytes);
    for (ssize_t at = 0; at < got;) {
        struct inotify_event event;
        memcpy(&event, buffer.bytes + at, sizeof event);
        if (counts((const struct inotify_event *)(const void *)(buffer.bytes + at)))
            last = event.mask;
        at += (ssize_t)(sizeof event + event.len);
    }
    if (last != 0 && !daemon->leaving)
        wait_for_quiet(&daemon->watch, last, uv_now(&daemon->loop));
}

void ft_watch_is_of_use(struct ft_daemon *daemon)
{
    daemon->watch.futile = 0;
}

bool ft_watch_is_busy(const struct ft_daemon *daemon)
{
    const struct ft_watch *watch = &daemon->watch;
    return watch->changed || (watch->futile <= FUTILE && uv_is_active((const uv_handle_t *)&watch->timer));
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

/* Whether somebody else changes it all the time, or only installing does. */
static bool is_of_no_project(const char *path)
{
    static const char *const others[] = {"/dev/", "/etc/", "/proc/", "/run/", "/sys/", "/var/log/", NULL};
    for (const char *const *other = others; *other != NULL; other++)
        if (strncmp(path, *other, strlen(*other)) == 0)
            return true;
    return ft_heard_is_installed(path);
}

void ft_watch_folders(const struct ft_parked *snapshot)
{
    struct ft_watch *watch = &snapshot->daemon->watch;
    char folder[PATH_MAX], last[PATH_MAX] = "";
    for (size_t i = 0; watch->fd >= 0 && i < snapshot->inputs.count && watch->count < MOST; i++) {
        const char *path = ft_inputs_path(&snapshot->inputs, &snapshot->inputs.items[i]);
        const char *slash = strrchr(path, '/');
        size_t len = slash == NULL ? 0 : (size_t)(slash - path);
        if (len == 0 || len >= sizeof folder || is_of_no_project(path))
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

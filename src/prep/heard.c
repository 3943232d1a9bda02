#include "prep/heard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

/* Folders at most: the system has a limit for each user. */
enum { MOST = 4096, EVENTS_SIZE = 64 * 1024 };

static const uint32_t wanted = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                               IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

/* What tells a folder from another one that may be put in its place. */
struct where {
    uint64_t inode, mount;
    uint32_t major, minor, mode;
};

struct folder {
    char *path;
    uint32_t number;  /* by which others know it */
    uint32_t changed; /* when something was heard from it last */
    bool is_heard;    /* false: what happens there has to be looked for */
    bool is_top;      /* nothing is heard of what is above it */
    struct where where; /* of a top, when it was found */
};

struct ft_heard {
    int fd;     /* of inotify; negative: there is none */
    int old_fd; /* that was given up, and takes long to close; negative: there is none */
    int mounts; /* tells of changes of what is mounted */
    uint32_t now;
    uint32_t first; /* the number of the first folder; those before were given up */
    struct folder **folders;
    size_t count, cap;
    void *by_path;      /* a tree of the folders: see tsearch() */
    uint32_t *by_watch; /* the folder's number; 0: there is none */
    size_t watches;
};

/* ---- paths ---- */

bool ft_heard_is_installed(const char *path)
{
    static const char *const folders[] = {"/usr/lib/", "/usr/share/", NULL};
    for (const char *const *folder = folders; *folder != NULL; folder++)
        if (strncmp(path, *folder, strlen(*folder)) == 0)
            return true;
    return strstr(path, "/site-packages/") != NULL || strstr(path, "/dist-packages/") != NULL ||
           strstr(path, "/lib/python3.") != NULL;
}

/* Copy the path of the folder that has this.  Returns false: there is none, or it is too long. */
static bool parent_of(char *parent, size_t size, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (len == 0 || len >= size)
        return false;
    memcpy(parent, path, len);
    parent[len] = '\0';
    return true;
}

static bool has_links(const char *path)
{
    char *real = realpath(path, NULL);
    bool has = real == NULL || strcmp(real, path) != 0;
    free(real);
    return has;
}

/* Whether nobody changes it but by way of this kernel. */
static bool is_local(int fd)
{
    static const unsigned long local[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,  BTRFS_SUPER_MAGIC,
                                          TMPFS_MAGIC,      F2FS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, 0};
    struct statfs is;
    if (fstatfs(fd, &is) < 0)
        return false;
    for (const unsigned long *magic = local; *magic != 0; magic++)
        if ((unsigned long)is.f_type == *magic)
            return true;
    return false;
}

/* Returns false: it is not there, or the kernel does not say enough. */
static bool find(struct where *where, int fd, const char *path)
{
    struct statx is;
    memset(where, 0, sizeof *where);
    if (statx(fd, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_INO | STATX_MODE | STATX_MNT_ID, &is) < 0 ||
        !(is.stx_mask & STATX_MNT_ID))
        return false;
    where->inode = is.stx_ino;
    where->mount = is.stx_mnt_id;
    where->major = is.stx_dev_major;
    where->minor = is.stx_dev_minor;
    where->mode = is.stx_mode;
    return true;
}

/* ---- folders ---- */

static int compare_paths(const void *left, const void *right)
{
    return strcmp(((const struct folder *)left)->path, ((const struct folder *)right)->path);
}

static void free_folder(void *item)
{
    struct folder *folder = item;
    if (folder != NULL)
        free(folder->path);
    free(folder);
}

/* This may take the kernel 20 ms: not while somebody waits. */
static void close_old(struct ft_heard *heard)
{
    if (heard->old_fd >= 0)
        close(heard->old_fd);
    heard->old_fd = -1;
}

/* Forget all folders: what is in them has to be looked for, until somebody asks to hear of it again. */
static void give_up(struct ft_heard *heard)
{
    tdestroy(heard->by_path, free_folder);
    heard->by_path = NULL;
    heard->first += (uint32_t)heard->count;
    heard->count = 0;
    if (heard->watches > 0)
        memset(heard->by_watch, 0, heard->watches * sizeof *heard->by_watch);
    close_old(heard);
    heard->old_fd = heard->fd;
    heard->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
}

static bool has_room(struct ft_heard *heard)
{
    if (heard->count < heard->cap)
        return true;
    size_t cap = heard->cap == 0 ? 64 : 2 * heard->cap;
    struct folder **folders = heard->count >= MOST ? NULL : realloc(heard->folders, cap * sizeof(struct folder *));
    if (folders == NULL)
        return false;
    heard->folders = folders;
    heard->cap = cap;
    return true;
}

/* Know which folder a watch is of.  Returns false: there is no memory, or the folder has another path, too. */
static bool know_watch(struct ft_heard *heard, int watch, uint32_t number)
{
    size_t at = (size_t)watch;
    if (at >= heard->watches) {
        size_t watches = at * 2 + 64;
        uint32_t *by_watch = realloc(heard->by_watch, watches * sizeof *by_watch);
        if (by_watch == NULL)
            return false;
        memset(by_watch + heard->watches, 0, (watches - heard->watches) * sizeof *by_watch);
        heard->by_watch = by_watch;
        heard->watches = watches;
    }
    if (heard->by_watch[at] != 0)
        return false;
    heard->by_watch[at] = number;
    return true;
}

/*
 * Watch a folder that is open, and look where it is once more when it is watched.  Returns whether all that happens in
 * it will be heard.
 */
static bool watch(struct ft_heard *heard, struct folder *folder, int fd)
{
    char name[32];
    if (!is_local(fd) || has_links(folder->path) || !find(&folder->where, fd, ""))
        return false;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int number = inotify_add_watch(heard->fd, name, wanted);
    return number >= 0 && know_watch(heard, number, folder->number) && !has_links(folder->path);
}

/* A new one, not watched yet; NULL: there is no memory. */
static struct folder *add(struct ft_heard *heard, const char *path)
{
    struct folder *folder = has_room(heard) ? calloc(1, sizeof *folder) : NULL;
    if (folder == NULL || (folder->path = strdup(path)) == NULL ||
        tsearch(folder, &heard->by_path, compare_paths) == NULL) {
        free_folder(folder);
        return NULL;
    }
    folder->number = heard->first + (uint32_t)heard->count;
    heard->folders[heard->count++] = folder;
    return folder;
}

static struct folder *known(const struct ft_heard *heard, char *path)
{
    struct folder key = {.path = path};
    void *node = tfind(&key, &heard->by_path, compare_paths);
    return node == NULL ? NULL : *(struct folder **)node;
}

/* The folder of this path, watched if it can be; NULL: there is none, or no memory. */
static struct folder *folder_of(struct ft_heard *heard, char *path)
{
    char parent[PATH_MAX];
    struct folder *folder = known(heard, path), *above = NULL;
    if (folder != NULL)
        return folder;
    bool is_top = !parent_of(parent, sizeof parent, path) || !ft_heard_is_installed(parent);
    if (!is_top && (above = folder_of(heard, parent)) == NULL)
        return NULL;
    int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    folder = add(heard, path);
    if (folder != NULL) {
        folder->is_top = is_top;
        folder->is_heard = (is_top || above->is_heard) && watch(heard, folder, fd);
    }
    close(fd);
    return folder;
}

/* Whether it is a file of one name, and not that of another folder which is mounted here. */
static bool is_plain(const struct statx *is)
{
    return S_ISREG(is->stx_mode) && is->stx_nlink == 1 && is->stx_attributes_mask & STATX_ATTR_MOUNT_ROOT &&
           !(is->stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Copy the path of the folder in which changes of what is there are heard.  Returns false: there is none. */
static bool place_of(char *folder, size_t size, const char *path)
{
    struct statx is;
    bool exists = statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_NLINK, &is) == 0;
    if (!exists && errno != ENOENT)
        return false;
    if (exists && S_ISDIR(is.stx_mode))
        return (size_t)snprintf(folder, size, "%s", path) < size;
    return (!exists || is_plain(&is)) && parent_of(folder, size, path);
}

uint32_t ft_heard_listen(struct ft_heard *heard, const char *path)
{
    char folder[PATH_MAX], again[PATH_MAX];
    close_old(heard);
    if (heard->fd < 0)
        heard->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (heard->fd < 0 || !place_of(folder, sizeof folder, path) || !ft_heard_is_installed(folder))
        return 0;
    const struct folder *found = folder_of(heard, folder);
    bool is_there = place_of(again, sizeof again, path) && strcmp(folder, again) == 0;
    return found != NULL && found->is_heard && is_there ? found->number : 0;
}

/* ---- what is heard ---- */

/* Whether a folder of which something is heard is named by an event. */
static bool is_of_known(const struct ft_heard *heard, const struct folder *folder, const char *name)
{
    char path[PATH_MAX];
    return (size_t)snprintf(path, sizeof path, "%s/%s", folder->path, name) >= sizeof path ||
           known(heard, path) != NULL;
}

/* Returns false: another folder may be under a path now, or none, or somebody is kept out of it. */
static bool take(struct ft_heard *heard, const struct inotify_event *event)
{
    if (event->wd < 0 || (size_t)event->wd >= heard->watches || heard->by_watch[event->wd] == 0 ||
        event->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF))
        return false;
    struct folder *folder = heard->folders[heard->by_watch[event->wd] - heard->first];
    bool is_itself = event->len == 0;
    bool is_folder = event->mask & (IN_ATTRIB | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO) &&
                     (is_itself || event->mask & IN_ISDIR);
    folder->changed = heard->now;
    return !is_folder || (!is_itself && !is_of_known(heard, folder, event->name));
}

static bool take_all(struct ft_heard *heard)
{
    union {
        struct inotify_event first;
        char bytes[EVENTS_SIZE];
    } buffer;
    ssize_t got;
    heard->now++;
    while ((got = read(heard->fd, buffer.bytes, sizeof buffer.bytes)) > 0)
        for (ssize_t at = 0; at < got;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)(buffer.bytes + at);
            if (!take(heard, event))
                return false;
            at += (ssize_t)(sizeof *event + event->len);
        }
    return got < 0 && errno == EAGAIN;
}

/* Whether the uppermost folders are where they were, so that all others are, too. */
static bool are_in_place(const struct ft_heard *heard)
{
    for (size_t i = 0; i < heard->count; i++) {
        const struct folder *folder = heard->folders[i];
        struct where is;
        if (folder->is_top && folder->is_heard &&
            (!find(&is, AT_FDCWD, folder->path) || memcmp(&is, &folder->where, sizeof is) != 0))
            return false;
    }
    return true;
}

uint32_t ft_heard_update(struct ft_heard *heard)
{
    struct pollfd ready[] = {{heard->fd, POLLIN, 0}, {heard->mounts, POLLPRI, 0}};
    int count = poll(ready, 2, 0);
    if (count < 0 || ready[1].revents != 0 || (ready[0].revents != 0 && !take_all(heard)) || !are_in_place(heard))
        give_up(heard);
    return heard->now;
}

bool ft_heard_nothing(const struct ft_heard *heard, uint32_t folder, uint32_t since)
{
    return folder >= heard->first && heard->folders[folder - heard->first]->changed <= since;
}

/* ---- its life ---- */

struct ft_heard *ft_heard_new(void)
{
    struct ft_heard *heard = calloc(1, sizeof *heard);
    if (heard == NULL)
        return NULL;
    *heard = (struct ft_heard){.fd = -1, .old_fd = -1, .first = 1};
    heard->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    give_up(heard);
    if (heard->mounts >= 0 && heard->fd >= 0)
        return heard;
    ft_heard_free(heard);
    return NULL;
}

void ft_heard_free(struct ft_heard *heard)
{
    if (heard == NULL)
        return;
    give_up(heard);
    close_old(heard);
    if (heard->fd >= 0)
        close(heard->fd);
    if (heard->mounts >= 0)
        close(heard->mounts);
    free(heard->folders);
    free(heard->by_watch);
    free(heard);
}

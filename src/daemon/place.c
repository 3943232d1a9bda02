#include "daemon/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "wire/fds.h"

enum { BACKLOG = 128, NAME_SIZE = 32, TRIES = 16 };

/* ---- the folder ---- */

static int check_folder(const char *path, const struct stat *st, char *problem, size_t size)
{
    if (S_ISDIR(st->st_mode) && st->st_uid == geteuid() && (st->st_mode & 077) == 0)
        return 0;
    if (!S_ISDIR(st->st_mode))
        snprintf(problem, size, "%s is no folder", path);
    else if (st->st_uid != geteuid())
        snprintf(problem, size, "%s is somebody else's", path);
    else
        snprintf(problem, size, "%s can be used by others: chmod 700 it", path);
    return -EPERM;
}

/* Open or make the folder, which must be ours alone. */
static int open_folder(struct ft_place *place, char *problem, size_t size)
{
    struct stat st;
    if (mkdir(place->path, 0700) < 0 && errno != EEXIST) {
        int err = errno;
        snprintf(problem, size, "cannot make %s: %s", place->path, strerror(err));
        return -err;
    }
    place->folder = open(place->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (place->folder < 0 || fstat(place->folder, &st) < 0) {
        int err = errno;
        if (lstat(place->path, &st) == 0 && check_folder(place->path, &st, problem, size) < 0)
            return -EPERM;
        snprintf(problem, size, "cannot open %s: %s", place->path, strerror(err));
        return -err;
    }
    return check_folder(place->path, &st, problem, size);
}

/* Whether a folder is there and ours: the variable may be left of another login, or of another user. */
static bool is_own_folder(const char *path)
{
    struct stat st;
    return path != NULL && path[0] == '/' && stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

static int folder_path(const char *folder, char *path, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *temporary = getenv("TMPDIR");
    int n;
    if (folder != NULL)
        n = snprintf(path, size, "%s", folder);
    else if (is_own_folder(runtime))
        n = snprintf(path, size, "%s/fleetest", runtime);
    else
        n = snprintf(path, size, "%s/fleetest-%u", temporary != NULL && temporary[0] == '/' ? temporary : "/tmp",
                     (unsigned)geteuid());
    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int ft_place_open(struct ft_place *place, const char *folder, const char *python, char *problem, size_t size)
{
    *place = (struct ft_place){.folder = -1};
    int err = folder_path(folder, place->path, sizeof place->path);
    if (err < 0) {
        snprintf(problem, size, "the path of the folder for sockets is too long");
        return err;
    }
    if (python != NULL) {
        XXH64_hash_t hash = XXH3_64bits_withSeed(python, strlen(python), XXH3_64bits(FT_VERSION, sizeof FT_VERSION));
        snprintf(place->name, sizeof place->name, "%016llx", (unsigned long long)hash);
    }
    err = open_folder(place, problem, size);
    if (err < 0)
        ft_place_release(place);
    return err;
}

void ft_place_release(struct ft_place *place)
{
    if (place->folder >= 0)
        close(place->folder);
    place->folder = -1;
}

/* ---- what is in it ---- */

static const char *file_name(const struct ft_place *place, const char *suffix, char *name)
{
    snprintf(name, NAME_SIZE, "%s.%s", place->name, suffix);
    return name;
}

/* A path by way of the descriptor: the folder's own may be longer than an address can be. */
static socklen_t address_of(const struct ft_place *place, const char *name, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", place->folder, name);
    return sizeof *address;
}

/* A stream socket out of the way of the descriptors that tests may count on. */
static int make_socket(int flags)
{
    int low = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    return low < 0 ? -errno : ft_fds_raise(low);
}

int ft_place_connect(const struct ft_place *place)
{
    char name[NAME_SIZE];
    struct sockaddr_un address;
    int fd = make_socket(SOCK_NONBLOCK);
    if (fd < 0)
        return fd;
    socklen_t len = address_of(place, file_name(place, "sock", name), &address);
    if (connect(fd, (struct sockaddr *)&address, len) == 0)
        return fd;
    int err = errno;
    close(fd);
    return -err;
}

int ft_place_lock(const struct ft_place *place)
{
    char name[NAME_SIZE];
    struct stat ours, there;
    file_name(place, "lock", name);
    for (int i = 0; i < TRIES; i++) {
        int fd = openat(place->folder, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            int err = errno;
            close(fd);
            return -err;
        }
        /* Somebody may have removed the file between our two calls; the lock of no name is worth nothing. */
        if (fstat(fd, &ours) == 0 && fstatat(place->folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
            ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
            return fd;
        close(fd);
    }
    return -EAGAIN;
}

int ft_place_listen(const struct ft_place *place)
{
    char name[NAME_SIZE], temporary[NAME_SIZE];
    struct sockaddr_un address;
    int fd = make_socket(SOCK_NONBLOCK);
    if (fd < 0)
        return fd;
    file_name(place, "sock", name);
    file_name(place, "new", temporary);
    unlinkat(place->folder, temporary, 0);
    socklen_t len = address_of(place, temporary, &address);
    /* It gets its name only once somebody listens: a client must not find one that refuses. */
    if (bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, BACKLOG) == 0 &&
        renameat(place->folder, temporary, place->folder, name) == 0)
        return fd;
    int err = errno;
    unlinkat(place->folder, temporary, 0);
    close(fd);
    return -err;
}

int ft_place_log(const struct ft_place *place, off_t keep)
{
    char name[NAME_SIZE];
    struct stat st;
    file_name(place, "log", name);
    int fd = openat(place->folder, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) == 0 && st.st_size > keep && ftruncate(fd, 0) < 0) {
        int err = errno;
        close(fd);
        return -err;
    }
    return fd;
}

int ft_place_open_log(const struct ft_place *place)
{
    char name[NAME_SIZE];
    int fd = openat(place->folder, file_name(place, "log", name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

int ft_place_stat_socket(const struct ft_place *place, struct stat *status)
{
    char name[NAME_SIZE];
    return fstatat(place->folder, file_name(place, "sock", name), status, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

void ft_place_clear(const struct ft_place *place)
{
    char name[NAME_SIZE];
    unlinkat(place->folder, file_name(place, "sock", name), 0);
    unlinkat(place->folder, file_name(place, "lock", name), 0);
}

int ft_place_build(char *build, size_t size)
{
    struct stat st;
    if (stat("/proc/self/exe", &st) < 0)
        return -errno;
    snprintf(build, size, FT_VERSION " %llx:%llx:%lld.%09ld", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    return 0;
}

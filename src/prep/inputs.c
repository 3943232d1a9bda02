#include "prep/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Two changes within it may have the same time, in ns; a kernel with 100 ticks a second has 10 ms. */
#define CLOCK_TICK 20000000

static const char byte_code[] = "__pycache__";

static int64_t nanoseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

/* The names in a folder as one number, in whatever order they come; 0: it cannot be read. */
static uint64_t names_in(const char *path)
{
    uint64_t sum = 0;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (strcmp(entry->d_name, byte_code) != 0)
            sum += XXH3_64bits(entry->d_name, strlen(entry->d_name));
    closedir(folder);
    return sum;
}

/* What there is to say of a file now; of a folder all but the names in it. */
static struct ft_input look(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return (struct ft_input){.exists = false};
    return (struct ft_input){
        .exists = true,
        .mode = st.st_mode,
        .device = st.st_dev,
        .inode = st.st_ino,
        .content = S_ISDIR(st.st_mode) ? 0 : (uint64_t)st.st_size,
        .modified = nanoseconds(&st.st_mtim),
        .changed = nanoseconds(&st.st_ctim),
    };
}

static bool same_file(const struct ft_input *was, const struct ft_input *is)
{
    return was->exists == is->exists && was->mode == is->mode && was->device == is->device &&
           was->inode == is->inode;
}

/*
 * When an entry was changed, or made if it is a folder: the first import makes the byte code's folder in each
 * package's, which changes that one.
 */
static int64_t age_of(int folder, const char *name)
{
    struct statx st;
    if (statx(folder, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_CTIME | STATX_BTIME, &st) < 0)
        return INT64_MIN;
    const struct statx_timestamp *time = &st.stx_ctime;
    if (S_ISDIR(st.stx_mode) && st.stx_mask & STATX_BTIME)
        time = &st.stx_btime;
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static bool has_young(const char *path, int64_t since)
{
    bool young = false;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && !young && (entry = readdir(folder)) != NULL;)
        if (strcmp(entry->d_name, byte_code) != 0 && strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0)
            young = age_of(dirfd(folder), entry->d_name) >= since;
    if (folder != NULL)
        closedir(folder);
    return young;
}

/* Whether a folder is another than it was; if it is not, that is known more quickly the next time. */
static bool folder_changed(struct ft_input *was, const struct ft_input *is, const char *path, int64_t since)
{
    struct timespec now;
    if (was->checked && was->modified == is->modified && was->changed == is->changed)
        return false;
    clock_gettime(CLOCK_REALTIME, &now);
    if (names_in(path) != was->content || (was->kind == FT_INPUT_INSTALLED && has_young(path, since)))
        return true;
    was->modified = is->modified;
    was->changed = is->changed;
    was->checked = is->changed + CLOCK_TICK < nanoseconds(&now);
    return false;
}

int ft_inputs_add(struct ft_inputs *inputs, enum ft_input_kind kind, const char *path, size_t len)
{
    if (inputs->count == inputs->cap) {
        size_t cap = inputs->cap == 0 ? 256 : 2 * inputs->cap;
        struct ft_input *items = realloc(inputs->items, cap * sizeof *items);
        if (items == NULL)
            return -ENOMEM;
        inputs->items = items;
        inputs->cap = cap;
    }
    size_t begin = inputs->paths.len;
    int err = ft_buf_reserve(&inputs->paths, len + 1);
    if (err < 0)
        return err;
    ft_buf_append(&inputs->paths, path, len);
    ft_buf_append(&inputs->paths, "", 1);
    const char *added = (const char *)ft_buf_head(&inputs->paths) + begin;
    struct ft_input input = look(added);
    input.kind = kind;
    input.path = begin;
    if (S_ISDIR(input.mode) && (kind == FT_INPUT_NAMES || kind == FT_INPUT_INSTALLED))
        input.content = names_in(added);
    inputs->items[inputs->count++] = input;
    return 0;
}

int ft_inputs_add_all(int err, struct ft_inputs *inputs, enum ft_input_kind kind, const struct ft_texts *paths)
{
    for (size_t i = 0; err == 0 && i < paths->count; i++)
        err = ft_inputs_add(inputs, kind, paths->items[i].at, paths->items[i].len);
    return err;
}

/* Whether a path is another than it was; it may have been changed after `since`, but before it was added. */
static bool changed(struct ft_input *was, const char *path, int64_t since)
{
    struct ft_input is = look(path);
    if (was->kind == FT_INPUT_PRESENCE)
        return is.exists != was->exists || ((is.mode ^ was->mode) & S_IFMT) != 0;
    if (!same_file(was, &is))
        return true;
    if (S_ISDIR(is.mode))
        return was->kind != FT_INPUT_FILE && folder_changed(was, &is, path, since);
    return is.content != was->content || is.modified != was->modified || is.changed != was->changed ||
           is.changed >= since;
}

const char *ft_inputs_changed(struct ft_inputs *inputs, int64_t since)
{
    for (size_t i = 0; i < inputs->count; i++) {
        const char *path = (const char *)ft_buf_head(&inputs->paths) + inputs->items[i].path;
        if (changed(&inputs->items[i], path, since))
            return path;
    }
    return NULL;
}

void ft_inputs_release(struct ft_inputs *inputs)
{
    ft_buf_release(&inputs->paths);
    free(inputs->items);
    *inputs = (struct ft_inputs)FT_INPUTS_INIT;
}

#include "prep/inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "prep/listing.h"

/* What is done with the inputs of a kind. */
struct kind {
    /* Say what there is. */
    void (*describe)(struct ft_input *input, const char *path);
    /* Whether it is another than it was; `since` as for ft_inputs_changed(). */
    bool (*changed)(struct ft_input *was, const char *path, int64_t since);
    /* Whether it may have been changed since; NULL: that is asked when it is checked, or does not matter. */
    bool (*is_young)(const struct ft_input *input, const char *path, int64_t since);
    /* Which names in a folder count; NULL: none. */
    ft_counts *counts;
    /* Whether what is there is not what somebody saw; NULL: that is asked when it is checked. */
    bool (*is_another)(const struct ft_filestat *seen, const struct ft_filestat *is);
};

static const struct kind *kind_of(const struct ft_input *input);

/* What is there is the same, and is now known by this status. */
static void adopt(struct ft_input *was, const struct ft_filestat *is, int64_t now)
{
    was->status = *is;
    was->settled = !ft_time_is_young(is->changed, now);
}

/* ---- status alone ---- */

static void describe_status(struct ft_input *input, const char *path)
{
    input->status = ft_filestat_of(path, true);
}

static bool presence_changed(struct ft_input *was, const char *path, int64_t since)
{
    struct ft_filestat is = ft_filestat_of(path, true);
    (void)since;
    return !ft_filestat_same_type(&was->status, &is);
}

static bool is_same_file(const struct ft_filestat *was, const struct ft_filestat *is)
{
    return was->exists == is->exists && was->mode == is->mode && was->device == is->device &&
           was->inode == is->inode;
}

static bool is_of_another_type(const struct ft_filestat *seen, const struct ft_filestat *is)
{
    return !ft_filestat_same_type(seen, is);
}

/* The owner, which was not told, does not change without the time of the last change. */
static bool is_in_another_state(const struct ft_filestat *seen, const struct ft_filestat *is)
{
    return seen->exists != is->exists || seen->mode != is->mode || seen->device != is->device ||
           seen->inode != is->inode || seen->size != is->size || seen->modified != is->modified ||
           seen->changed != is->changed;
}

static bool is_another_file(const struct ft_filestat *seen, const struct ft_filestat *is)
{
    return S_ISDIR(is->mode) ? is_of_another_type(seen, is) : is_in_another_state(seen, is);
}

static bool is_another_link(const struct ft_filestat *seen, const struct ft_filestat *is)
{
    return S_ISLNK(is->mode) ? is_in_another_state(seen, is) : is_of_another_type(seen, is);
}

static bool is_another_folder(const struct ft_filestat *seen, const struct ft_filestat *is)
{
    return S_ISDIR(is->mode) ? is_in_another_state(seen, is) : is_of_another_type(seen, is);
}

static bool status_changed(struct ft_input *was, const char *path, int64_t since)
{
    struct ft_filestat is = ft_filestat_of(path, true);
    (void)since;
    return !ft_filestat_same(&was->status, &is);
}

static bool is_young_status(const struct ft_input *input, const char *path, int64_t since)
{
    (void)path;
    return input->status.exists && ft_time_is_young(input->status.changed, since);
}

/* A folder changes with what is made in it. */
static bool is_young_file(const struct ft_input *input, const char *path, int64_t since)
{
    (void)path;
    return input->status.exists && !S_ISDIR(input->status.mode) && ft_time_is_young(input->status.changed, since);
}

/* ---- status instead of content ---- */

static void describe_names(struct ft_input *input, const char *path)
{
    input->status = ft_filestat_of(path, true);
    if (S_ISDIR(input->status.mode))
        input->content = ft_listing_names(path, kind_of(input)->counts);
}

/* Whether a folder is another than it was; if it is not, that is known more quickly the next time. */
static bool folder_changed(struct ft_input *was, const struct ft_filestat *is, const char *path, int64_t since)
{
    ft_counts *counts = kind_of(was)->counts;
    if (was->settled && was->status.modified == is->modified && was->status.changed == is->changed)
        return false;
    int64_t now = ft_file_clock();
    if (ft_listing_names(path, counts) != was->content ||
        (was->kind == FT_INPUT_INSTALLED && ft_listing_youth(path, counts, since).counted))
        return true;
    adopt(was, is, now);
    return false;
}

/* It may have been changed after `since`, but before it was added. */
static bool file_changed(struct ft_input *was, const char *path, int64_t since)
{
    struct ft_filestat is = ft_filestat_of(path, true);
    if (!is_same_file(&was->status, &is))
        return true;
    if (S_ISDIR(is.mode))
        return kind_of(was)->counts != NULL && folder_changed(was, &is, path, since);
    return is.size != was->status.size || is.modified != was->status.modified ||
           is.changed != was->status.changed || (is.exists && ft_time_past(is.changed) > since);
}

/* ---- content ---- */

/*
 * The content first and then the status: if it is changed between, the status is young, which is noticed in the one or
 * the other way.
 */
static void describe_content(struct ft_input *input, const char *path)
{
    int64_t now = ft_file_clock();
    struct ft_filestat status = ft_filestat_of(path, true);
    if (S_ISREG(status.mode)) {
        input->content = ft_file_content(path);
        status = ft_filestat_of(path, true);
    }
    adopt(input, &status, now);
}

static bool content_changed(struct ft_input *was, const char *path, int64_t since)
{
    struct ft_filestat is = ft_filestat_of(path, true);
    (void)since;
    if (!ft_filestat_same_type(&was->status, &is))
        return true;
    if (S_ISDIR(is.mode) || (was->settled && ft_filestat_same(&was->status, &is)))
        return false;
    if (was->status.mode != is.mode || was->status.size != is.size)
        return true;
    if (S_ISREG(is.mode)) {
        int64_t now = ft_file_clock();
        if (ft_file_content(path) != was->content)
            return true;
        adopt(was, &is, now);
    }
    return false;
}

/* ---- links ---- */

static void describe_link(struct ft_input *input, const char *path)
{
    input->status = ft_filestat_of(path, false);
    if (S_ISLNK(input->status.mode)) {
        input->content = ft_link_target(path);
        input->status = ft_filestat_of(path, false);
    }
}

/* Where a link goes is always asked: those of /proc change and nothing tells of it. */
static bool target_changed(const struct ft_input *was, const struct ft_filestat *is, const char *path)
{
    return !ft_filestat_same_type(&was->status, is) || (S_ISLNK(is->mode) && ft_link_target(path) != was->content);
}

static bool link_changed(struct ft_input *was, const char *path, int64_t since)
{
    struct ft_filestat is = ft_filestat_of(path, false);
    (void)since;
    return target_changed(was, &is, path);
}

static bool lstatus_changed(struct ft_input *was, const char *path, int64_t since)
{
    struct ft_filestat is = ft_filestat_of(path, false);
    (void)since;
    return !ft_filestat_same(&was->status, &is) || target_changed(was, &is, path);
}

static bool is_young_link(const struct ft_input *input, const char *path, int64_t since)
{
    (void)path;
    return S_ISLNK(input->status.mode) && ft_time_is_young(input->status.changed, since);
}

/* ---- listings ---- */

static uint64_t names_of(const struct ft_input *input, const char *path)
{
    ft_counts *counts = kind_of(input)->counts;
    return input->kind == FT_INPUT_ORDER ? ft_listing_order(path, counts) : ft_listing_names(path, counts);
}

/* The status last, as for the content. */
static void describe_listing(struct ft_input *input, const char *path)
{
    int64_t now = ft_file_clock();
    uint64_t names = names_of(input, path);
    struct ft_filestat status = ft_filestat_of(path, true);
    if (S_ISDIR(status.mode))
        input->content = names;
    adopt(input, &status, now);
}

static bool listing_changed(struct ft_input *was, const char *path, int64_t since)
{
    struct ft_filestat is = ft_filestat_of(path, true);
    (void)since;
    if (!ft_filestat_same_type(&was->status, &is))
        return true;
    if (!S_ISDIR(is.mode) || (was->settled && ft_filestat_same(&was->status, &is)))
        return false;
    int64_t now = ft_file_clock();
    if (names_of(was, path) != was->content)
        return true;
    adopt(was, &is, now);
    return false;
}

/*
 * No name comes, goes or is replaced without a change of the folder, which also comes from what does not count; if
 * nothing is there that explains the change, a name may have been taken out.
 */
static bool is_young_listing(const struct ft_input *input, const char *path, int64_t since)
{
    if (!S_ISDIR(input->status.mode) || !ft_time_is_young(input->status.changed, since))
        return false;
    struct ft_listing_youth young = ft_listing_youth(path, kind_of(input)->counts, ft_earliest(since));
    return young.counted || !young.other;
}

/* ---- all kinds ---- */

static const struct kind kinds[] = {
    [FT_INPUT_PRESENCE] = {describe_status, presence_changed, NULL, NULL, is_of_another_type},
    [FT_INPUT_FILE] = {describe_status, file_changed, NULL, NULL, NULL},
    [FT_INPUT_NAMES] = {describe_names, file_changed, NULL, ft_counts_but_byte_code, NULL},
    [FT_INPUT_INSTALLED] = {describe_names, file_changed, NULL, ft_counts_but_byte_code, NULL},
    [FT_INPUT_CONTENT] = {describe_content, content_changed, is_young_file, NULL, is_another_file},
    [FT_INPUT_STATUS] = {describe_status, status_changed, is_young_status, NULL, is_in_another_state},
    [FT_INPUT_LINK] = {describe_link, link_changed, is_young_link, NULL, is_another_link},
    [FT_INPUT_LSTATUS] = {describe_link, lstatus_changed, is_young_status, NULL, is_in_another_state},
    [FT_INPUT_MODULES] = {describe_listing, listing_changed, is_young_listing, ft_counts_module, is_another_folder},
    [FT_INPUT_TESTS] = {describe_listing, listing_changed, is_young_listing, ft_counts_test, is_another_folder},
    [FT_INPUT_ALL_NAMES] = {describe_listing, listing_changed, is_young_listing, ft_counts_all, is_another_folder},
    [FT_INPUT_ORDER] = {describe_listing, listing_changed, is_young_listing, ft_counts_all, is_another_folder},
};

static const struct kind *kind_of(const struct ft_input *input)
{
    return &kinds[input->kind];
}

bool ft_input_is_kind(uint64_t number)
{
    return number < sizeof kinds / sizeof kinds[0] && kinds[number].describe != NULL;
}

const char *ft_inputs_path(const struct ft_inputs *inputs, const struct ft_input *input)
{
    return (const char *)ft_buf_head(&inputs->paths) + input->path;
}

static int reserve_item(struct ft_inputs *inputs)
{
    if (inputs->count < inputs->cap)
        return 0;
    size_t cap = inputs->cap == 0 ? 256 : 2 * inputs->cap;
    struct ft_input *items = realloc(inputs->items, cap * sizeof *items);
    if (items == NULL)
        return -ENOMEM;
    inputs->items = items;
    inputs->cap = cap;
    return 0;
}

int ft_inputs_append(struct ft_inputs *inputs, const struct ft_input *input, const char *path, size_t len)
{
    size_t begin = inputs->paths.len;
    int err = reserve_item(inputs);
    if (err == 0)
        err = ft_buf_reserve(&inputs->paths, len + 1);
    if (err < 0)
        return err;
    ft_buf_append(&inputs->paths, path, len);
    ft_buf_append(&inputs->paths, "", 1);
    inputs->items[inputs->count] = *input;
    inputs->items[inputs->count++].path = begin;
    return 0;
}

/* The last one, as it is now. */
static struct ft_input *describe_last(struct ft_inputs *inputs)
{
    struct ft_input *input = &inputs->items[inputs->count - 1];
    kind_of(input)->describe(input, ft_inputs_path(inputs, input));
    return input;
}

int ft_inputs_add(struct ft_inputs *inputs, enum ft_input_kind kind, const char *path, size_t len)
{
    int err = ft_inputs_append(inputs, &(struct ft_input){.kind = kind}, path, len);
    if (err == 0)
        describe_last(inputs);
    return err;
}

int ft_inputs_add_all(int err, struct ft_inputs *inputs, enum ft_input_kind kind, const struct ft_texts *paths)
{
    for (size_t i = 0; err == 0 && i < paths->count; i++)
        err = ft_inputs_add(inputs, kind, paths->items[i].at, paths->items[i].len);
    return err;
}

int ft_inputs_take(struct ft_inputs *inputs, enum ft_input_kind kind, const char *path, size_t len,
                   const struct ft_sight *sight, bool *changed)
{
    int err = ft_inputs_append(inputs, &(struct ft_input){.kind = kind}, path, len);
    *changed = false;
    if (err < 0)
        return err;
    const struct ft_input *input = describe_last(inputs);
    const struct kind *of = &kinds[kind];
    *changed = (of->is_another != NULL && sight->seen != NULL && of->is_another(sight->seen, &input->status)) ||
               (of->is_young != NULL && of->is_young(input, ft_inputs_path(inputs, input), sight->since));
    return 0;
}

static bool has_changed(const struct ft_inputs *inputs, struct ft_input *input, int64_t since)
{
    return kind_of(input)->changed(input, ft_inputs_path(inputs, input), since);
}

size_t ft_inputs_first_changed(struct ft_inputs *inputs, int64_t since)
{
    struct ft_heard *heard = inputs->heard;
    if (heard != NULL)
        ft_heard_update(heard);
    for (size_t i = 0; i < inputs->count; i++) {
        struct ft_input *input = &inputs->items[i];
        if (heard != NULL && input->folder != 0 && ft_heard_nothing(heard, input->folder, input->checked))
            continue;
        if (has_changed(inputs, input, since))
            return i;
        if (heard != NULL && input->folder != 0) { /* it may be a link by now */
            input->folder = 0;
            inputs->listened = i < inputs->listened ? i : inputs->listened;
        }
    }
    return SIZE_MAX;
}

void ft_inputs_listen(struct ft_inputs *inputs, size_t most, int64_t since)
{
    struct ft_heard *heard = inputs->heard;
    uint32_t now = ft_heard_update(heard);
    for (; most > 0 && inputs->listened < inputs->count; most--, inputs->listened++) {
        struct ft_input *input = &inputs->items[inputs->listened];
        const char *path = ft_inputs_path(inputs, input);
        uint32_t folder = input->folder == 0 && ft_heard_is_installed(path) ? ft_heard_listen(heard, path) : 0;
        if (folder == 0 || has_changed(inputs, input, since))
            continue;
        input->folder = folder;
        input->checked = now;
    }
}

const char *ft_inputs_changed(struct ft_inputs *inputs, int64_t since)
{
    size_t first = ft_inputs_first_changed(inputs, since);
    return first == SIZE_MAX ? NULL : ft_inputs_path(inputs, &inputs->items[first]);
}

int ft_inputs_append_first(struct ft_inputs *inputs, const struct ft_inputs *others, size_t count)
{
    int err = 0;
    for (size_t i = 0; err == 0 && i < count; i++) {
        const char *path = ft_inputs_path(others, &others->items[i]);
        err = ft_inputs_append(inputs, &others->items[i], path, strlen(path));
    }
    return err;
}

void ft_inputs_release(struct ft_inputs *inputs)
{
    ft_buf_release(&inputs->paths);
    free(inputs->items);
    *inputs = (struct ft_inputs)FT_INPUTS_INIT;
}

/* For the tests of prep/inputs: files with times, and the one input that is described and checked. */
#ifndef TESTS_UNIT_INPUTS_CHECK_H
#define TESTS_UNIT_INPUTS_CHECK_H

#include <time.h>

#include "prep/inputs.h"
#include "scratch.h"

/* No file is changed so late. */
#define NO_SINCE INT64_MAX

static const struct timespec long_ago = {1000000000, 5}, later = {1000000001, 5};

static inline int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static inline void set_modified(struct scratch *scratch, const char *name, struct timespec modified)
{
    struct timespec times[2] = {modified, modified};
    assert_int_equal(utimensat(AT_FDCWD, scratch_path(scratch, name), times, AT_SYMLINK_NOFOLLOW), 0);
}

static inline struct stat status_of(struct scratch *scratch, const char *name)
{
    struct stat st;
    assert_int_equal(lstat(scratch_path(scratch, name), &st), 0);
    return st;
}

static inline void make_folder(struct scratch *scratch, const char *name)
{
    assert_int_equal(mkdir(scratch_path(scratch, name), 0700), 0);
}

static inline void make_link(struct scratch *scratch, const char *target, const char *name)
{
    assert_int_equal(symlink(target, scratch_path(scratch, name)), 0);
}

static inline void remove_file(struct scratch *scratch, const char *name)
{
    assert_int_equal(unlink(scratch_path(scratch, name)), 0);
}

static inline void rename_over(struct scratch *scratch, const char *from, const char *to)
{
    char old[PATH_MAX];
    snprintf(old, sizeof old, "%s", scratch_path(scratch, from));
    assert_int_equal(rename(old, scratch_path(scratch, to)), 0);
}

/* Until a change would have another time than the last one of the file: the clock of files goes on in ticks. */
static inline void wait_until_settled(struct scratch *scratch, const char *name)
{
    int64_t changed = nanoseconds(status_of(scratch, name).st_ctim);
    while (ft_file_clock() < ft_time_past(changed) + FT_CLOCK_SKEW)
        ;
}

static inline struct ft_inputs input_of_kind(struct scratch *scratch, enum ft_input_kind kind, const char *name)
{
    struct ft_inputs inputs = FT_INPUTS_INIT;
    const char *path = scratch_path(scratch, name);
    assert_int_equal(ft_inputs_add(&inputs, kind, path, strlen(path)), 0);
    return inputs;
}

/* Whether what is taken now may have been changed since. */
static inline bool is_young(struct scratch *scratch, enum ft_input_kind kind, const char *name, int64_t since)
{
    struct ft_inputs inputs = FT_INPUTS_INIT;
    const char *path = scratch_path(scratch, name);
    bool changed = true;
    struct ft_sight sight = {since, NULL};
    assert_int_equal(ft_inputs_take(&inputs, kind, path, strlen(path), &sight, &changed), 0);
    assert_int_equal(inputs.count, 1);
    assert_null(ft_inputs_changed(&inputs, since));
    ft_inputs_release(&inputs);
    return changed;
}

static inline void check_same(struct ft_inputs *inputs)
{
    assert_null(ft_inputs_changed(inputs, 1));
    assert_null(ft_inputs_changed(inputs, NO_SINCE));
}

/* And release it. */
static inline void check_changed(struct scratch *scratch, struct ft_inputs *inputs, const char *name)
{
    const char *changed = ft_inputs_changed(inputs, NO_SINCE);
    assert_non_null(changed);
    assert_string_equal(changed, scratch_path(scratch, name));
    ft_inputs_release(inputs);
}

#endif

/* A temporary folder for the tests that need files, and a count of the descriptors that are open. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"

struct scratch {
    char folder[64];
    char path[PATH_MAX];
};

/* For the setup of a test. */
static inline int make_scratch(void **state)
{
    struct scratch *scratch = calloc(1, sizeof *scratch);
    if (scratch == NULL)
        return -1;
    alarm(DEADLINE_SECONDS);
    snprintf(scratch->folder, sizeof scratch->folder, "/tmp/fleetest-unit-XXXXXX");
    if (mkdtemp(scratch->folder) == NULL) {
        free(scratch);
        return -1;
    }
    *state = scratch;
    return 0;
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

/* For its teardown. */
static inline int remove_scratch(void **state)
{
    struct scratch *scratch = *state;
    int err = nftw(scratch->folder, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(scratch);
    return err;
}

/* The path of something in the folder, valid until the next call. */
static inline const char *scratch_path(struct scratch *scratch, const char *name)
{
    int n = snprintf(scratch->path, sizeof scratch->path, "%s/%s", scratch->folder, name);
    assert_in_range(n, 1, sizeof scratch->path - 1);
    return scratch->path;
}

/* Write a file in the folder from its beginning; what it held beyond that stays. */
static inline void scratch_write(struct scratch *scratch, const char *name, const char *text)
{
    int fd = open(scratch_path(scratch, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_in_range(fd, 0, INT_MAX);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

/* For a list of tests. */
#define WITH_SCRATCH(name) cmocka_unit_test_setup_teardown(name, make_scratch, remove_scratch)

static inline unsigned open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    assert_int_equal(closedir(folder), 0);
    return count;
}

#endif

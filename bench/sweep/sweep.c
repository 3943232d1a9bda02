/*
 * Measures how long it takes to compare what a snapshot has read, before a run: 5,000 inputs of which 500 are the
 * project's and the others of installed packages.  Compared are a bare loop of statx() over the same paths, a look at
 * each of them, and what is done where it is heard of changes of installed files.
 *
 *     sweep [--check]     --check: exit 1 if a look at each takes more than 1.3 times the loop, or the last one 1 ms
 */
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "prep/inputs.h"

enum { PROJECT = 500, INSTALLED = 4500, IN_FOLDER = 12, ROUNDS = 101 };

static const double loop_most = 1.3, heard_most = 1.0;

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

static void make_folder(const char *path)
{
    if (mkdir(path, 0700) < 0)
        fail(path);
}

static void add_files(struct ft_inputs *inputs, const char *root, int count)
{
    char folder[PATH_MAX / 2], path[PATH_MAX];
    for (int i = 0; i < count; i++) {
        snprintf(folder, sizeof folder, "%s/package%d", root, i / IN_FOLDER);
        if (i % IN_FOLDER == 0)
            make_folder(folder);
        snprintf(path, sizeof path, "%s/module%d.py", folder, i);
        FILE *file = fopen(path, "w");
        if (file == NULL || fprintf(file, "VALUE = %d\n", i) < 0 || fclose(file) != 0)
            fail(path);
        if (ft_inputs_add(inputs, FT_INPUT_CONTENT, path, strlen(path)) < 0)
            fail("memory");
    }
}

static void make_all(struct ft_inputs *inputs, const char *root)
{
    char path[PATH_MAX / 4];
    snprintf(path, sizeof path, "%s/project", root);
    make_folder(path);
    add_files(inputs, path, PROJECT);
    static const char *const parts[] = {"/venv", "/lib", "/python3.11", "/site-packages"};
    snprintf(path, sizeof path, "%s", root);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        strncat(path, parts[i], sizeof path - strlen(path) - 1);
        make_folder(path);
    }
    add_files(inputs, path, INSTALLED);
}

/* ---- what is compared ---- */

static double bare_loop(struct ft_inputs *inputs)
{
    struct statx st;
    double begun = now_ms();
    for (size_t i = 0; i < inputs->count; i++)
        if (statx(AT_FDCWD, ft_inputs_path(inputs, &inputs->items[i]), 0, STATX_BASIC_STATS, &st) < 0)
            fail("statx");
    return now_ms() - begun;
}

static double compare(struct ft_inputs *inputs)
{
    double begun = now_ms();
    const char *changed = ft_inputs_changed(inputs, INT64_MAX);
    if (changed != NULL)
        fail(changed);
    return now_ms() - begun;
}

static double look_at_each(struct ft_inputs *inputs)
{
    struct ft_heard *heard = inputs->heard;
    inputs->heard = NULL;
    double took = compare(inputs);
    inputs->heard = heard;
    return took;
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_size);
    return values[ROUNDS / 2];
}

int main(int argc, char **argv)
{
    char root[] = "/tmp/fleetest-sweep-XXXXXX";
    double loop[ROUNDS], each[ROUNDS], heard[ROUNDS];
    struct ft_inputs inputs = FT_INPUTS_INIT;
    bool checks = argc == 2 && strcmp(argv[1], "--check") == 0;
    if (argc > 1 && !checks) {
        fprintf(stderr, "usage: sweep [--check]\n");
        return 2;
    }
    if (mkdtemp(root) == NULL)
        fail(root);
    make_all(&inputs, root);
    inputs.heard = ft_heard_new();
    if (inputs.heard == NULL)
        fail("inotify");
    ft_inputs_listen(&inputs, SIZE_MAX, INT64_MAX);
    for (int i = 0; i < ROUNDS; i++) {
        loop[i] = bare_loop(&inputs);
        each[i] = look_at_each(&inputs);
        heard[i] = compare(&inputs);
    }
    double bare = median(loop), whole = median(each), quick = median(heard);
    printf("%d inputs, %d of them the project's; medians of %d rounds\n", INSTALLED + PROJECT, PROJECT, ROUNDS);
    printf("bare loop of statx():      %.3f ms\n", bare);
    printf("a look at each:            %.3f ms, %.2f of it; at most %.1f\n", whole, whole / bare, loop_most);
    printf("nothing heard of packages: %.3f ms, %.2f of it; at most %.1f ms\n", quick, quick / bare, heard_most);
    ft_heard_free(inputs.heard);
    ft_inputs_release(&inputs);
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return checks && (whole / bare > loop_most || quick > heard_most);
}

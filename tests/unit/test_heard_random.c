/* prep/heard against looking at everything: after whatever happens to two installations both say the same. */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "inputs_check.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

enum { STEPS = 12000, SETS = 3, EXCHANGED = RENAME_EXCHANGE };

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const venvs[] = {"venv", "other"};
static const char *const folders[] = {"/lib", "/lib/python3.11", "/lib/python3.11/site-packages",
                                      "/lib/python3.11/site-packages/package",
                                      "/lib/python3.11/site-packages/package/inner"};
static const char *const files[] = {"/lib/python3.11/os.py", "/lib/python3.11/site-packages/six.py",
                                    "/lib/python3.11/site-packages/package/module.py",
                                    "/lib/python3.11/site-packages/package/inner/deep.py",
                                    "/lib/python3.11/site-packages/package/inner/missing.py"};
static const enum ft_input_kind kinds[] = {FT_INPUT_PRESENCE, FT_INPUT_CONTENT, FT_INPUT_STATUS, FT_INPUT_LINK,
                                           FT_INPUT_LSTATUS,  FT_INPUT_MODULES, FT_INPUT_TESTS,  FT_INPUT_ALL_NAMES,
                                           FT_INPUT_ORDER,    FT_INPUT_FILE,    FT_INPUT_NAMES};

struct walk {
    struct scratch *scratch;
    struct ft_heard *heard;
    struct ft_inputs sets[SETS];
    uint64_t state;
    size_t left, all;
};

static unsigned any(struct walk *walk, size_t below)
{
    walk->state = walk->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((walk->state >> 33) % below);
}

static const char *below(struct walk *walk, char *path, size_t size, const char *const *names, size_t count)
{
    snprintf(path, size, "%s/%s%s", walk->scratch->folder, venvs[any(walk, COUNT(venvs))], names[any(walk, count)]);
    return path;
}

/* ---- what happens ---- */

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* Put back what is missing of both. */
static void make_whole(struct walk *walk)
{
    char path[PATH_MAX];
    struct stat is;
    for (size_t v = 0; v < COUNT(venvs); v++) {
        snprintf(path, sizeof path, "%s", scratch_path(walk->scratch, venvs[v]));
        if (lstat(path, &is) == 0 && !S_ISDIR(is.st_mode))
            unlink(path);
        mkdir(path, 0700);
        for (size_t i = 0; i < COUNT(folders); i++) {
            snprintf(path, sizeof path, "%s/%s%s", walk->scratch->folder, venvs[v], folders[i]);
            if (lstat(path, &is) == 0 && !S_ISDIR(is.st_mode))
                unlink(path);
            mkdir(path, 0700);
        }
        for (size_t i = 0; i + 1 < COUNT(files); i++) {
            snprintf(path, sizeof path, "%s/%s%s", walk->scratch->folder, venvs[v], files[i]);
            if (lstat(path, &is) < 0)
                write_text(path, "abc");
        }
    }
}

/* Not all can be done at each time. */
static void happen(struct walk *walk)
{
    char file[PATH_MAX], folder[PATH_MAX], other[PATH_MAX], venv[PATH_MAX], aside[PATH_MAX];
    below(walk, file, sizeof file, files, COUNT(files));
    below(walk, folder, sizeof folder, folders, COUNT(folders));
    if (any(walk, 2) != 0)
        below(walk, other, sizeof other, files, COUNT(files));
    else
        below(walk, other, sizeof other, folders, COUNT(folders));
    snprintf(venv, sizeof venv, "%s", scratch_path(walk->scratch, "venv"));
    snprintf(aside, sizeof aside, "%s", scratch_path(walk->scratch, "aside"));
    int done = 0;
    switch (any(walk, 18)) {
    case 0: done = unlink(file); break;
    case 1: done = rename(file, other); break;
    case 2: done = rename(folder, other); break;
    case 3: done = mkdir(folder, 0700); break;
    case 4: done = rmdir(folder); break;
    case 5: done = chmod(file, any(walk, 2) != 0 ? 0600 : 0640); break;
    case 6: done = truncate(file, any(walk, 4)); break;
    case 7: done = symlink("/dev/null", file); break;
    case 8: done = (int)syscall(SYS_renameat2, AT_FDCWD, folder, AT_FDCWD, other, EXCHANGED); break;
    case 9:
        snprintf(other, sizeof other, "%s", scratch_path(walk->scratch, "other"));
        done = (int)syscall(SYS_renameat2, AT_FDCWD, venv, AT_FDCWD, other, EXCHANGED);
        break;
    case 10: done = rename(venv, aside) == 0 ? symlink("aside", venv) : -1; break;
    case 11: done = unlink(venv) == 0 ? rename(aside, venv) : -1; break;
    default: write_text(file, any(walk, 2) != 0 ? "abc" : "xyz"); break;
    }
    (void)done;
}

/* ---- what is compared ---- */

static void add(struct walk *walk, struct ft_inputs *set, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/venv%s", walk->scratch->folder, name);
    assert_int_equal(ft_inputs_add(set, kinds[any(walk, COUNT(kinds))], path, strlen(path)), 0);
}

static void drop(struct walk *walk, struct ft_inputs *set)
{
    ft_inputs_release(set);
    set->heard = walk->heard;
}

/* A new one, or of what is known of another. */
static void fill(struct walk *walk, unsigned number)
{
    struct ft_inputs *set = &walk->sets[number], *other = &walk->sets[(number + 1) % SETS];
    drop(walk, set);
    if (any(walk, 3) == 0 && other->count > 0) {
        assert_int_equal(ft_inputs_append_first(set, other, 1 + any(walk, other->count)), 0);
        return;
    }
    for (size_t i = 0; i < 3 * COUNT(files); i++) {
        add(walk, set, files[any(walk, COUNT(files))]);
        add(walk, set, folders[any(walk, COUNT(folders))]);
    }
}

static void compare(struct walk *walk, unsigned number)
{
    struct ft_inputs *set = &walk->sets[number], looked = FT_INPUTS_INIT;
    assert_int_equal(ft_inputs_append_first(&looked, set, set->count), 0);
    for (size_t i = 0; i < set->count; i++)
        walk->left += set->items[i].folder != 0;
    walk->all += set->count;
    size_t seen = ft_inputs_first_changed(&looked, NO_SINCE), heard = ft_inputs_first_changed(set, NO_SINCE);
    assert_int_equal(heard, seen);
    ft_inputs_release(&looked);
    if (seen != SIZE_MAX)
        drop(walk, set);
}

static void hearing_and_looking_say_the_same(void **state)
{
    struct walk walk = {.scratch = *state, .heard = ft_heard_new(), .state = 7};
    assert_non_null(walk.heard);
    for (unsigned i = 0; i < SETS; i++)
        drop(&walk, &walk.sets[i]);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned number = any(&walk, SETS);
        if (step == 0 || any(&walk, 6) == 0)
            make_whole(&walk);
        if (walk.sets[number].count == 0 || any(&walk, 6) == 0)
            fill(&walk, number);
        if (any(&walk, 2) != 0)
            ft_inputs_listen(&walk.sets[number], 1 + any(&walk, 60), NO_SINCE);
        if (any(&walk, 3) == 0)
            happen(&walk);
        if (any(&walk, 2) != 0)
            ft_inputs_listen(&walk.sets[number], 1 + any(&walk, 60), NO_SINCE);
        compare(&walk, number);
    }
    assert_true(walk.left > walk.all / 8);
    for (unsigned i = 0; i < SETS; i++)
        ft_inputs_release(&walk.sets[i]);
    ft_heard_free(walk.heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_SCRATCH(hearing_and_looking_say_the_same)};
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

/* cli/python: where the interpreter is looked for, in which order. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "cli/python.h"

struct place {
    char root[64];
    char *old_path, *old_env;
    char found[PATH_MAX], error[PATH_MAX];
};

static char *copy(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    if (place == NULL)
        return -1;
    alarm(DEADLINE_SECONDS);
    snprintf(place->root, sizeof place->root, "/tmp/fleetest-python-XXXXXX");
    if (mkdtemp(place->root) == NULL)
        return -1;
    place->old_path = copy(getenv("PATH"));
    place->old_env = copy(getenv("VIRTUAL_ENV"));
    setenv("PATH", place->root, 1);
    unsetenv("VIRTUAL_ENV");
    *state = place;
    return 0;
}

static const char *const made[] = {"python", "python3", "other", "plain", "bin/python", "bin/python3", "bin", ""};

static int remove_place(void **state)
{
    struct place *place = *state;
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", place->root, made[i]);
        remove(path);
    }
    if (place->old_path != NULL)
        setenv("PATH", place->old_path, 1);
    if (place->old_env != NULL)
        setenv("VIRTUAL_ENV", place->old_env, 1);
    free(place->old_path);
    free(place->old_env);
    free(place);
    return 0;
}

/* A file below the place; its path, valid until the next call. */
static const char *make_file(const struct place *place, const char *name, mode_t mode)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", place->root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static int find(struct place *place, const char *wanted)
{
    return ft_python_find(wanted, place->found, sizeof place->found, place->error, sizeof place->error);
}

static void a_wanted_path_is_taken_as_it_is(void **state)
{
    struct place *place = *state;
    const char *path = make_file(place, "other", 0755);
    assert_int_equal(find(place, path), 0);
    assert_string_equal(place->found, path);
}

static void a_wanted_name_is_looked_up_on_path(void **state)
{
    struct place *place = *state;
    const char *path = make_file(place, "other", 0755);
    char list[256];
    assert_int_equal(find(place, "other"), 0);
    assert_string_equal(place->found, path);
    snprintf(list, sizeof list, "/nonexistent:/etc:%s", place->root);
    setenv("PATH", list, 1);
    assert_int_equal(find(place, "other"), 0);
    assert_string_equal(place->found, path);
}

static void an_empty_entry_of_path_is_the_current_folder(void **state)
{
    struct place *place = *state;
    char before[PATH_MAX];
    make_file(place, "other", 0755);
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(place->root), 0);
    setenv("PATH", ":/nonexistent", 1);
    int err = find(place, "other");
    assert_int_equal(chdir(before), 0);
    assert_int_equal(err, 0);
    assert_string_equal(place->found, "./other");
}

static void what_is_not_a_program_is_named(void **state)
{
    struct place *place = *state;
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s", make_file(place, "plain", 0644));
    assert_int_equal(find(place, name), -ENOENT);
    assert_non_null(strstr(place->error, name));
    assert_int_equal(find(place, place->root), -ENOENT);
    assert_non_null(strstr(place->error, place->root));
    assert_int_equal(find(place, "plain"), -ENOENT);
    assert_int_equal(find(place, "/nonexistent/python"), -ENOENT);
    assert_int_equal(find(place, ""), -ENOENT);
}

static void the_virtual_environment_comes_before_path(void **state)
{
    struct place *place = *state;
    char bin[PATH_MAX];
    snprintf(bin, sizeof bin, "%s/bin", place->root);
    assert_int_equal(mkdir(bin, 0755), 0);
    make_file(place, "python3", 0755);
    make_file(place, "bin/python3", 0755);
    setenv("VIRTUAL_ENV", place->root, 1);
    assert_int_equal(find(place, NULL), 0);
    snprintf(bin, sizeof bin, "%s/bin/python3", place->root);
    assert_string_equal(place->found, bin);
    make_file(place, "bin/python", 0755);
    assert_int_equal(find(place, NULL), 0);
    snprintf(bin, sizeof bin, "%s/bin/python", place->root);
    assert_string_equal(place->found, bin);
}

static void an_empty_or_stale_virtual_environment_is_passed_over(void **state)
{
    struct place *place = *state;
    const char *path = make_file(place, "python3", 0755);
    setenv("VIRTUAL_ENV", "", 1);
    assert_int_equal(find(place, NULL), 0);
    assert_string_equal(place->found, path);
    setenv("VIRTUAL_ENV", "/nonexistent", 1);
    assert_int_equal(find(place, NULL), 0);
    assert_string_equal(place->found, path);
}

static void python3_is_taken_from_path_and_python_is_not(void **state)
{
    struct place *place = *state;
    make_file(place, "python", 0755);
    assert_int_equal(find(place, NULL), -ENOENT);
    assert_non_null(strstr(place->error, "--python"));
    const char *path = make_file(place, "python3", 0755);
    assert_int_equal(find(place, NULL), 0);
    assert_string_equal(place->found, path);
}

static void a_path_that_does_not_fit_is_not_cut(void **state)
{
    struct place *place = *state;
    const char *path = make_file(place, "other", 0755);
    assert_int_equal(ft_python_find(path, place->found, strlen(path), place->error, sizeof place->error), -ENOENT);
    assert_int_equal(ft_python_find(path, place->found, strlen(path) + 1, place->error, sizeof place->error), 0);
}

static void the_command_knows_its_own_path(void **state)
{
    char path[PATH_MAX], expected[PATH_MAX];
    (void)state;
    assert_int_equal(ft_python_self(path, sizeof path), 0);
    assert_non_null(realpath("/proc/self/exe", expected));
    assert_string_equal(path, expected);
}

static void its_own_path_is_not_cut_either(void **state)
{
    char path[4];
    (void)state;
    assert_int_equal(ft_python_self(path, sizeof path), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_wanted_path_is_taken_as_it_is, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_wanted_name_is_looked_up_on_path, make_place, remove_place),
        cmocka_unit_test_setup_teardown(an_empty_entry_of_path_is_the_current_folder, make_place, remove_place),
        cmocka_unit_test_setup_teardown(what_is_not_a_program_is_named, make_place, remove_place),
        cmocka_unit_test_setup_teardown(the_virtual_environment_comes_before_path, make_place, remove_place),
        cmocka_unit_test_setup_teardown(an_empty_or_stale_virtual_environment_is_passed_over, make_place, remove_place),
        cmocka_unit_test_setup_teardown(python3_is_taken_from_path_and_python_is_not, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_path_that_does_not_fit_is_not_cut, make_place, remove_place),
        cmocka_unit_test(the_command_knows_its_own_path),
        cmocka_unit_test(its_own_path_is_not_cut_either),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

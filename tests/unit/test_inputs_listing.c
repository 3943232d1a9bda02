/* prep/inputs: which names in a folder count for importlib, for pytest, and for somebody who lists them all. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "inputs_check.h"
#include "prep/listing.h"

static const enum ft_input_kind listings[] = {FT_INPUT_MODULES, FT_INPUT_TESTS, FT_INPUT_ALL_NAMES, FT_INPUT_ORDER};

enum { LISTINGS = sizeof listings / sizeof listings[0] };

/* What is made, and for which listing it counts; of a type that cannot be made as a file. */
static const struct {
    const char *name;
    unsigned char type;
    bool counts[LISTINGS];
} entries[] = {
    {"x.py", DT_REG, {true, true, true, true}},
    {"x.py", DT_LNK, {true, true, true, true}},
    {"x.py", DT_DIR, {false, true, true, true}},
    {"x.py", DT_FIFO, {false, false, true, true}},
    {"a-b.py", DT_REG, {true, true, true, true}},
    {"x.pyc", DT_REG, {true, false, true, true}},
    {"x.pyi", DT_REG, {false, false, true, true}},
    {"x.so", DT_REG, {true, false, true, true}},
    {"x.abi3.so", DT_REG, {true, false, true, true}},
    {"x.cpython-311-x86_64-linux-gnu.so", DT_LNK, {true, true, true, true}},
    {"x.so.1", DT_REG, {false, false, true, true}},
    {"x.txt", DT_REG, {false, true, true, true}},
    {"x.md", DT_REG, {false, false, true, true}},
    {"x", DT_REG, {false, false, true, true}},
    {"x", DT_DIR, {true, true, true, true}},
    {"x", DT_LNK, {true, true, true, true}},
    {"_X9", DT_DIR, {true, true, true, true}},
    {"9x", DT_DIR, {false, true, true, true}},
    {"a-b", DT_DIR, {false, true, true, true}},
    {"x.dist-info", DT_DIR, {false, true, true, true}},
    {"\xc3\xa9", DT_DIR, {true, true, true, true}},
    {"9\xff", DT_DIR, {true, true, true, true}},
    {"\xc3\xa9", DT_REG, {false, false, true, true}},
    {"__init__.py", DT_REG, {true, true, true, true}},
    {"__pycache__", DT_DIR, {false, false, false, false}},
    {".pytest_cache", DT_DIR, {false, false, false, false}},
    {".hypothesis", DT_DIR, {false, false, false, false}},
    {".coverage", DT_REG, {false, false, false, false}},
    {".coverage.host.1.x", DT_REG, {false, false, false, false}},
    {".coveragerc", DT_REG, {false, false, true, true}},
    {".git", DT_DIR, {false, false, true, true}},
    {".x.py.swp", DT_REG, {false, false, true, true}},
    {"x.py~", DT_REG, {false, false, true, true}},
    {"#x.py#", DT_REG, {false, false, true, true}},
    {"4913", DT_REG, {false, false, true, true}},
    {".#x.py", DT_LNK, {false, false, true, true}},
    {".x.py", DT_REG, {false, true, true, true}},
};

enum { ENTRIES = sizeof entries / sizeof entries[0] };

static void make_entry(struct scratch *scratch, const char *name, unsigned char type)
{
    if (type == DT_DIR)
        make_folder(scratch, name);
    else if (type == DT_LNK)
        make_link(scratch, "nowhere", name);
    else if (type == DT_FIFO)
        assert_int_equal(mkfifo(scratch_path(scratch, name), 0600), 0);
    else
        scratch_write(scratch, name, "");
}

static const char *below(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "folder/%s", name);
    return path;
}

static void check(struct scratch *scratch, struct ft_inputs *inputs, bool is_changed, const char *what)
{
    const char *changed = ft_inputs_changed(inputs, NO_SINCE);
    if ((changed != NULL) != is_changed)
        fail_msg("%s %s", what, is_changed ? "counts" : "does not count");
    if (changed != NULL)
        assert_string_equal(changed, scratch_path(scratch, "folder"));
    ft_inputs_release(inputs);
}

static void what_comes_or_goes_is_a_change_for_those_it_counts_for(void **state)
{
    struct scratch *scratch = *state;
    make_folder(scratch, "folder");
    for (size_t i = 0; i < ENTRIES; i++) {
        const char *name = entries[i].name;
        struct ft_inputs without[LISTINGS], with[LISTINGS];
        for (size_t k = 0; k < LISTINGS; k++)
            without[k] = input_of_kind(scratch, listings[k], "folder");
        make_entry(scratch, below(name), entries[i].type);
        for (size_t k = 0; k < LISTINGS; k++) {
            check(scratch, &without[k], entries[i].counts[k], name);
            with[k] = input_of_kind(scratch, listings[k], "folder");
        }
        assert_int_equal(remove(scratch_path(scratch, below(name))), 0);
        for (size_t k = 0; k < LISTINGS; k++)
            check(scratch, &with[k], entries[i].counts[k], name);
    }
}

static void what_may_be_a_file_or_a_folder_counts_as_either(void **state)
{
    (void)state;
    assert_int_equal(ft_counts_module("x", DT_UNKNOWN), FT_LISTED_EITHER);
    assert_int_equal(ft_counts_module("x.so", DT_UNKNOWN), FT_LISTED_EITHER);
    assert_int_equal(ft_counts_module("x.md", DT_UNKNOWN), FT_LISTED_NOT);
    assert_int_equal(ft_counts_test("x.md", DT_UNKNOWN), FT_LISTED_EITHER);
    assert_int_equal(ft_counts_test(".x.py", DT_UNKNOWN), FT_LISTED_EITHER);
    assert_int_equal(ft_counts_test(".x", DT_UNKNOWN), FT_LISTED_NOT);
    assert_int_equal(ft_counts_all("x", DT_UNKNOWN), FT_LISTED_EITHER);
    assert_int_equal(ft_counts_all("__pycache__", DT_UNKNOWN), FT_LISTED_NOT);
}

static void a_folder_in_the_place_of_a_file_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    make_folder(scratch, "folder");
    for (size_t k = 0; k < LISTINGS; k++) {
        scratch_write(scratch, "folder/x.py", "");
        struct ft_inputs inputs = input_of_kind(scratch, listings[k], "folder");
        remove_file(scratch, "folder/x.py");
        make_folder(scratch, "folder/x.py");
        check_changed(scratch, &inputs, "folder");
        assert_int_equal(rmdir(scratch_path(scratch, "folder/x.py")), 0);
    }
}

static void other_files_under_the_same_names_are_no_change(void **state)
{
    struct scratch *scratch = *state;
    make_folder(scratch, "folder");
    scratch_write(scratch, "folder/x.py", "abc");
    scratch_write(scratch, "folder/y.py", "abc");
    for (size_t k = 0; k < LISTINGS; k++) {
        if (listings[k] == FT_INPUT_ORDER)
            continue; /* they may come in another one */
        struct ft_inputs inputs = input_of_kind(scratch, listings[k], "folder");
        scratch_write(scratch, "folder/x.py", "abcd");
        scratch_write(scratch, "new", "abc");
        rename_over(scratch, "new", "folder/x.py");
        remove_file(scratch, "folder/y.py");
        scratch_write(scratch, "folder/y.py", "abc");
        assert_int_equal(chmod(scratch_path(scratch, "folder"), 0750), 0);
        check_same(&inputs);
        rename_over(scratch, "folder/y.py", "folder/z.py");
        check_changed(scratch, &inputs, "folder");
        rename_over(scratch, "folder/z.py", "folder/y.py");
    }
}

/* The names in a folder as they are listed. */
static void print_order(char *text, size_t size, const char *path)
{
    DIR *folder = opendir(path);
    size_t len = 0;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.')
            len += (size_t)snprintf(text + len, size - len, "%s", entry->d_name);
    assert_int_equal(closedir(folder), 0);
}

/* That of a file system in memory is the order in which they were made. */
static void the_order_counts_if_somebody_else_lists_the_names(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    char folder[] = "/dev/shm/fleetest-unit-XXXXXX", path[64], was[8], is[8];
    (void)state;
    if (mkdtemp(folder) == NULL)
        skip();
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(mkfifo(path, 0600), 0);
    }
    struct ft_inputs sorted = FT_INPUTS_INIT, ordered = FT_INPUTS_INIT;
    assert_int_equal(ft_inputs_add(&sorted, FT_INPUT_ALL_NAMES, folder, strlen(folder)), 0);
    assert_int_equal(ft_inputs_add(&ordered, FT_INPUT_ORDER, folder, strlen(folder)), 0);
    print_order(was, sizeof was, folder);
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(remove(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        print_order(is, sizeof is, folder);
        assert_null(ft_inputs_changed(&sorted, NO_SINCE));
        assert_int_equal(ft_inputs_changed(&ordered, NO_SINCE) != NULL, strcmp(was, is) != 0);
    }
    ft_inputs_release(&sorted);
    ft_inputs_release(&ordered);
    assert_int_equal(nftw(folder, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void a_pipe_in_the_place_of_a_file_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    make_folder(scratch, "folder");
    scratch_write(scratch, "folder/x.md", "");
    struct ft_inputs inputs = input_of_kind(scratch, FT_INPUT_ALL_NAMES, "folder");
    remove_file(scratch, "folder/x.md");
    assert_int_equal(mkfifo(scratch_path(scratch, "folder/x.md"), 0600), 0);
    check_changed(scratch, &inputs, "folder");
}

static void another_folder_with_the_same_names_is_no_change(void **state)
{
    struct scratch *scratch = *state;
    make_folder(scratch, "folder");
    make_folder(scratch, "other");
    scratch_write(scratch, "folder/x.py", "");
    scratch_write(scratch, "other/x.py", "");
    struct ft_inputs inputs = input_of_kind(scratch, FT_INPUT_MODULES, "folder");
    rename_over(scratch, "folder", "old");
    make_link(scratch, "other", "folder");
    check_same(&inputs);
    scratch_write(scratch, "other/y.py", "");
    check_changed(scratch, &inputs, "folder");
}

static void no_folder_is_not_an_empty_one(void **state)
{
    struct scratch *scratch = *state;
    for (size_t k = 0; k < LISTINGS; k++) {
        struct ft_inputs inputs = input_of_kind(scratch, listings[k], "folder");
        check_same(&inputs);
        make_folder(scratch, "folder");
        check_changed(scratch, &inputs, "folder");
        inputs = input_of_kind(scratch, listings[k], "folder");
        assert_int_equal(rmdir(scratch_path(scratch, "folder")), 0);
        assert_non_null(ft_inputs_changed(&inputs, NO_SINCE));
        scratch_write(scratch, "folder", "");
        check_changed(scratch, &inputs, "folder");
        inputs = input_of_kind(scratch, listings[k], "folder");
        scratch_write(scratch, "folder", "abc");
        check_same(&inputs);
        ft_inputs_release(&inputs);
        remove_file(scratch, "folder");
    }
}

static void names_are_read_again_only_if_the_folder_was_changed(void **state)
{
    struct scratch *scratch = *state;
    make_folder(scratch, "folder");
    wait_until_settled(scratch, "folder");
    struct ft_inputs inputs = input_of_kind(scratch, FT_INPUT_TESTS, "folder");
    assert_true(inputs.items[0].settled);
    make_folder(scratch, "folder/__pycache__");
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    wait_until_settled(scratch, "folder");
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    assert_true(inputs.items[0].settled);
    inputs.items[0].content++; /* nobody looks */
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    set_modified(scratch, "folder", later);
    check_changed(scratch, &inputs, "folder");
}

static void names_in_a_young_folder_are_read_again(void **state)
{
    struct scratch *scratch = *state;
    struct ft_inputs inputs = FT_INPUTS_INIT;
    make_folder(scratch, "folder");
    /* Until it is described quickly enough. */
    do {
        ft_inputs_release(&inputs);
        set_modified(scratch, "folder", later);
        inputs = input_of_kind(scratch, FT_INPUT_TESTS, "folder");
    } while (inputs.items[0].settled);
    inputs.items[0].content++;
    check_changed(scratch, &inputs, "folder");
}

/* ---- what was changed since ---- */

/* What is changed from here on has a later time than anything before, with time to spare. */
static int64_t later_than(struct scratch *scratch, const char *name)
{
    wait_until_settled(scratch, name);
    return ft_time_past(nanoseconds(status_of(scratch, name).st_ctim)) + FT_CLOCK_SKEW;
}

static void check_young(struct scratch *scratch, int64_t since, bool modules, bool tests, bool all)
{
    assert_int_equal(is_young(scratch, FT_INPUT_MODULES, "folder", since), modules);
    assert_int_equal(is_young(scratch, FT_INPUT_TESTS, "folder", since), tests);
    assert_int_equal(is_young(scratch, FT_INPUT_ALL_NAMES, "folder", since), all);
}

static void an_old_folder_is_not_young(void **state)
{
    struct scratch *scratch = *state;
    make_folder(scratch, "folder");
    scratch_write(scratch, "folder/x.py", "");
    int64_t since = later_than(scratch, "folder");
    check_young(scratch, since, false, false, false);
    check_young(scratch, since - 1, true, true, true);
    check_young(scratch, INT64_MIN, true, true, true);
    /* The names are the same. */
    scratch_write(scratch, "folder/x.py", "abc");
    check_young(scratch, since, false, false, false);
    assert_false(is_young(scratch, FT_INPUT_MODULES, "missing", INT64_MIN));
    assert_false(is_young(scratch, FT_INPUT_MODULES, "folder/x.py", INT64_MIN));
}

static void what_counts_and_came_since_makes_a_folder_young(void **state)
{
    struct scratch *scratch = *state;
    make_folder(scratch, "folder");
    int64_t since = later_than(scratch, "folder");
    scratch_write(scratch, "folder/x.txt", "");
    check_young(scratch, since, false, true, true);
    scratch_write(scratch, "folder/x.so", "");
    check_young(scratch, since, true, true, true);
}

static void what_does_not_count_explains_the_change(void **state)
{
    struct scratch *scratch = *state;
    make_folder(scratch, "folder");
    scratch_write(scratch, "folder/x.py", "");
    make_folder(scratch, "folder/package");
    int64_t since = later_than(scratch, "folder/package");
    make_folder(scratch, "folder/__pycache__");
    check_young(scratch, since, false, false, false);
    /* A folder counts by when it was made. */
    scratch_write(scratch, "folder/package/y.py", "");
    check_young(scratch, since, false, false, false);
    scratch_write(scratch, "folder/.x.py.swp", "");
    check_young(scratch, since, false, false, true);
}

static void a_change_that_nothing_explains_may_be_a_name_less(void **state)
{
    struct scratch *scratch = *state;
    make_folder(scratch, "folder");
    make_folder(scratch, "folder/__pycache__");
    scratch_write(scratch, "folder/x.py", "");
    int64_t since = later_than(scratch, "folder");
    remove_file(scratch, "folder/x.py");
    check_young(scratch, since, true, true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(what_comes_or_goes_is_a_change_for_those_it_counts_for),
        cmocka_unit_test(what_may_be_a_file_or_a_folder_counts_as_either),
        WITH_SCRATCH(a_folder_in_the_place_of_a_file_is_a_change),
        WITH_SCRATCH(other_files_under_the_same_names_are_no_change),
        cmocka_unit_test(the_order_counts_if_somebody_else_lists_the_names),
        WITH_SCRATCH(a_pipe_in_the_place_of_a_file_is_a_change),
        WITH_SCRATCH(another_folder_with_the_same_names_is_no_change),
        WITH_SCRATCH(no_folder_is_not_an_empty_one),
        WITH_SCRATCH(names_are_read_again_only_if_the_folder_was_changed),
        WITH_SCRATCH(names_in_a_young_folder_are_read_again),
        WITH_SCRATCH(an_old_folder_is_not_young),
        WITH_SCRATCH(what_counts_and_came_since_makes_a_folder_young),
        WITH_SCRATCH(what_does_not_count_explains_the_change),
        WITH_SCRATCH(a_change_that_nothing_explains_may_be_a_name_less),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

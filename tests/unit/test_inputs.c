/* prep/inputs: what tells that a file, a folder or a gap is no longer what it was. */
#include <stdlib.h>
#include <string.h>

#include "inputs_check.h"

enum { MANY = 700 };

static struct ft_inputs one_input(struct scratch *scratch, const char *name)
{
    return input_of_kind(scratch, FT_INPUT_INSTALLED, name);
}

static void what_is_as_it_was_has_not_changed(void **state)
{
    struct scratch *scratch = *state;
    static const char *const names[] = {"file", "missing", "missing/below", "file/below", "."};
    struct ft_inputs inputs = FT_INPUTS_INIT;
    scratch_write(scratch, "file", "abc");
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *path = scratch_path(scratch, names[i]);
        assert_int_equal(ft_inputs_add(&inputs, FT_INPUT_INSTALLED, path, strlen(path)), 0);
        assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    }
    assert_int_equal(inputs.count, 5);
    ft_inputs_release(&inputs);
    assert_int_equal(inputs.count, 0);
    assert_null(inputs.items);
}

static void other_content_of_the_same_size_and_time_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    set_modified(scratch, "file", long_ago);
    struct ft_inputs inputs = one_input(scratch, "file");
    struct stat before = status_of(scratch, "file"), after;
    /* The clock of files goes on in ticks. */
    do {
        scratch_write(scratch, "file", "xyz");
        set_modified(scratch, "file", long_ago);
        after = status_of(scratch, "file");
    } while (after.st_ctim.tv_sec == before.st_ctim.tv_sec && after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
    assert_int_equal(after.st_size, before.st_size);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(nanoseconds(after.st_mtim), nanoseconds(before.st_mtim));
    check_changed(scratch, &inputs, "file");
}

static void another_size_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    struct ft_inputs inputs = one_input(scratch, "file");
    scratch_write(scratch, "file", "abcd");
    check_changed(scratch, &inputs, "file");
}

static void another_time_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    set_modified(scratch, "file", long_ago);
    struct ft_inputs inputs = one_input(scratch, "file");
    set_modified(scratch, "file", later);
    check_changed(scratch, &inputs, "file");
}

static void another_mode_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    struct ft_inputs inputs = one_input(scratch, "file");
    assert_int_equal(chmod(scratch_path(scratch, "file"), 0400), 0);
    check_changed(scratch, &inputs, "file");
}

static void a_file_replaced_by_another_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    scratch_write(scratch, "other", "abc");
    set_modified(scratch, "file", long_ago);
    set_modified(scratch, "other", long_ago);
    struct ft_inputs inputs = one_input(scratch, "file");
    rename_over(scratch, "other", "file");
    check_changed(scratch, &inputs, "file");
}

static void a_removed_file_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    struct ft_inputs inputs = one_input(scratch, "file");
    assert_int_equal(unlink(scratch_path(scratch, "file")), 0);
    check_changed(scratch, &inputs, "file");
}

static void a_file_that_appears_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    struct ft_inputs inputs = one_input(scratch, "file");
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    scratch_write(scratch, "file", "");
    check_changed(scratch, &inputs, "file");
}

static void a_file_that_comes_and_goes_is_none(void **state)
{
    struct scratch *scratch = *state;
    struct ft_inputs inputs = one_input(scratch, "file");
    scratch_write(scratch, "file", "abc");
    assert_int_equal(unlink(scratch_path(scratch, "file")), 0);
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    ft_inputs_release(&inputs);
}

static void a_folder_that_gets_a_file_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkdir(scratch_path(scratch, "folder"), 0700), 0);
    set_modified(scratch, "folder", long_ago);
    struct ft_inputs inputs = one_input(scratch, "folder");
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    scratch_write(scratch, "folder/file", "abc");
    check_changed(scratch, &inputs, "folder");
}

static void a_folder_that_loses_a_file_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkdir(scratch_path(scratch, "folder"), 0700), 0);
    scratch_write(scratch, "folder/file", "abc");
    set_modified(scratch, "folder", long_ago);
    struct ft_inputs inputs = one_input(scratch, "folder");
    assert_int_equal(unlink(scratch_path(scratch, "folder/file")), 0);
    check_changed(scratch, &inputs, "folder");
}

static void a_folder_where_a_file_gets_another_name_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkdir(scratch_path(scratch, "folder"), 0700), 0);
    scratch_write(scratch, "folder/file", "abc");
    set_modified(scratch, "folder", long_ago);
    struct ft_inputs inputs = one_input(scratch, "folder");
    rename_over(scratch, "folder/file", "folder/other");
    check_changed(scratch, &inputs, "folder");
}

static void a_folder_counts_by_its_names_and_not_by_what_its_files_hold(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkdir(scratch_path(scratch, "folder"), 0700), 0);
    scratch_write(scratch, "folder/file", "abc");
    scratch_write(scratch, "file", "xyz");
    struct ft_inputs inputs = one_input(scratch, "folder");
    scratch_write(scratch, "folder/file", "abcd");
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    rename_over(scratch, "file", "folder/file");
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    ft_inputs_release(&inputs);
}

static void a_folder_may_get_byte_code_and_is_watched_further(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkdir(scratch_path(scratch, "folder"), 0700), 0);
    set_modified(scratch, "folder", long_ago);
    struct ft_inputs inputs = one_input(scratch, "folder");
    assert_int_equal(mkdir(scratch_path(scratch, "folder/__pycache__"), 0700), 0);
    /* So that the next change cannot come in the same tick of the clock of files. */
    set_modified(scratch, "folder", later);
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    scratch_write(scratch, "folder/file", "abc");
    check_changed(scratch, &inputs, "folder");
}

static void what_came_into_a_folder_since_may_not_have_been_seen(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkdir(scratch_path(scratch, "folder"), 0700), 0);
    scratch_write(scratch, "folder/file", "abc");
    set_modified(scratch, "folder/file", long_ago);
    int64_t changed = nanoseconds(status_of(scratch, "folder/file").st_ctim);
    struct ft_inputs inputs = one_input(scratch, "folder");
    assert_string_equal(ft_inputs_changed(&inputs, changed), scratch_path(scratch, "folder"));
    assert_null(ft_inputs_changed(&inputs, ft_time_past(changed)));
    ft_inputs_release(&inputs);
}

static void byte_code_that_came_since_does_not_count(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkdir(scratch_path(scratch, "folder"), 0700), 0);
    assert_int_equal(mkdir(scratch_path(scratch, "folder/__pycache__"), 0700), 0);
    struct ft_inputs inputs = one_input(scratch, "folder");
    assert_null(ft_inputs_changed(&inputs, nanoseconds(long_ago)));
    ft_inputs_release(&inputs);
}

static void a_file_in_the_place_of_a_folder_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkdir(scratch_path(scratch, "folder"), 0700), 0);
    struct ft_inputs inputs = one_input(scratch, "folder");
    assert_int_equal(rmdir(scratch_path(scratch, "folder")), 0);
    scratch_write(scratch, "folder", "");
    check_changed(scratch, &inputs, "folder");
}

static void a_link_counts_as_the_file_that_it_leads_to(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    scratch_write(scratch, "other", "abc");
    assert_int_equal(symlink("file", scratch_path(scratch, "link")), 0);
    struct ft_inputs inputs = one_input(scratch, "link");
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    scratch_write(scratch, "file", "abcd");
    check_changed(scratch, &inputs, "link");
    inputs = one_input(scratch, "link");
    assert_int_equal(unlink(scratch_path(scratch, "link")), 0);
    assert_int_equal(symlink("other", scratch_path(scratch, "link")), 0);
    check_changed(scratch, &inputs, "link");
}

static void of_a_folder_of_a_project_only_names_count(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkdir(scratch_path(scratch, "folder"), 0700), 0);
    scratch_write(scratch, "folder/file", "abc");
    struct ft_inputs inputs = input_of_kind(scratch, FT_INPUT_NAMES, "folder");
    assert_null(ft_inputs_changed(&inputs, 1));
    scratch_write(scratch, "folder/other", "abc");
    check_changed(scratch, &inputs, "folder");
}

static void of_a_folder_that_was_looked_at_only_its_being_there_counts(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkdir(scratch_path(scratch, "folder"), 0700), 0);
    struct ft_inputs inputs = input_of_kind(scratch, FT_INPUT_FILE, "folder");
    scratch_write(scratch, "folder/file", "abc");
    assert_null(ft_inputs_changed(&inputs, 1));
    assert_int_equal(unlink(scratch_path(scratch, "folder/file")), 0);
    assert_int_equal(rmdir(scratch_path(scratch, "folder")), 0);
    scratch_write(scratch, "folder", "abc");
    check_changed(scratch, &inputs, "folder");
}

static void of_what_was_looked_for_only_its_presence_counts(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    struct ft_inputs inputs = input_of_kind(scratch, FT_INPUT_PRESENCE, "file");
    scratch_write(scratch, "file", "abcd");
    assert_null(ft_inputs_changed(&inputs, 1));
    assert_int_equal(unlink(scratch_path(scratch, "file")), 0);
    assert_string_equal(ft_inputs_changed(&inputs, NO_SINCE), scratch_path(scratch, "file"));
    assert_int_equal(mkdir(scratch_path(scratch, "file"), 0700), 0);
    check_changed(scratch, &inputs, "file");
    inputs = input_of_kind(scratch, FT_INPUT_PRESENCE, "missing");
    assert_null(ft_inputs_changed(&inputs, 1));
    scratch_write(scratch, "missing", "");
    check_changed(scratch, &inputs, "missing");
}

static void what_was_changed_since_may_have_been_read_before(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    set_modified(scratch, "file", long_ago);
    struct ft_inputs inputs = one_input(scratch, "file");
    int64_t changed = nanoseconds(status_of(scratch, "file").st_ctim);
    assert_null(ft_inputs_changed(&inputs, ft_time_past(changed)));
    assert_string_equal(ft_inputs_changed(&inputs, changed), scratch_path(scratch, "file"));
    assert_string_equal(ft_inputs_changed(&inputs, nanoseconds(long_ago)), scratch_path(scratch, "file"));
    ft_inputs_release(&inputs);
}

static void what_is_not_there_was_not_changed_since(void **state)
{
    struct scratch *scratch = *state;
    struct ft_inputs inputs = one_input(scratch, "missing");
    assert_null(ft_inputs_changed(&inputs, 1));
    ft_inputs_release(&inputs);
}

static void a_file_is_remembered_as_it_was_when_it_was_added(void **state)
{
    struct scratch *scratch = *state;
    struct ft_inputs inputs = one_input(scratch, "file");
    scratch_write(scratch, "file", "abc");
    const char *path = scratch_path(scratch, "file");
    assert_int_equal(ft_inputs_add(&inputs, FT_INPUT_INSTALLED, path, strlen(path)), 0);
    assert_string_equal(ft_inputs_changed(&inputs, NO_SINCE), path);
    assert_int_equal(unlink(path), 0);
    assert_string_equal(ft_inputs_changed(&inputs, NO_SINCE), path);
    ft_inputs_release(&inputs);
}

static void the_length_of_a_path_counts_and_not_a_nul(void **state)
{
    struct scratch *scratch = *state;
    struct ft_inputs inputs = FT_INPUTS_INIT;
    scratch_write(scratch, "file", "abc");
    const char *path = scratch_path(scratch, "filename");
    assert_int_equal(ft_inputs_add(&inputs, FT_INPUT_INSTALLED, path, strlen(path) - 4), 0);
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    assert_int_equal(unlink(scratch_path(scratch, "file")), 0);
    check_changed(scratch, &inputs, "file");
}

static void the_first_of_many_that_changed_is_named(void **state)
{
    struct scratch *scratch = *state;
    struct ft_inputs inputs = FT_INPUTS_INIT;
    char name[32];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "missing-%d", i);
        const char *path = scratch_path(scratch, name);
        assert_int_equal(ft_inputs_add(&inputs, FT_INPUT_INSTALLED, path, strlen(path)), 0);
    }
    assert_int_equal(inputs.count, MANY);
    assert_null(ft_inputs_changed(&inputs, NO_SINCE));
    scratch_write(scratch, "missing-699", "");
    assert_string_equal(ft_inputs_changed(&inputs, NO_SINCE), scratch_path(scratch, "missing-699"));
    scratch_write(scratch, "missing-300", "");
    assert_string_equal(ft_inputs_changed(&inputs, NO_SINCE), scratch_path(scratch, "missing-300"));
    ft_inputs_release(&inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(what_is_as_it_was_has_not_changed),
        WITH_SCRATCH(other_content_of_the_same_size_and_time_is_a_change),
        WITH_SCRATCH(another_size_is_a_change),
        WITH_SCRATCH(another_time_is_a_change),
        WITH_SCRATCH(another_mode_is_a_change),
        WITH_SCRATCH(a_file_replaced_by_another_is_a_change),
        WITH_SCRATCH(a_removed_file_is_a_change),
        WITH_SCRATCH(a_file_that_appears_is_a_change),
        WITH_SCRATCH(a_file_that_comes_and_goes_is_none),
        WITH_SCRATCH(a_folder_that_gets_a_file_is_a_change),
        WITH_SCRATCH(a_folder_that_loses_a_file_is_a_change),
        WITH_SCRATCH(a_folder_where_a_file_gets_another_name_is_a_change),
        WITH_SCRATCH(a_folder_counts_by_its_names_and_not_by_what_its_files_hold),
        WITH_SCRATCH(a_folder_may_get_byte_code_and_is_watched_further),
        WITH_SCRATCH(what_came_into_a_folder_since_may_not_have_been_seen),
        WITH_SCRATCH(byte_code_that_came_since_does_not_count),
        WITH_SCRATCH(a_file_in_the_place_of_a_folder_is_a_change),
        WITH_SCRATCH(a_link_counts_as_the_file_that_it_leads_to),
        WITH_SCRATCH(of_a_folder_of_a_project_only_names_count),
        WITH_SCRATCH(of_a_folder_that_was_looked_at_only_its_being_there_counts),
        WITH_SCRATCH(of_what_was_looked_for_only_its_presence_counts),
        WITH_SCRATCH(what_was_changed_since_may_have_been_read_before),
        WITH_SCRATCH(what_is_not_there_was_not_changed_since),
        WITH_SCRATCH(a_file_is_remembered_as_it_was_when_it_was_added),
        WITH_SCRATCH(the_length_of_a_path_counts_and_not_a_nul),
        WITH_SCRATCH(the_first_of_many_that_changed_is_named),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

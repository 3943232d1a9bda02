/* prep/inputs: files by what somebody could tell of them who has looked: content, status, links. */
#include <stdlib.h>
#include <string.h>

#include "inputs_check.h"

enum { LARGE = 200 * 1000, NOBODY = 65534 };

/* Not the content of a file that is described; so a check that does not notice has not read it. */
#define NO_CONTENT 1

static struct ft_inputs content_of(struct scratch *scratch, const char *name)
{
    return input_of_kind(scratch, FT_INPUT_CONTENT, name);
}

/* ---- content ---- */

static void the_same_content_is_no_change(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    scratch_write(scratch, "other", "abc");
    struct ft_inputs inputs = content_of(scratch, "file");
    check_same(&inputs);
    set_modified(scratch, "file", later);
    check_same(&inputs);
    scratch_write(scratch, "file", "abc");
    check_same(&inputs);
    rename_over(scratch, "other", "file");
    check_same(&inputs);
    scratch_write(scratch, "file", "abd");
    check_changed(scratch, &inputs, "file");
}

static void content_of_the_same_size_and_time_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    set_modified(scratch, "file", long_ago);
    struct ft_inputs inputs = content_of(scratch, "file");
    scratch_write(scratch, "file", "xyz");
    set_modified(scratch, "file", long_ago);
    check_changed(scratch, &inputs, "file");
}

static void content_is_read_again_only_if_the_status_is_another(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    wait_until_settled(scratch, "file");
    struct ft_inputs inputs = content_of(scratch, "file");
    assert_true(inputs.items[0].settled);
    inputs.items[0].content = NO_CONTENT;
    check_same(&inputs);
    set_modified(scratch, "file", later);
    check_changed(scratch, &inputs, "file");
}

static void content_of_a_young_file_is_read_again(void **state)
{
    struct scratch *scratch = *state;
    struct ft_inputs inputs = FT_INPUTS_INIT;
    /* Until it is described quickly enough. */
    do {
        ft_inputs_release(&inputs);
        scratch_write(scratch, "file", "abc");
        inputs = content_of(scratch, "file");
    } while (inputs.items[0].settled);
    inputs.items[0].content = NO_CONTENT;
    check_changed(scratch, &inputs, "file");
}

static void what_is_the_same_is_known_by_its_new_status(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    struct ft_inputs inputs = content_of(scratch, "file");
    do {
        set_modified(scratch, "file", later);
        check_same(&inputs);
    } while (inputs.items[0].settled); /* if it took too long */
    wait_until_settled(scratch, "file");
    check_same(&inputs);
    assert_true(inputs.items[0].settled);
    assert_int_equal(inputs.items[0].status.modified, nanoseconds(later));
    inputs.items[0].content = NO_CONTENT;
    check_same(&inputs);
    ft_inputs_release(&inputs);
}

static void permissions_and_size_belong_to_the_content(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    struct ft_inputs inputs = content_of(scratch, "file");
    assert_int_equal(chmod(scratch_path(scratch, "file"), 0640), 0);
    check_changed(scratch, &inputs, "file");
    inputs = content_of(scratch, "file");
    scratch_write(scratch, "file", "abcd");
    check_changed(scratch, &inputs, "file");
    inputs = content_of(scratch, "file");
    assert_int_equal(truncate(scratch_path(scratch, "file"), 0), 0);
    check_changed(scratch, &inputs, "file");
}

static void a_gap_is_content_too(void **state)
{
    struct scratch *scratch = *state;
    struct ft_inputs inputs = content_of(scratch, "file");
    check_same(&inputs);
    scratch_write(scratch, "file", "");
    check_changed(scratch, &inputs, "file");
    inputs = content_of(scratch, "file");
    remove_file(scratch, "file");
    check_changed(scratch, &inputs, "file");
}

static void every_byte_of_a_large_file_counts(void **state)
{
    struct scratch *scratch = *state;
    char *text = malloc(LARGE + 1);
    assert_non_null(text);
    memset(text, 'a', LARGE);
    text[LARGE] = '\0';
    scratch_write(scratch, "file", text);
    struct ft_inputs inputs = content_of(scratch, "file");
    scratch_write(scratch, "file", text);
    check_same(&inputs);
    text[LARGE - 1] = 'b';
    scratch_write(scratch, "file", text);
    check_changed(scratch, &inputs, "file");
    free(text);
}

static void a_folder_has_no_content(void **state)
{
    struct scratch *scratch = *state;
    make_folder(scratch, "folder");
    struct ft_inputs inputs = content_of(scratch, "folder");
    scratch_write(scratch, "folder/file", "abc");
    assert_int_equal(chmod(scratch_path(scratch, "folder"), 0750), 0);
    check_same(&inputs);
    remove_file(scratch, "folder/file");
    assert_int_equal(rmdir(scratch_path(scratch, "folder")), 0);
    scratch_write(scratch, "folder", "");
    check_changed(scratch, &inputs, "folder");
}

static void content_is_that_of_where_a_link_leads(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    scratch_write(scratch, "same", "abc");
    scratch_write(scratch, "other", "abd");
    make_link(scratch, "file", "link");
    struct ft_inputs inputs = content_of(scratch, "link");
    remove_file(scratch, "link");
    make_link(scratch, "same", "link");
    check_same(&inputs);
    remove_file(scratch, "link");
    make_link(scratch, "other", "link");
    check_changed(scratch, &inputs, "link");
}

static void a_pipe_is_not_waited_for(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkfifo(scratch_path(scratch, "pipe"), 0600), 0);
    struct ft_inputs inputs = content_of(scratch, "pipe");
    check_same(&inputs);
    remove_file(scratch, "pipe");
    scratch_write(scratch, "pipe", "");
    check_changed(scratch, &inputs, "pipe");
}

static void what_cannot_be_read_is_the_same_as_long_as_that_is_so(void **state)
{
    struct scratch *scratch = *state;
    unsigned before = open_descriptors();
    bool is_root = geteuid() == 0;
    if (is_root) { /* who can read anything */
        assert_int_equal(chown(scratch->folder, NOBODY, NOBODY), 0);
        assert_int_equal(seteuid(NOBODY), 0);
    }
    scratch_write(scratch, "file", "abc");
    assert_int_equal(chmod(scratch_path(scratch, "file"), 0), 0);
    struct ft_inputs inputs = content_of(scratch, "file");
    assert_int_equal(inputs.items[0].content, 0);
    set_modified(scratch, "file", later);
    check_same(&inputs);
    ft_inputs_release(&inputs);
    if (is_root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(open_descriptors(), before);
}

/* ---- status ---- */

static void status_is_more_than_content(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    scratch_write(scratch, "other", "abc");
    set_modified(scratch, "file", long_ago);
    set_modified(scratch, "other", long_ago);
    struct ft_inputs inputs = input_of_kind(scratch, FT_INPUT_STATUS, "file");
    check_same(&inputs);
    set_modified(scratch, "file", later);
    check_changed(scratch, &inputs, "file");
    set_modified(scratch, "file", long_ago);
    inputs = input_of_kind(scratch, FT_INPUT_STATUS, "file");
    rename_over(scratch, "other", "file");
    check_changed(scratch, &inputs, "file");
    inputs = input_of_kind(scratch, FT_INPUT_STATUS, "file");
    assert_int_equal(chmod(scratch_path(scratch, "file"), 0640), 0);
    check_changed(scratch, &inputs, "file");
    inputs = input_of_kind(scratch, FT_INPUT_STATUS, "file");
    scratch_write(scratch, "file", "abcd");
    set_modified(scratch, "file", long_ago);
    check_changed(scratch, &inputs, "file");
    inputs = input_of_kind(scratch, FT_INPUT_STATUS, "file");
    remove_file(scratch, "file");
    check_changed(scratch, &inputs, "file");
}

static void a_new_name_is_a_change_of_the_status(void **state)
{
    struct scratch *scratch = *state;
    char name[PATH_MAX];
    scratch_write(scratch, "file", "abc");
    set_modified(scratch, "file", long_ago);
    struct ft_inputs inputs = input_of_kind(scratch, FT_INPUT_STATUS, "file");
    snprintf(name, sizeof name, "%s", scratch_path(scratch, "file"));
    do { /* it may be done within a tick of the clock */
        unlink(scratch_path(scratch, "second"));
        assert_int_equal(link(name, scratch_path(scratch, "second")), 0);
    } while (nanoseconds(status_of(scratch, "file").st_ctim) == inputs.items[0].status.changed);
    check_changed(scratch, &inputs, "file");
}

static void the_owner_belongs_to_the_status(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    struct ft_inputs inputs = input_of_kind(scratch, FT_INPUT_STATUS, "file");
    inputs.items[0].status.uid++;
    assert_non_null(ft_inputs_changed(&inputs, NO_SINCE));
    inputs.items[0].status.uid--;
    check_same(&inputs);
    inputs.items[0].status.gid++;
    check_changed(scratch, &inputs, "file");
}

static void what_is_made_in_a_folder_changes_its_status(void **state)
{
    struct scratch *scratch = *state;
    make_folder(scratch, "folder");
    make_folder(scratch, "other");
    struct ft_inputs inputs = input_of_kind(scratch, FT_INPUT_STATUS, "folder");
    check_same(&inputs);
    scratch_write(scratch, "folder/file", "abc");
    set_modified(scratch, "folder", later);
    check_changed(scratch, &inputs, "folder");
    inputs = input_of_kind(scratch, FT_INPUT_STATUS, "folder");
    assert_int_equal(chmod(scratch_path(scratch, "folder"), 0750), 0);
    check_changed(scratch, &inputs, "folder");
    remove_file(scratch, "folder/file");
    inputs = input_of_kind(scratch, FT_INPUT_STATUS, "folder");
    rename_over(scratch, "other", "folder");
    check_changed(scratch, &inputs, "folder");
}

/* ---- links ---- */

static void of_a_link_it_counts_where_it_goes(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    make_link(scratch, "file", "link");
    struct ft_inputs inputs = input_of_kind(scratch, FT_INPUT_LINK, "link");
    scratch_write(scratch, "file", "abcd");
    set_modified(scratch, "link", later);
    check_same(&inputs);
    remove_file(scratch, "link");
    make_link(scratch, "file", "link");
    check_same(&inputs);
    remove_file(scratch, "link");
    make_link(scratch, "elif", "link");
    check_changed(scratch, &inputs, "link");
}

static void of_what_is_no_link_its_type_counts(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    struct ft_inputs inputs = input_of_kind(scratch, FT_INPUT_LINK, "file");
    scratch_write(scratch, "file", "abcd");
    assert_int_equal(chmod(scratch_path(scratch, "file"), 0640), 0);
    check_same(&inputs);
    rename_over(scratch, "file", "other");
    make_link(scratch, "other", "file");
    check_changed(scratch, &inputs, "file");
    inputs = input_of_kind(scratch, FT_INPUT_LINK, "file");
    remove_file(scratch, "file");
    check_changed(scratch, &inputs, "file");
    inputs = input_of_kind(scratch, FT_INPUT_LINK, "file");
    check_same(&inputs);
    make_folder(scratch, "file");
    check_changed(scratch, &inputs, "file");
}

static void of_the_status_of_a_link_everything_counts(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    make_link(scratch, "file", "link");
    struct ft_inputs inputs = input_of_kind(scratch, FT_INPUT_LSTATUS, "link");
    scratch_write(scratch, "file", "abcd");
    check_same(&inputs);
    set_modified(scratch, "link", later);
    check_changed(scratch, &inputs, "link");
    inputs = input_of_kind(scratch, FT_INPUT_LSTATUS, "link");
    inputs.items[0].content++;
    check_changed(scratch, &inputs, "link");
    inputs = input_of_kind(scratch, FT_INPUT_LSTATUS, "file");
    set_modified(scratch, "file", later);
    check_changed(scratch, &inputs, "file");
}

/* ---- what was changed since ---- */

static void files_that_were_changed_since_are_young(void **state)
{
    struct scratch *scratch = *state;
    static const enum ft_input_kind young[] = {FT_INPUT_CONTENT, FT_INPUT_STATUS, FT_INPUT_LSTATUS};
    scratch_write(scratch, "file", "abc");
    set_modified(scratch, "file", long_ago);
    int64_t changed = nanoseconds(status_of(scratch, "file").st_ctim);
    for (size_t i = 0; i < sizeof young / sizeof young[0]; i++) {
        assert_true(is_young(scratch, young[i], "file", INT64_MIN));
        assert_true(is_young(scratch, young[i], "file", ft_time_past(changed) + FT_CLOCK_SKEW - 1));
        assert_false(is_young(scratch, young[i], "file", ft_time_past(changed) + FT_CLOCK_SKEW));
        assert_false(is_young(scratch, young[i], "missing", INT64_MIN));
    }
    assert_false(is_young(scratch, FT_INPUT_CONTENT, ".", INT64_MIN));
    assert_true(is_young(scratch, FT_INPUT_STATUS, ".", INT64_MIN));
    assert_false(is_young(scratch, FT_INPUT_PRESENCE, "file", INT64_MIN));
    assert_false(is_young(scratch, FT_INPUT_LINK, "file", INT64_MIN));
}

static void a_link_is_young_itself_or_the_file_behind_it(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    make_link(scratch, "file", "link");
    do
        set_modified(scratch, "link", later);
    while (nanoseconds(status_of(scratch, "link").st_ctim) <
           ft_time_past(nanoseconds(status_of(scratch, "file").st_ctim)));
    int64_t since = ft_time_past(nanoseconds(status_of(scratch, "link").st_ctim)) + FT_CLOCK_SKEW - 1;
    assert_false(is_young(scratch, FT_INPUT_CONTENT, "link", since));
    assert_true(is_young(scratch, FT_INPUT_LINK, "link", since));
    assert_true(is_young(scratch, FT_INPUT_LSTATUS, "link", since));
    assert_false(is_young(scratch, FT_INPUT_LINK, "link", since + 1));
    assert_false(is_young(scratch, FT_INPUT_LSTATUS, "link", since + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(the_same_content_is_no_change),
        WITH_SCRATCH(content_of_the_same_size_and_time_is_a_change),
        WITH_SCRATCH(content_is_read_again_only_if_the_status_is_another),
        WITH_SCRATCH(content_of_a_young_file_is_read_again),
        WITH_SCRATCH(what_is_the_same_is_known_by_its_new_status),
        WITH_SCRATCH(permissions_and_size_belong_to_the_content),
        WITH_SCRATCH(a_gap_is_content_too),
        WITH_SCRATCH(every_byte_of_a_large_file_counts),
        WITH_SCRATCH(a_folder_has_no_content),
        WITH_SCRATCH(content_is_that_of_where_a_link_leads),
        WITH_SCRATCH(a_pipe_is_not_waited_for),
        WITH_SCRATCH(what_cannot_be_read_is_the_same_as_long_as_that_is_so),
        WITH_SCRATCH(status_is_more_than_content),
        WITH_SCRATCH(a_new_name_is_a_change_of_the_status),
        WITH_SCRATCH(the_owner_belongs_to_the_status),
        WITH_SCRATCH(what_is_made_in_a_folder_changes_its_status),
        WITH_SCRATCH(of_a_link_it_counts_where_it_goes),
        WITH_SCRATCH(of_what_is_no_link_its_type_counts),
        WITH_SCRATCH(of_the_status_of_a_link_everything_counts),
        WITH_SCRATCH(files_that_were_changed_since_are_young),
        WITH_SCRATCH(a_link_is_young_itself_or_the_file_behind_it),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

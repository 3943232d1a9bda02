/* prep/heard: what is installed is looked at again when something was heard of it, and only then. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "inputs_check.h"

#define TOP "venv/lib/python3.11"
#define PACKAGE TOP "/site-packages/package"
#define FILE_OF_IT PACKAGE "/module.py"
#define LINKED "venv/lib64/python3.11/site-packages/package/module.py"
#define OTHER "other/lib/python3.11/site-packages/package"

enum { FLOOD = 40000 };

struct lab {
    struct scratch *scratch;
    struct ft_heard *heard;
    struct ft_inputs inputs;
};

static void make_installation(struct scratch *scratch, const char *venv)
{
    static const char *const folders[] = {"", "/lib", "/lib/python3.11", "/lib/python3.11/site-packages",
                                          "/lib/python3.11/site-packages/package",
                                          "/lib/python3.11/site-packages/package/inner"};
    char name[PATH_MAX];
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(name, sizeof name, "%s%s", venv, folders[i]);
        make_folder(scratch, name);
    }
    static const char *const files[] = {"module.py", "other.py", "inner/deep.py"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(name, sizeof name, "%s%s/%s", venv, folders[4], files[i]);
        scratch_write(scratch, name, "abc");
    }
}

static struct lab make_lab(struct scratch *scratch)
{
    make_installation(scratch, "venv");
    struct lab lab = {scratch, ft_heard_new(), FT_INPUTS_INIT};
    assert_non_null(lab.heard);
    lab.inputs.heard = lab.heard;
    return lab;
}

static void add(struct lab *lab, enum ft_input_kind kind, const char *name)
{
    const char *path = scratch_path(lab->scratch, name);
    assert_int_equal(ft_inputs_add(&lab->inputs, kind, path, strlen(path)), 0);
}

static void begin_anew(struct lab *lab)
{
    ft_inputs_release(&lab->inputs);
    lab->inputs.heard = lab->heard;
}

static void listen_to_all(struct lab *lab)
{
    ft_inputs_listen(&lab->inputs, SIZE_MAX, NO_SINCE);
    assert_int_equal(lab->inputs.listened, lab->inputs.count);
}

/* Whether the first one is left to what is heard: it is not looked at then. */
static bool is_left(struct lab *lab)
{
    if (lab->inputs.items[0].folder == 0)
        return false;
    struct ft_filestat was = lab->inputs.items[0].status;
    bool settled = lab->inputs.items[0].settled;
    lab->inputs.items[0].status.exists = !was.exists;
    bool is = ft_inputs_changed(&lab->inputs, NO_SINCE) == NULL;
    lab->inputs.items[0].status = was;
    lab->inputs.items[0].settled = settled;
    return is;
}

static void end(struct lab *lab)
{
    ft_inputs_release(&lab->inputs);
    ft_heard_free(lab->heard);
}

static void what_is_installed_is_looked_at_when_something_was_heard(void **state)
{
    struct lab lab = make_lab(*state);
    add(&lab, FT_INPUT_CONTENT, FILE_OF_IT);
    assert_false(is_left(&lab));
    listen_to_all(&lab);
    assert_true(is_left(&lab));
    assert_true(is_left(&lab));
    scratch_write(lab.scratch, PACKAGE "/other.py", "xyz");
    assert_false(is_left(&lab));
    end(&lab);
}

static void what_was_looked_at_is_left_to_it_again(void **state)
{
    struct lab lab = make_lab(*state);
    add(&lab, FT_INPUT_CONTENT, FILE_OF_IT);
    listen_to_all(&lab);
    scratch_write(lab.scratch, PACKAGE "/other.py", "xyz");
    assert_null(ft_inputs_changed(&lab.inputs, NO_SINCE));
    assert_int_equal(lab.inputs.listened, 0);
    listen_to_all(&lab);
    assert_true(is_left(&lab));
    scratch_write(lab.scratch, FILE_OF_IT, "xyz");
    assert_non_null(ft_inputs_changed(&lab.inputs, NO_SINCE));
    end(&lab);
}

static void what_changes_before_it_is_heard_of_is_not_left_to_it(void **state)
{
    struct lab lab = make_lab(*state);
    add(&lab, FT_INPUT_CONTENT, FILE_OF_IT);
    scratch_write(lab.scratch, FILE_OF_IT, "abcd");
    listen_to_all(&lab);
    assert_int_equal(lab.inputs.items[0].folder, 0);
    assert_non_null(ft_inputs_changed(&lab.inputs, NO_SINCE));
    end(&lab);
}

static void copies_are_left_to_it_as_well(void **state)
{
    struct lab lab = make_lab(*state);
    add(&lab, FT_INPUT_CONTENT, FILE_OF_IT);
    listen_to_all(&lab);
    struct ft_inputs first = lab.inputs;
    lab.inputs = (struct ft_inputs)FT_INPUTS_INIT;
    lab.inputs.heard = lab.heard;
    assert_int_equal(ft_inputs_append_first(&lab.inputs, &first, 1), 0);
    assert_true(is_left(&lab));
    ft_inputs_release(&first);
    scratch_write(lab.scratch, FILE_OF_IT, "xyz");
    assert_non_null(ft_inputs_changed(&lab.inputs, NO_SINCE));
    end(&lab);
}

/* ---- what changes ---- */

static void write_other(struct scratch *scratch)
{
    scratch_write(scratch, FILE_OF_IT, "xyz");
}

static void replace(struct scratch *scratch)
{
    scratch_write(scratch, "new", "xyz");
    rename_over(scratch, "new", FILE_OF_IT);
}

static void remove_it(struct scratch *scratch)
{
    remove_file(scratch, FILE_OF_IT);
}

static void forbid(struct scratch *scratch)
{
    assert_int_equal(chmod(scratch_path(scratch, FILE_OF_IT), 0400), 0);
}

static void put_link(struct scratch *scratch)
{
    scratch_write(scratch, "target", "xyz");
    remove_file(scratch, FILE_OF_IT);
    make_link(scratch, "../../../../../target", FILE_OF_IT);
}

static void rename_package(struct scratch *scratch)
{
    rename_over(scratch, PACKAGE, PACKAGE "-old");
}

/* That nothing else comes from the folders below is what makes these hard. */
static void replace_package(struct scratch *scratch)
{
    make_installation(scratch, "other");
    scratch_write(scratch, OTHER "/module.py", "xyz");
    rename_package(scratch);
    rename_over(scratch, OTHER, PACKAGE);
}

static void replace_installation(struct scratch *scratch)
{
    make_installation(scratch, "other");
    scratch_write(scratch, OTHER "/module.py", "xyz");
    rename_over(scratch, "venv", "old");
    rename_over(scratch, "other", "venv");
}

static void put_link_to_installation(struct scratch *scratch)
{
    make_installation(scratch, "other");
    scratch_write(scratch, OTHER "/module.py", "xyz");
    rename_over(scratch, "venv", "old");
    make_link(scratch, "other", "venv");
}

static void every_change_of_a_file_is_heard(void **state)
{
    static void (*const changes[])(struct scratch *) = {
        write_other,    replace,         remove_it,           forbid, put_link,
        rename_package, replace_package, replace_installation, put_link_to_installation,
    };
    static const enum ft_input_kind kinds[] = {FT_INPUT_CONTENT, FT_INPUT_STATUS, FT_INPUT_FILE};
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            struct scratch *own = NULL;
            assert_int_equal(make_scratch((void **)&own), 0);
            struct lab lab = make_lab(own);
            add(&lab, kinds[k], FILE_OF_IT);
            listen_to_all(&lab);
            assert_true(is_left(&lab));
            changes[i](own);
            assert_non_null(ft_inputs_changed(&lab.inputs, NO_SINCE));
            end(&lab);
            assert_int_equal(remove_scratch((void **)&own), 0);
        }
    }
}

static void what_comes_is_heard(void **state)
{
    static const char *const missing[] = {PACKAGE "/missing.py", TOP "/missing.py", PACKAGE "/inner/missing"};
    struct scratch *scratch = *state;
    struct lab lab = make_lab(scratch);
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        begin_anew(&lab);
        add(&lab, FT_INPUT_PRESENCE, missing[i]);
        listen_to_all(&lab);
        assert_true(is_left(&lab));
        scratch_write(scratch, missing[i], "");
        assert_non_null(ft_inputs_changed(&lab.inputs, NO_SINCE));
    }
    end(&lab);
}

static void other_names_in_a_folder_are_heard(void **state)
{
    static const enum ft_input_kind kinds[] = {FT_INPUT_MODULES, FT_INPUT_NAMES, FT_INPUT_ALL_NAMES};
    struct scratch *scratch = *state;
    struct lab lab = make_lab(scratch);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        begin_anew(&lab);
        add(&lab, kinds[k], PACKAGE);
        listen_to_all(&lab);
        assert_true(is_left(&lab));
        scratch_write(scratch, PACKAGE "/new.py", "");
        assert_non_null(ft_inputs_changed(&lab.inputs, NO_SINCE));
        remove_file(scratch, PACKAGE "/new.py");
    }
    end(&lab);
}

static void so_much_that_events_are_lost_is_a_reason_to_look(void **state)
{
    struct scratch *scratch = *state;
    struct lab lab = make_lab(scratch);
    add(&lab, FT_INPUT_CONTENT, FILE_OF_IT);
    listen_to_all(&lab);
    scratch_write(scratch, PACKAGE "/inner/deep.py", "");
    char one[PATH_MAX], two[PATH_MAX];
    snprintf(one, sizeof one, "%s", scratch_path(scratch, PACKAGE "/inner/deep.py"));
    snprintf(two, sizeof two, "%s", scratch_path(scratch, PACKAGE "/other.py"));
    for (int i = 0; i < FLOOD; i++)
        assert_int_equal(chmod(i % 2 ? one : two, i % 4 < 2 ? 0600 : 0640), 0);
    write_other(scratch);
    assert_non_null(ft_inputs_changed(&lab.inputs, NO_SINCE));
    assert_int_equal(lab.inputs.items[0].folder != 0 && ft_heard_nothing(lab.heard, lab.inputs.items[0].folder, 0), 0);
    end(&lab);
}

enum { SEEN, NOT_SEEN, NOT_ALLOWED };

static bool mount_on(struct scratch *scratch, const char *what, const char *where)
{
    char other[PATH_MAX];
    snprintf(other, sizeof other, "%s", scratch_path(scratch, what));
    return mount(other, scratch_path(scratch, where), NULL, MS_BIND, NULL) == 0;
}

/* A process of its own that may mount; the exit code says what has come of it. */
static int mount_over(struct scratch *scratch, bool only_file)
{
    if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return NOT_ALLOWED;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return NOT_ALLOWED;
    struct lab lab = make_lab(scratch);
    make_installation(scratch, "other");
    scratch_write(scratch, OTHER "/module.py", only_file ? "abc" : "xyz");
    if (only_file && !mount_on(scratch, OTHER "/module.py", FILE_OF_IT))
        return NOT_ALLOWED;
    add(&lab, FT_INPUT_CONTENT, FILE_OF_IT);
    listen_to_all(&lab);
    if (is_left(&lab) == only_file)
        return NOT_SEEN;
    if (only_file)
        scratch_write(scratch, OTHER "/module.py", "xyz");
    else if (!mount_on(scratch, OTHER, PACKAGE))
        return NOT_ALLOWED;
    bool seen = ft_inputs_changed(&lab.inputs, NO_SINCE) != NULL;
    end(&lab);
    return seen ? SEEN : NOT_SEEN;
}

static void check_mounted(struct scratch *scratch, bool only_file)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(mount_over(scratch, only_file));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_ALLOWED)
        skip();
    assert_int_equal(WEXITSTATUS(status), SEEN);
}

static void what_is_mounted_over_it_is_noticed(void **state)
{
    check_mounted(*state, false);
}

/* Its changes are those of another folder. */
static void a_file_that_was_mounted_before_is_looked_at(void **state)
{
    check_mounted(*state, true);
}

/* ---- what is looked at each time ---- */

static void a_file_of_two_names_is_looked_at(void **state)
{
    struct lab lab = make_lab(*state);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", scratch_path(lab.scratch, FILE_OF_IT));
    assert_int_equal(link(path, scratch_path(lab.scratch, "another")), 0);
    add(&lab, FT_INPUT_CONTENT, FILE_OF_IT);
    listen_to_all(&lab);
    assert_int_equal(lab.inputs.items[0].folder, 0);
    scratch_write(lab.scratch, "another", "xyz");
    assert_non_null(ft_inputs_changed(&lab.inputs, NO_SINCE));
    end(&lab);
}

static void what_is_of_the_project_or_behind_a_link_is_looked_at(void **state)
{
    struct lab lab = make_lab(*state);
    scratch_write(lab.scratch, "test_it.py", "");
    make_link(lab.scratch, "lib", "venv/lib64");
    make_link(lab.scratch, "module.py", PACKAGE "/linked.py");
    add(&lab, FT_INPUT_CONTENT, "test_it.py");
    add(&lab, FT_INPUT_CONTENT, PACKAGE "/linked.py");
    add(&lab, FT_INPUT_CONTENT, LINKED);
    add(&lab, FT_INPUT_CONTENT, FILE_OF_IT "/below");
    listen_to_all(&lab);
    for (size_t i = 0; i < lab.inputs.count; i++)
        assert_int_equal(lab.inputs.items[i].folder, 0);
    end(&lab);
}

static void a_folder_that_was_not_there_is_heard_of_later(void **state)
{
    struct lab lab = make_lab(*state);
    add(&lab, FT_INPUT_PRESENCE, PACKAGE "/missing/below.py");
    listen_to_all(&lab);
    begin_anew(&lab);
    make_folder(lab.scratch, PACKAGE "/missing");
    add(&lab, FT_INPUT_PRESENCE, PACKAGE "/missing/below.py");
    listen_to_all(&lab);
    assert_true(is_left(&lab));
    end(&lab);
}

/* It would have the watch. */
static void a_folder_is_heard_of_though_a_link_leads_to_it(void **state)
{
    struct lab lab = make_lab(*state);
    make_link(lab.scratch, "lib", "venv/lib64");
    add(&lab, FT_INPUT_CONTENT, FILE_OF_IT);
    assert_int_equal(ft_heard_listen(lab.heard, scratch_path(lab.scratch, LINKED)), 0);
    listen_to_all(&lab);
    assert_true(is_left(&lab));
    end(&lab);
}

static void other_folders_come_and_go(void **state)
{
    struct lab lab = make_lab(*state);
    add(&lab, FT_INPUT_CONTENT, PACKAGE "/inner/deep.py");
    listen_to_all(&lab);
    make_folder(lab.scratch, PACKAGE "/__pycache__");
    rename_over(lab.scratch, PACKAGE "/__pycache__", PACKAGE "/old");
    assert_int_equal(rmdir(scratch_path(lab.scratch, PACKAGE "/old")), 0);
    assert_true(is_left(&lab));
    end(&lab);
}

static void what_would_be_in_no_folder_is_looked_at(void **state)
{
    struct lab lab = make_lab(*state);
    add(&lab, FT_INPUT_PRESENCE, PACKAGE "/missing/below.py");
    listen_to_all(&lab);
    assert_int_equal(lab.inputs.items[0].folder, 0);
    make_folder(lab.scratch, PACKAGE "/missing");
    scratch_write(lab.scratch, PACKAGE "/missing/below.py", "");
    assert_non_null(ft_inputs_changed(&lab.inputs, NO_SINCE));
    end(&lab);
}

static void installed_is_what_is_below_folders_of_these_names(void **state)
{
    (void)state;
    assert_true(ft_heard_is_installed("/usr/lib/x.so"));
    assert_true(ft_heard_is_installed("/home/me/.venv/lib/python3.12/os.py"));
    assert_true(ft_heard_is_installed("/opt/site-packages/x.py"));
    assert_true(ft_heard_is_installed("/usr/local/dist-packages/x.py"));
    assert_false(ft_heard_is_installed("/home/me/lib/python3-project/x.py"));
    assert_false(ft_heard_is_installed("/home/me/site-packages"));
    assert_false(ft_heard_is_installed("/usr/library/x.py"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(what_is_installed_is_looked_at_when_something_was_heard),
        WITH_SCRATCH(what_was_looked_at_is_left_to_it_again),
        WITH_SCRATCH(what_changes_before_it_is_heard_of_is_not_left_to_it),
        WITH_SCRATCH(copies_are_left_to_it_as_well),
        cmocka_unit_test(every_change_of_a_file_is_heard),
        WITH_SCRATCH(what_comes_is_heard),
        WITH_SCRATCH(other_names_in_a_folder_are_heard),
        WITH_SCRATCH(so_much_that_events_are_lost_is_a_reason_to_look),
        WITH_SCRATCH(what_is_mounted_over_it_is_noticed),
        WITH_SCRATCH(a_file_that_was_mounted_before_is_looked_at),
        WITH_SCRATCH(a_file_of_two_names_is_looked_at),
        WITH_SCRATCH(a_folder_that_was_not_there_is_heard_of_later),
        WITH_SCRATCH(a_folder_is_heard_of_though_a_link_leads_to_it),
        WITH_SCRATCH(other_folders_come_and_go),
        WITH_SCRATCH(what_is_of_the_project_or_behind_a_link_is_looked_at),
        WITH_SCRATCH(what_would_be_in_no_folder_is_looked_at),
        cmocka_unit_test(installed_is_what_is_below_folders_of_these_names),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

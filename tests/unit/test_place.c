/* daemon/place: the folder that must be ours alone, and the socket and the log in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "child.h"
#include "opened_place.h"
#include "wire/fds.h"

enum { PATH_OF_ADDRESS = 107, CONNECTIONS = 500 };

/* ---- the folder ---- */

static void check_refused(struct scratch *scratch, const char *folder)
{
    struct ft_place place;
    char problem[PATH_MAX] = "";
    unsigned before = open_descriptors();
    const char *path = scratch_path(scratch, folder);
    assert_int_equal(ft_place_open(&place, path, python, problem, sizeof problem), -EPERM);
    assert_non_null(strstr(problem, path));
    assert_int_equal(open_descriptors(), before);
}

static void the_folder_is_made_for_the_user_alone(void **state)
{
    struct scratch *scratch = *state;
    struct stat st, opened;
    mode_t mask = umask(0);
    struct ft_place place = open_place(scratch, "place", python);
    umask(mask);
    assert_int_equal(lstat(scratch_path(scratch, "place"), &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0700);
    assert_int_equal(st.st_uid, geteuid());
    assert_int_equal(fstat(place.folder, &opened), 0);
    assert_int_equal(opened.st_ino, st.st_ino);
    assert_int_equal(fcntl(place.folder, F_GETFD), FD_CLOEXEC);
    assert_string_equal(place.path, scratch_path(scratch, "place"));
    ft_place_release(&place);
    assert_int_equal(place.folder, -1);
    ft_place_release(&place);
}

static void a_folder_that_is_there_is_taken_as_it_is(void **state)
{
    struct scratch *scratch = *state;
    struct ft_place first = open_place(scratch, "place", python), second = open_place(scratch, "place", python);
    assert_int_equal(chmod(scratch_path(scratch, "place"), 0500), 0);
    struct ft_place third = open_place(scratch, "place", python);
    struct stat st;
    assert_int_equal(stat(scratch_path(scratch, "place"), &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0500);
    assert_int_equal(chmod(scratch_path(scratch, "place"), 0700), 0);
    assert_string_equal(first.name, second.name);
    assert_string_equal(first.name, third.name);
    ft_place_release(&first);
    ft_place_release(&second);
    ft_place_release(&third);
}

static void every_interpreter_has_a_name_of_its_own(void **state)
{
    struct scratch *scratch = *state;
    struct ft_place one = open_place(scratch, "place", python), other = open_place(scratch, "place", "/usr/bin/python");
    struct ft_place any = open_place(scratch, "place", NULL);
    assert_int_equal(strlen(one.name), sizeof one.name - 1);
    assert_int_equal(strspn(one.name, "0123456789abcdef"), sizeof one.name - 1);
    assert_string_not_equal(one.name, other.name);
    assert_string_equal(any.name, "");
    ft_place_release(&one);
    ft_place_release(&other);
    ft_place_release(&any);
}

static void a_folder_that_others_can_use_is_refused(void **state)
{
    struct scratch *scratch = *state;
    static const mode_t modes[] = {0710, 0720, 0740, 0701, 0702, 0704, 0777, 01777};
    assert_int_equal(mkdir(scratch_path(scratch, "place"), 0700), 0);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct stat st;
        assert_int_equal(chmod(scratch_path(scratch, "place"), modes[i]), 0);
        check_refused(scratch, "place");
        assert_int_equal(stat(scratch_path(scratch, "place"), &st), 0);
        assert_int_equal(st.st_mode, S_IFDIR | modes[i]);
    }
}

static void a_folder_of_somebody_else_is_refused(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkdir(scratch_path(scratch, "place"), 0700), 0);
    if (chown(scratch_path(scratch, "place"), geteuid() + 1, (gid_t)-1) < 0)
        skip();
    check_refused(scratch, "place");
}

static void what_is_no_folder_is_refused(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "");
    check_refused(scratch, "file");
    assert_int_equal(mkfifo(scratch_path(scratch, "fifo"), 0700), 0);
    check_refused(scratch, "fifo");
}

static void a_link_is_refused_even_to_a_good_folder(void **state)
{
    struct scratch *scratch = *state;
    struct stat st;
    assert_int_equal(mkdir(scratch_path(scratch, "good"), 0700), 0);
    assert_int_equal(symlink("good", scratch_path(scratch, "link")), 0);
    check_refused(scratch, "link");
    assert_int_equal(symlink("made", scratch_path(scratch, "dangling")), 0);
    check_refused(scratch, "dangling");
    assert_int_equal(lstat(scratch_path(scratch, "made"), &st), -1);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    struct scratch *scratch = *state;
    struct ft_place place;
    char problem[PATH_MAX] = "";
    const char *path = scratch_path(scratch, "missing/place");
    assert_int_equal(ft_place_open(&place, path, python, problem, sizeof problem), -ENOENT);
    assert_non_null(strstr(problem, path));
}

static void a_path_that_does_not_fit_is_not_cut(void **state)
{
    static char path[PATH_MAX + 1];
    struct ft_place place;
    char problem[256] = "";
    (void)state;
    memset(path, '/', PATH_MAX);
    assert_int_equal(ft_place_open(&place, path, python, problem, sizeof problem), -ENAMETOOLONG);
    assert_string_not_equal(problem, "");
}

/* Set a variable, or unset it; returns what it was. */
static char *change_variable(const char *name, const char *value)
{
    const char *old = getenv(name);
    char *copy = old == NULL ? NULL : strdup(old);
    if (value == NULL)
        unsetenv(name);
    else
        setenv(name, value, 1);
    return copy;
}

static void check_default(const char *runtime, const char *temporary, const char *expected)
{
    char *old_runtime = change_variable("XDG_RUNTIME_DIR", runtime);
    char *old_temporary = change_variable("TMPDIR", temporary);
    char problem[256] = "";
    struct ft_place place;
    int err = ft_place_open(&place, NULL, python, problem, sizeof problem);
    free(change_variable("XDG_RUNTIME_DIR", old_runtime));
    free(change_variable("TMPDIR", old_temporary));
    free(old_runtime);
    free(old_temporary);
    assert_int_equal(err, 0);
    assert_string_equal(place.path, expected);
    ft_place_release(&place);
}

static void the_folder_is_looked_for_where_runtime_or_temporary_files_are(void **state)
{
    struct scratch *scratch = *state;
    char name[32];
    snprintf(name, sizeof name, "fleetest-%u", (unsigned)geteuid());
    check_default(scratch->folder, "/nonexistent", scratch_path(scratch, "fleetest"));
    check_default(NULL, scratch->folder, scratch_path(scratch, name));
    check_default("", scratch->folder, scratch_path(scratch, name));
    check_default("relative", scratch->folder, scratch_path(scratch, name));
}

/* ---- the socket ---- */

static void check_connected(const struct ft_place *place, int listener)
{
    char text[4] = "";
    int client = ft_place_connect(place);
    assert_in_range(client, FT_FDS_LOWEST, INT_MAX);
    assert_int_equal(fcntl(client, F_GETFD), FD_CLOEXEC);
    assert_true(fcntl(client, F_GETFL) & O_NONBLOCK);
    int server = accept(listener, NULL, NULL);
    assert_in_range(server, 0, INT_MAX);
    assert_int_equal(write(client, "abc", 3), 3);
    assert_int_equal(read(server, text, sizeof text), 3);
    assert_string_equal(text, "abc");
    close(server);
    close(client);
}

static void without_a_socket_there_is_nobody(void **state)
{
    struct ft_place place = open_place(*state, "place", python);
    struct stat st;
    unsigned before = open_descriptors();
    assert_int_equal(ft_place_connect(&place), -ENOENT);
    assert_int_equal(ft_place_stat_socket(&place, &st), -ENOENT);
    assert_int_equal(open_descriptors(), before);
    ft_place_release(&place);
}

static void the_socket_of_the_dead_refuses_and_is_replaced(void **state)
{
    struct ft_place place = open_place(*state, "place", python);
    int listener = ft_place_listen(&place);
    assert_in_range(listener, FT_FDS_LOWEST, INT_MAX);
    close(listener);
    unsigned before = open_descriptors();
    assert_int_equal(ft_place_connect(&place), -ECONNREFUSED);
    assert_int_equal(open_descriptors(), before);
    listener = ft_place_listen(&place);
    check_connected(&place, listener);
    close(listener);
    ft_place_release(&place);
}

static void who_listens_is_connected_to(void **state)
{
    struct ft_place place = open_place(*state, "place", python);
    int listener = ft_place_listen(&place);
    assert_in_range(listener, FT_FDS_LOWEST, INT_MAX);
    assert_int_equal(fcntl(listener, F_GETFD), FD_CLOEXEC);
    assert_true(fcntl(listener, F_GETFL) & O_NONBLOCK);
    check_connected(&place, listener);
    check_connected(&place, listener);
    close(listener);
    ft_place_release(&place);
}

static void interpreters_have_sockets_of_their_own(void **state)
{
    struct ft_place one = open_place(*state, "place", python), other = open_place(*state, "place", "/other");
    int first = ft_place_listen(&one);
    assert_in_range(first, 0, INT_MAX);
    assert_int_equal(ft_place_connect(&other), -ENOENT);
    int second = ft_place_listen(&other);
    check_connected(&one, first);
    check_connected(&other, second);
    close(first);
    close(second);
    ft_place_release(&one);
    ft_place_release(&other);
}

static void a_path_longer_than_an_address_can_be_connected_to(void **state)
{
    struct scratch *scratch = *state;
    char name[2 * PATH_OF_ADDRESS] = "";
    memset(name, 'a', sizeof name - 10);
    struct ft_place place = open_place(scratch, name, python);
    assert_in_range(strlen(place.path), PATH_OF_ADDRESS + 1, PATH_MAX);
    assert_int_equal(ft_place_connect(&place), -ENOENT);
    int listener = ft_place_listen(&place);
    check_connected(&place, listener);
    close(listener);
    assert_int_equal(ft_place_connect(&place), -ECONNREFUSED);
    ft_place_release(&place);
}

static void who_takes_no_connections_is_not_waited_for(void **state)
{
    static int clients[CONNECTIONS];
    struct ft_place place = open_place(*state, "place", python);
    int listener = ft_place_listen(&place), last = 0;
    size_t count = 0;
    while (count < CONNECTIONS && (last = ft_place_connect(&place)) >= 0)
        clients[count++] = last;
    assert_int_equal(last, -EAGAIN);
    ft_fds_close(clients, count);
    close(listener);
    ft_place_release(&place);
}

static void the_status_tells_one_socket_from_the_next(void **state)
{
    struct ft_place place = open_place(*state, "place", python);
    struct stat first, again, second;
    int old = ft_place_listen(&place);
    assert_int_equal(ft_place_stat_socket(&place, &first), 0);
    assert_true(S_ISSOCK(first.st_mode));
    assert_int_equal(ft_place_stat_socket(&place, &again), 0);
    assert_int_equal(first.st_ino, again.st_ino);
    int next = ft_place_listen(&place);
    assert_int_equal(ft_place_stat_socket(&place, &second), 0);
    assert_int_not_equal(first.st_ino, second.st_ino);
    check_connected(&place, next);
    close(old);
    close(next);
    ft_place_release(&place);
}

static void nothing_but_the_socket_is_left_in_the_folder(void **state)
{
    struct scratch *scratch = *state;
    struct ft_place place = open_place(scratch, "place", python);
    int listener = ft_place_listen(&place);
    assert_int_equal(files_in(&place), 1);
    close(listener);
    ft_place_release(&place);
}

static void a_folder_that_was_removed_is_an_error(void **state)
{
    struct scratch *scratch = *state;
    struct ft_place place = open_place(scratch, "place", python);
    unsigned before = open_descriptors();
    assert_int_equal(rmdir(scratch_path(scratch, "place")), 0);
    assert_int_equal(ft_place_connect(&place), -ENOENT);
    assert_int_equal(ft_place_listen(&place), -ENOENT);
    assert_int_equal(ft_place_lock(&place), -ENOENT);
    assert_int_equal(ft_place_log(&place, 10), -ENOENT);
    assert_int_equal(ft_place_open_log(&place), -ENOENT);
    ft_place_clear(&place);
    assert_int_equal(open_descriptors(), before);
    ft_place_release(&place);
}

/* ---- the log ---- */

static void append(const struct ft_place *place, const char *text, off_t keep)
{
    int fd = ft_place_log(place, keep);
    assert_in_range(fd, 0, INT_MAX);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void check_log(const struct ft_place *place, const char *expected)
{
    char text[64] = "";
    int fd = ft_place_open_log(place);
    assert_in_range(fd, 0, INT_MAX);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(read(fd, text, sizeof text - 1), strlen(expected));
    assert_string_equal(text, expected);
    close(fd);
}

static void the_log_is_appended_to(void **state)
{
    struct ft_place place = open_place(*state, "place", python);
    struct stat st;
    assert_int_equal(ft_place_open_log(&place), -ENOENT);
    append(&place, "one ", 100);
    append(&place, "two ", 100);
    check_log(&place, "one two ");
    int first = ft_place_log(&place, 100), second = ft_place_log(&place, 100);
    assert_int_equal(write(first, "a", 1), 1);
    assert_int_equal(write(second, "b", 1), 1);
    assert_int_equal(write(first, "c", 1), 1);
    check_log(&place, "one two abc");
    assert_int_equal(fstat(first, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    close(first);
    close(second);
    ft_place_release(&place);
}

static void a_log_above_what_is_kept_begins_anew(void **state)
{
    struct ft_place place = open_place(*state, "place", python);
    append(&place, "12345", 5);
    append(&place, "6", 5);
    check_log(&place, "123456");
    append(&place, "new", 5);
    check_log(&place, "new");
    append(&place, "", 0);
    check_log(&place, "");
    ft_place_release(&place);
}

static void interpreters_have_logs_of_their_own(void **state)
{
    struct ft_place one = open_place(*state, "place", python), other = open_place(*state, "place", "/other");
    append(&one, "one", 100);
    assert_int_equal(ft_place_open_log(&other), -ENOENT);
    append(&other, "other", 100);
    check_log(&one, "one");
    check_log(&other, "other");
    ft_place_release(&one);
    ft_place_release(&other);
}

static void no_file_is_opened_by_a_link(void **state)
{
    struct scratch *scratch = *state;
    struct ft_place place = open_place(scratch, "place", python);
    struct stat st;
    char name[64];
    unsigned before = open_descriptors();
    scratch_write(scratch, "target", "precious");
    snprintf(name, sizeof name, "place/%s.log", place.name);
    assert_int_equal(symlink("../target", scratch_path(scratch, name)), 0);
    assert_int_equal(ft_place_log(&place, 0), -ELOOP);
    assert_int_equal(ft_place_open_log(&place), -ELOOP);
    snprintf(name, sizeof name, "place/%s.lock", place.name);
    assert_int_equal(symlink("../target", scratch_path(scratch, name)), 0);
    assert_int_equal(ft_place_lock(&place), -ELOOP);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(stat(scratch_path(scratch, "target"), &st), 0);
    assert_int_equal(st.st_size, strlen("precious"));
    ft_place_release(&place);
}

/* ---- the build ---- */

static int write_build(void *argument)
{
    char build[256] = "";
    int err = ft_place_build(build, sizeof build);
    return err == 0 && strcmp(build, argument) == 0 ? 0 : 1;
}

static void the_build_is_always_the_same(void **state)
{
    char first[256] = "", second[256] = "";
    struct child child;
    (void)state;
    assert_int_equal(ft_place_build(first, sizeof first), 0);
    assert_int_equal(ft_place_build(second, sizeof second), 0);
    assert_string_equal(first, second);
    assert_int_equal(strncmp(first, FT_VERSION, strlen(FT_VERSION)), 0);
    assert_int_equal(child_start(&child, write_build, first), 0);
    child_end(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(the_folder_is_made_for_the_user_alone),
        WITH_SCRATCH(a_folder_that_is_there_is_taken_as_it_is),
        WITH_SCRATCH(every_interpreter_has_a_name_of_its_own),
        WITH_SCRATCH(a_folder_that_others_can_use_is_refused),
        WITH_SCRATCH(a_folder_of_somebody_else_is_refused),
        WITH_SCRATCH(what_is_no_folder_is_refused),
        WITH_SCRATCH(a_link_is_refused_even_to_a_good_folder),
        WITH_SCRATCH(a_folder_that_cannot_be_made_is_named),
        WITH_SCRATCH(a_path_that_does_not_fit_is_not_cut),
        WITH_SCRATCH(the_folder_is_looked_for_where_runtime_or_temporary_files_are),
        WITH_SCRATCH(without_a_socket_there_is_nobody),
        WITH_SCRATCH(the_socket_of_the_dead_refuses_and_is_replaced),
        WITH_SCRATCH(who_listens_is_connected_to),
        WITH_SCRATCH(interpreters_have_sockets_of_their_own),
        WITH_SCRATCH(a_path_longer_than_an_address_can_be_connected_to),
        WITH_SCRATCH(who_takes_no_connections_is_not_waited_for),
        WITH_SCRATCH(the_status_tells_one_socket_from_the_next),
        WITH_SCRATCH(nothing_but_the_socket_is_left_in_the_folder),
        WITH_SCRATCH(a_folder_that_was_removed_is_an_error),
        WITH_SCRATCH(the_log_is_appended_to),
        WITH_SCRATCH(a_log_above_what_is_kept_begins_anew),
        WITH_SCRATCH(interpreters_have_logs_of_their_own),
        WITH_SCRATCH(no_file_is_opened_by_a_link),
        WITH_SCRATCH(the_build_is_always_the_same),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

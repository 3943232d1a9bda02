/* trace: what is recorded when, and that callers notice nothing. */
#include <arpa/inet.h>
#include <fts.h>
#include <glob.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <wordexp.h>

#include "traced.h"

enum { ROUNDS = 3000, STACK = 256 << 10 };

static void start(const struct ft_trace_callbacks *callbacks)
{
    ft_trace_library()->start(callbacks);
}

static void stop(void)
{
    ft_trace_library()->stop();
}

static void nothing_is_recorded_while_it_is_off(void **state)
{
    struct stat st;
    (void)state;
    trace_start();
    stop();
    assert_int_equal(stat("/", &st), 0);
    assert_int_equal(ft_trace_library()->count(), 0);
    trace_start();
    assert_int_equal(stat("/", &st), 0);
    stop();
    assert_int_equal(ft_trace_library()->count(), 1);
    assert_int_equal(stat("/tmp", &st), 0);
    assert_int_equal(ft_trace_library()->count(), 1);
    ft_trace_library()->forget();
    assert_int_equal(ft_trace_library()->count(), 0);
}

static void what_is_no_path_is_not_recorded(void **state)
{
    struct stat st;
    int (*ask)(const char *, struct stat *) = stat; /* which is not known to want a path */
    (void)state;
    trace_start();
    assert_int_equal(stat("", &st), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(ask(NULL, &st), -1);
    assert_int_equal(errno, EFAULT);
    assert_int_equal(fstatat(-7, "x", &st, 0), -1);
    assert_int_equal(errno, EBADF);
    assert_int_equal(fstatat(0, "", &st, AT_EMPTY_PATH), 0);
    stop();
    assert_int_equal(ft_trace_library()->count(), 0);
    assert_false(ft_trace_library()->missed());
}

static void results_are_those_of_the_c_library(void **state)
{
    struct scratch *scratch = *state;
    char text[16] = "", resolved[PATH_MAX];
    struct stat st;
    scratch_write(scratch, "file", "abc");
    assert_int_equal(symlink("file", scratch_path(scratch, "link")), 0);
    trace_start();
    errno = 77;
    int fd = open(scratch_path(scratch, "file"), O_RDONLY);
    assert_int_equal(read(fd, text, sizeof text), 3);
    assert_string_equal(text, "abc");
    close(fd);
    assert_int_equal(stat(scratch_path(scratch, "link"), &st), 0);
    assert_int_equal(st.st_size, 3);
    assert_int_equal(lstat(scratch_path(scratch, "link"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(readlink(scratch_path(scratch, "link"), text, sizeof text), 4);
    assert_int_equal(mkdir(scratch_path(scratch, "made"), 0700), 0);
    assert_string_equal(getenv("PATH"), secure_getenv("PATH"));
    assert_int_equal(errno, 77);
    assert_ptr_equal(realpath(scratch_path(scratch, "link"), resolved), resolved);
    stop();
    assert_string_equal(resolved, scratch_path(scratch, "file"));
    check_traced(FT_TRACE_READ, scratch_path(scratch, "file"), 0);
    check_traced(FT_TRACE_STATUS, scratch_path(scratch, "link"), 0);
    check_traced(FT_TRACE_CHANGE, scratch_path(scratch, "made"), 0);
    check_traced(FT_TRACE_VARIABLE, "PATH", 0);
}

static void flags_say_whether_it_is_read_or_changed(void **state)
{
    static const struct {
        int flags;
        bool read, changed;
    } ways[] = {
        {O_RDONLY, true, false}, {O_WRONLY, false, true}, {O_RDWR, true, true}, {O_RDWR | O_TRUNC, false, true},
        {O_RDONLY | O_CREAT, true, true}, {O_RDWR | O_CREAT, true, true}, {O_RDWR | O_APPEND, true, true},
        {O_WRONLY | O_CREAT | O_TRUNC, false, true}, {O_PATH, false, false},
    };
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "abc");
    const char *path = scratch_path(scratch, "file");
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        trace_start();
        close(open(path, ways[i].flags, 0600));
        stop();
        assert_int_equal(traced(FT_TRACE_READ, path).kind != 0, ways[i].read);
        assert_int_equal(traced(FT_TRACE_CHANGE, path).kind != 0, ways[i].changed);
        assert_int_equal(traced(FT_TRACE_STATUS, path).kind != 0, !ways[i].read && !ways[i].changed);
    }
}

static void the_first_answer_stays(void **state)
{
    struct scratch *scratch = *state;
    struct stat st;
    trace_start();
    assert_int_equal(stat(scratch_path(scratch, "file"), &st), -1);
    scratch_write(scratch, "file", "abc");
    assert_int_equal(stat(scratch_path(scratch, "file"), &st), 0);
    stop();
    check_traced(FT_TRACE_STATUS, scratch_path(scratch, "file"), ENOENT);
    check_traced(FT_TRACE_ANOTHER, scratch_path(scratch, "file"), 0);
    assert_int_equal(ft_trace_library()->count(), 3);
}

/* The file that is read or asked for its times by a path is another where a link on the way has turned. */
static void another_answer_is_noted(void **state)
{
    struct scratch *scratch = *state;
    struct stat st;
    char path[PATH_MAX];
    assert_int_equal(mkdir(scratch_path(scratch, "one"), 0700), 0);
    assert_int_equal(mkdir(scratch_path(scratch, "other"), 0700), 0);
    scratch_write(scratch, "one/read", "a");
    scratch_write(scratch, "one/gone", "a");
    scratch_write(scratch, "other/read", "a");
    assert_int_equal(symlink("one", scratch_path(scratch, "way")), 0);
    snprintf(path, sizeof path, "%s", scratch_path(scratch, "way"));
    trace_start();
    for (int pass = 0; pass < 2; pass++) {
        for (int again = 0; again < 2; again++) {
            close(open(scratch_path(scratch, "way/read"), O_RDONLY));
            assert_int_equal(stat(scratch_path(scratch, "way/gone"), &st), -pass);
            assert_int_equal(stat(scratch_path(scratch, "way/none"), &st), -1);
        }
        if (pass == 0) {
            assert_int_equal(traced(FT_TRACE_ANOTHER, scratch_path(scratch, "way/read")).kind, 0);
            assert_int_equal(unlink(path), 0);
            assert_int_equal(symlink("other", path), 0);
        }
    }
    stop();
    check_traced(FT_TRACE_ANOTHER, scratch_path(scratch, "way/read"), 0);
    check_traced(FT_TRACE_ANOTHER, scratch_path(scratch, "way/gone"), 0);
    assert_int_equal(traced(FT_TRACE_ANOTHER, scratch_path(scratch, "way/none")).kind, 0);
}

static void each_link_on_the_way_is_recorded(void **state)
{
    struct scratch *scratch = *state;
    static const char *const seen[] = {"", "/one", "/two", "/folder", "/folder/file"};
    char path[PATH_MAX];
    assert_int_equal(mkdir(scratch_path(scratch, "folder"), 0700), 0);
    scratch_write(scratch, "folder/file", "");
    assert_int_equal(symlink("./two", scratch_path(scratch, "one")), 0);
    snprintf(path, sizeof path, "%s/folder/../folder", scratch->folder);
    assert_int_equal(symlink(path, scratch_path(scratch, "two")), 0);
    trace_start();
    char *resolved = realpath(scratch_path(scratch, "one/file"), NULL);
    assert_null(realpath(scratch_path(scratch, "missing/file"), NULL));
    stop();
    assert_string_equal(resolved, scratch_path(scratch, "folder/file"));
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        snprintf(path, sizeof path, "%s%s", scratch->folder, seen[i]);
        check_traced(FT_TRACE_LINK, path, 0);
    }
    check_traced(FT_TRACE_LINK, scratch_path(scratch, "missing"), ENOENT);
    assert_int_equal(traced(FT_TRACE_LINK, scratch_path(scratch, "missing/file")).kind, 0);
    free(resolved);
}

static void folders_are_listed_by_descriptor_too(void **state)
{
    struct scratch *scratch = *state;
    int fd = open(scratch->folder, O_RDONLY | O_DIRECTORY);
    trace_start();
    DIR *folder = fdopendir(fd);
    stop();
    assert_non_null(folder);
    closedir(folder);
    check_traced(FT_TRACE_LIST, scratch->folder, 0);
}

static void what_a_descriptor_is_changed_by_is_a_change(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, "file", "");
    for (int way = 0; way < 3; way++) {
        int fd = open(scratch_path(scratch, "file"), O_RDONLY);
        trace_start();
        assert_int_equal(way == 0   ? fchmod(fd, 0600)
                         : way == 1 ? futimens(fd, NULL)
                                    : fchown(fd, (uid_t)-1, (gid_t)-1),
                         0);
        stop();
        close(fd);
        check_traced(FT_TRACE_CHANGE, scratch_path(scratch, "file"), 0);
    }
}

static void functions_that_see_many_paths_are_named(void **state)
{
    char *const roots[] = {(char *)(size_t)"/missing", NULL};
    glob_t found;
    wordexp_t words;
    (void)state;
    trace_start();
    assert_int_equal(glob("/missing/*", 0, NULL, &found), GLOB_NOMATCH);
    FTS *tree = fts_open(roots, FTS_PHYSICAL, NULL);
    assert_int_equal(wordexp("a", &words, WRDE_NOCMD), 0);
    stop();
    while (fts_read(tree) != NULL) /* or fts_close() forgets to free some of it */
        continue;
    fts_close(tree);
    wordfree(&words);
    assert_int_equal(traced(FT_TRACE_OPAQUE, "glob").kind + traced(FT_TRACE_OPAQUE, "glob64").kind, FT_TRACE_OPAQUE);
    assert_int_equal(traced(FT_TRACE_OPAQUE, "fts_open").kind + traced(FT_TRACE_OPAQUE, "fts64_open").kind,
                     FT_TRACE_OPAQUE);
    check_traced(FT_TRACE_OPAQUE, "wordexp", 0);
}

static void sockets_are_recorded_by_their_address(void **state)
{
    struct scratch *scratch = *state;
    struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 inet6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons(1)};
    struct sockaddr_un local = {.sun_family = AF_UNIX}, hidden = {.sun_family = AF_UNIX, .sun_path = "\0hidden"};
    char text[PATH_MAX + 8];
    int fd = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(local.sun_path, sizeof local.sun_path, "%s/socket", scratch->folder);
    trace_start();
    assert_int_equal(bind(fd, (struct sockaddr *)&inet, sizeof inet), 0);
    assert_int_equal(connect(other, (struct sockaddr *)&local, sizeof local), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(connect(other, (struct sockaddr *)&hidden, offsetof(struct sockaddr_un, sun_path) + 7), -1);
    assert_int_equal(connect(-1, (struct sockaddr *)&inet6, sizeof inet6), -1);
    stop();
    close(fd);
    close(other);
    check_traced(FT_TRACE_SOCKET, "inet 127.0.0.1:0", 0);
    check_traced(FT_TRACE_SOCKET, "inet6 [::1]:1", EBADF);
    check_traced(FT_TRACE_SOCKET, "unix @hidden", ECONNREFUSED);
    snprintf(text, sizeof text, "unix %s", local.sun_path);
    check_traced(FT_TRACE_SOCKET, text, ENOENT);
}

/* ---- callbacks ---- */

static int asked, told;
static bool looks_again;

static enum ft_trace_aspect aspect(enum ft_trace_kind kind)
{
    struct stat st;
    asked++;
    if (looks_again)
        stat("/again", &st);
    errno = 1;
    return kind == FT_TRACE_LIST ? FT_ASPECT_MODULES : FT_ASPECT_PRESENCE;
}

static void who(char *buffer, size_t size)
{
    told++;
    errno = 1;
    snprintf(buffer, size, "file:%d", told);
}

static const struct ft_trace_callbacks both = {aspect, who, NULL};

static void the_aspect_is_asked_each_time_and_who_it_is_once(void **state)
{
    struct stat st;
    (void)state;
    asked = told = 0;
    start(&both);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(stat("/missing", &st), -1);
        assert_int_equal(errno, ENOENT);
    }
    assert_int_equal(access("/missing", F_OK), -1);
    stop();
    assert_int_equal(asked, 3);
    assert_int_equal(told, 1);
    assert_int_equal(ft_trace_library()->count(), 1);
    assert_int_equal(traced(FT_TRACE_STATUS, "/missing").aspect, FT_ASPECT_PRESENCE);
    assert_string_equal(traced(FT_TRACE_STATUS, "/missing").who, "file:1");
}

static const char *reader = "";

static void who_reads(char *buffer, size_t size)
{
    snprintf(buffer, size, "%s", reader);
}

static void read_as(const char *who, const char *path)
{
    reader = who;
    int fd = open(path, O_RDONLY);
    if (fd >= 0)
        close(fd);
}

static void what_pytest_keeps_is_recorded_for_the_project_too(void **state)
{
    static const struct ft_trace_callbacks callbacks = {NULL, who_reads, NULL};
    (void)state;
    start(&callbacks);
    read_as("", "/missing/v/cache/lastfailed");
    read_as("", "/missing/v/cache/lastfailed");
    read_as("conftest.py:1", "/missing/v/cache/lastfailed");
    read_as("conftest.py:2", "/missing/v/cache/lastfailed");
    read_as("conftest.py:3", "/missing/v/cache/nodeids");
    read_as("conftest.py:4", "/missing/v/cache/nodeids");
    read_as("", "/missing/other");
    read_as("conftest.py:5", "/missing/other");
    stop();
    assert_int_equal(ft_trace_library()->count(), 4);
    assert_string_equal(ft_trace_library()->entry(0).who, "");
    assert_string_equal(ft_trace_library()->entry(1).who, "conftest.py:1");
    assert_int_equal(ft_trace_library()->entry(1).kind, FT_TRACE_READ);
    assert_string_equal(ft_trace_library()->entry(1).path, "/missing/v/cache/lastfailed");
    assert_string_equal(ft_trace_library()->entry(2).who, "conftest.py:3");
    assert_string_equal(ft_trace_library()->entry(3).who, "");
}

static void what_comes_while_recording_is_missed(void **state)
{
    struct stat st;
    (void)state;
    looks_again = true;
    start(&both);
    stat("/missing", &st);
    stop();
    looks_again = false;
    assert_true(ft_trace_library()->missed());
    assert_int_equal(traced(FT_TRACE_STATUS, "/again").kind, 0);
    start(&both);
    stop();
    assert_false(ft_trace_library()->missed());
}

/* ---- threads and processes ---- */

static void *look(void *argument)
{
    const char *name = argument;
    char path[64];
    struct stat st;
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(path, sizeof path, "/missing/%s/%d", i % 2 == 0 ? "both" : name, i);
        if (stat(path, &st) == 0 || errno != ENOENT)
            return NULL;
    }
    return argument;
}

static void several_threads_may_look_at_once(void **state)
{
    pthread_t threads[3];
    static char names[3][8] = {"one", "two", "three"};
    void *result;
    (void)state;
    trace_start();
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look, names[i]), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, names[i]);
    }
    stop();
    assert_int_equal(ft_trace_library()->count(), ROUNDS / 2 + 3 * (ROUNDS / 2));
    assert_false(ft_trace_library()->missed());
}

static int end_of(pid_t pid)
{
    int end;
    assert_int_equal(waitpid(pid, &end, 0), pid);
    return end;
}

static void it_is_off_in_the_child_of_a_fork(void **state)
{
    (void)state;
    trace_start();
    pid_t pid = fork();
    if (pid == 0) {
        struct stat st;
        stat("/missing", &st);
        _exit(ft_trace_library()->count() == 0 ? 7 : 1);
    }
    struct stat st;
    stat("/parent", &st);
    stop();
    assert_int_equal(WEXITSTATUS(end_of(pid)), 7);
    check_traced(FT_TRACE_PROGRAM, "fork", 0);
    check_traced(FT_TRACE_STATUS, "/parent", ENOENT);
}

static int run_true(void *unused)
{
    (void)unused;
    execl("/missing/true", "true", (char *)NULL);
    execlp("true", "true", "1", (char *)NULL);
    _exit(1);
}

static void programs_of_a_child_that_shares_our_memory_are_recorded(void **state)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;
    assert_ptr_not_equal(stack, MAP_FAILED);
    trace_start();
    int pid = clone(run_true, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    stop();
    assert_int_equal(end_of(pid), 0);
    check_traced(FT_TRACE_PROGRAM, "/missing/true", ENOENT);
    check_traced(FT_TRACE_PROGRAM, "true", 0);
    munmap(stack, STACK);
}

static void many_arguments_are_passed_on(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
#define TEN "0", "0", "0", "0", "0", "0", "0", "0", "0", "0"
        execl("/bin/sh", "sh", "-c", "exit $#", "sh", TEN, TEN, TEN, TEN, TEN, TEN, TEN, (char *)NULL);
        _exit(1);
    }
    assert_int_equal(WEXITSTATUS(end_of(pid)), 70);
}

static void a_shell_is_recorded_with_its_command(void **state)
{
    (void)state;
    int (*run)(const char *) = system;
    FILE *(*open_pipe)(const char *, const char *) = popen;
    trace_start();
    assert_int_equal(WEXITSTATUS(run("exit 3")), 3);
    FILE *pipe = open_pipe("exit 4", "r");
    assert_int_equal(WEXITSTATUS(pclose(pipe)), 4);
    stop();
    check_traced(FT_TRACE_PROGRAM, "/bin/sh -c exit 3", 0);
    check_traced(FT_TRACE_PROGRAM, "/bin/sh -c exit 4", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_recorded_while_it_is_off),
        cmocka_unit_test(what_is_no_path_is_not_recorded),
        WITH_SCRATCH(results_are_those_of_the_c_library),
        WITH_SCRATCH(flags_say_whether_it_is_read_or_changed),
        WITH_SCRATCH(the_first_answer_stays),
        WITH_SCRATCH(another_answer_is_noted),
        WITH_SCRATCH(each_link_on_the_way_is_recorded),
        WITH_SCRATCH(folders_are_listed_by_descriptor_too),
        WITH_SCRATCH(what_a_descriptor_is_changed_by_is_a_change),
        cmocka_unit_test(functions_that_see_many_paths_are_named),
        WITH_SCRATCH(sockets_are_recorded_by_their_address),
        cmocka_unit_test(the_aspect_is_asked_each_time_and_who_it_is_once),
        cmocka_unit_test(what_pytest_keeps_is_recorded_for_the_project_too),
        cmocka_unit_test(what_comes_while_recording_is_missed),
        cmocka_unit_test(several_threads_may_look_at_once),
        cmocka_unit_test(it_is_off_in_the_child_of_a_fork),
        cmocka_unit_test(programs_of_a_child_that_shares_our_memory_are_recorded),
        cmocka_unit_test(many_arguments_are_passed_on),
        cmocka_unit_test(a_shell_is_recorded_with_its_command),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

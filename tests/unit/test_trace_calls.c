/*
 * trace/interpose: each function that looks at a path is called, by its name, with one in a folder that is not there:
 * that must be recorded, and the caller must get the errno.
 */
#include <dlfcn.h>
#include <time.h>

#include "traced.h"

/* How a function is called; `folder` is for those that take a descriptor.  Each returns whether it failed. */
typedef bool adapter(void *function, int folder, const char *path);

/* The function as one of this type. */
#define AS(type, name, parameters) \
    type(*name) parameters; \
    memcpy(&name, &function, sizeof name)

#define PATH_ADAPTER(adapter_name, type, parameters, arguments, failure) \
    static bool adapter_name(void *function, int folder, const char *path) \
    { \
        (void)folder; \
        AS(type, call, parameters); \
        return call arguments == failure; \
    }

static char text[256];
static struct stat status;
static const struct timespec times[2];
static char *const arguments[] = {NULL};

PATH_ADAPTER(one, int, (const char *), (path), -1)
PATH_ADAPTER(pointer, void *, (const char *), (path), NULL)
PATH_ADAPTER(number, int, (const char *, int), (path, 0), -1)
PATH_ADAPTER(writing, int, (const char *, int, ...), (path, O_WRONLY | O_CREAT, 0600), -1)
PATH_ADAPTER(reading, int, (const char *, int, ...), (path, O_RDWR), -1)
PATH_ADAPTER(new_size, int, (const char *, long), (path, 0L), -1)
PATH_ADAPTER(device, int, (const char *, mode_t, unsigned long), (path, 0600, 0UL), -1)
PATH_ADAPTER(owner, int, (const char *, unsigned, unsigned), (path, 0, 0), -1)
PATH_ADAPTER(buffer, int, (const char *, void *), (path, &status), -1)
PATH_ADAPTER(change_times, int, (const char *, const void *), (path, NULL), -1)
PATH_ADAPTER(link_of, long, (const char *, char *, size_t), (path, text, sizeof text), -1)
PATH_ADAPTER(link_checked, long, (const char *, char *, size_t, size_t), (path, text, 16, sizeof text), -1)
PATH_ADAPTER(attribute, long, (const char *, const char *, void *, size_t), (path, "user.x", text, 1), -1)
PATH_ADAPTER(set_attribute, int, (const char *, const char *, const void *, size_t, int),
             (path, "user.x", "", 0, 0), -1)
PATH_ADAPTER(drop_attribute, int, (const char *, const char *), (path, "user.x"), -1)
PATH_ADAPTER(stream, void *, (const char *, const char *), (path, "r"), NULL)
PATH_ADAPTER(two, int, (const char *, const char *), (path, path), -1)
PATH_ADAPTER(new_link, int, (const char *, const char *), ("x", path), -1)
PATH_ADAPTER(scan, int, (const char *, void *, void *, void *), (path, text, NULL, NULL), -1)
PATH_ADAPTER(versioned, int, (int, const char *, void *), (1, path, &status), -1)
PATH_ADAPTER(node, int, (int, const char *, mode_t, dev_t *), (0, path, 0600, &status.st_dev), -1)
PATH_ADAPTER(program, int, (const char *, char *const *), (path, arguments), -1)
PATH_ADAPTER(program_variables, int, (const char *, char *const *, char *const *), (path, arguments, arguments), -1)
PATH_ADAPTER(program_list, int, (const char *, const char *, ...), (path, "a", "b", (char *)NULL), -1)
PATH_ADAPTER(program_list_variables, int, (const char *, const char *, ...), (path, "a", (char *)NULL, arguments), -1)

PATH_ADAPTER(at_number, int, (int, const char *, int), (folder, path, 0), -1)
PATH_ADAPTER(at_numbers, int, (int, const char *, int, int), (folder, path, 0, 0), -1)
PATH_ADAPTER(at_reading, int, (int, const char *, int, ...), (folder, path, O_RDONLY), -1)
PATH_ADAPTER(at_status, int, (int, const char *, void *, int), (folder, path, &status, 0), -1)
PATH_ADAPTER(at_link, int, (int, const char *, void *, int), (folder, path, &status, AT_SYMLINK_NOFOLLOW), -1)
PATH_ADAPTER(at_versioned, int, (int, int, const char *, void *, int), (1, folder, path, &status, 0), -1)
PATH_ADAPTER(at_node, int, (int, int, const char *, mode_t, dev_t *), (0, folder, path, 0600, &status.st_dev), -1)
PATH_ADAPTER(at_device, int, (int, const char *, mode_t, unsigned long), (folder, path, 0600, 0UL), -1)
PATH_ADAPTER(at_more, int, (int, const char *, int, unsigned, void *), (folder, path, 0, 1, text), -1)
PATH_ADAPTER(at_owner, int, (int, const char *, unsigned, unsigned, int), (folder, path, 0, 0, 0), -1)
PATH_ADAPTER(at_link_of, long, (int, const char *, char *, size_t), (folder, path, text, sizeof text), -1)
PATH_ADAPTER(at_link_checked, long, (int, const char *, char *, size_t, size_t), (folder, path, text, 9, 99), -1)
PATH_ADAPTER(at_two, int, (int, const char *, int, const char *, int), (folder, path, folder, path, 0), -1)
PATH_ADAPTER(at_new_link, int, (const char *, int, const char *), ("x", folder, path), -1)
PATH_ADAPTER(at_times, int, (int, const char *, const void *), (folder, path, NULL), -1)
PATH_ADAPTER(at_exact_times, int, (int, const char *, const void *, int), (folder, path, times, 0), -1)
PATH_ADAPTER(at_scan, int, (int, const char *, void *, void *, void *), (folder, path, text, NULL, NULL), -1)
PATH_ADAPTER(at_program, int, (int, const char *, char *const *, char *const *, int),
             (folder, path, arguments, arguments, 0), -1)

static bool again(void *function, int folder, const char *path)
{
    (void)folder;
    AS(void *, call, (const char *, const char *, void *));
    return call(path, "w", stdin) == NULL; /* the memory of another one would be lost */
}

/* It returns the error. */
static bool spawn(void *function, int folder, const char *path)
{
    pid_t pid;
    (void)folder;
    AS(int, call, (pid_t *, const char *, void *, void *, char *const *, char *const *));
    errno = call(&pid, path, NULL, NULL, arguments, arguments);
    return errno != 0;
}

static const struct call {
    const char *name;
    enum ft_trace_kind kind;
    adapter *call;
    bool takes_folder;
} calls[] = {
    {"open", FT_TRACE_READ, reading, false}, {"open", FT_TRACE_CHANGE, writing, false},
    {"open64", FT_TRACE_READ, reading, false}, {"open64", FT_TRACE_CHANGE, writing, false},
    {"openat", FT_TRACE_READ, at_reading, true}, {"openat64", FT_TRACE_READ, at_reading, true},
    {"__open_2", FT_TRACE_READ, number, false}, {"__open64_2", FT_TRACE_READ, number, false},
    {"__openat_2", FT_TRACE_READ, at_number, true}, {"__openat64_2", FT_TRACE_READ, at_number, true},
    {"creat", FT_TRACE_CHANGE, number, false}, {"creat64", FT_TRACE_CHANGE, number, false},
    {"fopen", FT_TRACE_READ, stream, false}, {"fopen64", FT_TRACE_READ, stream, false},
    {"freopen", FT_TRACE_CHANGE, again, false}, {"freopen64", FT_TRACE_CHANGE, again, false},
    {"opendir", FT_TRACE_LIST, pointer, false},
    {"scandir", FT_TRACE_LIST, scan, false}, {"scandir64", FT_TRACE_LIST, scan, false},
    {"scandirat", FT_TRACE_LIST, at_scan, true}, {"scandirat64", FT_TRACE_LIST, at_scan, true},
    {"stat", FT_TRACE_STATUS, buffer, false}, {"stat64", FT_TRACE_STATUS, buffer, false},
    {"lstat", FT_TRACE_LINK, buffer, false}, {"lstat64", FT_TRACE_LINK, buffer, false},
    {"fstatat", FT_TRACE_STATUS, at_status, true}, {"fstatat64", FT_TRACE_LINK, at_link, true},
    {"fstatat", FT_TRACE_LINK, at_link, true}, {"fstatat64", FT_TRACE_STATUS, at_status, true},
    {"__xstat", FT_TRACE_STATUS, versioned, false}, {"__xstat64", FT_TRACE_STATUS, versioned, false},
    {"__lxstat", FT_TRACE_LINK, versioned, false}, {"__lxstat64", FT_TRACE_LINK, versioned, false},
    {"__fxstatat", FT_TRACE_STATUS, at_versioned, true}, {"__fxstatat64", FT_TRACE_STATUS, at_versioned, true},
    {"statx", FT_TRACE_STATUS, at_more, true},
    {"access", FT_TRACE_STATUS, number, false}, {"eaccess", FT_TRACE_STATUS, number, false},
    {"euidaccess", FT_TRACE_STATUS, number, false}, {"faccessat", FT_TRACE_STATUS, at_numbers, true},
    {"readlink", FT_TRACE_LINK, link_of, false}, {"readlinkat", FT_TRACE_LINK, at_link_of, true},
    {"__readlink_chk", FT_TRACE_LINK, link_checked, false},
    {"__readlinkat_chk", FT_TRACE_LINK, at_link_checked, true},
    {"getxattr", FT_TRACE_STATUS, attribute, false}, {"lgetxattr", FT_TRACE_LINK, attribute, false},
    {"listxattr", FT_TRACE_STATUS, link_of, false}, {"llistxattr", FT_TRACE_LINK, link_of, false},
    {"statfs", FT_TRACE_STATUS, buffer, false}, {"statfs64", FT_TRACE_STATUS, buffer, false},
    {"statvfs", FT_TRACE_STATUS, buffer, false}, {"statvfs64", FT_TRACE_STATUS, buffer, false},
    {"chdir", FT_TRACE_STATUS, one, false},
    {"unlink", FT_TRACE_CHANGE, one, false}, {"rmdir", FT_TRACE_CHANGE, one, false},
    {"remove", FT_TRACE_CHANGE, one, false}, {"unlinkat", FT_TRACE_CHANGE, at_number, true},
    {"mkdir", FT_TRACE_CHANGE, number, false}, {"mkdirat", FT_TRACE_CHANGE, at_number, true},
    {"mkfifo", FT_TRACE_CHANGE, number, false}, {"mkfifoat", FT_TRACE_CHANGE, at_number, true},
    {"chmod", FT_TRACE_CHANGE, number, false}, {"fchmodat", FT_TRACE_CHANGE, at_numbers, true},
    {"__xmknod", FT_TRACE_CHANGE, node, false}, {"__xmknodat", FT_TRACE_CHANGE, at_node, true},
    {"mknod", FT_TRACE_CHANGE, device, false}, {"mknodat", FT_TRACE_CHANGE, at_device, true},
    {"rename", FT_TRACE_CHANGE, two, false}, {"renameat", FT_TRACE_CHANGE, at_two, true},
    {"renameat2", FT_TRACE_CHANGE, at_two, true},
    {"link", FT_TRACE_CHANGE, two, false}, {"linkat", FT_TRACE_CHANGE, at_two, true},
    {"symlink", FT_TRACE_CHANGE, new_link, false}, {"symlinkat", FT_TRACE_CHANGE, at_new_link, true},
    {"chown", FT_TRACE_CHANGE, owner, false}, {"lchown", FT_TRACE_CHANGE, owner, false},
    {"fchownat", FT_TRACE_CHANGE, at_owner, true},
    {"truncate", FT_TRACE_CHANGE, new_size, false}, {"truncate64", FT_TRACE_CHANGE, new_size, false},
    {"utime", FT_TRACE_CHANGE, change_times, false}, {"utimes", FT_TRACE_CHANGE, change_times, false},
    {"lutimes", FT_TRACE_CHANGE, change_times, false}, {"futimesat", FT_TRACE_CHANGE, at_times, true},
    {"utimensat", FT_TRACE_CHANGE, at_exact_times, true},
    {"setxattr", FT_TRACE_CHANGE, set_attribute, false}, {"lsetxattr", FT_TRACE_CHANGE, set_attribute, false},
    {"removexattr", FT_TRACE_CHANGE, drop_attribute, false},
    {"lremovexattr", FT_TRACE_CHANGE, drop_attribute, false},
    {"execve", FT_TRACE_PROGRAM, program_variables, false}, {"execv", FT_TRACE_PROGRAM, program, false},
    {"execvp", FT_TRACE_PROGRAM, program, false}, {"execvpe", FT_TRACE_PROGRAM, program_variables, false},
    {"execl", FT_TRACE_PROGRAM, program_list, false}, {"execlp", FT_TRACE_PROGRAM, program_list, false},
    {"execle", FT_TRACE_PROGRAM, program_list_variables, false}, {"execveat", FT_TRACE_PROGRAM, at_program, true},
    {"posix_spawn", FT_TRACE_PROGRAM, spawn, false}, {"posix_spawnp", FT_TRACE_PROGRAM, spawn, false},
};

enum { CALLS = sizeof calls / sizeof calls[0] };

/* Call all of those that can take this path, and see that each has recorded `expected`. */
static void call_all(int folder, const char *path, const char *expected)
{
    for (size_t i = 0; i < CALLS; i++) {
        const struct call *call = &calls[i];
        void *function = dlsym(RTLD_DEFAULT, call->name);
        if (folder != AT_FDCWD && !call->takes_folder)
            continue;
        assert_non_null(function);
        trace_start();
        errno = 0;
        bool failed = call->call(function, folder, path);
        int err = errno;
        ft_trace_library()->stop();
        if (!failed || err != ENOENT || traced(call->kind, expected).kind == 0)
            print_error("of %s, which failed (%d) with %d:\n", call->name, failed, err);
        assert_true(failed);
        assert_int_equal(err, ENOENT);
        check_traced(call->kind, expected, ENOENT);
        assert_false(ft_trace_library()->missed());
    }
}

static void an_absolute_path_is_recorded_as_it_is(void **state)
{
    struct scratch *scratch = *state;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s//missing/./below", scratch->folder);
    call_all(AT_FDCWD, path, path);
}

static void a_relative_path_is_one_of_the_current_folder(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(chdir(scratch->folder), 0);
    call_all(AT_FDCWD, "missing/below", scratch_path(scratch, "missing/below"));
    assert_int_equal(chdir("/"), 0);
    call_all(AT_FDCWD, "missing/below", "/missing/below");
}

static void a_relative_path_may_be_one_of_a_descriptor(void **state)
{
    struct scratch *scratch = *state;
    int folder = open(scratch->folder, O_RDONLY | O_DIRECTORY);
    assert_in_range(folder, 0, INT_MAX);
    call_all(folder, "missing/below", scratch_path(scratch, "missing/below"));
    call_all(folder, "/missing/below", "/missing/below");
    close(folder);
}

static void templates_are_recorded_as_they_become(void **state)
{
    static const struct {
        const char *name;
        int more;
    } functions[] = {{"mkstemp", 0}, {"mkstemp64", 0}, {"mkdtemp", 0}, {"mkostemp", 1}, {"mkostemp64", 1},
                     {"mkstemps", 1}, {"mkstemps64", 1}, {"mkostemps", 2}, {"mkostemps64", 2}};
    struct scratch *scratch = *state;
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *function = dlsym(RTLD_DEFAULT, functions[i].name);
        AS(int, plain, (char *));
        AS(int, more, (char *, int, int)); /* those that take fewer do not mind */
        snprintf(path, sizeof path, "%s", scratch_path(scratch, "made-XXXXXX"));
        trace_start();
        int fd = functions[i].more > 0 ? more(path, 0, 0) : plain(path);
        ft_trace_library()->stop();
        assert_int_not_equal(fd, -1);
        check_traced(FT_TRACE_CHANGE, path, 0);
    }
}

static void functions_that_see_a_whole_tree_are_named(void **state)
{
    static const char *const trees[] = {"ftw", "ftw64", "nftw", "nftw64"};
    struct scratch *scratch = *state;
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        void *function = dlsym(RTLD_DEFAULT, trees[i]);
        AS(int, walk, (const char *, void *, int, int));
        trace_start();
        assert_int_equal(walk(scratch_path(scratch, "missing"), NULL, 1, 0), -1);
        ft_trace_library()->stop();
        check_traced(FT_TRACE_OPAQUE, trees[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(an_absolute_path_is_recorded_as_it_is),
        WITH_SCRATCH(a_relative_path_is_one_of_the_current_folder),
        WITH_SCRATCH(a_relative_path_may_be_one_of_a_descriptor),
        WITH_SCRATCH(templates_are_recorded_as_they_become),
        WITH_SCRATCH(functions_that_see_a_whole_tree_are_named),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

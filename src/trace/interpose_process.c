/*
 * Programs that are started.
 *
 * subprocess starts programs in a child of vfork, which has our memory: there a program is recorded before the call
 * that does not return.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trace/interpose.h"

enum { FEW_ARGUMENTS = 64, COMMAND_SIZE = 4096 };

/* A name that is looked for in PATH stays as it is. */
static size_t starting(int folder, const char *path, bool searched)
{
    if (!recorder_is_on() || path == NULL)
        return 0;
    if (searched && strchr(path, '/') == NULL)
        return recorder_before_text(FT_TRACE_PROGRAM, path);
    return recorder_before(FT_TRACE_PROGRAM, FT_ASPECT_NONE, folder, path);
}

/* ---- exec ---- */

INTERPOSED(int, execve, (const char *path, char *const *arguments, char *const *variables))
{
    size_t number = starting(AT_FDCWD, path, false);
    int result = REAL(execve)(path, arguments, variables);
    recorder_has_failed(number, errno);
    return result;
}

INTERPOSED(int, execv, (const char *path, char *const *arguments))
{
    size_t number = starting(AT_FDCWD, path, false);
    int result = REAL(execv)(path, arguments);
    recorder_has_failed(number, errno);
    return result;
}

INTERPOSED(int, execvp, (const char *file, char *const *arguments))
{
    size_t number = starting(AT_FDCWD, file, true);
    int result = REAL(execvp)(file, arguments);
    recorder_has_failed(number, errno);
    return result;
}

INTERPOSED(int, execvpe, (const char *file, char *const *arguments, char *const *variables))
{
    size_t number = starting(AT_FDCWD, file, true);
    int result = REAL(execvpe)(file, arguments, variables);
    recorder_has_failed(number, errno);
    return result;
}

INTERPOSED(int, execveat, (int folder, const char *path, char *const *arguments, char *const *variables, int flags))
{
    size_t number = starting(folder, path, false);
    if (number == 0 && recorder_is_on())
        recorder_descriptor(FT_TRACE_PROGRAM, folder, 0);
    int result = HAS_REAL(execveat) ? REAL(execveat)(folder, path, arguments, variables, flags)
                                    : (int)syscall(SYS_execveat, folder, path, arguments, variables, flags);
    recorder_has_failed(number, errno);
    return result;
}

INTERPOSED(int, fexecve, (int fd, char *const *arguments, char *const *variables))
{
    if (recorder_is_on())
        recorder_descriptor(FT_TRACE_PROGRAM, fd, 0);
    return REAL(fexecve)(fd, arguments, variables);
}

/*
 * The arguments of execl and its like as an array, in `few` if they fit; otherwise in memory of their own, since the
 * caller may be a child of vfork that must not use the heap.
 */
struct arguments {
    char *few[FEW_ARGUMENTS];
    char **all;
    size_t size; /* of memory of their own, in bytes; 0: none */
};

static bool take_arguments(struct arguments *arguments, const char *first, va_list *more)
{
    va_list counted;
    size_t count = 1;
    va_copy(counted, *more);
    if (first != NULL)
        for (count = 2; va_arg(counted, char *) != NULL;)
            count++;
    va_end(counted);
    arguments->all = arguments->few;
    arguments->size = 0;
    if (count > FEW_ARGUMENTS) {
        void *memory = mmap(NULL, count * sizeof(char *), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            return false;
        arguments->all = memory;
        arguments->size = count * sizeof(char *);
    }
    arguments->all[0] = (char *)(size_t)first;
    for (size_t i = 1; i < count; i++)
        arguments->all[i] = va_arg(*more, char *);
    return true;
}

static void drop_arguments(struct arguments *arguments)
{
    int saved = errno;
    if (arguments->size > 0)
        munmap(arguments->all, arguments->size);
    errno = saved;
}

#define EXECL(name, by, searched) \
    INTERPOSED(int, name, (const char *path, const char *first, ...)) \
    { \
        struct arguments arguments; \
        va_list more; \
        int result = -1; \
        va_start(more, first); \
        if (take_arguments(&arguments, first, &more)) { \
            size_t number = starting(AT_FDCWD, path, searched); \
            result = REAL(by)(path, arguments.all); \
            recorder_has_failed(number, errno); \
            drop_arguments(&arguments); \
        } \
        va_end(more); \
        return result; \
    }

EXECL(execl, execv, false)
EXECL(execlp, execvp, true)

INTERPOSED(int, execle, (const char *path, const char *first, ...))
{
    struct arguments arguments;
    va_list more;
    int result = -1;
    va_start(more, first);
    if (take_arguments(&arguments, first, &more)) {
        size_t number = starting(AT_FDCWD, path, false);
        result = REAL(execve)(path, arguments.all, va_arg(more, char *const *));
        recorder_has_failed(number, errno);
        drop_arguments(&arguments);
    }
    va_end(more);
    return result;
}

/* ---- others ---- */

#define POSIX_SPAWN(name, searched) \
    INTERPOSED(int, name, \
               (pid_t *pid, const char *path, const void *actions, const void *attributes, char *const *arguments, \
                char *const *variables)) \
    { \
        size_t number = starting(AT_FDCWD, path, searched); \
        int err = REAL(name)(pid, path, actions, attributes, arguments, variables); \
        recorder_has_failed(number, err); \
        return err; \
    }

POSIX_SPAWN(posix_spawn, false)
POSIX_SPAWN(posix_spawnp, true)

static void shell_started(const char *command)
{
    char text[COMMAND_SIZE];
    if (!recorder_is_on() || command == NULL)
        return;
    snprintf(text, sizeof text, "/bin/sh -c %s", command);
    recorder_text(FT_TRACE_PROGRAM, text, 0);
}

INTERPOSED(int, system, (const char *command))
{
    shell_started(command);
    return REAL(system)(command);
}

INTERPOSED(void *, popen, (const char *command, const char *mode))
{
    shell_started(command);
    return REAL(popen)(command, mode);
}

static void forked(const char *function, pid_t pid)
{
    if (pid == 0)
        recorder_in_child();
    else if (recorder_is_on())
        recorder_text(FT_TRACE_PROGRAM, function, recorder_failed(pid < 0));
}

INTERPOSED(pid_t, fork, (void))
{
    pid_t pid = REAL(fork)();
    forked("fork", pid);
    return pid;
}

/* It calls no handlers of ours. */
INTERPOSED(pid_t, _Fork, (void))
{
    pid_t pid = HAS_REAL(_Fork) ? REAL(_Fork)() : REAL(fork)();
    forked("fork", pid);
    return pid;
}

INTERPOSED(pid_t, forkpty, (int *fd, char *name, const void *settings, const void *size))
{
    pid_t pid = REAL(forkpty)(fd, name, settings, size);
    forked("forkpty", pid);
    return pid;
}

INTERPOSED(int, daemon, (int stay, int keep_open))
{
    if (recorder_is_on())
        recorder_text(FT_TRACE_PROGRAM, "daemon", 0);
    return REAL(daemon)(stay, keep_open);
}

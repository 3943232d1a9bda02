/*
 * What a session does while it is being prepared: who asks for the process id or for random bytes, and which paths are
 * made; if wanted, also what is read, which processes are started and who asks for a terminal, or who asks for what
 * only other runs cannot share.  An audit hook tells of the paths and processes; os.getpid and the like raise no audit
 * event, so they are caught.  Both do nothing once watching ends.
 */
#include "ext/audited.h"
#include "ext/caught.h"

#include <fcntl.h>
#include <string.h>

/* An inner session does not watch. */
static struct listener watcher;
static int everything; /* tell of what is read, too */

/* Those from ISATTY on are caught only where everything is of interest. */
enum { GETPID, URANDOM, ISATTY, GETPPID, GETPGRP, GETSID, IDENTITIES };

/*
 * What only other runs cannot share, and is asked by ways that nobody can stand before, or counts only if Python code
 * asks.
 */
enum { FSTAT, GETRANDOM, TIMES, ASKED };
enum {
    MONOTONIC, MONOTONIC_NS, PERF_COUNTER, PERF_COUNTER_NS, PROCESS_TIME, PROCESS_TIME_NS, THREAD_TIME, THREAD_TIME_NS,
    GETTIME, GETTIME_NS, CLOCKS
};
enum { NATIVE_ID, THREADS };

static struct caught identities[IDENTITIES], asked[ASKED], clocks[CLOCKS], threads[THREADS];

/* Returns 0, or -1 with the callback's exception. */
static int tell(const char *what, PyObject *detail)
{
    return core_is_heard(&watcher) ? core_tell(&watcher, Py_BuildValue("(sO)", what, detail)) : 0;
}

#define WATCHED(functions, which, library, name) \
    static PyObject *watched_##name(PyObject *module, PyObject *argument) \
    { \
        return tell(#library "." #name, Py_None) < 0 ? NULL : functions[which].original(module, argument); \
    }

WATCHED(identities, GETPID, os, getpid)
WATCHED(identities, URANDOM, os, urandom)
WATCHED(identities, ISATTY, os, isatty)
WATCHED(identities, GETPPID, os, getppid)
WATCHED(identities, GETPGRP, os, getpgrp)
WATCHED(identities, GETSID, os, getsid)

static struct caught identities[IDENTITIES] = {
    [GETPID] = {"getpid", METH_NOARGS, watched_getpid, NULL, NULL},
    [URANDOM] = {"urandom", METH_O, watched_urandom, NULL, NULL},
    [ISATTY] = {"isatty", METH_O, watched_isatty, NULL, NULL},
    [GETPPID] = {"getppid", METH_NOARGS, watched_getppid, NULL, NULL},
    [GETPGRP] = {"getpgrp", METH_NOARGS, watched_getpgrp, NULL, NULL},
    [GETSID] = {"getsid", METH_O, watched_getsid, NULL, NULL},
};

#define WATCHED_FAST(which, name) \
    static PyObject *watched_##name(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) \
    { \
        if (tell("os." #name, Py_None) < 0) \
            return NULL; \
        return ((fast_function *)(void (*)(void))asked[which].original)(module, args, count, names); \
    }

typedef PyObject *fast_function(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names);

WATCHED_FAST(FSTAT, fstat)
WATCHED_FAST(GETRANDOM, getrandom)
WATCHED(asked, TIMES, os, times)

#define FAST(function) ((PyCFunction)(void (*)(void))(function))

static struct caught asked[ASKED] = {
    [FSTAT] = {"fstat", METH_FASTCALL | METH_KEYWORDS, FAST(watched_fstat), NULL, NULL},
    [GETRANDOM] = {"getrandom", METH_FASTCALL | METH_KEYWORDS, FAST(watched_getrandom), NULL, NULL},
    [TIMES] = {"times", METH_NOARGS, watched_times, NULL, NULL},
};

WATCHED(threads, NATIVE_ID, threading, get_native_id)

static struct caught threads[THREADS] = {
    [NATIVE_ID] = {"get_native_id", METH_NOARGS, watched_get_native_id, NULL, NULL},
};

WATCHED(clocks, MONOTONIC, time, monotonic)
WATCHED(clocks, MONOTONIC_NS, time, monotonic_ns)
WATCHED(clocks, PERF_COUNTER, time, perf_counter)
WATCHED(clocks, PERF_COUNTER_NS, time, perf_counter_ns)
WATCHED(clocks, PROCESS_TIME, time, process_time)
WATCHED(clocks, PROCESS_TIME_NS, time, process_time_ns)
WATCHED(clocks, THREAD_TIME, time, thread_time)
WATCHED(clocks, THREAD_TIME_NS, time, thread_time_ns)
WATCHED(clocks, GETTIME, time, clock_gettime)
WATCHED(clocks, GETTIME_NS, time, clock_gettime_ns)

#if PY_VERSION_HEX >= 0x030D0000
#define OF_A_CLOCK METH_O
#else
#define OF_A_CLOCK METH_VARARGS
#endif

static struct caught clocks[CLOCKS] = {
    [MONOTONIC] = {"monotonic", METH_NOARGS, watched_monotonic, NULL, NULL},
    [MONOTONIC_NS] = {"monotonic_ns", METH_NOARGS, watched_monotonic_ns, NULL, NULL},
    [PERF_COUNTER] = {"perf_counter", METH_NOARGS, watched_perf_counter, NULL, NULL},
    [PERF_COUNTER_NS] = {"perf_counter_ns", METH_NOARGS, watched_perf_counter_ns, NULL, NULL},
    [PROCESS_TIME] = {"process_time", METH_NOARGS, watched_process_time, NULL, NULL},
    [PROCESS_TIME_NS] = {"process_time_ns", METH_NOARGS, watched_process_time_ns, NULL, NULL},
    [THREAD_TIME] = {"thread_time", METH_NOARGS, watched_thread_time, NULL, NULL},
    [THREAD_TIME_NS] = {"thread_time_ns", METH_NOARGS, watched_thread_time_ns, NULL, NULL},
    [GETTIME] = {"clock_gettime", OF_A_CLOCK, watched_clock_gettime, NULL, NULL},
    [GETTIME_NS] = {"clock_gettime_ns", OF_A_CLOCK, watched_clock_gettime_ns, NULL, NULL},
};

/* Catch functions of a module.  Returns 0, or -1 with an exception. */
static int catch_in(const char *module, struct caught *functions, size_t count)
{
    PyObject *imported = PyImport_ImportModule(module);
    if (imported == NULL)
        return -1;
    core_catch(imported, functions, count);
    Py_DECREF(imported);
    return 0;
}

/* Whether the arguments of the audit event "open" (path, mode, flags) are for writing. */
static int is_for_writing(PyObject *args)
{
    if (!PyTuple_Check(args) || PyTuple_GET_SIZE(args) != 3 || !PyLong_Check(PyTuple_GET_ITEM(args, 2)))
        return 0;
    long flags = PyLong_AsLong(PyTuple_GET_ITEM(args, 2));
    PyErr_Clear();
    return flags != -1 && (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0;
}

enum { ALL_ARGUMENTS = -1 };

static const struct {
    const char *event;
    const char *told; /* as this */
    int argument;     /* which one is told */
} events[] = {
    {"os.mkdir", "os.mkdir", 0},
    {"sqlite3.connect", "sqlite3.connect", 0},
    /* From here on only where everything is of interest: a session raises many events. */
    {"os.listdir", "list", 0},
    {"os.scandir", "list", 0},
    {"os.symlink", "open", 1},
    {"os.link", "open", 1},
    {"os.remove", "changed", 0},
    {"os.rmdir", "changed", 0},
    {"os.truncate", "changed", 0},
    {"os.chmod", "changed", 0},
    {"os.chown", "changed", 0},
    {"os.utime", "changed", 0},
    {"os.rename", "renamed", ALL_ARGUMENTS},
    {"subprocess.Popen", "process", 0},
    {"os.posix_spawn", "process", 0},
    {"os.system", "process", 0},
    {"os.exec", "process", 0},
    {"os.fork", "process", 0},
    {"os.forkpty", "process", 0},
    {"pty.spawn", "process", 0},
};

enum { ALWAYS = 2, EVENTS = sizeof events / sizeof events[0] };

/* Tell of an event with one of its arguments, None if it has not that many. */
static int tell_argument(const char *told, PyObject *args, int argument)
{
    if (argument == ALL_ARGUMENTS)
        return tell(told, args);
    return tell(told, argument < PyTuple_GET_SIZE(args) ? PyTuple_GET_ITEM(args, argument) : Py_None);
}

static int audit(const char *event, PyObject *args, void *unused)
{
    (void)unused;
    if (!core_is_heard(&watcher) || !PyTuple_Check(args))
        return 0;
    if (strcmp(event, "open") == 0) {
        int writes = is_for_writing(args);
        return writes || everything ? tell_argument(writes ? "open" : "read", args, 0) : 0;
    }
    for (size_t i = 0; i < (everything ? EVENTS : ALWAYS); i++)
        if (strcmp(event, events[i].event) == 0)
            return tell_argument(events[i].told, args, events[i].argument);
    return 0;
}

PyObject *core_watch(PyObject *module, PyObject *args)
{
    PyObject *object;
    int all = 0, for_runs = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "O|pp:watch", &object, &all, &for_runs))
        return NULL;
    core_let_go(identities, IDENTITIES);
    core_let_go(asked, ASKED);
    core_let_go(threads, THREADS);
    core_let_go(clocks, CLOCKS);
    if (core_listen(&watcher, audit, object) < 0)
        return NULL;
    if (object == Py_None)
        Py_RETURN_NONE;
    everything = all;
    int err = catch_in("posix", identities, everything ? IDENTITIES : ISATTY);
    if (err == 0 && for_runs)
        err = catch_in("posix", asked, ASKED);
    if (err == 0 && for_runs)
        err = catch_in("_thread", threads, THREADS);
    if (err == 0 && for_runs)
        err = catch_in("time", clocks, CLOCKS);
    if (err < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Hearing of a module before it is looked for, by an audit hook, which does nothing once nobody listens. */
#include "ext/core.h"

#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* For the whole process, as audit hooks are. */
static PyObject *callback;
static pthread_t listener; /* the thread that asked */
static int audited, calling;

/* Past the C library, whose function may be one of those that are watched. */
static long long cpu_time(void)
{
    struct timespec spent = {0, 0};
    syscall(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (long long)spent.tv_sec * 1000000000 + spent.tv_nsec;
}

static int audit(const char *event, PyObject *args, void *unused)
{
    (void)unused;
    if (callback == NULL || calling || strcmp(event, "import") != 0 || !pthread_equal(pthread_self(), listener) ||
        !PyTuple_Check(args) || PyTuple_GET_SIZE(args) == 0)
        return 0;
    PyObject *called = Py_NewRef(callback);
    calling = 1;
    PyObject *result = PyObject_CallFunction(called, "OL", PyTuple_GET_ITEM(args, 0), cpu_time());
    calling = 0;
    Py_DECREF(called);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

PyObject *core_before_imports(PyObject *module, PyObject *object)
{
    (void)module;
    Py_CLEAR(callback);
    if (object == Py_None)
        Py_RETURN_NONE;
    if (!audited && PySys_AddAuditHook(audit, NULL) < 0)
        return NULL;
    audited = 1;
    listener = pthread_self();
    callback = Py_NewRef(object);
    Py_RETURN_NONE;
}

/*
 * What a session does while it is being prepared: who asks for the process id or for random bytes, and which paths are
 * made.  An audit hook tells of the paths; os.getpid and os.urandom raise no audit event, so they are caught.  Both do
 * nothing once watching ends.
 */
#include "ext/caught.h"

#include <fcntl.h>
#include <string.h>

/* For the whole process, as audit hooks are; an inner session does not watch. */
static PyObject *callback;
static int audited;
static int telling; /* the callback's own doings are not of interest */

enum { GETPID, URANDOM, IDENTITIES };

static struct caught identities[IDENTITIES];

/* Returns 0, or -1 with the callback's exception. */
static int tell(const char *what, PyObject *detail)
{
    if (callback == NULL || telling)
        return 0;
    PyObject *called = Py_NewRef(callback);
    telling = 1;
    PyObject *result = PyObject_CallFunction(called, "sO", what, detail);
    telling = 0;
    Py_DECREF(called);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static PyObject *watched_getpid(PyObject *module, PyObject *unused)
{
    if (tell("os.getpid", Py_None) < 0)
        return NULL;
    return identities[GETPID].original(module, unused);
}

static PyObject *watched_urandom(PyObject *module, PyObject *size)
{
    if (tell("os.urandom", Py_None) < 0)
        return NULL;
    return identities[URANDOM].original(module, size);
}

static struct caught identities[IDENTITIES] = {
    [GETPID] = {"getpid", METH_NOARGS, watched_getpid, NULL, NULL},
    [URANDOM] = {"urandom", METH_O, watched_urandom, NULL, NULL},
};

/* Whether the arguments of the audit event "open" (path, mode, flags) are for writing. */
static int is_for_writing(PyObject *args)
{
    if (!PyTuple_Check(args) || PyTuple_GET_SIZE(args) != 3 || !PyLong_Check(PyTuple_GET_ITEM(args, 2)))
        return 0;
    long flags = PyLong_AsLong(PyTuple_GET_ITEM(args, 2));
    PyErr_Clear();
    return flags != -1 && (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0;
}

static int audit(const char *event, PyObject *args, void *unused)
{
    (void)unused;
    if (callback == NULL || telling)
        return 0;
    int writes = strcmp(event, "open") == 0 ? is_for_writing(args)
                                            : strcmp(event, "os.mkdir") == 0 || strcmp(event, "sqlite3.connect") == 0;
    if (!writes || !PyTuple_Check(args) || PyTuple_GET_SIZE(args) == 0)
        return 0;
    return tell(event, PyTuple_GET_ITEM(args, 0));
}

PyObject *core_watch(PyObject *module, PyObject *object)
{
    (void)module;
    core_let_go(identities, IDENTITIES);
    Py_CLEAR(callback);
    if (object == Py_None)
        Py_RETURN_NONE;
    if (!audited && PySys_AddAuditHook(audit, NULL) < 0)
        return NULL;
    audited = 1;
    PyObject *os = PyImport_ImportModule("posix");
    if (os == NULL)
        return NULL;
    callback = Py_NewRef(object);
    core_catch(os, identities, IDENTITIES);
    Py_DECREF(os);
    Py_RETURN_NONE;
}

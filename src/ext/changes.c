/*
 * Hearing of what Python code is about to change outside the process, before it does, by an audit hook, which does
 * nothing once nobody listens.
 */
#include "ext/audited.h"

#include <fcntl.h>
#include <string.h>

static struct listener changes;

static const char *const events[] = {
    "os.mkdir",  "os.remove",    "os.rmdir",       "os.rename",  "os.truncate", "os.link",       "os.symlink",
    "os.chmod",  "os.chown",     "os.utime",       "os.setxattr", "os.removexattr", "sqlite3.connect",
    "os.system", "os.exec",      "os.posix_spawn", "os.fork",    "os.forkpty",  "subprocess.Popen", "pty.spawn",
    "socket.connect", "socket.bind", NULL,
};

/* Whether it opens a file for more than reading. */
static int opens_for_writing(const char *event, PyObject *args)
{
    if (strcmp(event, "open") != 0 || PyTuple_GET_SIZE(args) != 3 || !PyLong_Check(PyTuple_GET_ITEM(args, 2)))
        return 0;
    long flags = PyLong_AsLong(PyTuple_GET_ITEM(args, 2));
    PyErr_Clear();
    return flags != -1 && (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0;
}

static int changes_something(const char *event, PyObject *args)
{
    if (event[0] == 'o' && event[1] == 'p')
        return opens_for_writing(event, args);
    for (const char *const *each = events; *each != NULL; each++)
        if (strcmp(event, *each) == 0)
            return 1;
    return 0;
}

static int audit(const char *event, PyObject *args, void *unused)
{
    (void)unused;
    if (!core_is_heard(&changes) || !PyTuple_Check(args) || !changes_something(event, args))
        return 0;
    return core_tell(&changes, Py_BuildValue("(sO)", event, args));
}

PyObject *core_before_changes(PyObject *module, PyObject *callback)
{
    (void)module;
    return core_listen(&changes, audit, callback) < 0 ? NULL : Py_NewRef(Py_None);
}

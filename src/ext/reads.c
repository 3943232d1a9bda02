/*
 * Reads from the terminal are told of before they begin.  A process of a run by way of the daemon is in another session
 * than the terminal, so the kernel does not stop it when it reads while others, or a shell, have the terminal.  Nor
 * can it open /dev/tty: it gets a descriptor that was opened by the client.
 *
 * Caught are os.read, os.open and the methods of io.FileIO, which all of Python's files end in: see caught.h; and
 * input(), which may read by way of readline.  What other C code reads itself is not seen.
 */
#include "ext/core.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef PyObject *(*fast_function)(PyObject *, PyObject *const *, Py_ssize_t);
typedef PyObject *(*method_function)(PyObject *, PyTypeObject *, PyObject *const *, size_t, PyObject *);

typedef PyObject *(*keyword_function)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

enum { OS_OPEN, OS_READ, READ, READALL, READINTO, READS };

static const char *const names[READS] = {"open", "read", "read", "readall", "readinto"};

static struct {
    PyMethodDef *method; /* NULL while it is not caught */
    PyCFunction original;
} caught[READS];

static PyObject *callback;
static int telling;
static int terminal = -1;     /* a descriptor of the terminal */
static unsigned int device;   /* its number; 0: unknown */

static unsigned int device_of(int fd)
{
    unsigned int number;
    return ioctl(fd, TIOCGDEV, &number) < 0 ? 0 : number;
}

/* Returns 0, or -1 with the callback's exception. */
static int before_read(long fd)
{
    if (callback == NULL || telling || fd < 0 || device == 0 || device_of((int)fd) != device)
        return 0;
    PyObject *called = Py_NewRef(callback);
    telling = 1;
    PyObject *result = PyObject_CallNoArgs(called);
    telling = 0;
    Py_DECREF(called);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int before_number(PyObject *number)
{
    long fd = PyLong_Check(number) ? PyLong_AsLong(number) : -1;
    PyErr_Clear();
    return before_read(fd);
}

static int before_file(PyObject *file)
{
    if (callback == NULL || telling)
        return 0;
    PyObject *number = PyObject_CallMethod(file, "fileno", NULL);
    if (number == NULL) { /* it is closed, which the read will say */
        PyErr_Clear();
        return 0;
    }
    int err = before_number(number);
    Py_DECREF(number);
    return err;
}

static PyObject *os_open(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    if (terminal < 0 || count == 0 || !PyUnicode_Check(args[0]) ||
        PyUnicode_CompareWithASCIIString(args[0], "/dev/tty") != 0)
        return ((keyword_function)(void (*)(void))caught[OS_OPEN].original)(module, args, count, keywords);
    int fd = fcntl(terminal, F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(fd);
}

static PyObject *os_read(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count > 0 && before_number(args[0]) < 0)
        return NULL;
    return ((fast_function)(void (*)(void))caught[OS_READ].original)(module, args, count);
}

/* The methods take their arguments in one way or another, by the version of Python. */
#define METHOD(which, name) \
    static PyObject *name##_plain(PyObject *self, PyObject *argument) \
    { \
        return before_file(self) < 0 ? NULL : caught[which].original(self, argument); \
    } \
    static PyObject *name##_fast(PyObject *self, PyObject *const *args, Py_ssize_t count) \
    { \
        fast_function original = (fast_function)(void (*)(void))caught[which].original; \
        return before_file(self) < 0 ? NULL : original(self, args, count); \
    } \
    static PyObject *name##_method(PyObject *self, PyTypeObject *type, PyObject *const *args, size_t count, \
                                   PyObject *keywords) \
    { \
        method_function original = (method_function)(void (*)(void))caught[which].original; \
        return before_file(self) < 0 ? NULL : original(self, type, args, count, keywords); \
    }

METHOD(READ, read)
METHOD(READALL, readall)
METHOD(READINTO, readinto)

#define ANY(function) ((PyCFunction)(void (*)(void))(function))

/* What to call instead of a function that takes its arguments like this; NULL: that is not known. */
static PyCFunction instead_of(int which, int flags)
{
    PyCFunction plain[] = {NULL, NULL, read_plain, readall_plain, readinto_plain};
    PyCFunction fast[] = {NULL, ANY(os_read), ANY(read_fast), ANY(readall_fast), ANY(readinto_fast)};
    PyCFunction method[] = {NULL, NULL, ANY(read_method), ANY(readall_method), ANY(readinto_method)};
    if (which == OS_OPEN)
        return flags == (METH_FASTCALL | METH_KEYWORDS) ? ANY(os_open) : NULL;
    if (flags == METH_NOARGS || flags == METH_O)
        return plain[which];
    if (flags == METH_FASTCALL)
        return fast[which];
    return flags == (METH_METHOD | METH_FASTCALL | METH_KEYWORDS) ? method[which] : NULL;
}

static PyMethodDef *definition(PyObject *owner, const char *name)
{
    PyMethodDef *method = NULL;
    PyObject *function = PyObject_GetAttrString(owner, name);
    if (function != NULL && PyCFunction_Check(function))
        method = ((PyCFunctionObject *)function)->m_ml;
    else if (function != NULL && Py_IS_TYPE(function, &PyMethodDescr_Type))
        method = ((PyMethodDescrObject *)function)->d_method;
    PyErr_Clear();
    Py_XDECREF(function);
    return method;
}

/* ---- opening /dev/tty by way of open() ---- */

static PyTypeObject *files;   /* io.FileIO while it is caught */
static initproc original_init;

static int is_terminals_name(PyObject *path)
{
    if (path == NULL || terminal < 0)
        return 0;
    if (PyUnicode_Check(path))
        return PyUnicode_CompareWithASCIIString(path, "/dev/tty") == 0;
    return PyBytes_Check(path) && strcmp(PyBytes_AS_STRING(path), "/dev/tty") == 0;
}

static int open_terminal(PyObject *file, PyObject *path, const char *mode)
{
    int fd = fcntl(terminal, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) {
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
        return -1;
    }
    PyObject *args = Py_BuildValue("(is)", fd, mode);
    int err = args == NULL ? -1 : original_init(file, args, NULL);
    if (err < 0)
        close(fd);
    else
        err = PyObject_SetAttrString(file, "name", path);
    Py_XDECREF(args);
    return err;
}

static int file_init(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names_of_arguments[] = {"file", "mode", "closefd", "opener", NULL};
    PyObject *path = NULL, *opener = Py_None;
    const char *mode = "r";
    int closes = 1;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|spO", names_of_arguments, &path, &mode, &closes, &opener))
        PyErr_Clear();
    else if (is_terminals_name(path) && closes && opener == Py_None && strchr(mode, 'x') == NULL)
        return open_terminal(self, path, mode);
    return original_init(self, args, keywords);
}

/* ---- input() ---- */

static int audited;

static int audit(const char *event, PyObject *args, void *unused)
{
    (void)args;
    (void)unused;
    if (callback == NULL || telling || strcmp(event, "builtins.input") != 0)
        return 0;
    PyObject *in = PySys_GetObject("stdin"); /* borrowed */
    return in == NULL || in == Py_None ? 0 : before_file(in);
}

static void catch_all(PyObject *posix, PyObject *file_type)
{
    files = (PyTypeObject *)file_type;
    original_init = files->tp_init;
    files->tp_init = file_init;
    for (int i = 0; i < READS; i++) {
        PyMethodDef *method = definition(i <= OS_READ ? posix : file_type, names[i]);
        PyCFunction instead = method == NULL ? NULL : instead_of(i, method->ml_flags);
        if (instead == NULL)
            continue;
        caught[i].method = method;
        caught[i].original = method->ml_meth;
        method->ml_meth = instead;
    }
}

static void let_go(void)
{
    if (files != NULL)
        files->tp_init = original_init;
    files = NULL;
    for (int i = 0; i < READS; i++) {
        if (caught[i].method != NULL)
            caught[i].method->ml_meth = caught[i].original;
        caught[i].method = NULL;
    }
}

PyObject *core_before_read(PyObject *module, PyObject *args)
{
    PyObject *object;
    int fd;
    (void)module;
    if (!PyArg_ParseTuple(args, "Oi:before_read", &object, &fd))
        return NULL;
    let_go();
    Py_CLEAR(callback);
    terminal = fd;
    device = fd < 0 ? 0 : device_of(fd);
    if (object == Py_None)
        Py_RETURN_NONE;
    if (!audited && PySys_AddAuditHook(audit, NULL) < 0)
        return NULL;
    audited = 1;
    PyObject *posix = PyImport_ImportModule("posix");
    PyObject *io = PyImport_ImportModule("_io");
    PyObject *file_type = io == NULL ? NULL : PyObject_GetAttrString(io, "FileIO");
    if (posix != NULL && file_type != NULL) {
        callback = Py_NewRef(object);
        catch_all(posix, file_type);
    }
    Py_XDECREF(posix);
    Py_XDECREF(io);
    Py_XDECREF(file_type);
    if (callback == NULL)
        return NULL;
    Py_RETURN_NONE;
}

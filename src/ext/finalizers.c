/*
 * Whether anything waits for the end of the interpreter to do something: objects with a finalizer.  Where there is
 * none, a process can end without looking for garbage once more and taking every object apart.
 */
#include "ext/core.h"

struct known {
    destructor io;     /* closes a file: the caller flushes, and the end of the process closes */
    destructor socket; /* closes a socket */
};

/* The finalizer of a type of the standard library; NULL if there is none. */
static destructor finalizer_of(const char *module_name, const char *type_name)
{
    destructor found = NULL;
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed */
    PyObject *module = PyDict_GetItemString(modules, module_name);
    PyObject *type = module == NULL ? NULL : PyObject_GetAttrString(module, type_name);
    if (type != NULL && PyType_Check(type))
        found = ((PyTypeObject *)type)->tp_finalize;
    Py_XDECREF(type);
    PyErr_Clear();
    return found;
}

/* Whether a generator, coroutine or asynchronous generator is neither finished nor closed. */
static int is_suspended(PyObject *object)
{
    const char *name = PyGen_CheckExact(object) ? "gi_frame" : PyCoro_CheckExact(object) ? "cr_frame" : "ag_frame";
    PyObject *frame = PyObject_GetAttrString(object, name);
    int suspended = frame != Py_None; /* an error too: better ask once too often */
    PyErr_Clear();
    Py_XDECREF(frame);
    return suspended;
}

static int has_finalizer(const struct known *known, PyObject *object)
{
    destructor finalize = Py_TYPE(object)->tp_finalize;
    if (Py_TYPE(object)->tp_del != NULL)
        return 1;
    if (finalize == NULL || finalize == known->io || finalize == known->socket)
        return 0;
    if (PyGen_CheckExact(object) || PyCoro_CheckExact(object) || PyAsyncGen_CheckExact(object))
        return is_suspended(object);
    return 1;
}

/* All objects that the collector knows; a new list. */
static PyObject *all_objects(void)
{
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *objects = gc == NULL ? NULL : PyObject_CallMethod(gc, "get_objects", NULL);
    Py_XDECREF(gc);
    return objects;
}

PyObject *core_has_finalizers(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    struct known known = {finalizer_of("_io", "_IOBase"), finalizer_of("_socket", "socket")};
    PyObject *objects = all_objects();
    if (objects == NULL)
        return NULL;
    int found = 0;
    for (Py_ssize_t i = 0; !found && i < PyList_GET_SIZE(objects); i++)
        found = has_finalizer(&known, PyList_GET_ITEM(objects, i));
    Py_DECREF(objects);
    return PyBool_FromLong(found);
}

PyObject *core_file_objects(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    destructor io = finalizer_of("_io", "_IOBase");
    PyObject *objects = all_objects();
    PyObject *files = objects == NULL ? NULL : PyList_New(0);
    int err = files == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; err == 0 && i < PyList_GET_SIZE(objects); i++) {
        PyObject *object = PyList_GET_ITEM(objects, i);
        if (Py_TYPE(object)->tp_finalize == io)
            err = PyList_Append(files, object);
    }
    Py_XDECREF(objects);
    if (err < 0)
        Py_CLEAR(files);
    return files;
}

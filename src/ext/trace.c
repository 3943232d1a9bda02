/* Switching the preloaded library (src/trace) on and off, taking what it has recorded, and having it pretend. */
#include "ext/core.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "ext/frames.h"
#include "trace/trace.h"

typedef const struct ft_trace_library *get_library(void);

/* NULL: it was not preloaded, or is that of another build. */
static const struct ft_trace_library *find_library(void)
{
    get_library *get;
    void *found = dlsym(RTLD_DEFAULT, FT_TRACE_SYMBOL);
    if (found == NULL)
        return NULL;
    memcpy(&get, &found, sizeof get);
    const struct ft_trace_library *library = get();
    return library->version == FT_TRACE_VERSION ? library : NULL;
}

PyObject *core_trace_start(PyObject *module, PyObject *args)
{
    static const struct ft_trace_callbacks callbacks = {frames_aspect, frames_who, frames_asker};
    const char *standard, *own;
    PyObject *tools;
    (void)module;
    if (!PyArg_ParseTuple(args, "sO!s:trace_start", &standard, &PyTuple_Type, &tools, &own))
        return NULL;
#ifdef Py_GIL_DISABLED
    Py_RETURN_FALSE; /* frames could not be looked at safely */
#endif
    const struct ft_trace_library *library = find_library();
    if (library == NULL)
        Py_RETURN_FALSE;
    library->stop();
    if (frames_begin(standard, tools, own) < 0)
        return NULL;
    library->start(&callbacks);
    Py_RETURN_TRUE;
}

PyObject *core_trace_hold(PyObject *module, PyObject *args)
{
    int hold;
    (void)module;
    if (!PyArg_ParseTuple(args, "p:trace_hold", &hold))
        return NULL;
    const struct ft_trace_library *library = find_library();
    if (library == NULL)
        return PyLong_FromLong(0);
    library->hold(hold);
    return hold ? PyLong_FromSize_t(library->count()) : PyLong_FromLong(0);
}

PyObject *core_trace_anew(PyObject *module, PyObject *unused)
{
    const struct ft_trace_library *library = find_library();
    (void)module;
    (void)unused;
    if (library != NULL)
        library->anew();
    Py_RETURN_NONE;
}

/* What was recorded from this number on. */
static PyObject *entries_from(const struct ft_trace_library *library, size_t first)
{
    size_t count = library->count();
    PyObject *list = PyList_New(0);
    for (size_t i = first; list != NULL && i < count; i++) {
        struct ft_trace_entry entry = library->entry(i);
        PyObject *who = PyUnicode_DecodeUTF8(entry.who, (Py_ssize_t)strlen(entry.who), "replace");
        PyObject *tuple = who == NULL ? NULL
                                      : Py_BuildValue("(iiiyNy#)", (int)entry.kind, (int)entry.aspect, entry.failed,
                                                      entry.path, who, (const char *)&entry.seen,
                                                      (Py_ssize_t)(entry.seen.known ? sizeof entry.seen : 0));
        if (tuple == NULL || PyList_Append(list, tuple) < 0)
            Py_CLEAR(list);
        Py_XDECREF(tuple);
    }
    return list;
}

PyObject *core_trace_looks(PyObject *module, PyObject *args)
{
    Py_ssize_t first;
    (void)module;
    if (!PyArg_ParseTuple(args, "n:trace_looks", &first))
        return NULL;
    const struct ft_trace_library *library = find_library();
    return library == NULL || first < 0 ? PyList_New(0) : entries_from(library, (size_t)first);
}

PyObject *core_trace_stop(PyObject *module, PyObject *args)
{
    Py_ssize_t first = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "|n:trace_stop", &first))
        return NULL;
    const struct ft_trace_library *library = find_library();
    if (library == NULL)
        return Py_BuildValue("(O[])", Py_False);
    library->stop();
    frames_end();
    PyObject *list = entries_from(library, first < 0 ? 0 : (size_t)first);
    PyObject *missed = library->missed() ? Py_True : Py_False;
    library->forget();
    return list == NULL ? NULL : Py_BuildValue("(ON)", missed, list);
}

PyObject *core_trace_pretend(PyObject *module, PyObject *args)
{
    int fd;
    unsigned long long terminal;
    (void)module;
    if (!PyArg_ParseTuple(args, "iK:trace_pretend", &fd, &terminal))
        return NULL;
    const struct ft_trace_library *library = find_library();
    if (library == NULL)
        Py_RETURN_FALSE;
    int err = library->pretend(fd, terminal);
    if (err < 0) {
        errno = -err;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    Py_RETURN_TRUE;
}

PyObject *core_trace_pretend_nothing(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    const struct ft_trace_library *library = find_library();
    if (library != NULL)
        library->pretend_nothing();
    Py_RETURN_NONE;
}

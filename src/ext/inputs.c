/* Describing what a session has looked at, for the daemon. */
#include "ext/core.h"

#include <string.h>

#include "prep/inputs.h"
#include "trace/trace.h"

/* What was there at first, as the library has told it. */
static struct ft_filestat filestat_of(const struct ft_trace_seen *seen)
{
    if (seen->mode == 0)
        return (struct ft_filestat){.exists = false};
    return (struct ft_filestat){
        .exists = true,
        .mode = seen->mode,
        .device = seen->device,
        .inode = seen->inode,
        .size = seen->size,
        .modified = seen->modified,
        .changed = seen->changed,
    };
}

/*
 * Take one look, a tuple of kind, path, what was there if it is known, and since when it may have been seen.  Returns
 * 0, or -1 with an exception.
 */
static int take_look(struct ft_inputs *inputs, PyObject *look, bool *changed)
{
    int kind;
    const char *path, *told;
    Py_ssize_t len, told_len;
    long long since;
    struct ft_trace_seen seen;
    if (!PyTuple_Check(look)) {
        PyErr_SetString(PyExc_TypeError, "a look is a tuple of kind, path, what was seen and since when");
        return -1;
    }
    if (!PyArg_ParseTuple(look, "iy#y#L", &kind, &path, &len, &told, &told_len, &since))
        return -1;
    if (told_len != 0 && told_len != sizeof seen) {
        PyErr_SetString(PyExc_ValueError, "what was seen is not of trace_stop()");
        return -1;
    }
    if (kind < 0 || !ft_input_is_kind((uint64_t)kind)) {
        PyErr_Format(PyExc_ValueError, "there is no kind %d of inputs", kind);
        return -1;
    }
    if (len == 0 || path[0] != '/' || memchr(path, 0, (size_t)len) != NULL) {
        PyErr_Format(PyExc_ValueError, "not an absolute path: %R", PyTuple_GET_ITEM(look, 1));
        return -1;
    }
    struct ft_filestat at_first;
    if (told_len != 0) {
        memcpy(&seen, told, sizeof seen);
        at_first = filestat_of(&seen);
    }
    struct ft_sight sight = {since, told_len != 0 ? &at_first : NULL};
    if (ft_inputs_take(inputs, (enum ft_input_kind)kind, path, (size_t)len, &sight, changed) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* A new tuple: what is written, and how many come before the first that was changed. */
static PyObject *payload_of(const struct ft_inputs *inputs, size_t unchanged)
{
    struct ft_buf out = FT_BUF_INIT;
    PyObject *result = NULL;
    if (ft_inputs_write(&out, inputs) < 0)
        PyErr_NoMemory();
    else
        result = Py_BuildValue("(y#n)", (const char *)ft_buf_head(&out), (Py_ssize_t)out.len, (Py_ssize_t)unchanged);
    ft_buf_release(&out);
    return result;
}

PyObject *core_take_inputs(PyObject *module, PyObject *args)
{
    struct ft_inputs inputs = FT_INPUTS_INIT;
    PyObject *list, *result = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!:take_inputs", &PyList_Type, &list))
        return NULL;
    PyObject *looks = PyList_AsTuple(list);
    if (looks == NULL)
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(looks);
    size_t unchanged = (size_t)count;
    for (Py_ssize_t i = 0; i < count; i++) {
        bool changed = false;
        if (take_look(&inputs, PyTuple_GET_ITEM(looks, i), &changed) < 0)
            goto done;
        if (changed && (size_t)i < unchanged)
            unchanged = (size_t)i;
    }
    result = payload_of(&inputs, unchanged);
done:
    ft_inputs_release(&inputs);
    Py_DECREF(looks);
    return result;
}

PyObject *core_file_clock(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyLong_FromLongLong(ft_file_clock());
}

PyObject *core_time_past(PyObject *module, PyObject *changed)
{
    (void)module;
    long long time = PyLong_AsLongLong(changed);
    if (time == -1 && PyErr_Occurred())
        return NULL;
    return PyLong_FromLongLong(ft_time_past(time));
}

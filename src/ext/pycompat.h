/* What differs between the supported versions of CPython. */
#ifndef FT_EXT_PYCOMPAT_H
#define FT_EXT_PYCOMPAT_H

#include <Python.h>

#if PY_VERSION_HEX < 0x030A00A3 /* bpo-42262 */
static inline PyObject *Py_NewRef(PyObject *object)
{
    Py_INCREF(object);
    return object;
}
#endif

/* Take the exception that is set, normalized; a new reference. */
static inline PyObject *core_take_raised(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL)
        PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}

/* Set what was taken, with its traceback; takes over the reference. */
static inline void core_restore_raised(PyObject *value)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(value);
#else
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(value)), value, PyException_GetTraceback(value));
#endif
}

#ifndef PySet_CheckExact /* 3.10 */
#define PySet_CheckExact(object) Py_IS_TYPE(object, &PySet_Type)
#endif

#endif

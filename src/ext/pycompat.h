/* What differs between the supported versions of CPython. */
#ifndef FT_EXT_PYCOMPAT_H
#define FT_EXT_PYCOMPAT_H

#include <Python.h>
#include <frameobject.h>

#if PY_VERSION_HEX < 0x030A00A3 /* bpo-42262 */
static inline PyObject *Py_NewRef(PyObject *object)
{
    Py_INCREF(object);
    return object;
}
#endif

/* What a weak reference refers to, borrowed; NULL if it is gone. Nothing is written: its page may be shared. */
static inline PyObject *core_weakly_referenced(PyObject *reference)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *object = ((PyWeakReference *)reference)->wr_object;
#else
    PyObject *object = PyWeakref_GET_OBJECT(reference);
#endif
    return object == Py_None ? NULL : object;
}

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

/* The exception that is set, put by as it is. */
struct core_error {
    PyObject *type, *value, *traceback; /* the first alone since 3.12 */
};

static inline struct core_error core_put_error_by(void)
{
    struct core_error error = {NULL, NULL, NULL};
#if PY_VERSION_HEX >= 0x030C0000
    error.type = PyErr_GetRaisedException();
#else
    PyErr_Fetch(&error.type, &error.value, &error.traceback);
#endif
    return error;
}

static inline void core_put_error_back(const struct core_error *error)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(error->type);
#else
    PyErr_Restore(error->type, error->value, error->traceback);
#endif
}

static inline int core_is_finalizing(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing();
#else
    return _Py_IsFinalizing();
#endif
}

/* The state of the thread that has the interpreter's lock; NULL: none has. */
static inline PyThreadState *core_current_state(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyThreadState_GetUnchecked();
#else
    return _PyThreadState_UncheckedGet();
#endif
}

/* The offset of a frame's instruction in its code, in some unit. */
static inline int core_frame_instruction(PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030B0000
    return PyFrame_GetLasti(frame);
#else
    return frame->f_lasti;
#endif
}

/* Objects of frames are made when somebody looks at them, and until 3.11 that may collect garbage, running code. */
static inline int core_stop_collecting(void)
{
#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000
    return PyGC_Disable();
#else
    return 0;
#endif
}

static inline void core_collect_again(int collecting)
{
#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000
    if (collecting)
        PyGC_Enable();
#else
    (void)collecting;
#endif
}

#ifndef PySet_CheckExact /* 3.10 */
#define PySet_CheckExact(object) Py_IS_TYPE(object, &PySet_Type)
#endif

#endif

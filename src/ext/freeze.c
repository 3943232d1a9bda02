/*
 * Frozen objects that nobody can tell from others.  A forked worker has gc.freeze() put what it inherited out of the
 * collector's sight, so that collecting garbage neither visits these objects nor copies their pages.  Whoever asks
 * for a collection, or looks at the collector's objects, sees them: these functions of gc thaw first.
 */
#include "ext/caught.h"

typedef PyObject *(*with_keywords)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

enum { COLLECT, GET_OBJECTS, GET_REFERRERS, GET_FREEZE_COUNT, FREEZE, UNFREEZE, GUARDED };

static struct caught guarded[GUARDED];

static int frozen;
static int noted; /* core_note_finalizers() has seen what is frozen */

static void thaw(PyObject *gc)
{
    if (!frozen)
        return;
    frozen = 0;
    Py_XDECREF(guarded[UNFREEZE].original(gc, NULL));
}

/* Whether somebody else has frozen objects; they are not frozen any more. */
static int thaw_others(PyObject *gc)
{
    PyObject *count = frozen ? NULL : PyObject_CallMethod(gc, "get_freeze_count", NULL);
    int thaws = count != NULL && PyObject_IsTrue(count);
    PyObject *done = thaws ? PyObject_CallMethod(gc, "unfreeze", NULL) : NULL;
    PyErr_Clear();
    Py_XDECREF(done);
    Py_XDECREF(count);
    return thaws;
}

PyObject *core_all_objects(void)
{
    PyObject *gc = PyImport_ImportModule("gc");
    if (gc == NULL)
        return NULL;
    int thawed = thaw_others(gc);
    PyObject *objects = PyObject_CallMethod(gc, "get_objects", NULL);
    if (objects != NULL && thawed) { /* with what has come since, which nobody misses */
        PyObject *done = PyObject_CallMethod(gc, "freeze", NULL);
        if (done == NULL)
            Py_CLEAR(objects);
        Py_XDECREF(done);
    }
    Py_DECREF(gc);
    return objects;
}

PyObject *core_unfrozen_objects(void)
{
    if (!frozen)
        return core_all_objects();
    PyObject *gc = PyImport_ImportModule("gc");
    if (gc == NULL)
        return NULL;
    with_keywords original = (with_keywords)(void (*)(void))guarded[GET_OBJECTS].original;
    PyObject *objects = original(gc, NULL, 0, NULL);
    Py_DECREF(gc);
    return objects;
}

int core_is_frozen(void)
{
    return frozen;
}

PyObject *core_young_objects(void)
{
    return frozen && noted ? core_unfrozen_objects() : NULL;
}

/*
 * Whether pytest's own code asks: it collects at the end of a session, so that finalizers of what the tests have left
 * behind are heard.  What was left behind before the fork is the controller's to collect.
 */
static int is_end_of_session(void)
{
    PyFrameObject *frame = PyEval_GetFrame();
    if (frame == NULL)
        return 0;
    PyCodeObject *code = PyFrame_GetCode(frame);
    int is = PyUnicode_CompareWithASCIIString(code->co_name, "gc_collect_harder") == 0;
    Py_DECREF(code);
    return is;
}

static PyObject *collect(PyObject *gc, PyObject *const *args, Py_ssize_t count, PyObject *kwnames)
{
    if (frozen && !is_end_of_session())
        thaw(gc);
    return ((with_keywords)(void (*)(void))guarded[COLLECT].original)(gc, args, count, kwnames);
}

static PyObject *get_objects(PyObject *gc, PyObject *const *args, Py_ssize_t count, PyObject *kwnames)
{
    thaw(gc);
    return ((with_keywords)(void (*)(void))guarded[GET_OBJECTS].original)(gc, args, count, kwnames);
}

#if PY_VERSION_HEX >= 0x030D0000
typedef PyObject *(*without_keywords)(PyObject *, PyObject *const *, Py_ssize_t);

static PyObject *get_referrers(PyObject *gc, PyObject *const *args, Py_ssize_t count)
{
    thaw(gc);
    return ((without_keywords)(void (*)(void))guarded[GET_REFERRERS].original)(gc, args, count);
}

#define REFERRERS_FLAGS METH_FASTCALL
#else
static PyObject *get_referrers(PyObject *gc, PyObject *args)
{
    thaw(gc);
    return guarded[GET_REFERRERS].original(gc, args);
}

#define REFERRERS_FLAGS METH_VARARGS
#endif

static PyObject *get_freeze_count(PyObject *gc, PyObject *unused)
{
    thaw(gc);
    return guarded[GET_FREEZE_COUNT].original(gc, unused);
}

static PyObject *freeze(PyObject *gc, PyObject *unused)
{
    frozen = 0; /* what was ours is the caller's now */
    return guarded[FREEZE].original(gc, unused);
}

static PyObject *unfreeze(PyObject *gc, PyObject *unused)
{
    frozen = 0;
    return guarded[UNFREEZE].original(gc, unused);
}

#define ANY_FUNCTION(function) ((PyCFunction)(void (*)(void))(function))

static struct caught guarded[GUARDED] = {
    [COLLECT] = {"collect", METH_FASTCALL | METH_KEYWORDS, ANY_FUNCTION(collect), NULL, NULL},
    [GET_OBJECTS] = {"get_objects", METH_FASTCALL | METH_KEYWORDS, ANY_FUNCTION(get_objects), NULL, NULL},
    [GET_REFERRERS] = {"get_referrers", REFERRERS_FLAGS, ANY_FUNCTION(get_referrers), NULL, NULL},
    [GET_FREEZE_COUNT] = {"get_freeze_count", METH_NOARGS, get_freeze_count, NULL, NULL},
    [FREEZE] = {"freeze", METH_NOARGS, freeze, NULL, NULL},
    [UNFREEZE] = {"unfreeze", METH_NOARGS, unfreeze, NULL, NULL},
};

PyObject *core_collect_young(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    PyObject *gc = PyImport_ImportModule("gc"), *count = NULL;
    if (gc == NULL)
        return NULL;
    if (guarded[COLLECT].method == NULL)
        count = PyObject_CallMethod(gc, "collect", NULL);
    else
        count = ((with_keywords)(void (*)(void))guarded[COLLECT].original)(gc, NULL, 0, NULL);
    Py_DECREF(gc);
    return count;
}

PyObject *core_freeze(PyObject *module, PyObject *args)
{
    int was_noted = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "|p:freeze", &was_noted))
        return NULL;
    PyObject *gc = PyImport_ImportModule("gc");
    if (gc == NULL)
        return NULL;
    if (guarded[COLLECT].method == NULL && !core_catch(gc, guarded, GUARDED)) {
        Py_DECREF(gc);
        Py_RETURN_FALSE;
    }
    PyObject *done = PyObject_CallMethod(gc, "freeze", NULL);
    Py_DECREF(gc);
    if (done == NULL)
        return NULL;
    Py_DECREF(done);
    frozen = 1;
    noted = was_noted;
    Py_RETURN_TRUE;
}

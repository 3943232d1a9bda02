/*
 * Hook calls: the inner loop of pluggy's _multicall, for as long as nothing is raised.
 *
 * run() is called by pluggy's own function, to which two statements were added at its beginning (hookcalls.py).  When
 * something is raised, or is not as expected, run() returns the implementations that are left for pluggy's code to go
 * on with; those that were called already are among them as objects that repeat what came of it.  So every exception
 * passes through pluggy's own frame, with its tracebacks, and has pluggy's own treatment.
 */
#include "ext/repeated.h"

enum { ARGS_MAX = 16, IMPLS_MAX = 64 };

/* Attributes of an implementation, and of a pluggy.Result. */
enum attribute { HOOKWRAPPER, WRAPPER, ARGNAMES, KWARGNAMES, FUNCTION, EXCEPTION, RESULT, ATTRIBUTES };

static const char *const attributes[ATTRIBUTES] = {"hookwrapper", "wrapper",    "argnames", "kwargnames",
                                                   "function",    "_exception", "_result"};

struct hookcalls {
    PyObject_HEAD
    PyObject *result_type;      /* pluggy.Result */
    PyObject *names[ATTRIBUTES]; /* interned: Python's cache of attributes goes by a name's address */
    int has_kwargnames;         /* implementations have optional arguments: pluggy 1.7 */
};

/* A wrapper whose first part was run. */
struct wrapper {
    PyObject *impl; /* borrowed */
    PyObject *generator;
    int old_style;
};

/* One call of a hook. */
struct call {
    struct hookcalls *self;
    PyObject *impls;       /* list, called from its end */
    PyObject *kwargs;
    int first_result;
    PyObject *results; /* list, or NULL as long as it is empty */
    struct wrapper wrappers[IMPLS_MAX];
    int depth;
    PyObject *called[IMPLS_MAX]; /* borrowed: implementations that gave the results */
};

/* ---- leaving the rest to pluggy ---- */

static int append(PyObject *list, PyObject *stolen)
{
    int err = stolen == NULL ? -1 : PyList_Append(list, stolen);
    Py_XDECREF(stolen);
    return err;
}

/* An empty list of the type that tells pluggy's function to go on. */
static PyObject *new_unfinished(struct core_state *state)
{
    return PyObject_CallNoArgs(state->unfinished_type);
}

/*
 * The implementations to go on with: those below `next`, then `current` (NULL: none; stolen), then what was done
 * before, latest first.
 */
static PyObject *unfinished(struct call *call, Py_ssize_t next, PyObject *current, int has_current)
{
    struct core_state *state = core_state_of_type(Py_TYPE(call->self));
    PyObject *list = has_current && current == NULL ? NULL : new_unfinished(state);
    Py_ssize_t results = call->results != NULL ? PyList_GET_SIZE(call->results) : 0;
    int err = list == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; err == 0 && i < next; i++)
        err = PyList_Append(list, PyList_GET_ITEM(call->impls, i));
    if (err == 0 && has_current)
        err = PyList_Append(list, current);
    Py_XDECREF(current);
    for (Py_ssize_t i = results; err == 0 && i > 0; i--)
        err = append(list, core_repeat(state, call->called[i - 1], NULL, CALL_RETURNS,
                                        PyList_GET_ITEM(call->results, i - 1)));
    for (int i = call->depth; err == 0 && i > 0; i--)
        err = append(list, core_repeat(state, call->wrappers[i - 1].impl, call->wrappers[i - 1].generator, IS_SET_UP,
                                        NULL));
    if (err < 0)
        Py_CLEAR(list);
    return list;
}

/* The same for an implementation that was called, and what came of it. */
static PyObject *unfinished_with(struct call *call, Py_ssize_t next, PyObject *impl, PyObject *generator,
                                 enum repeat repeat, PyObject *value)
{
    struct core_state *state = core_state_of_type(Py_TYPE(call->self));
    return unfinished(call, next, core_repeat(state, impl, generator, repeat, value), 1);
}

/* The same with the exception that is set now; NULL for an iterator that has ended. */
static PyObject *unfinished_raising(struct call *call, PyObject *impl, PyObject *generator, enum repeat repeat)
{
    PyObject *raised = PyErr_Occurred() ? core_take_raised() : NULL;
    PyObject *list = unfinished_with(call, 0, impl, generator, repeat, raised);
    Py_XDECREF(raised);
    return list;
}

/* ---- the call ---- */

static PyObject *get(const struct call *call, PyObject *object, enum attribute attribute)
{
    return PyObject_GetAttr(object, call->self->names[attribute]);
}

/* Collect the arguments of an implementation.  Returns how many, or -1 if pluggy has to look at it. */
static Py_ssize_t collect_args(const struct call *call, PyObject *impl, PyObject **args)
{
    if (call->self->has_kwargnames) {
        PyObject *optional = get(call, impl, KWARGNAMES);
        int none = optional != NULL && PyTuple_CheckExact(optional) && PyTuple_GET_SIZE(optional) == 0;
        Py_XDECREF(optional);
        if (!none)
            return -1;
    }
    PyObject *names = get(call, impl, ARGNAMES);
    if (names == NULL || !PyTuple_CheckExact(names) || PyTuple_GET_SIZE(names) > ARGS_MAX) {
        Py_XDECREF(names);
        return -1;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(names);
    for (Py_ssize_t i = 0; i < count; i++) {
        args[i] = PyDict_GetItemWithError(call->kwargs, PyTuple_GET_ITEM(names, i)); /* kwargs keeps it */
        if (args[i] == NULL)
            count = -1;
    }
    Py_DECREF(names);
    return count;
}

/* Whether the attribute is true; -1 with an exception. */
static int flag(const struct call *call, PyObject *impl, enum attribute attribute)
{
    PyObject *value = get(call, impl, attribute);
    int is = value == NULL ? -1 : PyObject_IsTrue(value);
    Py_XDECREF(value);
    return is;
}

static int add_result(struct call *call, PyObject *impl, PyObject *result)
{
    if (call->results == NULL)
        call->results = PyList_New(0);
    if (call->results == NULL || PyList_Append(call->results, result) < 0)
        return -1;
    call->called[PyList_GET_SIZE(call->results) - 1] = impl;
    return 0;
}

/* What an implementation's call has led to. */
enum step { GO_ON, ENOUGH, LEAVE };

/* A wrapper was called: run its first part. */
static enum step set_up(struct call *call, Py_ssize_t at, PyObject *impl, PyObject *generator, int old_style,
                        PyObject **left)
{
    if (!PyGen_CheckExact(generator)) {
        *left = unfinished_with(call, at, impl, NULL, CALL_RETURNS, generator);
        Py_DECREF(generator);
        return LEAVE;
    }
    PyObject *yielded = Py_TYPE(generator)->tp_iternext(generator);
    if (yielded == NULL) {
        *left = unfinished_raising(call, impl, generator, NEXT_RAISES);
        Py_DECREF(generator);
        return LEAVE;
    }
    Py_DECREF(yielded);
    call->wrappers[call->depth++] = (struct wrapper){impl, generator, old_style};
    return GO_ON;
}

/* Call the implementation at this place. */
static enum step call_impl(struct call *call, Py_ssize_t at, PyObject **left)
{
    PyObject *impl = PyList_GET_ITEM(call->impls, at), *args[ARGS_MAX], *function = NULL;
    int old_style = flag(call, impl, HOOKWRAPPER);
    int wrapper = old_style == 0 ? flag(call, impl, WRAPPER) : old_style;
    Py_ssize_t count = wrapper < 0 || call->depth == IMPLS_MAX ? -1 : collect_args(call, impl, args);
    if (count >= 0)
        function = get(call, impl, FUNCTION);
    if (function == NULL) {
        PyErr_Clear();
        *left = unfinished(call, at + 1, NULL, 0);
        return LEAVE;
    }
    PyObject *result = PyObject_Vectorcall(function, args, (size_t)count, NULL);
    Py_DECREF(function);
    if (result == NULL) {
        *left = unfinished_raising(call, impl, NULL, CALL_RAISES);
        return LEAVE;
    }
    if (wrapper)
        return set_up(call, at, impl, result, old_style, left);
    int err = result == Py_None ? 0 : add_result(call, impl, result);
    int enough = result != Py_None && call->first_result;
    Py_DECREF(result);
    return err < 0 ? LEAVE : enough ? ENOUGH : GO_ON;
}

/* Send a value into a generator: 1 and *result if it has returned, 0 and *result if it yields, -1 if it raises. */
static int send(PyObject *generator, PyObject *value, PyObject **result)
{
#if PY_VERSION_HEX >= 0x030A0000
    PySendResult sent = PyIter_Send(generator, value, result);
    return sent == PYGEN_RETURN ? 1 : sent == PYGEN_NEXT ? 0 : -1;
#else
    *result = PyObject_CallMethod(generator, "send", "O", value);
    if (*result != NULL)
        return 0;
    if (!PyErr_ExceptionMatches(PyExc_StopIteration))
        return -1;
    PyObject *stop = core_take_raised();
    *result = PyObject_GetAttrString(stop, "value");
    Py_DECREF(stop);
    return *result == NULL ? -1 : 1;
#endif
}

/* What is left when the second part of the innermost wrapper did not just end. */
static PyObject *unfinished_wrapper(struct call *call, const struct wrapper *wrapper, int sent, PyObject *result)
{
    PyObject *list;
    if (sent < 0)
        list = unfinished_raising(call, wrapper->impl, wrapper->generator, SEND_RAISES);
    else
        list = unfinished_with(call, 0, wrapper->impl, wrapper->generator, sent == 0 ? SEND_RETURNS : SEND_FORCES,
                               result);
    Py_DECREF(wrapper->generator);
    Py_XDECREF(result);
    return list;
}

/* Run the second part of an old-style wrapper, which is sent a pluggy.Result.  Takes over `value`. */
static int tear_down_old(struct call *call, const struct wrapper *wrapper, PyObject *value, PyObject **result)
{
    PyObject *arguments[] = {value, Py_None}, *ended = NULL;
    PyObject *outcome = PyObject_Vectorcall(call->self->result_type, arguments, 2, NULL);
    Py_DECREF(value);
    *result = NULL;
    if (outcome == NULL)
        return -1;
    int sent = send(wrapper->generator, outcome, &ended);
    if (sent != 1) {
        *result = ended;
        Py_DECREF(outcome);
        return sent;
    }
    Py_DECREF(ended);
    PyObject *raised = get(call, outcome, EXCEPTION);
    if (raised == Py_None) {
        *result = get(call, outcome, RESULT);
        Py_DECREF(outcome);
        sent = *result == NULL ? -1 : 1;
    } else {
        *result = outcome;
        sent = raised == NULL ? -1 : 2;
    }
    Py_XDECREF(raised);
    return sent;
}

/* Run the second parts of the wrappers, innermost first.  Takes over `result`. */
static PyObject *tear_down(struct call *call, PyObject *result)
{
    while (result != NULL && call->depth > 0) {
        struct wrapper wrapper = call->wrappers[--call->depth];
        PyObject *next = NULL;
        int sent;
        if (wrapper.old_style) {
            sent = tear_down_old(call, &wrapper, result, &next);
        } else {
            sent = send(wrapper.generator, result, &next);
            Py_DECREF(result);
        }
        if (sent != 1) {
            Py_CLEAR(call->results); /* nobody sees it any more */
            return unfinished_wrapper(call, &wrapper, sent, next);
        }
        Py_DECREF(wrapper.generator);
        result = next;
    }
    return result;
}

static PyObject *take_result(struct call *call)
{
    if (!call->first_result)
        return call->results != NULL ? Py_NewRef(call->results) : PyList_New(0);
    return Py_NewRef(call->results != NULL ? PyList_GET_ITEM(call->results, 0) : Py_None);
}

static PyObject *run_call(struct call *call)
{
    PyObject *left = NULL;
    enum step step = GO_ON;
    for (Py_ssize_t at = PyList_GET_SIZE(call->impls); step == GO_ON && at > 0;)
        step = call_impl(call, --at, &left);
    if (step != LEAVE)
        left = tear_down(call, take_result(call));
    Py_XDECREF(call->results);
    while (call->depth > 0)
        Py_DECREF(call->wrappers[--call->depth].generator);
    return left;
}

static PyObject *hookcalls_run(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "run() takes 4 arguments");
        return NULL;
    }
    int first_result = PyObject_IsTrue(args[3]);
    if (first_result < 0)
        return NULL;
    if (!PyList_CheckExact(args[1]) || !PyDict_CheckExact(args[2]) || PyList_GET_SIZE(args[1]) > IMPLS_MAX) {
        PyObject *list = new_unfinished(core_state_of_type(Py_TYPE(object)));
        PyObject *all = list == NULL ? NULL : PyObject_CallMethod(list, "extend", "O", args[1]);
        if (all == NULL)
            Py_CLEAR(list);
        Py_XDECREF(all);
        return list;
    }
    struct call call;
    call.self = (struct hookcalls *)object;
    call.impls = args[1];
    call.kwargs = args[2];
    call.first_result = first_result;
    call.results = NULL;
    call.depth = 0;
    return run_call(&call);
}

/* ---- the type ---- */

static PyObject *hookcalls_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"result_type", "has_kwargnames", NULL};
    PyObject *result_type;
    int has_kwargnames;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Op:HookCalls", names, &result_type, &has_kwargnames))
        return NULL;
    struct hookcalls *self = (struct hookcalls *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->result_type = Py_NewRef(result_type);
    self->has_kwargnames = has_kwargnames;
    for (int i = 0; i < ATTRIBUTES; i++) {
        self->names[i] = PyUnicode_InternFromString(attributes[i]);
        if (self->names[i] == NULL) {
            Py_DECREF(self);
            return NULL;
        }
    }
    return (PyObject *)self;
}

static int hookcalls_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((struct hookcalls *)object)->result_type);
    return 0;
}

static int hookcalls_clear(PyObject *object)
{
    struct hookcalls *self = (struct hookcalls *)object;
    Py_CLEAR(self->result_type);
    for (int i = 0; i < ATTRIBUTES; i++)
        Py_CLEAR(self->names[i]);
    return 0;
}

static void hookcalls_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    hookcalls_clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef hookcalls_methods[] = {
    {"run", (PyCFunction)(void (*)(void))hookcalls_run, METH_FASTCALL,
     PyDoc_STR("run(hook_name, hook_impls, caller_kwargs, firstresult, /)\n--\n\nCall the implementations.  Returns "
               "the result, or what is left for pluggy: a list of type Unfinished.")},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot hookcalls_slots[] = {
    {Py_tp_doc, PyDoc_STR("HookCalls(result_type, has_kwargnames)\n--\n\nCalls hooks as pluggy does.")},
    {Py_tp_new, hookcalls_new},
    {Py_tp_dealloc, hookcalls_dealloc},
    {Py_tp_traverse, hookcalls_traverse},
    {Py_tp_clear, hookcalls_clear},
    {Py_tp_methods, hookcalls_methods},
    {0, NULL},
};

PyType_Spec core_hookcalls_spec = {
    .name = "fleetest._core.HookCalls",
    .basicsize = sizeof(struct hookcalls),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = hookcalls_slots,
};

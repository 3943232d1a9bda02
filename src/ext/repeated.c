/* The type of implementations that repeat what came of their call. */
#include "ext/repeated.h"

struct repeated {
    PyObject_HEAD
    PyObject *impl;
    PyObject *generator; /* NULL if it is no wrapper */
    PyObject *value;
    enum repeat repeat;
};

PyObject *core_repeat(struct core_state *state, PyObject *impl, PyObject *generator, enum repeat repeat,
                      PyObject *value)
{
    PyTypeObject *type = (PyTypeObject *)state->repeated_type;
    struct repeated *self = (struct repeated *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->impl = Py_NewRef(impl);
    Py_XINCREF(generator);
    Py_XINCREF(value);
    self->generator = generator;
    self->value = value;
    self->repeat = repeat;
    return (PyObject *)self;
}

static int repeated_traverse(PyObject *object, visitproc visit, void *arg)
{
    struct repeated *self = (struct repeated *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->impl);
    Py_VISIT(self->generator);
    Py_VISIT(self->value);
    return 0;
}

static int repeated_clear(PyObject *object)
{
    struct repeated *self = (struct repeated *)object;
    Py_CLEAR(self->impl);
    Py_CLEAR(self->generator);
    Py_CLEAR(self->value);
    return 0;
}

static void repeated_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    repeated_clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

/* Raise once more what was raised, with the traceback that it has. */
static PyObject *raise_again(const struct repeated *self)
{
    core_restore_raised(Py_NewRef(self->value));
    return NULL;
}

static PyObject *repeated_call(PyObject *object, PyObject *args, PyObject *kwargs)
{
    struct repeated *self = (struct repeated *)object;
    (void)args;
    (void)kwargs;
    switch (self->repeat) {
    case CALL_RETURNS:
        return Py_NewRef(self->value);
    case CALL_RAISES:
        return raise_again(self);
    default:
        return Py_NewRef(object);
    }
}

static PyObject *repeated_next(PyObject *object)
{
    struct repeated *self = (struct repeated *)object;
    if (self->repeat != NEXT_RAISES)
        return Py_NewRef(Py_None);
    return self->value == NULL ? NULL : raise_again(self);
}

/* Make a fresh pluggy.Result what an old-style wrapper has made of the other one. */
static int copy_result(PyObject *from, PyObject *to)
{
    static const char *const names[] = {"_result", "_exception", "_traceback"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        PyObject *value = PyObject_GetAttrString(from, names[i]);
        int err = value == NULL ? -1 : PyObject_SetAttrString(to, names[i], value);
        Py_XDECREF(value);
        if (err < 0)
            return -1;
    }
    return 0;
}

static PyObject *repeated_send(PyObject *object, PyObject *sent)
{
    struct repeated *self = (struct repeated *)object;
    switch (self->repeat) {
    case SEND_RETURNS:
        return Py_NewRef(self->value);
    case SEND_RAISES:
        return raise_again(self);
    case SEND_FORCES:
        if (copy_result(self->value, sent) == 0)
            PyErr_SetNone(PyExc_StopIteration);
        return NULL;
    default:
        return PyObject_CallMethod(self->generator, "send", "O", sent);
    }
}

static PyObject *repeated_throw(PyObject *object, PyObject *args)
{
    PyObject *method = PyObject_GetAttrString(((struct repeated *)object)->generator, "throw");
    PyObject *result = method == NULL ? NULL : PyObject_Call(method, args, NULL);
    Py_XDECREF(method);
    return result;
}

static PyObject *repeated_close(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyObject_CallMethod(((struct repeated *)object)->generator, "close", NULL);
}

static PyObject *repeated_function(PyObject *object, void *closure)
{
    (void)closure;
    return Py_NewRef(object);
}

static PyObject *repeated_no_names(PyObject *object, void *closure)
{
    (void)object;
    (void)closure;
    return PyTuple_New(0);
}

/* Everything else is the implementation's or the generator's. */
static PyObject *repeated_getattr(PyObject *object, PyObject *name)
{
    struct repeated *self = (struct repeated *)object;
    PyObject *others[] = {self->impl, self->generator};
    PyObject *value = PyObject_GenericGetAttr(object, name);
    for (int i = 0; value == NULL && i < 2 && others[i] != NULL; i++) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError))
            return NULL;
        PyErr_Clear();
        value = PyObject_GetAttr(others[i], name);
    }
    return value;
}

static PyObject *repeated_repr(PyObject *object)
{
    return PyObject_Repr(((struct repeated *)object)->impl);
}

static PyMethodDef repeated_methods[] = {
    {"send", repeated_send, METH_O, NULL},
    {"throw", repeated_throw, METH_VARARGS, NULL},
    {"close", repeated_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef repeated_getset[] = {
    {"function", repeated_function, NULL, NULL, NULL},
    {"argnames", repeated_no_names, NULL, NULL, NULL},
    {"kwargnames", repeated_no_names, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot repeated_slots[] = {
    {Py_tp_doc, PyDoc_STR("A hook implementation that was called, and repeats what came of it.")},
    {Py_tp_dealloc, repeated_dealloc},
    {Py_tp_traverse, repeated_traverse},
    {Py_tp_clear, repeated_clear},
    {Py_tp_call, repeated_call},
    {Py_tp_repr, repeated_repr},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, repeated_next},
    {Py_tp_getattro, repeated_getattr},
    {Py_tp_methods, repeated_methods},
    {Py_tp_getset, repeated_getset},
    {0, NULL},
};

static PyType_Slot unfinished_slots[] = {
    {Py_tp_doc, PyDoc_STR("The implementations that pluggy is to go on with.")},
    {0, NULL},
};

PyType_Spec core_unfinished_spec = {
    .name = "fleetest._core.Unfinished",
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = unfinished_slots,
};

PyType_Spec core_repeated_spec = {
    .name = "fleetest._core.Repeated",
    .basicsize = sizeof(struct repeated),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = repeated_slots,
};

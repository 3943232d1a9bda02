/* The engine as a Python type: it calls methods of a handler object, with the GIL let go while it waits. */
#include <errno.h>

#include "engine/engine.h"
#include "ext/core.h"
#include "ext/hot.h"
#include "wire/tail.h"

enum method { MESSAGE, PASSED, OUTPUT, GONE, SIGNAL, TERMINAL, TICK, METHODS };

static const char *const method_names[METHODS] = {"message", "passed", "output", "gone", "signal", "terminal", "tick"};

struct engine {
    PyObject_HEAD
    struct ft_engine *engine;
    PyObject *methods[METHODS]; /* the handler's */
    PyThreadState *thread; /* while the GIL is let go */
    int running;
};

/* The result of a handler's method: 0, or -1 with its exception left set. */
static int outcome(PyObject *result)
{
    if (result == NULL)
        return -1;
    Py_DECREF(result);
    return 0;
}

static int on_message(void *arg, uint32_t worker, unsigned type, const uint8_t *payload, size_t len)
{
    struct engine *self = arg;
    PyObject *object = core_unpack(core_state_of_type(Py_TYPE(self)), payload, len);
    if (object == NULL)
        return -1;
    return outcome(PyObject_CallFunction(self->methods[MESSAGE], "IIN", worker, type, object));
}

static int on_passed(void *arg, uint32_t worker, const struct ft_passed *test)
{
    struct engine *self = arg;
    PyObject *parts[FT_PASSED_PARTS] = {NULL};
    int err = 0;
    for (int i = 0; err == 0 && i < FT_PASSED_PARTS; i++) {
        parts[i] = core_unpack(core_state_of_type(Py_TYPE(self)), test->parts[i].payload, test->parts[i].len);
        err = parts[i] == NULL ? -1 : 0;
    }
    if (err == 0)
        err = outcome(PyObject_CallFunction(self->methods[PASSED], "IIO(OOO)", worker, test->item,
                                            parts[FT_PASSED_LOGSTART], parts[FT_PASSED_SETUP], parts[FT_PASSED_CALL],
                                            parts[FT_PASSED_TEARDOWN]));
    for (int i = 0; i < FT_PASSED_PARTS; i++)
        Py_XDECREF(parts[i]);
    return err;
}

static int on_output(void *arg, uint32_t worker, int stream, const uint8_t *bytes, size_t len)
{
    struct engine *self = arg;
    return outcome(PyObject_CallFunction(self->methods[OUTPUT], "Iiy#", worker, stream, (const char *)bytes,
                                         (Py_ssize_t)len));
}

static int on_gone(void *arg, uint32_t worker, const struct ft_gone *how)
{
    struct engine *self = arg;
    PyObject *item = how->item < 0 ? Py_NewRef(Py_None) : PyLong_FromLongLong(how->item);
    PyObject *status = how->leaving ? Py_NewRef(Py_None) : PyLong_FromLong(how->status);
    if (item == NULL || status == NULL) {
        Py_XDECREF(item);
        Py_XDECREF(status);
        return -1;
    }
    return outcome(PyObject_CallFunction(self->methods[GONE], "IONN", worker, how->finished ? Py_True : Py_False, item,
                                         status));
}

static int on_signal(void *arg, int number, int sender)
{
    struct engine *self = arg;
    return outcome(PyObject_CallFunction(self->methods[SIGNAL], "ii", number, sender));
}

static int on_terminal(void *arg, uint32_t worker, bool lent)
{
    struct engine *self = arg;
    if (PyErr_Occurred()) /* the run is being given up */
        return 0;
    return outcome(PyObject_CallFunction(self->methods[TERMINAL], "IO", worker, lent ? Py_True : Py_False));
}

static int on_tick(void *arg)
{
    struct engine *self = arg;
    return outcome(PyObject_CallFunction(self->methods[TICK], NULL));
}

static void let_go(void *arg)
{
    struct engine *self = arg;
    self->thread = PyEval_SaveThread();
}

static void take_again(void *arg)
{
    struct engine *self = arg;
    PyEval_RestoreThread(self->thread);
}

static bool on_idle(void *arg)
{
    (void)arg;
    return core_copy_more_hot_pages();
}

static const struct ft_engine_ops engine_ops = {
    .message = on_message,
    .passed = on_passed,
    .output = on_output,
    .gone = on_gone,
    .signal = on_signal,
    .terminal = on_terminal,
    .tick = on_tick,
    .unlock = let_go,
    .lock = take_again,
};

/* A buffer of one four-byte value an item; NULL with ValueError if it is something else, or if there is none. */
static const void *values_of(PyObject *object, Py_buffer *view, char format, uint32_t items)
{
    if (object == NULL || object == Py_None)
        return NULL;
    if (PyObject_GetBuffer(object, view, PyBUF_FORMAT | PyBUF_ND) < 0)
        return NULL;
    bool right = view->format != NULL && view->format[0] == format && view->itemsize == 4 && view->ndim == 1;
    if (right && view->len == (Py_ssize_t)items * 4)
        return view->buf;
    PyErr_Format(PyExc_ValueError, "an array of type '%c' with %u values is needed", format, items);
    return NULL;
}

/* What is known of the items, for the scheduler; NULL without an exception if that is nothing. */
static struct ft_sched_item *describe_items(PyObject *scopes, PyObject *seconds, const Py_buffer *tied, uint32_t items)
{
    Py_buffer scope_view = {0}, second_view = {0};
    struct ft_sched_item *known = NULL;
    const uint32_t *scope = values_of(scopes, &scope_view, 'I', items);
    const float *second = PyErr_Occurred() ? NULL : values_of(seconds, &second_view, 'f', items);
    if (!PyErr_Occurred() && scope != NULL) {
        known = PyMem_Calloc(items + 1, sizeof *known);
        if (known == NULL)
            PyErr_NoMemory();
    }
    for (uint32_t i = 0; known != NULL && i < items; i++) {
        if (scope[i] >= items) {
            PyErr_SetString(PyExc_ValueError, "the number of a scope is not below that of the items");
            PyMem_Free(known);
            known = NULL;
            break;
        }
        known[i].scope = scope[i];
        known[i].seconds = second != NULL ? second[i] : -1;
        known[i].tied = i < tied->len && ((const char *)tied->buf)[i] != 0;
    }
    PyBuffer_Release(&scope_view);
    PyBuffer_Release(&second_view);
    return known;
}

static PyObject *engine_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"handler",  "items",  "workers", "batch_max", "in_order", "keep_idle",
                            "client_fd", "tty_fd", "tick_ms", "scopes",    "seconds",  "tied", "assigned",
                            "client_pid", "copies_ahead", NULL};
    PyObject *handler, *scopes = NULL, *seconds = NULL;
    Py_buffer tied = {0};
    unsigned int items, workers, batch_max = 0;
    int in_order = 0, keep_idle = 0, assigned = 0, client_fd = -1, tty_fd = -1, tick_ms = 0;
    int client_pid = 0, copies_ahead = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OII|$IppiiiOOz*pip:Engine", names, &handler, &items, &workers,
                                     &batch_max, &in_order, &keep_idle, &client_fd, &tty_fd, &tick_ms, &scopes,
                                     &seconds, &tied, &assigned, &client_pid, &copies_ahead))
        return NULL;
    struct ft_sched_item *known = describe_items(scopes, seconds, &tied, items);
    PyBuffer_Release(&tied);
    if (PyErr_Occurred())
        return NULL;
    struct engine *self = (struct engine *)type->tp_alloc(type, 0);
    if (self == NULL) {
        PyMem_Free(known);
        return NULL;
    }
    struct ft_engine_options options = {
        .sched = {
            .items = items,
            .workers = workers == 0 ? 1 : workers,
            .batch_max = batch_max,
            .in_order = in_order,
            .keep_idle = keep_idle,
            .assigned = assigned,
            .known = known,
        },
        .client_fd = client_fd,
        .client_pid = client_pid,
        .tty_fd = tty_fd,
        .tick_ms = tick_ms,
    };
    struct ft_engine_ops ops = engine_ops;
    ops.idle = copies_ahead ? on_idle : NULL;
    self->engine = ft_engine_new(&options, &ops, self);
    PyMem_Free(known);
    int err = self->engine == NULL ? -1 : 0;
    if (err < 0)
        PyErr_NoMemory();
    for (int i = 0; err == 0 && i < METHODS; i++) {
        self->methods[i] = PyObject_GetAttrString(handler, method_names[i]);
        err = self->methods[i] == NULL ? -1 : 0;
    }
    if (err < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static int engine_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    for (int i = 0; i < METHODS; i++)
        Py_VISIT(((struct engine *)object)->methods[i]);
    return 0;
}

static int engine_clear(PyObject *object)
{
    for (int i = 0; i < METHODS; i++)
        Py_CLEAR(((struct engine *)object)->methods[i]);
    return 0;
}

static void engine_dealloc(PyObject *object)
{
    struct engine *self = (struct engine *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    ft_engine_free(self->engine);
    engine_clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

/* The engine, or NULL with ValueError once it is closed. */
static struct ft_engine *opened(PyObject *object)
{
    struct ft_engine *engine = ((struct engine *)object)->engine;
    if (engine == NULL)
        PyErr_SetString(PyExc_ValueError, "the engine is closed");
    return engine;
}

static PyObject *engine_add(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"pid", "sock", "out", "err", "tail", "own_group", NULL};
    struct ft_worker_spec spec = {.out = {-1, -1}};
    int pid, tail_fd = -1, own_group = 1;
    struct ft_engine *engine = opened(object);
    if (engine == NULL)
        return NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "iiii|ip:add", names, &pid, &spec.sock, &spec.out[0], &spec.out[1],
                                     &tail_fd, &own_group))
        return NULL;
    if (tail_fd >= 0) {
        spec.tail = ft_tail_map(tail_fd);
        if (spec.tail == NULL)
            return PyErr_SetFromErrno(PyExc_OSError);
    }
    spec.pid = pid;
    spec.own_group = own_group;
    int64_t id = ft_engine_add(engine, &spec);
    if (id < 0)
        ft_tail_unmap(spec.tail);
    return id < 0 ? core_raise((int)id) : PyLong_FromLongLong(id);
}

static PyObject *engine_run(PyObject *object, PyObject *unused)
{
    struct engine *self = (struct engine *)object;
    struct ft_engine *engine = opened(object);
    (void)unused;
    if (engine == NULL)
        return NULL;
    if (self->running) {
        PyErr_SetString(PyExc_RuntimeError, "the engine is running already");
        return NULL;
    }
    self->running = 1;
    int err = ft_engine_run(engine);
    self->running = 0;
    if (PyErr_Occurred())
        return NULL;
    return err < 0 ? core_raise(err) : Py_NewRef(Py_None);
}

static PyObject *engine_stop(PyObject *object, PyObject *unused)
{
    struct ft_engine *engine = opened(object);
    (void)unused;
    if (engine == NULL)
        return NULL;
    ft_engine_stop(engine);
    Py_RETURN_NONE;
}

static PyObject *engine_kill(PyObject *object, PyObject *args)
{
    int number, group;
    struct ft_engine *engine = opened(object);
    if (engine == NULL || !PyArg_ParseTuple(args, "ip:kill", &number, &group))
        return NULL;
    ft_engine_kill(engine, number, group);
    Py_RETURN_NONE;
}

static PyObject *engine_send(PyObject *object, PyObject *args)
{
    unsigned int worker, type;
    PyObject *payload;
    struct ft_engine *engine = opened(object);
    if (engine == NULL || !PyArg_ParseTuple(args, "IIO:send", &worker, &type, &payload))
        return NULL;
    struct ft_buf packed = FT_BUF_INIT;
    int err = -1;
    if (core_pack(core_state_of_type(Py_TYPE(object)), &packed, payload) == 0) {
        err = ft_engine_send(engine, worker, type, ft_buf_head(&packed), packed.len);
        if (err < 0)
            core_raise(err);
    }
    ft_buf_release(&packed);
    return err < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *engine_keep_idle(PyObject *object, PyObject *args)
{
    int keep;
    struct ft_engine *engine = opened(object);
    if (engine == NULL || !PyArg_ParseTuple(args, "p:keep_idle", &keep))
        return NULL;
    ft_engine_keep_idle(engine, keep);
    Py_RETURN_NONE;
}

static PyObject *engine_refuse_terminal(PyObject *object, PyObject *unused)
{
    struct ft_engine *engine = opened(object);
    (void)unused;
    if (engine == NULL)
        return NULL;
    ft_engine_refuse_terminal(engine);
    Py_RETURN_NONE;
}

static PyObject *engine_again(PyObject *object, PyObject *args)
{
    unsigned int item;
    struct ft_engine *engine = opened(object);
    if (engine == NULL || !PyArg_ParseTuple(args, "I:again", &item))
        return NULL;
    int err = ft_engine_again(engine, item);
    return err < 0 ? core_raise(err) : Py_NewRef(Py_None);
}

/* A list of item numbers as an array, which is to be freed; NULL with an exception. */
static uint32_t *item_numbers(PyObject *list, uint32_t *count)
{
    PyObject *fast = PySequence_Fast(list, "a list of item numbers is needed");
    if (fast == NULL)
        return NULL;
    Py_ssize_t len = PySequence_Fast_GET_SIZE(fast);
    uint32_t *items = len > UINT32_MAX / 2 ? NULL : PyMem_Calloc((size_t)len + 1, sizeof *items);
    if (items == NULL)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; items != NULL && i < len; i++) {
        unsigned long item = PyLong_AsUnsignedLong(PySequence_Fast_GET_ITEM(fast, i));
        if (!PyErr_Occurred() && item >= FT_SCHED_NONE)
            PyErr_SetString(PyExc_ValueError, "there is no such item");
        if (PyErr_Occurred()) {
            PyMem_Free(items);
            items = NULL;
        } else {
            items[i] = (uint32_t)item;
        }
    }
    Py_DECREF(fast);
    *count = (uint32_t)len;
    return items;
}

static PyObject *engine_assign(PyObject *object, PyObject *args)
{
    unsigned int worker;
    PyObject *list;
    uint32_t count;
    struct ft_engine *engine = opened(object);
    if (engine == NULL || !PyArg_ParseTuple(args, "IO:assign", &worker, &list))
        return NULL;
    uint32_t *items = item_numbers(list, &count);
    if (items == NULL)
        return NULL;
    int err = ft_engine_assign(engine, worker, items, count);
    PyMem_Free(items);
    if (err == -EINVAL) {
        PyErr_SetString(PyExc_ValueError, "there is no such item");
        return NULL;
    }
    return err < 0 ? core_raise(err) : Py_NewRef(Py_None);
}

static PyObject *engine_withdraw(PyObject *object, PyObject *args)
{
    unsigned int worker;
    PyObject *list;
    uint32_t count;
    struct ft_engine *engine = opened(object);
    if (engine == NULL || !PyArg_ParseTuple(args, "IO:withdraw", &worker, &list))
        return NULL;
    uint32_t *items = item_numbers(list, &count);
    if (items == NULL)
        return NULL;
    uint32_t found = ft_engine_withdraw(engine, worker, items, count);
    PyObject *taken = PyList_New(found);
    for (uint32_t i = 0; taken != NULL && i < found; i++) {
        PyObject *item = PyLong_FromUnsignedLong(items[i]);
        if (item == NULL)
            Py_CLEAR(taken);
        else
            PyList_SET_ITEM(taken, i, item);
    }
    PyMem_Free(items);
    return taken;
}

static PyObject *engine_begin(PyObject *object, PyObject *args)
{
    unsigned int worker;
    struct ft_engine *engine = opened(object);
    if (engine == NULL || !PyArg_ParseTuple(args, "I:begin", &worker))
        return NULL;
    int err = ft_engine_begin(engine, worker);
    return err < 0 ? core_raise(err) : Py_NewRef(Py_None);
}

static PyObject *engine_close_worker(PyObject *object, PyObject *args)
{
    unsigned int worker;
    struct ft_engine *engine = opened(object);
    if (engine == NULL || !PyArg_ParseTuple(args, "I:close_worker", &worker))
        return NULL;
    int err = ft_engine_close_worker(engine, worker);
    return err < 0 ? core_raise(err) : Py_NewRef(Py_None);
}

static PyObject *engine_stalled(PyObject *object, PyObject *unused)
{
    struct ft_engine *engine = opened(object);
    (void)unused;
    return engine == NULL ? NULL : PyBool_FromLong(ft_engine_stalled(engine));
}

static PyObject *engine_pending(PyObject *object, PyObject *unused)
{
    struct ft_engine *engine = opened(object);
    (void)unused;
    return engine == NULL ? NULL : PyLong_FromUnsignedLong(ft_engine_pending(engine));
}

static PyObject *engine_running(PyObject *object, PyObject *unused)
{
    struct ft_engine *engine = opened(object);
    (void)unused;
    if (engine == NULL)
        return NULL;
    int err = ft_engine_look(engine);
    if (err < 0)
        return core_raise(err);
    PyObject *running = PyList_New(0);
    for (uint32_t worker = 0; running != NULL && worker < ft_engine_count(engine); worker++) {
        if (ft_engine_item(engine, worker) < 0)
            continue;
        PyObject *number = PyLong_FromUnsignedLong(worker);
        if (number == NULL || PyList_Append(running, number) < 0)
            Py_CLEAR(running);
        Py_XDECREF(number);
    }
    return running;
}

static PyObject *engine_close(PyObject *object, PyObject *unused)
{
    struct engine *self = (struct engine *)object;
    (void)unused;
    if (self->running) {
        PyErr_SetString(PyExc_RuntimeError, "the engine is running");
        return NULL;
    }
    ft_engine_free(self->engine);
    self->engine = NULL;
    Py_RETURN_NONE;
}

static PyMethodDef engine_methods[] = {
    {"add", (PyCFunction)(void (*)(void))engine_add, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("add($self, /, pid, sock, out, err, tail=-1, own_group=True)\n--\n\n"
               "Take over a worker process and the descriptors of its socket and output pipes (-1: none).\n"
               "`tail` is that of its Channel; it stays the caller's.  Returns its number.")},
    {"begin", engine_begin, METH_VARARGS,
     PyDoc_STR("begin(worker, /)\n--\n\nGive a worker that is about to say hello its first items.")},
    {"run", engine_run, METH_NOARGS,
     PyDoc_STR("run()\n--\n\nRun until every worker is gone; raises what a method of the handler raises.")},
    {"stop", engine_stop, METH_NOARGS,
     PyDoc_STR("stop()\n--\n\nHand out nothing more; workers end their sessions after the test in flight.")},
    {"kill", engine_kill, METH_VARARGS,
     PyDoc_STR("kill(signal, group, /)\n--\n\nSignal every living worker, and its process group if `group`.")},
    {"send", engine_send, METH_VARARGS,
     PyDoc_STR("send(worker, type, payload, /)\n--\n\nQueue a message for a worker.")},
    {"keep_idle", engine_keep_idle, METH_VARARGS,
     PyDoc_STR("keep_idle(keep, /)\n--\n\nWhether idle workers stay until all is done.")},
    {"refuse_terminal", engine_refuse_terminal, METH_NOARGS,
     PyDoc_STR("refuse_terminal()\n--\n\nLend the terminal no more.")},
    {"again", engine_again, METH_VARARGS,
     PyDoc_STR("again(item, /)\n--\n\nRun the item once more that the lost worker was running.")},
    {"assign", engine_assign, METH_VARARGS,
     PyDoc_STR("assign(worker, items, /)\n--\n\nAppend items to what a worker is to run; only with `assigned`.")},
    {"withdraw", engine_withdraw, METH_VARARGS,
     PyDoc_STR("withdraw(worker, items, /)\n--\n\n"
               "Take back those of the items that the worker was assigned and not told of; returns them.")},
    {"close_worker", engine_close_worker, METH_VARARGS,
     PyDoc_STR("close_worker(worker, /)\n--\n\nNothing more will be assigned to the worker.")},
    {"stalled", engine_stalled, METH_NOARGS,
     PyDoc_STR("stalled()\n--\n\nWhether all workers wait to be assigned more, or closed.")},
    {"running", engine_running, METH_NOARGS,
     PyDoc_STR("running()\n--\n\nThe numbers of the workers that are running a test at this moment.")},
    {"pending", engine_pending, METH_NOARGS, PyDoc_STR("pending()\n--\n\nHow many items nobody was given.")},
    {"close", engine_close, METH_NOARGS, PyDoc_STR("close()\n--\n\nClose all descriptors; ends no process.")},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot engine_slots[] = {
    {Py_tp_doc, PyDoc_STR("Engine(handler, items, workers, *, batch_max=0, in_order=False, scopes=None, "
                          "seconds=None, tied=None, keep_idle=False, assigned=False, client_fd=-1, client_pid=0, "
                          "tty_fd=-1, tick_ms=0, copies_ahead=False)\n--\n\n"
                          "The poll loop over the workers of one run; see engine/engine.h.  The handler "
                          "has the methods message(worker, type, payload), passed(worker, item, logstart, "
                          "(setup, call, teardown)), output(worker, stream, bytes), gone(worker, "
                          "finished, item, status), signal(number, sender), terminal(worker, lent) and tick().")},
    {Py_tp_new, engine_new},
    {Py_tp_dealloc, engine_dealloc},
    {Py_tp_traverse, engine_traverse},
    {Py_tp_clear, engine_clear},
    {Py_tp_methods, engine_methods},
    {0, NULL},
};

PyType_Spec core_engine_spec = {
    .name = "fleetest._core.Engine",
    .basicsize = sizeof(struct engine),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = engine_slots,
};

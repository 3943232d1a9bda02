/* fleetest._core: the engine and a worker's channel for Python, and a few system calls that Python lacks. */
#include "ext/core.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "base/stay.h"
#include "prep/inputs.h"
#include "trace/trace.h"
#include "wire/protocol.h"
#include "wire/tail.h"

static struct PyModuleDef core_module;

struct core_state *core_state(PyObject *module)
{
    return PyModule_GetState(module);
}

struct core_state *core_state_of_type(PyTypeObject *type)
{
    return PyType_GetModuleState(type);
}

PyObject *core_raise(int err)
{
    if (err == -ENOMEM)
        return PyErr_NoMemory();
    errno = -err;
    return PyErr_SetFromErrno(PyExc_OSError);
}

static PyObject *core_packb(PyObject *module, PyObject *object)
{
    struct ft_buf out = FT_BUF_INIT;
    PyObject *bytes = NULL;
    if (core_pack(core_state(module), &out, object) == 0)
        bytes = PyBytes_FromStringAndSize((const char *)ft_buf_head(&out), (Py_ssize_t)out.len);
    ft_buf_release(&out);
    return bytes;
}

static PyObject *core_unpackb(PyObject *module, PyObject *args)
{
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "y*:unpackb", &view))
        return NULL;
    PyObject *object = core_unpack(core_state(module), view.buf, (size_t)view.len);
    PyBuffer_Release(&view);
    return object;
}

static PyObject *core_die_with_parent(PyObject *module, PyObject *args)
{
    int number;
    (void)module;
    if (!PyArg_ParseTuple(args, "i:die_with_parent", &number))
        return NULL;
    if (prctl(PR_SET_PDEATHSIG, (unsigned long)number) < 0)
        return core_raise(-errno);
    Py_RETURN_NONE;
}

static PyObject *core_adopt_orphans(PyObject *module, PyObject *args)
{
    int adopt;
    (void)module;
    if (!PyArg_ParseTuple(args, "p:adopt_orphans", &adopt))
        return NULL;
    if (prctl(PR_SET_CHILD_SUBREAPER, (unsigned long)adopt) < 0)
        return core_raise(-errno);
    Py_RETURN_NONE;
}

static PyObject *core_unread_bytes(PyObject *module, PyObject *args)
{
    int fd, count = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "i:unread_bytes", &fd))
        return NULL;
    if (ioctl(fd, FIONREAD, &count) < 0)
        return core_raise(-errno);
    return PyLong_FromLong(count);
}

static PyObject *core_current_cpu(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyLong_FromLong(sched_getcpu());
}

static PyObject *core_wait_here(PyObject *module, PyObject *args)
{
    struct ft_stay stay;
    struct pollfd polled = {.events = POLLIN};
    int timeout, ready, err;
    (void)module;
    if (!PyArg_ParseTuple(args, "ii:wait_here", &polled.fd, &timeout))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    ft_stay_begin(&stay, 1);
    ready = poll(&polled, 1, timeout);
    err = errno;
    ft_stay_end(&stay);
    Py_END_ALLOW_THREADS
    return ready < 0 ? core_raise(-err) : PyBool_FromLong(ready);
}

static PyObject *core_flush_c(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    fflush(NULL);
    Py_RETURN_NONE;
}

static PyMethodDef core_methods[] = {
    {"packb", core_packb, METH_O, PyDoc_STR("packb(object, /)\n--\n\nThe object as the bytes that travel.")},
    {"unpackb", core_unpackb, METH_VARARGS,
     PyDoc_STR("unpackb(bytes, /)\n--\n\nThe object of packb's bytes.\n\n:raises ValueError: they are malformed")},
    {"die_with_parent", core_die_with_parent, METH_VARARGS,
     PyDoc_STR("die_with_parent(signal, /)\n--\n\nGet `signal` when the thread that made this process ends; 0: none.")},
    {"adopt_orphans", core_adopt_orphans, METH_VARARGS,
     PyDoc_STR("adopt_orphans(adopt, /)\n--\n\nWhether orphaned descendants become children of this process.")},
    {"unread_bytes", core_unread_bytes, METH_VARARGS,
     PyDoc_STR("unread_bytes(fd, /)\n--\n\nHow many bytes the pipe holds; fd may be either end.")},
    {"flush_c", core_flush_c, METH_NOARGS, PyDoc_STR("flush_c()\n--\n\nFlush the C library's output streams.")},
    {"leave", core_leave, METH_VARARGS,
     PyDoc_STR("leave(code, /)\n--\n\nEnd the interpreter as usual, and the process, without going back to the "
               "callers.")},
    {"end", core_end, METH_VARARGS,
     PyDoc_STR("end(code, /)\n--\n\nEnd the process without taking the interpreter apart; returns if a library may "
               "do something then.")},
    {"freeze", core_freeze, METH_VARARGS,
     PyDoc_STR("freeze(noted=False, /)\n--\n\nTake all objects out of the garbage collector's sight until somebody "
               "asks for a collection or\nfor its objects; False if this interpreter's gc is not known. `noted`: "
               "note_finalizers() was called\nright before this process was forked.")},
    {"collect_young", core_collect_young, METH_NOARGS,
     PyDoc_STR("collect_young()\n--\n\nCollect garbage, but for what is frozen.")},
    {"fill_holes", core_fill_holes, METH_VARARGS,
     PyDoc_STR("fill_holes(limit, /)\n--\n\nTake up the freed blocks between living objects, at most `limit` bytes, so "
               "that after a fork\nnew objects do not lie on pages that are shared; returns how many bytes.")},
    {"current_cpu", core_current_cpu, METH_NOARGS,
     PyDoc_STR("current_cpu()\n--\n\nThe number of the processor that this runs on; -1: nobody knows.")},
    {"wait_here", core_wait_here, METH_VARARGS,
     PyDoc_STR("wait_here(fd, timeout, /)\n--\n\nWait until there is something to read, and be woken on the processor "
               "that this thread is on.\n\n:param int timeout: ms; negative: for ever\n:returns: False: there is "
               "nothing yet\n:raises OSError: also if a signal has come")},
    {"share_hot_pages", core_share_hot_pages, METH_NOARGS,
     PyDoc_STR("share_hot_pages()\n--\n\nFrom here on runs that are forked off this process, or a child of it, note in "
               "their end which\npages they have written to.")},
    {"copy_hot_pages", core_copy_hot_pages, METH_VARARGS,
     PyDoc_STR("copy_hot_pages(of_worker=False, /)\n--\n\nHave the pages that the last run has written to for this "
               "process alone, or those that were\nnoted for the worker that stands by.")},
    {"note_worker_pages", core_note_worker_pages, METH_NOARGS,
     PyDoc_STR("note_worker_pages()\n--\n\nNote which pages the worker that stood by has written to until it was "
               "ready, if no other has.")},
    {"watch", core_watch, METH_VARARGS,
     PyDoc_STR("watch(callback, /)\n--\n\nCall callback(what, detail) when the process id or random bytes are asked "
               "for and when a path may\nbe made; None: no more.")},
    {"trace_start", core_trace_start, METH_VARARGS,
     PyDoc_STR("trace_start(library, tools, own, /)\n--\n\nRecord which paths this process looks at; False if it "
               "cannot be done. Whose a file is, is told\nby how its name begins: the standard library's, those of "
               "pytest and its parts, fleetest's.")},
    {"trace_stop", core_trace_stop, METH_VARARGS,
     PyDoc_STR("trace_stop(first=0, /)\n--\n\nRecord no more. Returns whether something was missed, and what was "
               "seen but for the first so many:\nkind, aspect, errno or 0, path, who, what was there for "
               "take_inputs(), each once, in order.")},
    {"trace_looks", core_trace_looks, METH_VARARGS,
     PyDoc_STR("trace_looks(first, /)\n--\n\nWhat was seen so far, as trace_stop() has it. Only while recording is "
               "held.")},
    {"trace_hold", core_trace_hold, METH_VARARGS,
     PyDoc_STR("trace_hold(hold, /)\n--\n\nRecord nothing for a while, or go on. A child that is forked meanwhile has "
               "what was recorded,\nand may go on. Returns how many entries trace_stop() would have, if held.")},
    {"trace_anew", core_trace_anew, METH_NOARGS,
     PyDoc_STR("trace_anew()\n--\n\nRecord also what was recorded before, once more. Only while recording is held.")},
    {"take_inputs", core_take_inputs, METH_VARARGS,
     PyDoc_STR("take_inputs(looks, /)\n--\n\nDescribe what was looked at, tuples of kind, path, what was there, of "
               "trace_stop() or empty,\nand since when, by file_clock(), as it is now. Returns the description that "
               "the daemon\nunderstands, and how many come before the first that may have been changed since.")},
    {"file_clock", core_file_clock, METH_NOARGS,
     PyDoc_STR("file_clock()\n--\n\nWhat the clock says that gives files their times, in ns since 1970: what is "
               "changed from now on\nhas this time or a later one.")},
    {"time_past", core_time_past, METH_O,
     PyDoc_STR("time_past(changed, /)\n--\n\nFrom when on, by file_clock(), a change gives a file another time than "
               "this one, in ns since 1970.")},
    {"trace_pretend", core_trace_pretend, METH_VARARGS,
     PyDoc_STR("trace_pretend(fd, terminal, /)\n--\n\nTake the file behind a descriptor for a terminal, which is told "
               "as in\nRequest.terminals; 0: no longer. False if it cannot be done.")},
    {"trace_pretend_nothing", core_trace_pretend_nothing, METH_NOARGS,
     PyDoc_STR("trace_pretend_nothing()\n--\n\nTake nothing for a terminal that is none.")},
    {"young_finalizers", core_young_finalizers, METH_NOARGS,
     PyDoc_STR("young_finalizers()\n--\n\nThe objects made since freeze() of which more than the memory ends with "
               "them: with finalizers of their own,\nsuspended generators, files that do more than flush when they are "
               "closed. None where nobody knows any more\nwhich these are.")},
    {"finalize", core_finalize, METH_O,
     PyDoc_STR("finalize(object, /)\n--\n\nCall its finalizer, which is not called again. What it raises is shown "
               "as at the interpreter's end.")},
    {"file_objects", core_file_objects, METH_VARARGS,
     PyDoc_STR("file_objects(young=False, /)\n--\n\nThe living file objects of io whose class has no finalizer of its "
               "own. `young`: but for those\nthat were there at freeze().")},
    {"note_finalizers", core_note_finalizers, METH_NOARGS,
     PyDoc_STR("note_finalizers()\n--\n\nLook now at what is here and not noted yet, so that processes forked off this "
               "one need not.")},
    {"finalizers", core_finalizers, METH_NOARGS,
     PyDoc_STR("finalizers()\n--\n\nWhether any object has a finalizer, where files and sockets do not count; and "
               "whether anything\nelse happens outside when objects are taken apart.")},
    {"before_read", core_before_read, METH_VARARGS,
     PyDoc_STR("before_read(callback, terminal, /)\n--\n\nCall callback() before anything is read from the terminal "
               "that is behind a descriptor, which also\nstands for /dev/tty; None, -1: no more.")},
    {"before_changes", core_before_changes, METH_O,
     PyDoc_STR("before_changes(callback, /)\n--\n\nCall callback(event, arguments), as of an audit hook, before a file "
               "is opened for writing or\npaths are changed, a process is started, or a socket gets an address; None: "
               "no more.\nWhat it raises takes the place of that.")},
    {"before_imports", core_before_imports, METH_O,
     PyDoc_STR("before_imports(callback, /)\n--\n\nCall callback(name, cpu) before the main thread imports a module "
               "that is not there, with the\nCPU time of the process in ns; None: no more.")},
    {"send_fds", core_send_fds, METH_VARARGS,
     PyDoc_STR("send_fds(sock, kind, payload, fds, /)\n--\n\nSend a message with descriptors, a tuple, attached.\n\n"
               ":raises OSError: it cannot be sent whole")},
    {"receive_fds", core_receive_fds, METH_VARARGS,
     PyDoc_STR("receive_fds(sock, /)\n--\n\nReceive a message and what is attached: its number, the object, a list of "
               "descriptors;\nNone at the end.\n\n:raises OSError: it is malformed")},
    {"lifeline", core_lifeline, METH_VARARGS,
     PyDoc_STR("lifeline(fd, signal, /)\n--\n\nGet `signal` when the last writer of the pipe is gone.")},
    {"last_word", core_last_word, METH_VARARGS,
     PyDoc_STR("last_word(fd, death, /)\n--\n\nWhen the process exits after run_is_over(), let go of 0, 1 and 2, send "
               "its exit code, and\ndo not mind the signal `death` any more.")},
    {"run_is_over", core_run_is_over, METH_NOARGS,
     PyDoc_STR("run_is_over()\n--\n\nFrom here on the exit code of the process is that of the run.")},
    {"set_name", core_set_name, METH_VARARGS,
     PyDoc_STR("set_name(name, /)\n--\n\nIn the main thread: give the process another name (bytes) in listings; the "
               "one that it had.")},
    {NULL, NULL, 0, NULL},
};

/* The protocol's numbers, so that Python does not repeat them. */
static const struct {
    const char *name;
    int value;
} constants[] = {
    {"TAIL_SIZE", FT_TAIL_SIZE},
    {"PROTOCOL_VERSION", FT_PROTOCOL_VERSION}, {"MSG_HELLO", FT_MSG_HELLO}, {"MSG_START", FT_MSG_START},
    {"MSG_DONE", FT_MSG_DONE}, {"MSG_FINISHED", FT_MSG_FINISHED}, {"MSG_LEAVES", FT_MSG_LEAVES},
    {"MSG_SYNC", FT_MSG_SYNC}, {"MSG_TTY_WANT", FT_MSG_TTY_WANT}, {"MSG_TTY_BACK", FT_MSG_TTY_BACK},
    {"MSG_LOGSTART", FT_MSG_LOGSTART},
    {"MSG_REPORT", FT_MSG_REPORT}, {"MSG_LOGFINISH", FT_MSG_LOGFINISH}, {"MSG_WARNING", FT_MSG_WARNING},
    {"MSG_TEXT", FT_MSG_TEXT}, {"MSG_XML", FT_MSG_XML}, {"MSG_LOGFILE", FT_MSG_LOGFILE},
    {"MSG_COLLECTED", FT_MSG_COLLECTED}, {"MSG_INTERNAL", FT_MSG_INTERNAL}, {"MSG_INTERRUPT", FT_MSG_INTERRUPT},
    {"MSG_ENDS", FT_MSG_ENDS}, {"MSG_PASSED", FT_MSG_PASSED}, {"MSG_RUN", FT_MSG_RUN}, {"MSG_BREAK", FT_MSG_BREAK},
    {"MSG_FINISH", FT_MSG_FINISH}, {"MSG_STOP", FT_MSG_STOP}, {"MSG_SYNCED", FT_MSG_SYNCED},
    {"MSG_TTY_LENT", FT_MSG_TTY_LENT}, {"MSG_SEND_IDS", FT_MSG_SEND_IDS}, {"MSG_FORK", FT_MSG_FORK},
    {"MSG_EXIT", FT_MSG_EXIT}, {"MSG_RUNNING", FT_MSG_RUNNING}, {"MSG_GO", FT_MSG_GO},
    {"MSG_TTY_NEED", FT_MSG_TTY_NEED}, {"MSG_TTY_STATE", FT_MSG_TTY_STATE}, {"MSG_READY", FT_MSG_READY},
    {"MSG_START_EXPLAIN", FT_MSG_START_EXPLAIN},
    {"MSG_START_COLLECT", FT_MSG_START_COLLECT},
    {"MSG_BEGUN", FT_MSG_BEGUN},
    {"MSG_SNAPSHOT", FT_MSG_SNAPSHOT},
    {"MSG_CHECKPOINT", FT_MSG_CHECKPOINT},
    {"MSG_START_WIDE", FT_MSG_START_WIDE}, {"MSG_DECLINED", FT_MSG_DECLINED},
    {"MSG_STANDS_BY", FT_MSG_STANDS_BY}, {"MSG_ORDERED", FT_MSG_ORDERED},
    {"MSG_START_RUN", FT_MSG_START_RUN}, {"MSG_STARTED", FT_MSG_STARTED}, {"MSG_CHILD_ENDED", FT_MSG_CHILD_ENDED},
    {"MSG_CONFIGURED", FT_MSG_CONFIGURED}, {"MSG_IMPORT", FT_MSG_IMPORT},
    {"TRACE_READ", FT_TRACE_READ}, {"TRACE_STATUS", FT_TRACE_STATUS}, {"TRACE_LINK", FT_TRACE_LINK},
    {"TRACE_LIST", FT_TRACE_LIST}, {"TRACE_CHANGE", FT_TRACE_CHANGE}, {"TRACE_PROGRAM", FT_TRACE_PROGRAM},
    {"TRACE_SOCKET", FT_TRACE_SOCKET}, {"TRACE_VARIABLE", FT_TRACE_VARIABLE}, {"TRACE_OPAQUE", FT_TRACE_OPAQUE},
    {"INPUT_PRESENCE", FT_INPUT_PRESENCE}, {"INPUT_CONTENT", FT_INPUT_CONTENT},
    {"INPUT_STATUS", FT_INPUT_STATUS}, {"INPUT_LINK", FT_INPUT_LINK}, {"INPUT_LSTATUS", FT_INPUT_LSTATUS},
    {"INPUT_MODULES", FT_INPUT_MODULES}, {"INPUT_TESTS", FT_INPUT_TESTS},
    {"INPUT_ALL_NAMES", FT_INPUT_ALL_NAMES}, {"INPUT_ORDER", FT_INPUT_ORDER},
    {"TRACE_TERMINAL", FT_TRACE_TERMINAL}, {"TRACE_ANOTHER", FT_TRACE_ANOTHER},
    {"CLOCK_SKEW", FT_CLOCK_SKEW},
    {"TRACE_MOMENT", FT_TRACE_MOMENT},
    {"ASPECT_NONE", FT_ASPECT_NONE}, {"ASPECT_PRESENCE", FT_ASPECT_PRESENCE}, {"ASPECT_FULL", FT_ASPECT_FULL},
    {"ASPECT_MODULES", FT_ASPECT_MODULES}, {"ASPECT_COLLECT", FT_ASPECT_COLLECT}, {"ASPECT_ALL", FT_ASPECT_ALL},
};

static int add_type(PyObject *module, PyType_Spec *spec, PyObject *base, PyObject **type)
{
    PyObject *bases = base == NULL ? NULL : PyTuple_Pack(1, base); /* Python 3.9 takes nothing else */
    if (base != NULL && bases == NULL)
        return -1;
    *type = PyType_FromModuleAndSpec(module, spec, bases);
    Py_XDECREF(bases);
    return *type == NULL ? -1 : PyModule_AddType(module, (PyTypeObject *)*type);
}

static int core_exec(PyObject *module)
{
    struct core_state *state = core_state(module);
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
        if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value) < 0)
            return -1;
    if (PyModule_AddStringConstant(module, "__version__", FT_VERSION) < 0)
        return -1;
    if (add_type(module, &core_channel_spec, NULL, &state->channel_type) < 0 ||
        add_type(module, &core_engine_spec, NULL, &state->engine_type) < 0 ||
        add_type(module, &core_hookcalls_spec, NULL, &state->hookcalls_type) < 0 ||
        add_type(module, &core_repeated_spec, NULL, &state->repeated_type) < 0 ||
        add_type(module, &core_unfinished_spec, (PyObject *)&PyList_Type, &state->unfinished_type) < 0)
        return -1;
    return 0;
}

static int core_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct core_state *state = core_state(module);
    Py_VISIT(state->channel_type);
    Py_VISIT(state->engine_type);
    Py_VISIT(state->hookcalls_type);
    Py_VISIT(state->repeated_type);
    Py_VISIT(state->unfinished_type);
    Py_VISIT(state->make_opaque);
    return 0;
}

static int core_clear(PyObject *module)
{
    struct core_state *state = core_state(module);
    Py_CLEAR(state->channel_type);
    Py_CLEAR(state->engine_type);
    Py_CLEAR(state->hookcalls_type);
    Py_CLEAR(state->repeated_type);
    Py_CLEAR(state->unfinished_type);
    Py_CLEAR(state->make_opaque);
    return 0;
}

static void core_free(void *module)
{
    core_clear(module);
}

static PyModuleDef_Slot core_slots[] = {
    {Py_mod_exec, core_exec},
    {0, NULL},
};

static struct PyModuleDef core_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "fleetest._core",
    .m_doc = PyDoc_STR("The native part of fleetest."),
    .m_size = sizeof(struct core_state),
    .m_methods = core_methods,
    .m_slots = core_slots,
    .m_traverse = core_traverse,
    .m_clear = core_clear,
    .m_free = core_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&core_module);
}

/*
 * A worker's end of its socket to the controller.  Messages that may wait lie in the stream's tail, where the
 * controller looks from time to time, and finds them when this process is gone.
 *
 * Locking: the GIL guards the fields.  It is let go while the socket is full; a test's threads, which may record
 * warnings, wait for `writing` then, as they must not touch the tail.  A process that a test forked inherits the
 * object, which then does nothing: only the worker itself speaks for the worker.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/stay.h"
#include "ext/core.h"
#include "wire/frame.h"
#include "wire/msgpack.h"
#include "wire/protocol.h"
#include "wire/tail.h"

#define BREAK UINT32_MAX

enum { WAITS_NS = 5 * 1000 * 1000 }; /* a message is posted for so long if others follow */

struct channel {
    PyObject_HEAD
    int fd;
    pid_t owner;
    pthread_mutex_t writing;
    unsigned busy;        /* processes of the run that have a processor each while this one waits; 0: not known */
    int shared;           /* the controller sees the tail */
    int flushing;         /* the GIL may be let go with the tail half written */
    struct ft_frame_reader in;
    struct ft_tail *tail; /* what was posted */
    struct ft_buf frame;  /* of the message that is being posted */
    uint64_t flushed;     /* when the tail was last written, in ns of the monotonic clock */
    struct ft_buf queue;  /* uint32_t items and BREAKs to come */
    PyObject *others;     /* list of (type, object) that receive() has yet to hand out */
    int finish;           /* FT_MSG_FINISH came */
    int stopped;          /* FT_MSG_STOP came, or the controller is gone */
};

static PyObject *channel_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"fd", "tail", "busy", NULL};
    int fd, tail_fd = -1;
    unsigned busy = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i|iI:Channel", names, &fd, &tail_fd, &busy))
        return NULL;
    struct ft_tail *tail = ft_tail_map(tail_fd);
    if (tail == NULL)
        return PyErr_SetFromErrno(PyExc_OSError);
    struct channel *self = (struct channel *)type->tp_alloc(type, 0);
    if (self == NULL) {
        ft_tail_unmap(tail);
        return NULL;
    }
    self->fd = fd;
    self->busy = busy;
    self->tail = tail;
    self->shared = tail_fd >= 0;
    self->owner = getpid();
    pthread_mutex_init(&self->writing, NULL);
    self->others = PyList_New(0);
    if (self->others == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int channel_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((struct channel *)object)->others);
    return 0;
}

static int channel_clear(PyObject *object)
{
    Py_CLEAR(((struct channel *)object)->others);
    return 0;
}

static void channel_dealloc(PyObject *object)
{
    struct channel *self = (struct channel *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    channel_clear(object);
    ft_frame_reader_release(&self->in);
    ft_buf_release(&self->queue);
    ft_buf_release(&self->frame);
    ft_tail_unmap(self->tail);
    pthread_mutex_destroy(&self->writing);
    type->tp_free(object);
    Py_DECREF(type);
}

static int foreign(const struct channel *self)
{
    return getpid() != self->owner;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Write all of it.  A signal does not cut a message in two: its handler runs once the message is out. */
static int write_all(struct channel *self, const unsigned char *data, size_t len)
{
    while (len > 0) {
        /* With the GIL, which is cheaper, unless the controller is behind. */
        ssize_t sent = send(self->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        int err = errno;
        if (sent < 0 && (err == EAGAIN || err == EWOULDBLOCK)) {
            Py_BEGIN_ALLOW_THREADS
            sent = send(self->fd, data, len, MSG_NOSIGNAL);
            err = errno;
            Py_END_ALLOW_THREADS
        }
        if (sent < 0 && err != EINTR)
            return -err;
        if (sent > 0) {
            data += sent;
            len -= (size_t)sent;
        }
    }
    return 0;
}

/* Wait until no other thread is writing. */
static void wait_for_turn(struct channel *self)
{
    while (self->flushing) {
        Py_BEGIN_ALLOW_THREADS
        pthread_mutex_lock(&self->writing);
        pthread_mutex_unlock(&self->writing);
        Py_END_ALLOW_THREADS
    }
}

/*
 * Write the tail, then `len` bytes of `data` that did not fit into it.  Returns 0 or a negative errno; what cannot be
 * written is dropped.
 */
static int flush(struct channel *self, const unsigned char *data, size_t len)
{
    size_t held;
    if (foreign(self))
        return 0;
    wait_for_turn(self);
    const unsigned char *content = ft_tail_content(self->tail, &held);
    self->flushed = now_ns();
    if (held + len == 0)
        return 0;
    pthread_mutex_lock(&self->writing);
    self->flushing = 1;
    int err = write_all(self, content, held);
    ft_tail_sent(self->tail, 0);
    if (err == 0)
        err = write_all(self, data, len);
    ft_tail_sent(self->tail, len);
    self->flushing = 0;
    pthread_mutex_unlock(&self->writing);
    return err;
}

/* Add a message to the tail.  Returns 0, or -1 with an exception. */
static int post(struct channel *self, PyObject *args)
{
    unsigned int type;
    PyObject *payload;
    if (!PyArg_ParseTuple(args, "IO", &type, &payload))
        return -1;
    if (foreign(self))
        return 0;
    struct ft_buf packed = FT_BUF_INIT;
    if (core_pack(core_state_of_type(Py_TYPE(self)), &packed, payload) < 0) {
        ft_buf_release(&packed);
        return -1;
    }
    wait_for_turn(self);
    int err = ft_frame_append(&self->frame, type, ft_buf_head(&packed), packed.len);
    ft_buf_release(&packed);
    if (err == 0 && self->frame.len <= ft_tail_room(self->tail)) {
        ft_tail_append(self->tail, ft_buf_head(&self->frame), self->frame.len);
    } else if (err == 0) {
        struct ft_buf frame = self->frame; /* another thread may post while the GIL is let go */
        self->frame = (struct ft_buf)FT_BUF_INIT;
        err = flush(self, ft_buf_head(&frame), frame.len);
        ft_buf_release(&frame);
    }
    ft_buf_consume(&self->frame, self->frame.len);
    if (err < 0)
        core_raise(err);
    return err < 0 ? -1 : 0;
}

static PyObject *channel_post(PyObject *object, PyObject *args)
{
    struct channel *self = (struct channel *)object;
    if (post(self, args) < 0)
        return NULL;
    int waits = self->shared && now_ns() - self->flushed <= WAITS_NS;
    int err = waits ? 0 : flush(self, NULL, 0);
    return err < 0 ? core_raise(err) : Py_NewRef(Py_None);
}

static PyObject *channel_send(PyObject *object, PyObject *args)
{
    struct channel *self = (struct channel *)object;
    if (post(self, args) < 0)
        return NULL;
    int err = flush(self, NULL, 0);
    return err < 0 ? core_raise(err) : Py_NewRef(Py_None);
}

static int queue_items(struct channel *self, const struct ft_message_view *view)
{
    struct ft_mp_reader reader = {view->payload, view->payload + view->len};
    struct ft_mp_token head;
    if (ft_mp_read(&reader, &head) < 0 || head.kind != FT_MP_ARRAY)
        return -EBADMSG;
    for (uint32_t i = 0; i < head.len; i++) {
        uint32_t item;
        int err = ft_mp_read_u32(&reader, &item);
        if (err == 0)
            err = ft_buf_append(&self->queue, &item, sizeof item);
        if (err < 0)
            return err;
    }
    return 0;
}

static int keep_other(struct channel *self, const struct ft_message_view *view)
{
    PyObject *payload = core_unpack(core_state_of_type(Py_TYPE(self)), view->payload, view->len);
    if (payload == NULL)
        return -1;
    PyObject *pair = Py_BuildValue("(iN)", (int)view->type, payload);
    int err = pair == NULL ? -1 : PyList_Append(self->others, pair);
    Py_XDECREF(pair);
    return err;
}

/* Returns 0, or -1 with an exception. */
static int take_message(struct channel *self, const struct ft_message_view *view)
{
    static const uint32_t no_successor = BREAK;
    int err = 0;
    switch (view->type) {
    case FT_MSG_RUN:
        err = queue_items(self, view);
        break;
    case FT_MSG_BREAK:
        err = ft_buf_append(&self->queue, &no_successor, sizeof no_successor);
        break;
    case FT_MSG_FINISH:
        self->finish = 1;
        break;
    case FT_MSG_STOP:
        self->stopped = 1;
        break;
    default:
        return keep_other(self, view);
    }
    if (err < 0)
        core_raise(err);
    return err < 0 ? -1 : 0;
}

static int take_messages(struct channel *self)
{
    struct ft_message_view view;
    int got;
    while ((got = ft_frame_next(&self->in, &view)) > 0)
        if (take_message(self, &view) < 0)
            return -1;
    if (got < 0)
        core_raise(got);
    return got;
}

/* Read once.  Returns 1 if something came, 0 if nothing was there, -1 with an exception. */
static int receive(struct channel *self, int flags)
{
    unsigned char bytes[16384];
    struct ft_stay stay;
    ssize_t got;
    int err;
    do {
        if (flags & MSG_DONTWAIT) {
            got = recv(self->fd, bytes, sizeof bytes, flags);
            err = errno;
        } else {
            Py_BEGIN_ALLOW_THREADS
            ft_stay_begin(&stay, self->busy > 0 ? self->busy : UINT_MAX);
            got = recv(self->fd, bytes, sizeof bytes, flags);
            err = errno;
            ft_stay_end(&stay);
            Py_END_ALLOW_THREADS
        }
        if (got < 0 && err == EINTR && PyErr_CheckSignals() < 0)
            return -1;
    } while (got < 0 && err == EINTR);
    if (got < 0 && (err == EAGAIN || err == EWOULDBLOCK))
        return 0;
    if (got <= 0) {
        self->stopped = 1; /* the controller is gone */
        return 1;
    }
    if ((err = ft_frame_feed(&self->in, bytes, (size_t)got)) < 0) {
        core_raise(err);
        return -1;
    }
    return take_messages(self) < 0 ? -1 : 1;
}

/* The item to run and its successor, if both are known: 1, else 0. */
static int take_items(struct channel *self, uint32_t *item, uint32_t *successor)
{
    for (;;) {
        size_t known = self->queue.len / sizeof *item;
        const unsigned char *head = ft_buf_head(&self->queue);
        if (known == 0)
            return 0;
        memcpy(item, head, sizeof *item);
        if (*item == BREAK) {
            ft_buf_consume(&self->queue, sizeof *item);
            continue;
        }
        if (known == 1) {
            *successor = BREAK;
            if (!self->finish)
                return 0;
        } else {
            memcpy(successor, head + sizeof *item, sizeof *successor);
        }
        ft_buf_consume(&self->queue, sizeof *item);
        return 1;
    }
}

static PyObject *channel_next(PyObject *object, PyObject *unused)
{
    struct channel *self = (struct channel *)object;
    uint32_t item, successor;
    (void)unused;
    if (foreign(self))
        Py_RETURN_NONE;
    for (;;) {
        if (self->stopped)
            Py_RETURN_NONE;
        if (take_items(self, &item, &successor)) {
            if (successor == BREAK)
                return Py_BuildValue("(IO)", item, Py_None);
            return Py_BuildValue("(II)", item, successor);
        }
        if (self->finish)
            Py_RETURN_NONE;
        int err = flush(self, NULL, 0);
        if (err < 0)
            return core_raise(err);
        if (receive(self, 0) < 0)
            return NULL;
    }
}

static PyObject *channel_receive(PyObject *object, PyObject *unused)
{
    struct channel *self = (struct channel *)object;
    (void)unused;
    while (PyList_GET_SIZE(self->others) == 0) {
        if (self->stopped || foreign(self))
            Py_RETURN_NONE;
        if (receive(self, 0) < 0)
            return NULL;
    }
    PyObject *pair = Py_NewRef(PyList_GET_ITEM(self->others, 0));
    if (PyList_SetSlice(self->others, 0, 1, NULL) < 0)
        Py_CLEAR(pair);
    return pair;
}

static PyObject *channel_stopped(PyObject *object, PyObject *unused)
{
    struct channel *self = (struct channel *)object;
    (void)unused;
    if (!self->stopped && !foreign(self) && receive(self, MSG_DONTWAIT) < 0)
        return NULL;
    return PyBool_FromLong(self->stopped);
}

static PyObject *channel_fileno(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyLong_FromLong(((struct channel *)object)->fd);
}

static PyMethodDef channel_methods[] = {
    {"send", channel_send, METH_VARARGS,
     PyDoc_STR("send(type, payload, /)\n--\n\nSend a message; blocks while the controller does not read.\n\n"
               ":param int type: a message number of wire/protocol.h\n"
               ":raises OSError: the socket is broken")},
    {"post", channel_post, METH_VARARGS,
     PyDoc_STR("post(type, payload, /)\n--\n\nSend a message together with others: with the next one that is sent, "
               "with the next one\nposted after a few milliseconds, or before next() waits.")},
    {"next", channel_next, METH_NOARGS,
     PyDoc_STR("next()\n--\n\nWait for the next item: (item, its successor or None), or None when the session is "
               "to end.")},
    {"receive", channel_receive, METH_NOARGS,
     PyDoc_STR("receive()\n--\n\nWait for a message that is not about items: (type, payload); None if the run was "
               "stopped.")},
    {"stopped", channel_stopped, METH_NOARGS,
     PyDoc_STR("stopped()\n--\n\nWhether the run was stopped; looks at what has arrived, does not wait.")},
    {"fileno", channel_fileno, METH_NOARGS, PyDoc_STR("fileno()\n--\n\nThe descriptor.")},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot channel_slots[] = {
    {Py_tp_doc, PyDoc_STR("Channel(fd, tail=-1, busy=0)\n--\n\n"
                          "A worker's end of its socket to the controller; does not own fd.\n\n"
                          ":param tail: memory of TAIL_SIZE bytes that the controller has too; -1: none\n"
                          ":param busy: how many others run while it waits; if there are more processors, it is woken "
                          "on its own;\n    0: nobody knows")},
    {Py_tp_new, channel_new},
    {Py_tp_dealloc, channel_dealloc},
    {Py_tp_traverse, channel_traverse},
    {Py_tp_clear, channel_clear},
    {Py_tp_methods, channel_methods},
    {0, NULL},
};

PyType_Spec core_channel_spec = {
    .name = "fleetest._core.Channel",
    .basicsize = sizeof(struct channel),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = channel_slots,
};

/* What a process needs that takes a run over from the daemon: descriptors, its name, the lifeline, the last word. */
#include "ext/core.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ext/hot.h"
#include "wire/fds.h"
#include "wire/frame.h"
#include "wire/msgpack.h"
#include "wire/protocol.h"

/*
 * Receive one small message of one frame into `bytes`, of a stream or a sequence of packets.  Returns its length with
 * the head, 0 at the end, or a negative errno.
 */
static ssize_t read_message(int sock, unsigned char *bytes, size_t size, int *fds, size_t *count)
{
    size_t room = *count;
    *count = 0;
    ssize_t got = recv(sock, bytes, FT_FRAME_HEAD, MSG_PEEK | MSG_WAITALL);
    if (got != FT_FRAME_HEAD)
        return got < 0 ? -errno : got == 0 ? 0 : -EBADMSG;
    size_t len = (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    if (len > size - FT_FRAME_HEAD)
        return -EMSGSIZE;
    *count = room;
    got = ft_fds_receive(sock, bytes, FT_FRAME_HEAD + len, fds, count, MSG_WAITALL);
    return got < 0 || (size_t)got == FT_FRAME_HEAD + len ? got : -EBADMSG;
}

static PyObject *number_list(const int *numbers, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *number = PyLong_FromLong(numbers[i]);
        if (number == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, number);
    }
    return list;
}

PyObject *core_receive_fds(PyObject *module, PyObject *args)
{
    int sock, fds[FT_FDS_MAX];
    size_t count = FT_FDS_MAX;
    unsigned char bytes[1024];
    struct ft_message_view message;
    PyObject *payload = NULL, *list = NULL, *result = NULL;
    if (!PyArg_ParseTuple(args, "i:receive_fds", &sock))
        return NULL;
    ssize_t got = read_message(sock, bytes, sizeof bytes, fds, &count);
    if (got == 0)
        Py_RETURN_NONE;
    int err = got < 0 ? (int)got : ft_frame_packet(bytes, (size_t)got, &message);
    if (err < 0) {
        ft_fds_close(fds, count);
        return core_raise(err);
    }
    payload = core_unpack(core_state(module), message.payload, message.len);
    list = payload == NULL ? NULL : number_list(fds, count);
    if (list != NULL)
        result = Py_BuildValue("iOO", (int)message.type, payload, list);
    else
        ft_fds_close(fds, count);
    Py_XDECREF(payload);
    Py_XDECREF(list);
    return result;
}

PyObject *core_send_fds(PyObject *module, PyObject *args)
{
    int sock, fds[FT_FDS_MAX];
    unsigned type;
    PyObject *object, *numbers;
    struct ft_buf payload = FT_BUF_INIT, frame = FT_BUF_INIT;
    if (!PyArg_ParseTuple(args, "iIOO!:send_fds", &sock, &type, &object, &PyTuple_Type, &numbers))
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(numbers);
    if (count > FT_FDS_MAX)
        return core_raise(-EMSGSIZE);
    for (Py_ssize_t i = 0; i < count; i++) {
        fds[i] = (int)PyLong_AsLong(PyTuple_GET_ITEM(numbers, i));
        if (PyErr_Occurred())
            return NULL;
    }
    int err = core_pack(core_state(module), &payload, object);
    if (err == 0) {
        err = ft_frame_append(&frame, type, ft_buf_head(&payload), payload.len);
        ssize_t sent = err < 0 ? err : ft_fds_send(sock, ft_buf_head(&frame), frame.len, fds, (size_t)count);
        if (sent != (ssize_t)frame.len)
            core_raise(sent < 0 ? (int)sent : -EAGAIN);
    }
    ft_buf_release(&payload);
    ft_buf_release(&frame);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyObject *core_set_name(PyObject *module, PyObject *args)
{
    char before[16 + 1] = "";
    const char *name;
    (void)module;
    if (!PyArg_ParseTuple(args, "y:set_name", &name))
        return NULL;
    if (prctl(PR_GET_NAME, before) < 0 || prctl(PR_SET_NAME, name) < 0)
        return core_raise(-errno);
    return PyBytes_FromString(before);
}

PyObject *core_lifeline(PyObject *module, PyObject *args)
{
    int fd, number;
    (void)module;
    if (!PyArg_ParseTuple(args, "ii:lifeline", &fd, &number))
        return NULL;
    /* The kernel sends the signal when something happens to the pipe, and nothing but its end ever does. */
    int flags = fcntl(fd, F_GETFL);
    if (fcntl(fd, F_SETOWN, getpid()) < 0 || fcntl(fd, F_SETSIG, number) < 0 || flags < 0 ||
        fcntl(fd, F_SETFL, flags | O_ASYNC | O_NONBLOCK) < 0)
        return core_raise(-errno);
    unsigned char byte;
    if (read(fd, &byte, 1) == 0) /* it was cut before we asked to be told */
        kill(getpid(), number);
    Py_RETURN_NONE;
}

/* ---- the last word: an exit handler has no argument that Python could give, so this is the process's ---- */

enum { YIELD_NS = 2000000 };

static struct {
    pid_t process; /* that has it; 0: none */
    int fd;
    int death;     /* the signal for the client's end */
    int over;      /* the run is: what ends now is the session, and not somebody's exit() in the middle of it */
} last_word;

static void say_exit_code(int code, void *unused)
{
    struct ft_buf payload = FT_BUF_INIT, frame = FT_BUF_INIT;
    (void)unused;
    if (last_word.process != getpid() || !last_word.over)
        return;
    fflush(NULL);
    signal(last_word.death, SIG_IGN); /* the client will be gone, as it should */
    /* Whoever waits for the end of our output need not wait for that of the process. */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        dup2(null, fd);
    if (ft_mp_uint(&payload, (uint64_t)(code & 0xff)) == 0 &&
        ft_frame_append(&frame, FT_MSG_EXIT, ft_buf_head(&payload), payload.len) == 0) {
        ssize_t ignored = send(last_word.fd, ft_buf_head(&frame), frame.len, MSG_NOSIGNAL);
        (void)ignored;
    }
    /* The client, and whoever waits for it, have the processor first. */
    nanosleep(&(struct timespec){.tv_nsec = YIELD_NS}, NULL);
    core_note_hot_pages();
}

PyObject *core_last_word(PyObject *module, PyObject *args)
{
    int fd, death;
    (void)module;
    if (!PyArg_ParseTuple(args, "ii:last_word", &fd, &death))
        return NULL;
    last_word.process = getpid();
    last_word.fd = fd;
    last_word.death = death;
    last_word.over = 0;
    /* Handlers are called last in, first out: this one after all that the run registers. */
    if (on_exit(say_exit_code, NULL) != 0)
        return core_raise(-ENOMEM);
    Py_RETURN_NONE;
}

PyObject *core_run_is_over(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    last_word.over = 1;
    Py_RETURN_NONE;
}

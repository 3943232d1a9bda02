/* Hearing of a module before it is looked for, by an audit hook, which does nothing once nobody listens. */
#include "ext/audited.h"

#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct listener imports;
static pthread_t listening; /* the thread that does */

/* Past the C library, whose function may be one of those that are watched. */
static long long cpu_time(void)
{
    struct timespec spent = {0, 0};
    syscall(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (long long)spent.tv_sec * 1000000000 + spent.tv_nsec;
}

static int audit(const char *event, PyObject *args, void *unused)
{
    (void)unused;
    if (!core_is_heard(&imports) || strcmp(event, "import") != 0 || !pthread_equal(pthread_self(), listening) ||
        !PyTuple_Check(args) || PyTuple_GET_SIZE(args) == 0)
        return 0;
    return core_tell(&imports, Py_BuildValue("(OL)", PyTuple_GET_ITEM(args, 0), cpu_time()));
}

PyObject *core_before_imports(PyObject *module, PyObject *callback)
{
    (void)module;
    listening = pthread_self();
    return core_listen(&imports, audit, callback) < 0 ? NULL : Py_NewRef(Py_None);
}

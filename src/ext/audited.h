/* Telling a Python function of what audit hooks hear.  Hooks stay as long as the process; listeners may go. */
#ifndef FT_EXT_AUDITED_H
#define FT_EXT_AUDITED_H

#include "ext/core.h"

/* For the whole process, as audit hooks are. */
struct listener {
    PyObject *callback; /* NULL: nobody listens */
    int audited;        /* there is a hook */
    int calling;        /* what the callback does itself is not of interest */
};

/* Have another callback, or none for None.  Returns 0, or -1 with an exception. */
int core_listen(struct listener *listener, Py_AuditHookFunction hook, PyObject *callback);

static inline int core_is_heard(const struct listener *listener)
{
    return listener->callback != NULL && !listener->calling;
}

/* Call the callback that is heard; `args` is taken over, and may be NULL with an exception.  Returns 0, or -1. */
int core_tell(struct listener *listener, PyObject *args);

#endif

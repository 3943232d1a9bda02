/*
 * Functions of built-in modules that are caught where their C function is called, since modules may have kept the
 * function objects, and since some are compared by identity (os.supports_fd and the like).  For the whole process.
 */
#ifndef FT_EXT_CAUGHT_H
#define FT_EXT_CAUGHT_H

#include "ext/core.h"

struct caught {
    const char *name;
    int flags;            /* of the method, as they have to be */
    PyCFunction instead;
    PyMethodDef *method;  /* NULL while it is not caught */
    PyCFunction original; /* for `instead` to call; stays when it is let go */
};

/* Catch functions of a module.  Returns whether all are as expected; otherwise none is caught. */
int core_catch(PyObject *module, struct caught *functions, size_t count);

/* Let functions be as they were; harmless for those that are not caught. */
void core_let_go(struct caught *functions, size_t count);

#endif

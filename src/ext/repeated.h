/* Hook implementations that were called already, and repeat what came of it: see hookcalls.c. */
#ifndef FT_EXT_REPEATED_H
#define FT_EXT_REPEATED_H

#include "ext/core.h"

/* What a repeated implementation does again. */
enum repeat {
    CALL_RETURNS,  /* its call has returned `value` */
    CALL_RAISES,   /* its call has raised `value` */
    NEXT_RAISES,   /* it is a wrapper whose first part has raised `value`; NULL: ended without yielding */
    IS_SET_UP,     /* it is a wrapper that waits at its yield */
    SEND_RETURNS,  /* its second part has yielded `value` */
    SEND_RAISES,   /* its second part has raised `value` */
    SEND_FORCES,   /* its second part has ended, and left an exception in the result `value` */
};

/*
 * A repeated implementation; a new reference.  `generator` is NULL where it is no wrapper.  The enum says what `value`
 * is, and where it is NULL.
 */
PyObject *core_repeat(struct core_state *state, PyObject *impl, PyObject *generator, enum repeat repeat,
                      PyObject *value);

#endif

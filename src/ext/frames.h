/*
 * Who looks at something, by the Python code that is running in this thread: how much of the answer it can use, and the
 * place in a project or in a package that it comes from.
 *
 * These are called from within calls of the C library, with or without the interpreter's lock.  No Python code is run.
 * The lock is taken only where this is the one thread that Python knows: another one may hold it and wait for something
 * that the caller has.  Without it nothing is known but that it is a thread of Python's.
 */
#ifndef FT_EXT_FRAMES_H
#define FT_EXT_FRAMES_H

#include "ext/core.h"
#include "trace/trace.h"

/*
 * Begin to answer.  What belongs to whom is told by how its file names begin: `library`, the standard library; `tools`,
 * a tuple: pytest and its parts; `own`: fleetest.  Returns 0, or -1 with an exception.
 */
int frames_begin(const char *library, PyObject *tools, const char *own);

/* No more answers, also if there were none; what they were about is still held. */
void frames_end(void);

/* In the place of a place: a thread that could not be looked at. */
#define FRAMES_THREAD "(a thread)"

enum ft_trace_aspect frames_aspect(enum ft_trace_kind kind);
void frames_who(char *buffer, size_t size);

/* Behind the place: a package has asked while it was imported; of the time only the date is used. */
#define FRAMES_IMPORT " imported"
#define FRAMES_DATE " date"

void frames_asker(const char *what, char *buffer, size_t size);

#endif

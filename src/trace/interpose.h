/*
 * How a function of the C library is stood in front of.
 *
 *     INTERPOSED(int, unlink, (const char *path))
 *     {
 *         int result = REAL(unlink)(path);
 *         ...
 *         return result;
 *     }
 *
 * The function has a name of ours in C, so that neither a header's declaration nor a macro nor the compiler's own
 * knowledge of it gets in the way.  Its callers' structures are not looked at and are pointers to void here.
 */
#ifndef FT_TRACE_INTERPOSE_H
#define FT_TRACE_INTERPOSE_H

#include <fcntl.h>
#include <sys/types.h>

#include "trace/recorder.h"

typedef void interpose_any(void);

/* A function that comes behind ours; all of them are in a section of the library. */
struct interpose_real {
    const char *name;
    interpose_any *function; /* NULL: not looked for yet, or this C library has none */
};

#define INTERPOSED(type, name, parameters) \
    __attribute__((visibility("default"))) type trace_##name parameters __asm__(#name); \
    static struct interpose_real real_##name __attribute__((section("interpose_reals"), used)) = {#name, NULL}; \
    type trace_##name parameters

#define REAL(name) ((__typeof__(&trace_##name))interpose_real(&real_##name))

/* Whether this C library has it: a program may ask for a newer one by name, and then finds ours. */
#define HAS_REAL(name) (interpose_real(&real_##name) != NULL)

interpose_any *interpose_look_up(struct interpose_real *real);

static inline interpose_any *interpose_real(struct interpose_real *real)
{
    return __builtin_expect(real->function != NULL, 1) ? real->function : interpose_look_up(real);
}

/* Record what a call was asked for, if it is wanted; `failed`: whether it failed, with errno. */
static inline void interpose_path(enum ft_trace_kind kind, int folder, const char *path, bool failed)
{
    if (recorder_is_on())
        recorder_path(kind, folder, path, recorder_failed(failed));
}

static inline void interpose_changed(int folder, const char *path, bool failed)
{
    interpose_path(FT_TRACE_CHANGE, folder, path, failed);
}

static inline void interpose_changed_descriptor(int fd, bool failed)
{
    if (recorder_is_on())
        recorder_descriptor(FT_TRACE_CHANGE, fd, recorder_failed(failed));
}

static inline void interpose_opaque(const char *function)
{
    if (recorder_is_on())
        recorder_text(FT_TRACE_OPAQUE, function, 0);
}

/* Something was asked for that is another each time. */
static inline void interpose_moment(const char *what)
{
    if (recorder_is_on())
        recorder_moment(what);
}

#endif

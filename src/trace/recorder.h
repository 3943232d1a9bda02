/*
 * Records, while it is on, what the interposed functions of this process were asked for.
 *
 * Any thread may call at any time.  The table has a spin lock, which is never held while a callback or the system is
 * waited for.  A thread that comes back while it is recording, from a signal handler or a callback, records nothing,
 * and that is remembered.  All of these leave errno as it is.
 */
#ifndef FT_TRACE_RECORDER_H
#define FT_TRACE_RECORDER_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "trace/record.h"

extern atomic_bool recorder_on __attribute__((visibility("hidden")));

static inline bool recorder_is_on(void)
{
    return __builtin_expect(atomic_load_explicit(&recorder_on, memory_order_relaxed), false);
}

/* The errno of a call that says by its result that it failed. */
static inline int recorder_failed(bool failed)
{
    return failed ? errno : 0;
}

/*
 * A path that a call was given, relative to the folder behind the descriptor `folder` or AT_FDCWD; it may be NULL or
 * empty, which is no path.  `failed`: its errno, or 0.
 */
void recorder_path(enum ft_trace_kind kind, int folder, const char *path, int failed);

/* Likewise where the aspect is known. */
void recorder_aspect(enum ft_trace_kind kind, enum ft_trace_aspect aspect, int folder, const char *path, int failed);

/* What is behind a descriptor. */
void recorder_descriptor(enum ft_trace_kind kind, int fd, int failed);

/* What is no path. */
void recorder_text(enum ft_trace_kind kind, const char *text, int failed);

/* What is another each time, by its name. */
void recorder_moment(const char *what);

/* Of what has to be recorded before the call: returns a number for recorder_has_failed(). */
size_t recorder_before(enum ft_trace_kind kind, enum ft_trace_aspect aspect, int folder, const char *path);

/* Likewise of what is no path. */
size_t recorder_before_text(enum ft_trace_kind kind, const char *text);

/* The call has failed with this errno. */
void recorder_has_failed(size_t number, int failed);

/* A library that was loaded, some time ago. */
void recorder_library(const char *path);

/* Each link on the way to where a path leads. */
void recorder_resolved(const char *path);

/* For the library's users; see trace.h. */
void recorder_start(const struct ft_trace_callbacks *callbacks);
void recorder_stop(void);
void recorder_hold(bool hold);
void recorder_anew(void);
size_t recorder_count(void);
struct ft_trace_entry recorder_entry(size_t number);
int recorder_missed(void);
void recorder_forget(void);

/* Something could not be recorded. */
void recorder_miss(void);

/* In the child of a fork: off, and nothing is there, unless it is held. */
void recorder_in_child(void);

#endif

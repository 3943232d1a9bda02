/* What the parts of the extension module fleetest._core share. */
#ifndef FT_EXT_CORE_H
#define FT_EXT_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ext/pycompat.h"

struct core_state {
    PyObject *channel_type;
    PyObject *engine_type;
    PyObject *hookcalls_type;
    PyObject *repeated_type;
    PyObject *unfinished_type;
    PyObject *make_opaque; /* fleetest.opaque.make, imported when first needed */
};

struct core_state *core_state(PyObject *module);

/* The state of the module that `type`, one of its heap types, belongs to. */
struct core_state *core_state_of_type(PyTypeObject *type);

/* Raise OSError or MemoryError for a negative errno; returns NULL. */
PyObject *core_raise(int err);

/* Append `object` as msgpack.  Returns 0, or -1 with an exception. */
int core_pack(struct core_state *state, struct ft_buf *out, PyObject *object);

/* The one object in `len` bytes of msgpack; a new reference, or NULL with ValueError or another exception. */
PyObject *core_unpack(struct core_state *state, const uint8_t *bytes, size_t len);

/* freeze() and collect_young(): see freeze.c. */
PyObject *core_freeze(PyObject *module, PyObject *args);
PyObject *core_collect_young(PyObject *module, PyObject *unused);

/* All objects that the collector knows; a new list, or NULL with an exception. */
PyObject *core_all_objects(void);

/* Those that are no noted and frozen ones; a new list, or NULL, also without an exception: nothing is known of them. */
PyObject *core_young_objects(void);

/* The collector's objects without those that freeze() has taken out of its sight; all where it has not. */
PyObject *core_unfrozen_objects(void);

/* Whether all that was there at freeze() is still out of the collector's sight. */
int core_is_frozen(void);

/* fill_holes(): see holes.c. */
PyObject *core_fill_holes(PyObject *module, PyObject *args);

/* share_hot_pages(), copy_hot_pages() and note_worker_pages(): see hot.c. */
PyObject *core_share_hot_pages(PyObject *module, PyObject *unused);
PyObject *core_copy_hot_pages(PyObject *module, PyObject *args);
PyObject *core_note_worker_pages(PyObject *module, PyObject *unused);

/* watch(): see watch.c. */
PyObject *core_watch(PyObject *module, PyObject *callback);

/* trace_start(), trace_stop(), trace_hold() and the like: see trace.c. */
PyObject *core_trace_start(PyObject *module, PyObject *args);
PyObject *core_trace_stop(PyObject *module, PyObject *args);
PyObject *core_trace_hold(PyObject *module, PyObject *args);
PyObject *core_trace_anew(PyObject *module, PyObject *unused);
PyObject *core_trace_looks(PyObject *module, PyObject *args);
PyObject *core_trace_pretend(PyObject *module, PyObject *args);
PyObject *core_trace_pretend_nothing(PyObject *module, PyObject *unused);

/* take_inputs(), file_clock(), time_past(): see inputs.c. */
PyObject *core_take_inputs(PyObject *module, PyObject *args);
PyObject *core_file_clock(PyObject *module, PyObject *unused);
PyObject *core_time_past(PyObject *module, PyObject *changed);

/* note_finalizers(), finalizers(), young_finalizers(), finalize() and file_objects(): see finalizers.c. */
PyObject *core_note_finalizers(PyObject *module, PyObject *unused);
PyObject *core_finalizers(PyObject *module, PyObject *unused);
PyObject *core_young_finalizers(PyObject *module, PyObject *unused);
PyObject *core_finalize(PyObject *module, PyObject *object);
PyObject *core_file_objects(PyObject *module, PyObject *args);

extern PyType_Spec core_channel_spec;
extern PyType_Spec core_engine_spec;
extern PyType_Spec core_hookcalls_spec;
extern PyType_Spec core_repeated_spec;
extern PyType_Spec core_unfinished_spec;

/* leave() and end(): see leave.c. */
PyObject *core_leave(PyObject *module, PyObject *args);
PyObject *core_end(PyObject *module, PyObject *args);

/* before_changes(): see changes.c. */
PyObject *core_before_changes(PyObject *module, PyObject *callback);

/* before_imports(): see imports.c. */
PyObject *core_before_imports(PyObject *module, PyObject *callback);

/* before_read(): see reads.c. */
PyObject *core_before_read(PyObject *module, PyObject *args);

/* Taking a run over from the daemon. */
PyObject *core_send_fds(PyObject *module, PyObject *args);
PyObject *core_receive_fds(PyObject *module, PyObject *args);
PyObject *core_lifeline(PyObject *module, PyObject *args);
PyObject *core_last_word(PyObject *module, PyObject *args);
PyObject *core_run_is_over(PyObject *module, PyObject *unused);
PyObject *core_set_name(PyObject *module, PyObject *args);

#endif

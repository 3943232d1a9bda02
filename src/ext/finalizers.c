/*
 * Whether anything waits for the end of the interpreter to do something: objects with a finalizer.  Where there is
 * none, a process can end without looking for garbage once more and taking every object apart.
 *
 * Looking at an object copies its page if it is shared with the process that this one was forked off.  So that process
 * notes what it has before the fork, and afterwards only what is younger is looked at.
 */
#include "ext/core.h"

#include <string.h>

struct known {
    destructor io;     /* closes a file: the caller flushes, and the end of the process closes */
    destructor socket; /* closes a socket */
    PyTypeObject *database; /* borrowed: closes it, which may remove files; NULL: there is none */
};

/* The finalizer of a type of the standard library; NULL if there is none. */
static destructor finalizer_of(const char *module_name, const char *type_name)
{
    destructor found = NULL;
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed */
    PyObject *module = PyDict_GetItemString(modules, module_name);
    PyObject *type = module == NULL ? NULL : PyObject_GetAttrString(module, type_name);
    if (type != NULL && PyType_Check(type))
        found = ((PyTypeObject *)type)->tp_finalize;
    Py_XDECREF(type);
    PyErr_Clear();
    return found;
}

/* The class of open databases; its objects are taken for open, since nobody says whether they are. */
static PyTypeObject *database_type(void)
{
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed */
    PyObject *module = PyDict_GetItemString(modules, "_sqlite3");
    PyObject *type = module == NULL ? NULL : PyObject_GetAttrString(module, "Connection");
    PyErr_Clear();
    Py_XDECREF(type); /* the module has it */
    return type != NULL && PyType_Check(type) ? (PyTypeObject *)type : NULL;
}

/* Whether a generator, coroutine or asynchronous generator is neither finished nor closed. */
static int is_suspended(PyObject *object)
{
    const char *name = PyGen_CheckExact(object) ? "gi_frame" : PyCoro_CheckExact(object) ? "cr_frame" : "ag_frame";
    PyObject *frame = PyObject_GetAttrString(object, name);
    int suspended = frame != Py_None; /* an error too: better ask once too often */
    PyErr_Clear();
    Py_XDECREF(frame);
    return suspended;
}

/* Whether somebody is told of an object's end, other than the books that the library and well-known packages keep. */
static int tells_of_the_end(PyObject *reference)
{
    static const char *const keepers[] = {"weakref", "_weakrefset", "importlib._bootstrap", "_frozen_importlib",
                                          "logging", "django.dispatch.dispatcher", "sqlalchemy.event.registry", NULL};
    PyObject *callback = PyObject_GetAttrString(reference, "__callback__");
    int tells = callback == NULL || (callback != Py_None && !PyCFunction_Check(callback));
    PyObject *module = tells && callback != NULL ? PyObject_GetAttrString(callback, "__module__") : NULL;
    if (module != NULL && PyUnicode_Check(module))
        for (const char *const *keeper = keepers; tells && *keeper != NULL; keeper++)
            tells = PyUnicode_CompareWithASCIIString(module, *keeper) != 0;
    PyErr_Clear();
    Py_XDECREF(module);
    Py_XDECREF(callback);
    return tells;
}

static int is_generator(PyObject *object)
{
    return PyGen_CheckExact(object) || PyCoro_CheckExact(object) || PyAsyncGen_CheckExact(object);
}

static int type_has_finalizer(const struct known *known, const PyTypeObject *type)
{
    destructor finalize = type->tp_finalize;
    return type->tp_del != NULL || (finalize != NULL && finalize != known->io && finalize != known->socket);
}

static int has_finalizer(const struct known *known, PyObject *object)
{
    return type_has_finalizer(known, Py_TYPE(object)) && (!is_generator(object) || is_suspended(object));
}

/* Whether it is a file that does more than flush when it is closed, which it was not. */
static int ends_a_file(const struct known *known, PyObject *object)
{
    if (Py_TYPE(object)->tp_finalize != known->io || strncmp(Py_TYPE(object)->tp_name, "_io.", 4) == 0)
        return 0;
    PyObject *closed = PyObject_GetAttrString(object, "closed");
    int open = closed != Py_True;
    PyErr_Clear();
    Py_XDECREF(closed);
    return open;
}

static int closes(const struct known *known, PyObject *object)
{
    return ends_a_file(known, object) || (known->database != NULL && PyObject_TypeCheck(object, known->database));
}

/* What happens when objects are taken apart. */
struct ends {
    int finalizers; /* a finalizer is called */
    int others;     /* a file of somebody's own class or a database is closed, or somebody hears of an object's end */
};

static void look_at(struct ends *found, const struct known *known, PyObject *object)
{
    if (!found->finalizers)
        found->finalizers = has_finalizer(known, object);
    if (!found->others)
        found->others = PyWeakref_CheckRef(object) ? tells_of_the_end(object) : closes(known, object);
}

static struct known known_types(void)
{
    return (struct known){finalizer_of("_io", "_IOBase"), finalizer_of("_socket", "socket"), database_type()};
}

/* ---- what was there before a fork ---- */

static struct {
    struct ends ends;
    PyObject *changing; /* weak references to what may be over at the end, files and generators; NULL: nothing noted */
    PyObject *types;    /* weak references to classes, which may be given a finalizer */
} noted;

/* Keep something from being shown by the collector. */
static PyObject *hidden(PyObject *object)
{
    PyObject_GC_UnTrack(object);
    return object;
}

/* Note a class once, by where it is: not every class can be hashed.  Returns 0, or -1 with an exception. */
static int note_type(PyObject *types, PyObject *type)
{
    if (!(((PyTypeObject *)type)->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return 0;
    PyObject *place = PyLong_FromVoidPtr(type), *reference = NULL;
    int err = place == NULL ? -1 : 0;
    if (err == 0 && PyDict_GetItemWithError(types, place) == NULL) {
        reference = PyErr_Occurred() ? NULL : PyWeakref_NewRef(type, NULL);
        err = reference == NULL ? -1 : PyDict_SetItem(types, place, reference);
    }
    Py_XDECREF(reference);
    Py_XDECREF(place);
    return err;
}

/* Note one object, by a weak reference if it can be gone at the end.  Returns 0, or -1 with an exception. */
static int note(PyObject *changing, PyObject *types, const struct known *known, PyObject *object)
{
    struct ends found = {0, 0};
    if (note_type(types, (PyObject *)Py_TYPE(object)) < 0)
        return -1;
    look_at(&found, known, object);
    if (!found.finalizers && !found.others && Py_TYPE(object)->tp_finalize != known->io)
        return 0;
    PyObject *reference = PyWeakref_NewRef(object, NULL);
    if (reference == NULL) {
        PyErr_Clear();
        noted.ends.finalizers |= found.finalizers;
        noted.ends.others |= found.others;
        return 0;
    }
    int err = PyList_Append(changing, reference);
    Py_DECREF(reference);
    return err;
}

/* Begin a note.  Returns 0, or -1 with an exception. */
static int begin_note(void)
{
    PyObject *changing = PyList_New(0), *types = PyList_New(0);
    if (changing == NULL || types == NULL) {
        Py_XDECREF(changing);
        Py_XDECREF(types);
        return -1;
    }
    Py_XSETREF(noted.changing, hidden(changing));
    Py_XSETREF(noted.types, hidden(types));
    noted.ends = (struct ends){0, 0};
    return 0;
}

/* Note what is not noted yet, or everything where that is not known. */
PyObject *core_note_finalizers(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    struct known known = known_types();
    PyObject *objects = noted.changing == NULL ? NULL : core_young_objects(), *types = NULL;
    if (objects == NULL && !PyErr_Occurred() && begin_note() == 0)
        objects = core_all_objects();
    if (objects != NULL)
        types = PyDict_New();
    int err = types == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; err == 0 && i < PyList_GET_SIZE(objects); i++)
        err = note(noted.changing, types, &known, PyList_GET_ITEM(objects, i));
    PyObject *references = err == 0 ? PyDict_Values(types) : NULL;
    Py_ssize_t end = references == NULL ? 0 : PyList_GET_SIZE(noted.types);
    err = references == NULL ? -1 : PyList_SetSlice(noted.types, end, end, references);
    Py_XDECREF(references);
    Py_XDECREF(types);
    Py_XDECREF(objects);
    if (err < 0)
        Py_CLEAR(noted.changing);
    return err < 0 ? NULL : Py_NewRef(Py_None);
}

/* Whether any class has got a finalizer since. */
static int any_type_has_finalizer(const struct known *known)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(noted.types); i++) {
        PyObject *type = core_weakly_referenced(PyList_GET_ITEM(noted.types, i));
        if (type != NULL && type_has_finalizer(known, (PyTypeObject *)type))
            return 1;
    }
    return 0;
}

/* Add what is still there of what changes.  Returns 0, or -1 with an exception. */
static int add_noted(PyObject *objects)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(noted.changing); i++) {
        PyObject *object = PyObject_CallNoArgs(PyList_GET_ITEM(noted.changing, i));
        int err = object == NULL ? -1 : object != Py_None ? PyList_Append(objects, object) : 0;
        Py_XDECREF(object);
        if (err < 0)
            return -1;
    }
    return 0;
}

/* ---- what there is now ---- */

/* What has to be looked at: without what was noted and cannot change, if it is still out of the collector's sight. */
static PyObject *objects_to_look_at(int *all)
{
    PyObject *young = noted.changing == NULL ? NULL : core_young_objects();
    *all = young == NULL;
    if (young == NULL)
        return PyErr_Occurred() ? NULL : core_all_objects();
    if (add_noted(young) < 0)
        Py_CLEAR(young);
    return young;
}

PyObject *core_finalizers(PyObject *module, PyObject *unused)
{
    int all;
    (void)module;
    (void)unused;
    struct known known = known_types();
    PyObject *objects = objects_to_look_at(&all);
    if (objects == NULL)
        return NULL;
    struct ends found = all ? (struct ends){0, 0} : noted.ends;
    if (known.database != NULL && !PyType_IS_GC(known.database)) /* nobody sees its objects */
        found.others = 1;
    if (!all && any_type_has_finalizer(&known))
        found.finalizers = 1;
    for (Py_ssize_t i = 0; !found.finalizers && i < PyList_GET_SIZE(objects); i++)
        look_at(&found, &known, PyList_GET_ITEM(objects, i));
    Py_DECREF(objects);
    return Py_BuildValue("NN", PyBool_FromLong(found.finalizers), PyBool_FromLong(found.others));
}

PyObject *core_young_finalizers(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    struct known known = known_types();
    PyObject *found = PyList_New(0), *objects = NULL;
    if (found != NULL && core_is_frozen())
        objects = core_unfrozen_objects();
    int err = 0;
    for (Py_ssize_t i = 0; objects != NULL && err == 0 && i < PyList_GET_SIZE(objects); i++) {
        PyObject *object = PyList_GET_ITEM(objects, i);
        if (has_finalizer(&known, object) || ends_a_file(&known, object))
            err = PyList_Append(found, object);
    }
    Py_XDECREF(objects);
    if (err < 0 || PyErr_Occurred())
        Py_CLEAR(found);
    return found;
}

PyObject *core_finalize(PyObject *module, PyObject *object)
{
    (void)module;
    PyObject_CallFinalizer(object);
    return Py_NewRef(Py_None);
}

PyObject *core_file_objects(PyObject *module, PyObject *args)
{
    int all, young = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "|p:file_objects", &young))
        return NULL;
    destructor io = finalizer_of("_io", "_IOBase");
    PyObject *objects = young ? core_unfrozen_objects() : objects_to_look_at(&all);
    PyObject *files = objects == NULL ? NULL : PyList_New(0);
    int err = files == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; err == 0 && i < PyList_GET_SIZE(objects); i++)
        if (Py_TYPE(PyList_GET_ITEM(objects, i))->tp_finalize == io)
            err = PyList_Append(files, PyList_GET_ITEM(objects, i));
    Py_XDECREF(objects);
    if (err < 0)
        Py_CLEAR(files);
    return files;
}

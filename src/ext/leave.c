/*
 * Ending a process.  Python takes its modules and their objects apart at the end, which copies each page that is shared
 * with the process that this one was forked off.  Where no object does anything then, that can be left out.
 */
#include "ext/core.h"

#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Modules of the standard library whose objects do something outside when they are taken apart; see finalizers.c. */
static const char *const busy[] = {"_dbm", "_gdbm", "_tkinter", NULL};

/* Where extension modules lie whose objects have nothing but memory. */
static const char *const idle[] = {
    "/lib-dynload/", "/fleetest/",    "/_cffi_backend.", "/_yaml.",   "/charset_normalizer/", "/coverage/",
    "/cryptography/", "/frozenlist/", "/jiter/",         "/lxml/",    "/markupsafe/",         "/msgpack/",
    "/multidict/",   "/numpy",        "/orjson/",        "/pandas/",  "/propcache/",          "/pydantic_core/",
    "/regex/",       "/rpds/",        "/scipy",          "/simplejson/", "/sqlalchemy/",      "/tornado/",
    "/wrapt/",       "/yaml/",        "/yarl/",          NULL};

static bool is_busy(void)
{
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed */
    for (const char *const *name = busy; *name != NULL; name++)
        if (PyDict_GetItemString(modules, *name) != NULL)
            return true;
    return false;
}

/* Stops at a library that may be an extension module, and is not known to be idle. */
static int is_unknown(struct dl_phdr_info *info, size_t size, void *unused)
{
    const char *path = info->dlpi_name;
    size_t len = strlen(path);
    (void)size;
    (void)unused;
    if (path[0] != '/' || len < 3 || strcmp(path + len - 3, ".so") != 0) /* a library has a version after that */
        return 0;
    for (const char *const *part = idle; *part != NULL; part++)
        if (strstr(path, *part) != NULL)
            return 0;
    return 1;
}

PyObject *core_leave(PyObject *module, PyObject *args)
{
    int code;
    (void)module;
    if (!PyArg_ParseTuple(args, "i:leave", &code))
        return NULL;
    Py_Exit(code);
}

PyObject *core_end(PyObject *module, PyObject *args)
{
    int code;
    (void)module;
    if (!PyArg_ParseTuple(args, "i:end", &code))
        return NULL;
    if (!is_busy() && dl_iterate_phdr(is_unknown, NULL) == 0)
        exit(code); /* with the lock of the interpreter: no other thread gets in */
    Py_RETURN_NONE;
}

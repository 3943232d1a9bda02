#include "ext/audited.h"

int core_listen(struct listener *listener, Py_AuditHookFunction hook, PyObject *callback)
{
    Py_CLEAR(listener->callback);
    if (callback == Py_None)
        return 0;
    if (!listener->audited && PySys_AddAuditHook(hook, NULL) < 0)
        return -1;
    listener->audited = 1;
    listener->callback = Py_NewRef(callback);
    return 0;
}

int core_tell(struct listener *listener, PyObject *args)
{
    if (args == NULL)
        return -1;
    PyObject *called = Py_NewRef(listener->callback), *result;
    listener->calling = 1;
    result = PyObject_CallObject(called, args);
    listener->calling = 0;
    Py_DECREF(called);
    Py_DECREF(args);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

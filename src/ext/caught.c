#include "ext/caught.h"

/* The definition of a function of the module, which is static; NULL if it is not as expected. */
static PyMethodDef *find(PyObject *module, const struct caught *wanted)
{
    PyObject *function = PyObject_GetAttrString(module, wanted->name);
    if (function == NULL) {
        PyErr_Clear();
        return NULL;
    }
    PyMethodDef *method = PyCFunction_Check(function) ? ((PyCFunctionObject *)function)->m_ml : NULL;
    Py_DECREF(function);
    return method != NULL && method->ml_flags == wanted->flags ? method : NULL;
}

int core_catch(PyObject *module, struct caught *functions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        PyMethodDef *method = find(module, &functions[i]);
        if (method == NULL) {
            core_let_go(functions, i);
            return 0;
        }
        functions[i].method = method;
        functions[i].original = method->ml_meth;
        method->ml_meth = functions[i].instead;
    }
    return 1;
}

void core_let_go(struct caught *functions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (functions[i].method != NULL)
            functions[i].method->ml_meth = functions[i].original;
        functions[i].method = NULL;
    }
}

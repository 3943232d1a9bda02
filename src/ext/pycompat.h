/* What differs between the supported versions of CPython. */
#ifndef FT_EXT_PYCOMPAT_H
#define FT_EXT_PYCOMPAT_H

#include <Python.h>

#if PY_VERSION_HEX < 0x030A00A3 /* bpo-42262 */
static inline PyObject *Py_NewRef(PyObject *object)
{
    Py_INCREF(object);
    return object;
}
#endif

#ifndef PySet_CheckExact /* 3.10 */
#define PySet_CheckExact(object) Py_IS_TYPE(object, &PySet_Type)
#endif

#endif

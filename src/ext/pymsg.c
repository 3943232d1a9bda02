/* Python objects to msgpack and back.  What msgpack lacks travels in the extension types of wire/protocol.h. */
#include <errno.h>
#include <string.h>

#include "ext/core.h"
#include "wire/msgpack.h"
#include "wire/protocol.h"

struct packer {
    struct core_state *state;
    struct ft_buf *out;
    int depth;
};

static int pack(struct packer *packer, PyObject *object);

static int checked(int err)
{
    if (err >= 0)
        return 0;
    core_raise(err);
    return -1;
}

static int too_long(void)
{
    PyErr_SetString(PyExc_OverflowError, "more than 4 GiB in one value");
    return -1;
}

static int pack_str(struct packer *packer, PyObject *object)
{
    Py_ssize_t len;
    const char *text = PyUnicode_AsUTF8AndSize(object, &len);
    if (text != NULL)
        return len > (Py_ssize_t)UINT32_MAX ? too_long() : checked(ft_mp_str(packer->out, text, (uint32_t)len));
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return -1;
    PyErr_Clear();
    PyObject *bytes = PyUnicode_AsEncodedString(object, "utf-8", "surrogatepass");
    if (bytes == NULL)
        return -1;
    size_t mark;
    int err = ft_mp_ext_begin(packer->out, FT_EXT_WTF8, &mark);
    if (err == 0)
        err = ft_buf_append(packer->out, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    if (err == 0)
        err = ft_mp_ext_end(packer->out, mark);
    Py_DECREF(bytes);
    return checked(err);
}

static int pack_int(struct packer *packer, PyObject *object)
{
    int overflow;
    long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (value == -1 && PyErr_Occurred())
        return -1;
    if (overflow == 0)
        return checked(ft_mp_int(packer->out, value));
    PyObject *digits = PyNumber_ToBase(object, 16); /* base 10 has a limit of digits */
    if (digits == NULL)
        return -1;
    Py_ssize_t len;
    const char *text = PyUnicode_AsUTF8AndSize(digits, &len);
    size_t mark;
    int err = ft_mp_ext_begin(packer->out, FT_EXT_BIGINT, &mark);
    if (err == 0)
        err = ft_buf_append(packer->out, text, (size_t)len);
    if (err == 0)
        err = ft_mp_ext_end(packer->out, mark);
    Py_DECREF(digits);
    return checked(err);
}

/* The elements of a list or tuple, as an array. */
static int pack_sequence(struct packer *packer, PyObject *object)
{
    Py_ssize_t len = PySequence_Fast_GET_SIZE(object);
    if (len > (Py_ssize_t)UINT32_MAX)
        return too_long();
    if (checked(ft_mp_array(packer->out, (uint32_t)len)) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < len; i++) {
        if (i >= PySequence_Fast_GET_SIZE(object)) {
            PyErr_SetString(PyExc_RuntimeError, "a list shrank while it was packed");
            return -1;
        }
        PyObject *element = PySequence_Fast_GET_ITEM(object, i);
        Py_INCREF(element);
        int err = pack(packer, element);
        Py_DECREF(element);
        if (err < 0)
            return -1;
    }
    return 0;
}

static int pack_extension(struct packer *packer, int8_t type, PyObject *sequence)
{
    size_t mark;
    if (checked(ft_mp_ext_begin(packer->out, type, &mark)) < 0 || pack_sequence(packer, sequence) < 0)
        return -1;
    return checked(ft_mp_ext_end(packer->out, mark));
}

static int pack_set(struct packer *packer, PyObject *object, int8_t type)
{
    PyObject *elements = PySequence_List(object);
    if (elements == NULL)
        return -1;
    int err = pack_extension(packer, type, elements);
    Py_DECREF(elements);
    return err;
}

static int pack_dict(struct packer *packer, PyObject *object)
{
    Py_ssize_t len = PyDict_GET_SIZE(object), at = 0, count = 0;
    PyObject *key, *value;
    if (len > (Py_ssize_t)UINT32_MAX)
        return too_long();
    if (checked(ft_mp_map(packer->out, (uint32_t)len)) < 0)
        return -1;
    while (PyDict_Next(object, &at, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        int err = pack(packer, key);
        if (err == 0)
            err = pack(packer, value);
        Py_DECREF(key);
        Py_DECREF(value);
        if (err < 0)
            return -1;
        if (PyDict_GET_SIZE(object) != len)
            break;
        count++;
    }
    if (count != len) {
        PyErr_SetString(PyExc_RuntimeError, "a dict changed while it was packed");
        return -1;
    }
    return 0;
}

static int pack_complex(struct packer *packer, PyObject *object)
{
    size_t mark;
    int err = ft_mp_ext_begin(packer->out, FT_EXT_COMPLEX, &mark);
    if (err == 0)
        err = ft_mp_double(packer->out, PyComplex_RealAsDouble(object));
    if (err == 0)
        err = ft_mp_double(packer->out, PyComplex_ImagAsDouble(object));
    if (err == 0)
        err = ft_mp_ext_end(packer->out, mark);
    return checked(err);
}

/* str() or repr() of an object that may not have a working one. */
static PyObject *described(PyObject *object, PyObject *(*describe)(PyObject *))
{
    PyObject *text = describe(object);
    if (text != NULL)
        return text;
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return NULL;
    PyErr_Clear();
    return PyUnicode_FromFormat("<%s object at %p>", Py_TYPE(object)->tp_name, (void *)object);
}

/* The plain value inside an object of a subclass of str, int or float; None for others.  A new reference. */
static PyObject *plain_value(PyObject *object)
{
    if (PyUnicode_Check(object))
        return PyUnicode_FromObject(object);
    if (PyLong_Check(object))
        return PyLong_Type.tp_as_number->nb_int(object);
    if (PyFloat_Check(object))
        return PyFloat_FromDouble(PyFloat_AS_DOUBLE(object));
    Py_RETURN_NONE;
}

/* What cannot travel arrives as something that looks the same: its type's name, str(), repr() and plain value. */
static int pack_opaque(struct packer *packer, PyObject *object)
{
    int err = -1;
    PyObject *text = described(object, PyObject_Str);
    PyObject *repr = text == NULL ? NULL : described(object, PyObject_Repr);
    PyObject *plain = repr == NULL ? NULL : plain_value(object);
    if (plain != NULL) {
        PyObject *parts = Py_BuildValue("[sOOO]", Py_TYPE(object)->tp_name, text, repr, plain);
        if (parts != NULL)
            err = pack_extension(packer, FT_EXT_OPAQUE, parts);
        Py_XDECREF(parts);
    }
    Py_XDECREF(text);
    Py_XDECREF(repr);
    Py_XDECREF(plain);
    return err;
}

/* Whether objects of this subclass look like those of its base. */
static int looks_like(PyObject *object, const PyTypeObject *base)
{
    return Py_TYPE(object)->tp_str == base->tp_str && Py_TYPE(object)->tp_repr == base->tp_repr;
}

static int pack_other(struct packer *packer, PyObject *object)
{
    if (PyUnicode_Check(object) && looks_like(object, &PyUnicode_Type))
        return pack_str(packer, object);
    if (PyLong_Check(object) && looks_like(object, &PyLong_Type))
        return pack_int(packer, object);
    if (PyFloat_Check(object) && looks_like(object, &PyFloat_Type))
        return checked(ft_mp_double(packer->out, PyFloat_AS_DOUBLE(object)));
    if (PyTuple_Check(object) && looks_like(object, &PyTuple_Type))
        return pack_extension(packer, FT_EXT_TUPLE, object);
    if (PyList_Check(object) && looks_like(object, &PyList_Type))
        return pack_sequence(packer, object);
    if (PyDict_Check(object) && looks_like(object, &PyDict_Type))
        return pack_dict(packer, object);
    return pack_opaque(packer, object);
}

static int pack_any(struct packer *packer, PyObject *object)
{
    if (PyUnicode_CheckExact(object))
        return pack_str(packer, object);
    if (object == Py_None)
        return checked(ft_mp_nil(packer->out));
    if (PyBool_Check(object))
        return checked(ft_mp_bool(packer->out, object == Py_True));
    if (PyLong_CheckExact(object))
        return pack_int(packer, object);
    if (PyFloat_CheckExact(object))
        return checked(ft_mp_double(packer->out, PyFloat_AS_DOUBLE(object)));
    if (PyTuple_CheckExact(object))
        return pack_extension(packer, FT_EXT_TUPLE, object);
    if (PyList_CheckExact(object))
        return pack_sequence(packer, object);
    if (PyDict_CheckExact(object))
        return pack_dict(packer, object);
    if (PyBytes_CheckExact(object)) {
        if (PyBytes_GET_SIZE(object) > (Py_ssize_t)UINT32_MAX)
            return too_long();
        return checked(ft_mp_bin(packer->out, PyBytes_AS_STRING(object), (uint32_t)PyBytes_GET_SIZE(object)));
    }
    if (PySet_CheckExact(object))
        return pack_set(packer, object, FT_EXT_SET);
    if (PyFrozenSet_CheckExact(object))
        return pack_set(packer, object, FT_EXT_FROZENSET);
    if (PyComplex_CheckExact(object))
        return pack_complex(packer, object);
    return pack_other(packer, object);
}

static int pack(struct packer *packer, PyObject *object)
{
    if (packer->depth >= FT_DEPTH_MAX - 8) {
        PyObject *repr = described(object, PyObject_Repr);
        int err = repr == NULL ? -1 : pack_str(packer, repr);
        Py_XDECREF(repr);
        return err;
    }
    packer->depth++;
    int err = pack_any(packer, object);
    packer->depth--;
    return err;
}

int core_pack(struct core_state *state, struct ft_buf *out, PyObject *object)
{
    struct packer packer = {state, out, 0};
    return pack(&packer, object);
}

/* ---- and back ---- */

static PyObject *unpack(struct core_state *state, struct ft_mp_reader *reader, int depth);

static PyObject *malformed(void)
{
    PyErr_SetString(PyExc_ValueError, "malformed message");
    return NULL;
}

static PyObject *unpack_array(struct core_state *state, struct ft_mp_reader *reader, uint32_t len, int depth)
{
    PyObject *list = PyList_New((Py_ssize_t)len);
    for (uint32_t i = 0; list != NULL && i < len; i++) {
        PyObject *element = unpack(state, reader, depth);
        if (element == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, element);
    }
    return list;
}

static PyObject *unpack_map(struct core_state *state, struct ft_mp_reader *reader, uint32_t len, int depth)
{
    PyObject *dict = PyDict_New();
    for (uint32_t i = 0; dict != NULL && i < len; i++) {
        PyObject *key = unpack(state, reader, depth);
        PyObject *value = key == NULL ? NULL : unpack(state, reader, depth);
        if (value == NULL || PyDict_SetItem(dict, key, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *make_opaque(struct core_state *state, PyObject *parts)
{
    if (state->make_opaque == NULL) {
        PyObject *module = PyImport_ImportModule("fleetest.opaque");
        if (module == NULL)
            return NULL;
        state->make_opaque = PyObject_GetAttrString(module, "make");
        Py_DECREF(module);
        if (state->make_opaque == NULL)
            return NULL;
    }
    PyObject *args = PyList_AsTuple(parts);
    PyObject *object = args == NULL ? NULL : PyObject_CallObject(state->make_opaque, args);
    Py_XDECREF(args);
    return object;
}

static PyObject *unpack_bigint(const struct ft_mp_token *token)
{
    PyObject *text = PyUnicode_FromStringAndSize((const char *)token->bytes, (Py_ssize_t)token->len);
    PyObject *value = text == NULL ? NULL : PyLong_FromUnicodeObject(text, 16);
    Py_XDECREF(text);
    return value;
}

static PyObject *unpack_complex(const struct ft_mp_token *token)
{
    struct ft_mp_reader inner = {token->bytes, token->bytes + token->len};
    struct ft_mp_token real, imaginary;
    if (ft_mp_read(&inner, &real) < 0 || ft_mp_read(&inner, &imaginary) < 0 || real.kind != FT_MP_DOUBLE ||
        imaginary.kind != FT_MP_DOUBLE)
        return malformed();
    return PyComplex_FromDoubles(real.d, imaginary.d);
}

static PyObject *from_list(PyObject *list, int8_t type, struct core_state *state)
{
    switch (type) {
    case FT_EXT_TUPLE:
        return PyList_AsTuple(list);
    case FT_EXT_SET:
        return PySet_New(list);
    case FT_EXT_FROZENSET:
        return PyFrozenSet_New(list);
    default:
        return make_opaque(state, list);
    }
}

static PyObject *unpack_ext(struct core_state *state, const struct ft_mp_token *token, int depth)
{
    if (token->ext == FT_EXT_WTF8)
        return PyUnicode_Decode((const char *)token->bytes, (Py_ssize_t)token->len, "utf-8", "surrogatepass");
    if (token->ext == FT_EXT_BIGINT)
        return unpack_bigint(token);
    if (token->ext == FT_EXT_COMPLEX)
        return unpack_complex(token);
    if (token->ext < FT_EXT_TUPLE || token->ext > FT_EXT_OPAQUE)
        return malformed();
    struct ft_mp_reader inner = {token->bytes, token->bytes + token->len};
    PyObject *list = unpack(state, &inner, depth);
    if (list == NULL)
        return NULL;
    PyObject *object = PyList_CheckExact(list) ? from_list(list, token->ext, state) : malformed();
    Py_DECREF(list);
    return object;
}

static PyObject *unpack(struct core_state *state, struct ft_mp_reader *reader, int depth)
{
    struct ft_mp_token token;
    if (depth >= 2 * FT_DEPTH_MAX || ft_mp_read(reader, &token) < 0)
        return malformed();
    switch (token.kind) {
    case FT_MP_NIL:
        Py_RETURN_NONE;
    case FT_MP_BOOL:
        return PyBool_FromLong(token.b);
    case FT_MP_INT:
        return PyLong_FromLongLong(token.i);
    case FT_MP_UINT:
        return PyLong_FromUnsignedLongLong(token.u);
    case FT_MP_DOUBLE:
        return PyFloat_FromDouble(token.d);
    case FT_MP_STR:
        return PyUnicode_DecodeUTF8((const char *)token.bytes, (Py_ssize_t)token.len, "strict");
    case FT_MP_BIN:
        return PyBytes_FromStringAndSize((const char *)token.bytes, (Py_ssize_t)token.len);
    case FT_MP_ARRAY:
        return unpack_array(state, reader, token.len, depth + 1);
    case FT_MP_MAP:
        return unpack_map(state, reader, token.len, depth + 1);
    case FT_MP_EXT:
        return unpack_ext(state, &token, depth + 1);
    }
    return malformed();
}

PyObject *core_unpack(struct core_state *state, const uint8_t *bytes, size_t len)
{
    struct ft_mp_reader reader = {bytes, bytes + len};
    PyObject *object = unpack(state, &reader, 0);
    if (object != NULL && reader.at != reader.end) {
        Py_DECREF(object);
        return malformed();
    }
    return object;
}

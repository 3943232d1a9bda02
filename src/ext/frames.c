#include "ext/frames.h"

#include <stdio.h>
#include <string.h>

/* ---- what is known of code ---- */

enum owner { PROJECT, LIBRARY, TOOL, OWN, NAMELESS };

/*
 * Beside the aspects.  CALLER: as the caller of this function says.  PRESENCE_FOR_CALLER: presence, or COLLECT if the
 * first caller outside the library says so.
 */
enum { CALLER = 255, PRESENCE_FOR_CALLER = 254 };

struct verdict {
    uint8_t status; /* an aspect, of STATUS and LINK */
    uint8_t list;   /* of LIST */
};

static const struct verdict all_of_it = {FT_ASPECT_FULL, FT_ASPECT_ALL};

/* Code whose use of an answer is known; the first that fits.  No function: all of the module's. */
static const struct rule {
    const char *module, *function;
    struct verdict verdict;
} rules[] = {
    {"importlib._bootstrap_external", NULL, {FT_ASPECT_PRESENCE, FT_ASPECT_MODULES}},
    {"importlib._bootstrap", NULL, {FT_ASPECT_PRESENCE, FT_ASPECT_ALL}},
    {"importlib.metadata", "mtime", {FT_ASPECT_PRESENCE, FT_ASPECT_ALL}}, /* of a folder that is listed, too */
    {"zipimport", NULL, {FT_ASPECT_PRESENCE, FT_ASPECT_ALL}},
    {"genericpath", "exists", {PRESENCE_FOR_CALLER, FT_ASPECT_ALL}},
    {"genericpath", "lexists", {FT_ASPECT_PRESENCE, FT_ASPECT_ALL}},
    {"genericpath", "isfile", {PRESENCE_FOR_CALLER, FT_ASPECT_ALL}},
    {"genericpath", "isdir", {PRESENCE_FOR_CALLER, FT_ASPECT_ALL}},
    {"genericpath", "islink", {FT_ASPECT_PRESENCE, FT_ASPECT_ALL}},
    {"posixpath", "lexists", {FT_ASPECT_PRESENCE, FT_ASPECT_ALL}},
    {"posixpath", "islink", {FT_ASPECT_PRESENCE, FT_ASPECT_ALL}},
    {"posixpath", "realpath", {FT_ASPECT_PRESENCE, FT_ASPECT_ALL}},
    {"posixpath", "_joinrealpath", {FT_ASPECT_PRESENCE, FT_ASPECT_ALL}},
    {"pathlib", "stat", {CALLER, FT_ASPECT_ALL}},
    {"pathlib", "lstat", {CALLER, FT_ASPECT_ALL}},
    {"pathlib", "samefile", {CALLER, FT_ASPECT_ALL}},
    {"genericpath", "samefile", {CALLER, FT_ASPECT_ALL}},
    {"pathlib", "is_mount", {FT_ASPECT_FULL, FT_ASPECT_ALL}},
    {"pathlib", "owner", {FT_ASPECT_FULL, FT_ASPECT_ALL}},
    {"pathlib", "group", {FT_ASPECT_FULL, FT_ASPECT_ALL}},
    {"pathlib._os", NULL, {FT_ASPECT_FULL, FT_ASPECT_ALL}}, /* it copies times, too */
    {"pathlib", NULL, {PRESENCE_FOR_CALLER, CALLER}},
    {"glob", NULL, {FT_ASPECT_PRESENCE, CALLER}},
    {"os", "walk", {FT_ASPECT_PRESENCE, FT_ASPECT_ALL}},
    {"os", "_walk", {FT_ASPECT_PRESENCE, FT_ASPECT_ALL}},
    {"linecache", NULL, {FT_ASPECT_PRESENCE, FT_ASPECT_ALL}}, /* of a file that is read, too */
    {"_pytest.cacheprovider", NULL, {FT_ASPECT_FULL, FT_ASPECT_ALL}}, /* new ones first */
    {"_pytest._py.path", NULL, {FT_ASPECT_FULL, FT_ASPECT_ALL}}, /* on behalf of others */
    {"_pytest.pathlib", "scandir", {FT_ASPECT_COLLECT, CALLER}},
    {"_pytest.pathlib", "visit", {FT_ASPECT_COLLECT, FT_ASPECT_COLLECT}},
    {"_pytest.config", "filename_arg", {FT_ASPECT_COLLECT, FT_ASPECT_ALL}}, /* that it is no folder */
    {"_pytest.config", "_get_directory", {FT_ASPECT_COLLECT, FT_ASPECT_ALL}},
    {"_pytest.config", "_set_initial_conftests", {FT_ASPECT_PRESENCE, FT_ASPECT_COLLECT}}, /* of folders */
    {"_pytest.config", "_try_load_conftest", {FT_ASPECT_PRESENCE, FT_ASPECT_COLLECT}},
    {"_pytest.config", "<genexpr>", {FT_ASPECT_PRESENCE, FT_ASPECT_COLLECT}}, /* in these */
    {"_pytest.main", NULL, {FT_ASPECT_COLLECT, FT_ASPECT_COLLECT}},
    {"_pytest.python", NULL, {FT_ASPECT_COLLECT, FT_ASPECT_COLLECT}},
};

static struct {
    char *library, *own;
    char **tools;
    Py_ssize_t tool_count;
    int answers;
} roots;

static int begins_with(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static int is_installed(const char *name)
{
    return strstr(name, "/site-packages/") != NULL || strstr(name, "/dist-packages/") != NULL;
}

/* Whose a file is.  `module`: where the module's name begins in that of the file, if that says it. */
static enum owner owner_of(const char *name, const char **module)
{
    static const char frozen[] = "<frozen ";
    *module = NULL;
    if (begins_with(name, frozen))
        *module = name + sizeof frozen - 1;
    if (name[0] == '<')
        return *module != NULL ? LIBRARY : NAMELESS;
    if (begins_with(name, roots.own))
        return OWN;
    for (Py_ssize_t i = 0; i < roots.tool_count; i++) {
        size_t len = strlen(roots.tools[i]);
        if (len == 0 || strncmp(name, roots.tools[i], len) != 0)
            continue;
        *module = name + len - 1;
        while (*module > name && (*module)[-1] != '/')
            --*module;
        return TOOL;
    }
    if (!is_installed(name) &&
        begins_with(name, roots.library)) {
        *module = name + strlen(roots.library);
        return LIBRARY;
    }
    return PROJECT;
}

/* Whether the rest of a file's name is that of a module, or of a part of a package that stands for all of it. */
static int is_module(const char *rest, const char *wanted)
{
    size_t len = strlen(wanted);
    for (size_t i = 0; i < len; i++)
        if (rest[i] != wanted[i] && !(rest[i] == '/' && wanted[i] == '.'))
            return 0;
    rest += len;
    return strcmp(rest, ".py") == 0 || strcmp(rest, ">") == 0 ||
           (rest[0] == '/' && strchr(rest + 1, '/') == NULL);
}

static struct verdict judge(enum owner owner, const char *module, const char *function)
{
    for (size_t i = 0; module != NULL && i < sizeof rules / sizeof rules[0]; i++)
        if (is_module(module, rules[i].module) &&
            (rules[i].function == NULL || strcmp(rules[i].function, function) == 0))
            return rules[i].verdict;
    if (owner == TOOL || owner == OWN)
        return (struct verdict){FT_ASPECT_PRESENCE, FT_ASPECT_ALL};
    return all_of_it;
}

/*
 * Modules of the library by which others ask for the time, random numbers or free space; the rest asks for itself.
 * So does tempfile, but for the name of what is not made.
 */
static const char *const askers[] = {
    "datetime", "_pydatetime", "random", "secrets", "uuid", "email.utils", "gzip", "http.cookiejar", "http.server",
    "shutil",   "tarfile",     "zipfile",
};

static int asks_for_others(const char *module, const char *function)
{
    static const char *const names[] = {"rng", "__next__", "mktemp"};
    for (size_t i = 0; i < sizeof askers / sizeof askers[0]; i++)
        if (is_module(module, askers[i]))
            return 1;
    for (size_t i = 0; is_module(module, "tempfile") && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(function, names[i]) == 0)
            return 1;
    return 0;
}

/* ---- remembering it ---- */

/* What is known of a code object, which is kept alive, so that none other gets its address. */
struct known {
    PyCodeObject *code;
    enum owner owner;
    struct verdict verdict;
    uint8_t installed; /* a part of a package that is */
    uint8_t imports;   /* the machinery of imports, that of the library or of pytest */
    uint8_t for_others, for_itself; /* what it asks for that is another each time */
    uint8_t by_date;                /* of the time only the date */
};

static struct {
    struct known *slots;
    size_t size, count; /* a power of two; at most half of them are used */
} cache;

static struct known *slot_of(struct known *slots, size_t size, const PyCodeObject *code)
{
    size_t at = ((size_t)code >> 4) * (size_t)0x9E3779B97F4A7C15u;
    at = (at >> 20) & (size - 1);
    while (slots[at].code != NULL && slots[at].code != code)
        at = (at + 1) & (size - 1);
    return &slots[at];
}

static int make_room(void)
{
    if (cache.count * 2 < cache.size)
        return 0;
    size_t size = cache.size == 0 ? 1024 : cache.size * 2;
    struct known *slots = PyMem_RawCalloc(size, sizeof *slots);
    if (slots == NULL)
        return -1;
    for (size_t i = 0; i < cache.size; i++)
        if (cache.slots[i].code != NULL)
            *slot_of(slots, size, cache.slots[i].code) = cache.slots[i];
    PyMem_RawFree(cache.slots);
    cache.slots = slots;
    cache.size = size;
    return 0;
}

static struct known look_at(PyCodeObject *code)
{
    struct known found = {.code = code, .owner = NAMELESS, .verdict = all_of_it};
    const char *module, *name = PyUnicode_AsUTF8(code->co_filename);
    const char *function = name == NULL ? NULL : PyUnicode_AsUTF8(code->co_name);
    if (function == NULL) { /* names that are no UTF-8 */
        PyErr_Clear();
        return found;
    }
    found.owner = owner_of(name, &module);
    found.verdict = judge(found.owner, module, function);
    found.installed = found.owner == PROJECT && is_installed(name);
    found.imports = (found.owner == LIBRARY && module != NULL && begins_with(module, "importlib")) ||
                    (found.owner == TOOL && module != NULL && is_module(module, "_pytest.assertion.rewrite"));
    found.for_others = found.owner == LIBRARY && module != NULL && asks_for_others(module, function);
    found.by_date = strstr(name, "/dateutil/parser/") != NULL; /* what a text leaves open */
    found.for_itself = found.owner == LIBRARY && !found.for_others && module != NULL && is_module(module, "tempfile");
    return found;
}

static struct known known_of(PyFrameObject *frame)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    struct known found = {.code = code, .owner = NAMELESS, .verdict = all_of_it};
    if (make_room() == 0) {
        struct known *slot = slot_of(cache.slots, cache.size, code);
        if (slot->code == NULL) {
            *slot = look_at(code);
            Py_INCREF(code);
            cache.count++;
        }
        found = *slot;
    }
    Py_DECREF(code); /* the frame has it */
    return found;
}

/* ---- looking at frames ---- */

struct look {
    PyThreadState *state;
    int taken; /* the lock, for it */
    struct core_error error;
    int collecting; /* garbage */
};

/* Whether only this thread can have the lock. */
static int is_alone(PyThreadState *state)
{
    return PyInterpreterState_ThreadHead(PyThreadState_GetInterpreter(state)) == state &&
           PyThreadState_Next(state) == NULL;
}

/* Returns 1, 0 if no Python code runs in this thread, or -1 if it cannot be looked at. */
static int begin_look(struct look *look)
{
    look->state = PyGILState_GetThisThreadState();
    if (look->state == NULL || core_is_finalizing() || PyInterpreterState_Next(PyInterpreterState_Head()) != NULL)
        return 0;
    look->taken = core_current_state() != look->state;
    if (look->taken) {
        if (!is_alone(look->state))
            return -1;
        PyEval_RestoreThread(look->state);
    }
    look->error = core_put_error_by();
    look->collecting = core_stop_collecting();
    return 1;
}

static void end_look(struct look *look)
{
    core_collect_again(look->collecting);
    core_put_error_back(&look->error);
    if (look->taken)
        PyEval_SaveThread();
}

/* Where the latest line was asked for; the cache keeps the code. */
static struct {
    PyCodeObject *code;
    int instruction, line;
} latest;

/* Go from a frame to its caller's. */
static PyFrameObject *caller_of(PyFrameObject *frame)
{
    PyFrameObject *caller = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    return caller;
}

static unsigned aspect_from(PyFrameObject *frame, enum ft_trace_kind kind)
{
    unsigned answer = CALLER;
    int passed_on = 0;
    while (frame != NULL && answer == CALLER) {
        struct known known = known_of(frame);
        answer = kind == FT_TRACE_LIST ? known.verdict.list : known.verdict.status;
        if (passed_on && known.owner != LIBRARY && answer != FT_ASPECT_COLLECT)
            answer = FT_ASPECT_PRESENCE;
        if (answer == PRESENCE_FOR_CALLER || (passed_on && known.owner == LIBRARY)) {
            passed_on = 1;
            answer = CALLER;
        }
        frame = caller_of(frame);
    }
    Py_XDECREF(frame);
    return passed_on && answer == CALLER ? FT_ASPECT_PRESENCE : answer;
}

enum ft_trace_aspect frames_aspect(enum ft_trace_kind kind)
{
    enum ft_trace_aspect fallback = kind == FT_TRACE_LIST ? FT_ASPECT_ALL : FT_ASPECT_FULL;
    unsigned answer = CALLER;
    struct look look;
    if (begin_look(&look) <= 0)
        return fallback;
    if (roots.answers)
        answer = aspect_from(PyThreadState_GetFrame(look.state), kind);
    end_look(&look);
    return answer == CALLER ? fallback : (enum ft_trace_aspect)answer;
}

/* The line that a frame is at; a line of imports has many files looked for, and takes long to find. */
static int line_of(PyFrameObject *frame, PyCodeObject *code)
{
    int instruction = core_frame_instruction(frame);
    if (latest.code != code || latest.instruction != instruction) {
        latest.code = code;
        latest.instruction = instruction;
        latest.line = PyFrame_GetLineNumber(frame);
    }
    return latest.line;
}

/* Write a place in a project or package; it is in the cache. */
static void print_place(char *buffer, size_t size, PyFrameObject *frame, PyCodeObject *code)
{
    int len = snprintf(buffer, size, "%s:%d", PyUnicode_AsUTF8(code->co_filename), line_of(frame, code));
    if (len < 0 || (size_t)len >= size)
        buffer[0] = '\0';
}

/* Begin to look for somebody.  Returns whether it can be found out who it is; if not, what is known is written. */
static int begin_search(struct look *look, char *buffer, size_t size)
{
    int begun = begin_look(look);
    snprintf(buffer, size, "%s", begun < 0 ? FRAMES_THREAD : "");
    return begun > 0;
}

void frames_who(char *buffer, size_t size)
{
    struct look look;
    if (!begin_search(&look, buffer, size))
        return;
    PyFrameObject *frame = roots.answers ? PyThreadState_GetFrame(look.state) : NULL;
    while (frame != NULL) {
        struct known known = known_of(frame);
        if (known.owner == PROJECT) {
            print_place(buffer, size, frame, known.code);
            break;
        }
        frame = caller_of(frame);
    }
    Py_XDECREF(frame);
    end_look(&look);
}

/* Whether nobody who asks for himself can be further out than this frame. */
static int is_end(const struct known *known, int is_first)
{
    switch (known->owner) {
    case PROJECT:
        return !known->installed;
    case LIBRARY:
        return known->imports || known->for_itself || (is_first && !known->for_others);
    case NAMELESS:
        return 0;
    case TOOL:
    case OWN:
        break;
    }
    return 1;
}

static void add_suffix(char *buffer, size_t size, const char *suffix)
{
    size_t len = strlen(buffer), suffix_len = strlen(suffix);
    if (len > 0 && len + suffix_len < size)
        memcpy(buffer + len, suffix, suffix_len + 1);
}

/* A package asks for itself while it is imported and in its hooks, otherwise for its caller. */
void frames_asker(const char *what, char *buffer, size_t size)
{
    int for_itself = strcmp(what, "process") == 0; /* all of the library */
    struct look look;
    int is_first = 1, by_date = 0, imports = 0;
    if (!begin_search(&look, buffer, size))
        return;
    PyFrameObject *frame = roots.answers ? PyThreadState_GetFrame(look.state) : NULL;
    while (frame != NULL) {
        struct known known = known_of(frame);
        if (known.owner == PROJECT && (!known.installed || buffer[0] == '\0'))
            print_place(buffer, size, frame, known.code);
        by_date |= known.by_date;
        imports = known.imports;
        if (is_end(&known, is_first) || (is_first && for_itself && known.owner == LIBRARY))
            break;
        is_first = 0;
        frame = caller_of(frame);
    }
    if (by_date || imports)
        add_suffix(buffer, size, by_date ? FRAMES_DATE : FRAMES_IMPORT);
    Py_XDECREF(frame);
    end_look(&look);
}

/* ---- beginning and end ---- */

static void forget_roots(void)
{
    PyMem_RawFree(roots.library);
    PyMem_RawFree(roots.own);
    for (Py_ssize_t i = 0; i < roots.tool_count; i++)
        PyMem_RawFree(roots.tools[i]);
    PyMem_RawFree(roots.tools);
    memset(&roots, 0, sizeof roots);
}

static char *copy_of(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = PyMem_RawMalloc(size);
    return copy == NULL ? (char *)PyErr_NoMemory() : memcpy(copy, text, size);
}

static void forget_code(void)
{
    struct known *slots = cache.slots;
    size_t size = cache.size;
    memset(&cache, 0, sizeof cache);
    for (size_t i = 0; i < size; i++)
        Py_XDECREF(slots[i].code);
    PyMem_RawFree(slots);
}

int frames_begin(const char *library, PyObject *tools, const char *own)
{
    frames_end();
    forget_code();
    roots.library = copy_of(library);
    roots.own = copy_of(own);
    Py_ssize_t count = PyTuple_GET_SIZE(tools);
    roots.tools = PyMem_RawCalloc((size_t)count + 1, sizeof *roots.tools);
    int wrong = roots.library == NULL || roots.own == NULL || roots.tools == NULL;
    for (Py_ssize_t i = 0; !wrong && i < count; i++) {
        const char *prefix = PyUnicode_AsUTF8(PyTuple_GET_ITEM(tools, i));
        roots.tools[i] = prefix == NULL ? NULL : copy_of(prefix);
        wrong = roots.tools[i] == NULL;
        roots.tool_count = i + 1;
    }
    if (wrong) {
        forget_roots();
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        return -1;
    }
    roots.answers = 1;
    return 0;
}

/*
 * The code in the cache is kept until another begin: much of it is nobody else's by now, and a process that was forked
 * would copy the pages of all of it only to let go of it.
 */
void frames_end(void)
{
    roots.answers = 0;
    memset(&latest, 0, sizeof latest);
    forget_roots();
}

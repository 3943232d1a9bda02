/*
 * Libraries that go, and those that were not found or cannot be loaded: only the loader knows of these, and says so to
 * who asks what went wrong, as Python does each time.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "trace/interpose.h"
#include "trace/loaded.h"

INTERPOSED(int, dlclose, (void *library))
{
    if (recorder_is_on())
        loaded_record();
    return REAL(dlclose)(library);
}

/* Record of which library an error speaks: "NAME: cannot open shared object file: ..." */
static void record_error(const char *error)
{
    const char *colon = strchr(error, ':');
    char name[PATH_MAX];
    if (colon == NULL || (size_t)(colon - error) >= sizeof name || strstr(colon, ": undefined symbol: ") != NULL)
        return; /* who looks for a symbol has a library */
    snprintf(name, sizeof name, "%.*s", (int)(colon - error), error);
    loaded_not(name);
}

INTERPOSED(char *, dlerror, (void))
{
    char *error = REAL(dlerror)();
    if (error != NULL && recorder_is_on())
        record_error(error);
    return error;
}

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

/* "NAME: cannot open shared object file: ..." */
INTERPOSED(char *, dlerror, (void))
{
    char *error = REAL(dlerror)();
    const char *colon = error == NULL ? NULL : strchr(error, ':');
    char name[PATH_MAX];
    if (recorder_is_on() && colon != NULL && (size_t)(colon - error) < sizeof name) {
        snprintf(name, sizeof name, "%.*s", (int)(colon - error), error);
        loaded_not(name);
    }
    return error;
}

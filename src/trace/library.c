/* The library as it is loaded, and as it is used. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/interpose.h"
#include "trace/loaded.h"
#include "trace/pretend.h"

__attribute__((visibility("default"))) const struct ft_trace_library *ft_trace_library(void);

/* ---- the functions behind ours ---- */

/* The linker knows where the section is. */
extern struct interpose_real __start_interpose_reals[] __attribute__((visibility("hidden")));
extern struct interpose_real __stop_interpose_reals[] __attribute__((visibility("hidden")));

interpose_any *interpose_look_up(struct interpose_real *real)
{
    void *found = dlsym(RTLD_NEXT, real->name);
    memcpy(&real->function, &found, sizeof found);
    return real->function;
}

/* ---- LD_PRELOAD ---- */

/* Take this library's name off the end of a value.  Returns whether it is there. */
static bool take_out(char *value, const char *name, bool *empty)
{
    size_t len = strlen(value), name_len = strlen(name);
    if (len < name_len || strcmp(value + len - name_len, name) != 0)
        return false;
    *empty = len == name_len;
    if (!*empty) {
        if (value[len - name_len - 1] != ':')
            return false;
        value[len - name_len - 1] = '\0';
    }
    return true;
}

/* Be as if nobody had asked for this library: what stands before it, after a colon, is the user's. */
static void hide(void)
{
    static const char variable[] = "LD_PRELOAD=";
    Dl_info own;
    bool empty;
    if (environ == NULL || dladdr(&recorder_on, &own) == 0 || own.dli_fname == NULL)
        return;
    for (char **at = environ; *at != NULL;) {
        bool found = strncmp(*at, variable, sizeof variable - 1) == 0 &&
                     take_out(*at + sizeof variable - 1, own.dli_fname, &empty);
        if (found && empty)
            for (char **next = at; *next != NULL; next++)
                next[0] = next[1];
        else
            at++;
    }
}

__attribute__((constructor)) static void load(void)
{
    /* Not later: a child of vfork or a signal handler must not have to look for them. */
    for (struct interpose_real *real = __start_interpose_reals; real < __stop_interpose_reals; real++)
        interpose_look_up(real);
    dlerror(); /* nobody is to find what was said of those that are not there */
    if (pthread_atfork(NULL, NULL, recorder_in_child) != 0)
        recorder_miss();
    hide();
}

/* ---- its use ---- */

static void start(const struct ft_trace_callbacks *callbacks)
{
    recorder_stop();
    recorder_forget();
    loaded_begin();
    recorder_start(callbacks);
}

static void stop(void)
{
    if (recorder_is_on())
        loaded_record();
    recorder_stop();
}

static void hold(int hold)
{
    if (hold && recorder_is_on())
        loaded_record();
    recorder_hold(hold != 0);
}

const struct ft_trace_library *ft_trace_library(void)
{
    static const struct ft_trace_library library = {
        FT_TRACE_VERSION, start,           stop,            hold,          recorder_anew, recorder_count,
        recorder_entry,   recorder_missed, recorder_forget, pretend_begin, pretend_end,
    };
    return &library;
}

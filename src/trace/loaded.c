#include "trace/loaded.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/recorder.h"

static struct ft_record known = FT_RECORD_INIT; /* those that were there before, or were recorded */

static struct ft_record_key key_of(const struct dl_phdr_info *info)
{
    return ft_record_key(FT_TRACE_READ, FT_ASPECT_NONE, info->dlpi_name, strlen(info->dlpi_name));
}

static int remember(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    struct ft_record_key key = key_of(info);
    if (ft_record_find(&known, &key) == NULL && ft_record_add(&known, &key, 0, "") < 0)
        recorder_miss();
    return 0;
}

static int record_new(struct dl_phdr_info *info, size_t size, void *unused)
{
    struct ft_record_key key = key_of(info);
    if (ft_record_find(&known, &key) != NULL)
        return 0;
    recorder_library(info->dlpi_name);
    return remember(info, size, unused);
}

/* ---- where others are looked for ---- */

static Dl_serinfo *searched; /* the folders; NULL: not known */

/* The folders stay the same for as long as the process lives.  To be asked for while nobody waits for dlerror(). */
static void learn_folders(void)
{
    Dl_serinfo size;
    void *program = searched == NULL ? dlopen(NULL, RTLD_LAZY) : NULL;
    if (program == NULL || dlinfo(program, RTLD_DI_SERINFOSIZE, &size) < 0)
        return;
    Dl_serinfo *folders = malloc(size.dls_size);
    if (folders == NULL || dlinfo(program, RTLD_DI_SERINFOSIZE, folders) < 0 ||
        dlinfo(program, RTLD_DI_SERINFO, folders) < 0)
        free(folders);
    else
        searched = folders;
}

void loaded_not(const char *name)
{
    char path[PATH_MAX];
    if (strchr(name, '/') != NULL) {
        recorder_aspect(FT_TRACE_READ, FT_ASPECT_NONE, AT_FDCWD, name, 0);
        return;
    }
    recorder_aspect(FT_TRACE_READ, FT_ASPECT_NONE, AT_FDCWD, "/etc/ld.so.cache", 0);
    for (size_t i = 0; searched != NULL && i < searched->dls_cnt; i++) {
        int len = snprintf(path, sizeof path, "%s/%s", searched->dls_serpath[i].dls_name, name);
        if (len > 0 && (size_t)len < sizeof path)
            recorder_aspect(FT_TRACE_STATUS, FT_ASPECT_PRESENCE, AT_FDCWD, path, ENOENT);
    }
}

/* ---- beginning ---- */

void loaded_begin(void)
{
    ft_record_clear(&known);
    learn_folders();
    dl_iterate_phdr(remember, NULL);
}

void loaded_record(void)
{
    dl_iterate_phdr(record_new, NULL);
}

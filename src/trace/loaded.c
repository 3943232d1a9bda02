#include "trace/loaded.h"

#include <link.h>
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

void loaded_begin(void)
{
    ft_record_clear(&known);
    dl_iterate_phdr(remember, NULL);
}

void loaded_record(void)
{
    dl_iterate_phdr(record_new, NULL);
}

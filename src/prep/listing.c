#include "prep/listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "prep/filestat.h"

/* ---- what counts ---- */

static enum ft_listed listed_as(unsigned char type)
{
    switch (type) {
    case DT_DIR:
        return FT_LISTED_FOLDER;
    case DT_LNK:
    case DT_UNKNOWN:
        return FT_LISTED_EITHER;
    case DT_REG:
        return FT_LISTED_FILE;
    default:
        return FT_LISTED_SPECIAL;
    }
}

static bool may_be_folder(unsigned char type)
{
    return type == DT_DIR || listed_as(type) == FT_LISTED_EITHER;
}

static bool may_be_regular(unsigned char type)
{
    return type == DT_REG || type == DT_LNK || type == DT_UNKNOWN;
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t len = strlen(name), suffix_len = strlen(suffix);
    return len >= suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static bool is_byte_code(const char *name)
{
    return strcmp(name, "__pycache__") == 0;
}

/* Also a process's part of the data, or a journal; .coveragerc is the user's. */
static bool is_coverage_data(const char *name)
{
    static const char begin[] = ".coverage";
    return strncmp(name, begin, sizeof begin - 1) == 0 && strcmp(name, ".coveragerc") != 0;
}

/* Whether it could be the name of a package; of letters beyond ASCII all are taken for such. */
static bool is_identifier(const char *name)
{
    bool plain = name[0] < '0' || name[0] > '9';
    for (const char *at = name; *at != '\0'; at++) {
        if ((unsigned char)*at >= 0x80)
            return true;
        plain = plain && ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ||
                          *at == '_');
    }
    return plain;
}

enum ft_listed ft_counts_but_byte_code(const char *name, unsigned char type)
{
    (void)type;
    return is_byte_code(name) ? FT_LISTED_NOT : FT_LISTED_NAME;
}

enum ft_listed ft_counts_module(const char *name, unsigned char type)
{
    /* importlib looks for what is behind the last dot of a module's name: Emacs' lock .#x.py is none. */
    if (name[0] == '.' || is_byte_code(name))
        return FT_LISTED_NOT;
    bool counts = (may_be_folder(type) && is_identifier(name)) ||
                  (may_be_regular(type) &&
                   (ends_with(name, ".py") || ends_with(name, ".pyc") || ends_with(name, ".so")));
    return counts ? listed_as(type) : FT_LISTED_NOT;
}

enum ft_listed ft_counts_test(const char *name, unsigned char type)
{
    /* Emacs' lock is a link that leads nowhere. */
    if (type == DT_LNK && strncmp(name, ".#", 2) == 0)
        return FT_LISTED_NOT;
    bool counts = (may_be_folder(type) && name[0] != '.' && !is_byte_code(name)) ||
                  (may_be_regular(type) && (ends_with(name, ".py") || ends_with(name, ".txt")));
    return counts ? listed_as(type) : FT_LISTED_NOT;
}

enum ft_listed ft_counts_all(const char *name, unsigned char type)
{
    bool counts = !is_byte_code(name) && strcmp(name, ".pytest_cache") != 0 && strcmp(name, ".hypothesis") != 0 &&
                  !is_coverage_data(name);
    return counts ? listed_as(type) : FT_LISTED_NOT;
}

/* ---- reading a folder ---- */

static struct dirent *next_entry(DIR *folder)
{
    struct dirent *entry;
    do
        entry = readdir(folder);
    while (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    return entry;
}

static uint64_t listing(const char *path, ft_counts *counts, bool in_order)
{
    uint64_t sum = 1;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry; (entry = next_entry(folder)) != NULL;) {
        enum ft_listed as = counts(entry->d_name, entry->d_type);
        if (as == FT_LISTED_NOT)
            continue;
        sum *= in_order ? XXH_PRIME64_1 : 1;
        sum += XXH3_64bits_withSeed(entry->d_name, strlen(entry->d_name), as);
    }
    closedir(folder);
    return sum;
}

uint64_t ft_listing_names(const char *path, ft_counts *counts)
{
    return listing(path, counts, false);
}

uint64_t ft_listing_order(const char *path, ft_counts *counts)
{
    return listing(path, counts, true);
}

/*
 * When an entry was changed, or made if it is a folder: the first import makes the byte code's folder in each
 * package's, which changes that one.
 */
static int64_t age_of(int folder, const char *name)
{
    struct statx st;
    if (statx(folder, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_CTIME | STATX_BTIME, &st) < 0)
        return INT64_MIN;
    const struct statx_timestamp *time = &st.stx_ctime;
    if (S_ISDIR(st.stx_mode) && st.stx_mask & STATX_BTIME)
        time = &st.stx_btime;
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

struct ft_listing_youth ft_listing_youth(const char *path, ft_counts *counts, int64_t since)
{
    struct ft_listing_youth young = {false, false};
    DIR *folder = opendir(path);
    if (folder == NULL)
        return young;
    for (struct dirent *entry; !young.counted && (entry = next_entry(folder)) != NULL;) {
        bool is_young = ft_time_past(age_of(dirfd(folder), entry->d_name)) > since;
        if (counts(entry->d_name, entry->d_type) == FT_LISTED_NOT)
            young.other = young.other || is_young;
        else
            young.counted = is_young;
    }
    closedir(folder);
    return young;
}

#include "cli/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/exitcode.h"

enum { NAME_LEN = 16 };

/* Whether this is a file of a daemon's: sixteen hexadecimal digits, a dot, and what it is. */
static bool is_ours(const char *name)
{
    static const char *const suffixes[] = {".sock", ".lock", ".log", ".new"};
    if (strspn(name, "0123456789abcdef") != NAME_LEN)
        return false;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (strcmp(name + NAME_LEN, suffixes[i]) == 0)
            return true;
    return false;
}

int ft_cleanup(const struct ft_place *place)
{
    int removed = 0;
    DIR *folder = opendir(place->path);
    if (folder == NULL) {
        fprintf(stderr, "fleetest: cannot read %s: %s\n", place->path, strerror(errno));
        return FT_EXIT_SYSTEM;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (!is_ours(entry->d_name))
            continue;
        struct ft_place one = {.folder = place->folder};
        memcpy(one.name, entry->d_name, NAME_LEN);
        int lock = ft_place_lock(&one); /* makes the file if there is none, so that nobody starts meanwhile */
        if (lock < 0)
            continue;
        if (unlinkat(place->folder, entry->d_name, 0) == 0)
            removed++;
        ft_place_clear(&one);
        close(lock);
    }
    closedir(folder);
    printf("%d file%s removed from %s\n", removed, removed == 1 ? "" : "s", place->path);
    return 0;
}

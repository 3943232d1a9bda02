/* A daemon's place in a temporary folder. */
#ifndef TESTS_UNIT_OPENED_PLACE_H
#define TESTS_UNIT_OPENED_PLACE_H

#include "daemon/place.h"
#include "scratch.h"

static const char python[] = "/usr/bin/python3";

/* The place in a folder of the scratch folder. */
static inline struct ft_place open_place(struct scratch *scratch, const char *folder, const char *interpreter)
{
    struct ft_place place;
    char problem[256] = "";
    int err = ft_place_open(&place, scratch_path(scratch, folder), interpreter, problem, sizeof problem);
    assert_string_equal(problem, "");
    assert_int_equal(err, 0);
    return place;
}

static inline unsigned files_in(const struct ft_place *place)
{
    DIR *folder = opendir(place->path);
    unsigned count = 0;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    assert_int_equal(closedir(folder), 0);
    return count;
}

#endif

/* Whether two requests ask for the same.  Without cmocka, for the fuzz targets too. */
#ifndef TESTS_UNIT_SAME_REQUEST_H
#define TESTS_UNIT_SAME_REQUEST_H

#include <string.h>

#include "wire/request.h"

static inline bool same_texts(const struct ft_texts *a, const struct ft_texts *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!ft_text_equal(a->items[i], b->items[i]))
            return false;
    return true;
}

static inline bool same_request(const struct ft_request *a, const struct ft_request *b)
{
    return ft_text_equal(a->build, b->build) && ft_text_equal(a->command, b->command) &&
           ft_text_equal(a->folder, b->folder) && same_texts(&a->args, &b->args) &&
           same_texts(&a->environ, &b->environ) && a->umask == b->umask && a->nice == b->nice &&
           a->ignored == b->ignored && a->blocked == b->blocked &&
           memcmp(a->limits, b->limits, sizeof a->limits) == 0 && a->fd_count == b->fd_count &&
           (a->fd_count == 0 || memcmp(a->fds, b->fds, a->fd_count * sizeof *a->fds) == 0);
}

#endif

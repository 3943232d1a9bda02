/* Whether two requests ask for the same.  Without cmocka, for the fuzz targets too. */
#ifndef TESTS_UNIT_SAME_REQUEST_H
#define TESTS_UNIT_SAME_REQUEST_H

#include <string.h>

#include "wire/request.h"

static inline bool same_request(const struct ft_request *a, const struct ft_request *b)
{
    return ft_text_equal(a->build, b->build) && ft_text_equal(a->command, b->command) &&
           ft_text_equal(a->folder, b->folder) && ft_texts_equal(&a->args, &b->args) &&
           ft_texts_equal(&a->environ, &b->environ) && a->umask == b->umask && a->nice == b->nice &&
           a->ignored == b->ignored && a->blocked == b->blocked &&
           memcmp(a->limits, b->limits, sizeof a->limits) == 0 &&
           memcmp(a->terminals, b->terminals, sizeof a->terminals) == 0 && a->fd_count == b->fd_count &&
           (a->fd_count == 0 || memcmp(a->fds, b->fds, a->fd_count * sizeof *a->fds) == 0);
}

#endif

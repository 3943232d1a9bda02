/* What this process has from whoever started it, as a run that takes place elsewhere has to have it too. */
#ifndef FT_CLI_CALLER_H
#define FT_CLI_CALLER_H

#include "wire/request.h"

struct ft_caller {
    struct ft_request request;
    char build[128];
    char command[4096];
    char folder[4096];
};

/*
 * Look at this process: before it has opened anything, so that the descriptors are those that it was given.  Returns 0
 * or a negative errno: -EMFILE if there are more descriptors than can be sent.
 */
int ft_caller_init(struct ft_caller *caller, char **args);

void ft_caller_release(struct ft_caller *caller);

#endif

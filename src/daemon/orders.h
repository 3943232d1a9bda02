/* What parked processes are told to do.  All return 0 or more, or a negative errno; none waits. */
#ifndef FT_DAEMON_ORDERS_H
#define FT_DAEMON_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/*
 * Fork the controller of a run, by a message of this type: FT_MSG_START_RUN or one like it.  `request`: the payload of
 * FT_MSG_ASK; `how` the run starts, for its header line; `fds`: what came with the request.  -EAGAIN: the process does
 * not take messages any more.
 */
int ft_order_run(int sock, const struct ft_buf *request, unsigned type, uint32_t number, const char *how,
                 const int *fds, size_t count);

/* Fork a process that prepares for such a request.  Returns our end of a socket pair with it. */
int ft_order_prepare(int sock, const struct ft_buf *request);

/* Fork a process that collects the tests of such a request.  Returns our end of a socket pair with it. */
int ft_order_collect(int sock, const struct ft_buf *request, const char *changed);

/* The child that stands by, with this pid, has taken the order of a run. */
int ft_order_told(int sock, pid_t pid);

/* Import the plugins. */
int ft_order_import(int sock);

#endif

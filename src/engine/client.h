/*
 * The client of a run by way of the daemon, which the terminal belongs to.  It is asked whether it is in the
 * foreground, and says when it stops, goes on, and when the window has another size.
 */
#ifndef FT_ENGINE_CLIENT_H
#define FT_ENGINE_CLIENT_H

#include <stdbool.h>

struct ft_engine;

struct ft_client {
    bool asked;      /* whether it is in the foreground, and has not answered yet */
    bool foreground; /* it has answered so, and that was not yet made use of */
};

/* Whether it is in the foreground now: false until it has answered; then true once.  Asks it if need be. */
bool ft_client_in_foreground(struct ft_engine *engine);

/* It has sent something.  Returns 0, -EPIPE if it is gone, or what a callback returned. */
int ft_client_hear(struct ft_engine *engine);

/* Tell it that all workers have stopped. */
void ft_client_suspended(struct ft_engine *engine);

#endif

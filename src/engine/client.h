/*
 * The client of a run by way of the daemon, which the terminal belongs to.  It is asked whether it is in the
 * foreground, and says when it stops, goes on, and when the window has another size.
 */
#ifndef FT_ENGINE_CLIENT_H
#define FT_ENGINE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

struct ft_engine;

struct ft_client {
    bool asked;        /* whether it is in the foreground, and has not answered yet */
    bool foreground;   /* it has answered so in this round of the loop */
    uint64_t asked_at; /* when it was last asked, in ms of the monotonic clock */
};

/* Whether it is in the foreground: false until it has answered.  Asks it if need be, some ten times a second. */
bool ft_client_in_foreground(struct ft_engine *engine);

/* It has sent something.  Returns 0, 1 if it is gone, or what a callback returned. */
int ft_client_hear(struct ft_engine *engine);

/* Tell it that all workers have stopped. */
void ft_client_suspended(struct ft_engine *engine);

#endif

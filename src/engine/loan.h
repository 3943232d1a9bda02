/*
 * The loan of the terminal: who waits for it, who has it.  Requests come in the order of everything else that a worker
 * sends, so what it wrote before is shown before.
 */
#ifndef FT_ENGINE_LOAN_H
#define FT_ENGINE_LOAN_H

#include "engine/engine.h"

/* The worker asks for the terminal. */
void ft_loan_wanted(struct ft_engine *engine, struct ft_worker *worker);

/* The kernel stopped the worker with `signal`.  Returns 0 or -ENOMEM. */
int ft_loan_stopped(struct ft_engine *engine, struct ft_worker *worker, int signal);

/* The session has heard all that the worker sent before it was stopped for reading from the terminal. */
void ft_loan_stop_told(struct ft_engine *engine, struct ft_worker *worker);

/*
 * The client stops, as Ctrl-Z was pressed: stop the workers, and tell it when that is done.  One that has the terminal
 * is sent SIGTSTP, so that it can put the terminal in order.
 */
void ft_loan_pause(struct ft_engine *engine);

/* The client goes on; so do the workers.  Returns 0 or what the session's callback did. */
int ft_loan_resume(struct ft_engine *engine, bool foreground);

/* Lend the terminal to the next worker that waits for it.  Returns 0 or what the session's callback did. */
int ft_loan_serve(struct ft_engine *engine);

/* Take the terminal back from whoever has it.  Returns 0 or what the session's callback did. */
int ft_loan_end(struct ft_engine *engine);

#endif

/* How a run ended, and what the command makes of it. */
#ifndef FT_CLI_OUTCOME_H
#define FT_CLI_OUTCOME_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "wire/frame.h"

struct ft_outcome {
    bool ended; /* the end-of-run message came */
    int code;   /* that it carried */
    int fatal;  /* SIGTERM, SIGHUP or another signal that the command has to die of; 0: none */
};

/* Take in what the controller has sent; true: the end-of-run message has come. */
bool ft_outcome_take(struct ft_outcome *outcome, const struct ft_message_view *message);

/* The same for a packet that waits on the pair, if there is one. */
bool ft_outcome_read(struct ft_outcome *outcome, int pair);

/* The exit code, with a message if the run was not over; `status` is the controller's, as of waitpid. */
int ft_outcome_exit_code(const struct ft_outcome *outcome, int status);

/* The message and exit code for a session that was killed; 0: it is not known by which signal. */
int ft_outcome_killed(int number);

/* Die of a signal. */
void ft_outcome_die(int number, const sigset_t *before);

/* Print that the operating system refused something; the exit code for it. */
int ft_outcome_system(const char *what, int err);

#endif

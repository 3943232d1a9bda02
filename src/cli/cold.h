/* Why a run does not come from the daemon. */
#ifndef FT_CLI_COLD_H
#define FT_CLI_COLD_H

struct ft_cold {
    char reason[256]; /* for the header line */
    char advice[128]; /* a command that the user should run; empty: there is nothing to do */
};

/* Note the reason, and return -1. */
int ft_cold_because(struct ft_cold *cold, const char *advice, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

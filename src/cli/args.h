/* The few options that the native command reads itself; everything else is pytest's and passed on untouched. */
#ifndef FT_CLI_ARGS_H
#define FT_CLI_ARGS_H

#include <stdbool.h>

struct ft_args {
    const char *python; /* --python PATH, or NULL */
    bool version;       /* --version, given once */
    const char *cold;   /* --cold or --no-daemon, as it was given, or NULL */
    const char *idle;   /* --daemon-idle-timeout SECONDS, or NULL */
    const char *memory; /* --daemon-memory MEGABYTES, or NULL */
    char **rest;        /* what is passed on, NULL-terminated; points into argv */
    int rest_len;
    const char *error;  /* what is wrong, without the name of the command; NULL: nothing */
};

/*
 * The value of `--name VALUE` or `--name=VALUE` at argv[*at], which is then where the value was; empty if there is
 * none, NULL if it is another option.
 */
const char *ft_args_value(const char *name, int argc, char **argv, int *at);

/* Sort out argv[1..].  `rest` must have room for argc pointers. */
void ft_args_parse(struct ft_args *args, int argc, char **argv, char **rest);

#endif

#include "cli/args.h"

#include <stddef.h>
#include <string.h>

void ft_args_parse(struct ft_args *args, int argc, char **argv, char **rest)
{
    static const char option[] = "--python=";
    bool ours = true;
    int versions = 0;
    *args = (struct ft_args){.rest = rest};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            ours = false;
        if (ours && strcmp(argv[i], "--python") == 0) {
            if (i + 1 == argc || argv[i + 1][0] == '\0')
                args->error = "--python needs the path of an interpreter";
            else
                args->python = argv[++i];
            continue;
        }
        if (ours && strncmp(argv[i], option, sizeof option - 1) == 0) {
            args->python = argv[i] + sizeof option - 1;
            if (args->python[0] == '\0')
                args->error = "--python needs the path of an interpreter";
            continue;
        }
        if (ours && strcmp(argv[i], "--no-daemon") == 0) {
            args->no_daemon = true;
            continue;
        }
        if (ours && (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0))
            versions++;
        rest[args->rest_len++] = argv[i];
    }
    rest[args->rest_len] = NULL;
    args->version = versions == 1;
}

#include "cli/args.h"

#include <stddef.h>
#include <string.h>

/* Options of ours that have a value, which may come behind an equals sign or as the next argument. */
static const struct {
    const char *name;
    const char *error;
    size_t field; /* of struct ft_args */
} valued[] = {
    {"--python", "--python needs the path of an interpreter", offsetof(struct ft_args, python)},
    {"--daemon-idle-timeout", "--daemon-idle-timeout needs a number of seconds; 0: never",
     offsetof(struct ft_args, idle)},
    {"--daemon-memory", "--daemon-memory needs a number of megabytes; 0: no limit", offsetof(struct ft_args, memory)},
};

const char *ft_args_value(const char *name, int argc, char **argv, int *at)
{
    size_t len = strlen(name);
    if (strncmp(argv[*at], name, len) != 0)
        return NULL;
    if (argv[*at][len] == '=')
        return argv[*at] + len + 1;
    if (argv[*at][len] != '\0')
        return NULL;
    return *at + 1 < argc ? argv[++*at] : "";
}

/* Whether argv[*at] is one of these; then *at is where its value was. */
static bool take_valued(struct ft_args *args, int argc, char **argv, int *at)
{
    for (size_t i = 0; i < sizeof valued / sizeof valued[0]; i++) {
        const char *value = ft_args_value(valued[i].name, argc, argv, at);
        if (value == NULL)
            continue;
        if (value[0] == '\0')
            args->error = valued[i].error;
        else
            memcpy((char *)args + valued[i].field, &value, sizeof value);
        return true;
    }
    return false;
}

/* Whether it says that the daemon shall not be asked. */
static bool is_cold(const char *arg)
{
    return strcmp(arg, "--cold") == 0 || strcmp(arg, "--no-daemon") == 0;
}

void ft_args_parse(struct ft_args *args, int argc, char **argv, char **rest)
{
    bool ours = true;
    int versions = 0;
    *args = (struct ft_args){.rest = rest};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            ours = false;
        if (ours && take_valued(args, argc, argv, &i))
            continue;
        if (ours && is_cold(argv[i])) {
            args->cold = argv[i];
            continue;
        }
        if (ours && (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0))
            versions++;
        rest[args->rest_len++] = argv[i];
    }
    rest[args->rest_len] = NULL;
    args->version = versions == 1;
}

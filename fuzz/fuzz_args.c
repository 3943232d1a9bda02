/*
 * cli/args on any command line (arguments are separated by zero bytes): everything passed on is one of the arguments,
 * in their order, nothing is passed on that was the command's own, and from `--` on nothing is missing.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) ((condition) ? (void)0 : abort())

enum { MOST = 256 };

static bool is_own(const char *arg)
{
    static const struct {
        const char *name;
        bool valued;
    } own[] = {{"--python", true}, {"--daemon-idle-timeout", true}, {"--no-daemon", false}, {"--cold", false}};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        size_t len = strlen(own[i].name);
        if (strncmp(arg, own[i].name, len) == 0 && (arg[len] == '\0' || (own[i].valued && arg[len] == '=')))
            return true;
    }
    return false;
}

static void check(const struct ft_args *args, int argc, char **argv)
{
    int at = 1;
    bool after = false;
    MUST(args->rest_len >= 0 && args->rest_len < argc && args->rest[args->rest_len] == NULL);
    for (int i = 0; i < args->rest_len; i++) {
        for (; at < argc && argv[at] != args->rest[i]; at++)
            MUST(!after);
        MUST(at++ < argc);
        MUST(after || !is_own(args->rest[i]));
        after = after || strcmp(args->rest[i], "--") == 0;
    }
    MUST(!after || at == argc);
    MUST(args->python == NULL || args->error != NULL || args->python[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "fleetest";
    char *argv[MOST + 1] = {name};
    int argc = 1;
    char *text = malloc(size + 1);
    MUST(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    for (size_t at = 0; at < size && argc < MOST; at += strlen(text + at) + 1)
        argv[argc++] = text + at;
    char **rest = calloc((size_t)argc, sizeof *rest);
    struct ft_args args;
    MUST(rest != NULL);
    ft_args_parse(&args, argc, argv, rest);
    check(&args, argc, argv);
    free(rest);
    free(text);
    return 0;
}

/* The native command: `fleetest [pytest arguments]`. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/exitcode.h"
#include "cli/args.h"
#include "cli/python.h"
#include "cli/session.h"

int main(int argc, char **argv)
{
    char python[PATH_MAX], error[PATH_MAX + 64];
    struct ft_args args;
    char **rest = calloc((size_t)argc + 1, sizeof *rest);
    if (rest == NULL)
        return FT_EXIT_SYSTEM;
    ft_args_parse(&args, argc, argv, rest);
    int code;
    if (args.error != NULL) {
        fprintf(stderr, "fleetest: %s\n", args.error);
        code = FT_EXIT_USAGE;
    } else if (args.version) {
        puts("fleetest " FT_VERSION);
        code = fflush(stdout) == 0 ? 0 : FT_EXIT_SYSTEM;
    } else if (ft_python_find(args.python, python, sizeof python, error, sizeof error) < 0) {
        fprintf(stderr, "fleetest: %s\n", error);
        code = FT_EXIT_NO_PYTHON;
    } else {
        code = ft_session_run(python, args.rest, args.rest_len);
    }
    free(rest);
    return code;
}

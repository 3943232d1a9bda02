/* The native command: `fleetest [pytest arguments]` and `fleetest daemon COMMAND`. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exitcode.h"
#include "cli/args.h"
#include "cli/caller.h"
#include "cli/daemon_command.h"
#include "cli/number.h"
#include "cli/python.h"
#include "cli/remote.h"
#include "cli/session.h"

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

/* Why the daemon is not asked; false: it is. */
static bool is_cold(const struct ft_args *args, struct ft_cold *cold)
{
    const char *wanted = getenv("FLEETEST_DAEMON");
    if (args->no_daemon)
        return ft_cold_because(cold, "", "--no-daemon");
    if (wanted != NULL && strcmp(wanted, "1") == 0)
        return false;
    if (is_set("FLEETEST_DAEMON"))
        return ft_cold_because(cold, "", "FLEETEST_DAEMON is %s", wanted);
    if (is_set("CI"))
        return ft_cold_because(cold, "", "CI is set");
    return ft_cold_because(cold, "", "no daemon");
}

/* After how many seconds without use a daemon that this run starts leaves.  Returns 0, or an exit code. */
static int idle_seconds(const struct ft_args *args, uint64_t *seconds)
{
    const char *name = args->idle != NULL ? "--daemon-idle-timeout" : "FLEETEST_DAEMON_IDLE_TIMEOUT";
    const char *text = args->idle != NULL ? args->idle : getenv(name);
    *seconds = FT_IDLE_SECONDS;
    if (text == NULL || text[0] == '\0' || ft_read_number(text, seconds))
        return 0;
    fprintf(stderr, "fleetest: %s needs a number of seconds; 0: never\n", name);
    return FT_EXIT_USAGE;
}

static int run(const struct ft_args *args, const char *python)
{
    struct ft_cold cold = {"", ""};
    struct ft_caller caller;
    uint64_t idle;
    int wrong = idle_seconds(args, &idle);
    if (wrong != 0)
        return wrong;
    if (!is_cold(args, &cold)) {
        int code = ft_caller_init(&caller, args->rest);
        if (code < 0)
            ft_cold_because(&cold, "", "%s", strerror(-code));
        else
            code = ft_remote_run(&caller, &(struct ft_starting){python, idle}, &cold);
        ft_caller_release(&caller);
        if (code >= 0)
            return code;
    }
    return ft_session_run(python, args->rest, args->rest_len, &cold);
}

int main(int argc, char **argv)
{
    char python[PATH_MAX], error[PATH_MAX + 64];
    struct ft_args args;
    if (ft_daemon_command_is(argc, argv))
        return ft_daemon_command(argc, argv);
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
        code = run(&args, python);
    }
    free(rest);
    return code;
}

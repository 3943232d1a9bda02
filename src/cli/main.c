/* The native command: `fleetest [pytest arguments]` and `fleetest daemon COMMAND`. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/exitcode.h"
#include "cli/args.h"
#include "cli/caller.h"
#include "cli/daemon_command.h"
#include "cli/python.h"
#include "cli/remote.h"
#include "cli/session.h"
#include "cli/settings.h"

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

/* What ini files take for yes. */
static bool is_yes(const char *text)
{
    static const char *const words[] = {"1", "true", "yes", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

/* Why the daemon is not asked; false: it is. */
static bool is_cold(const struct ft_args *args, struct ft_cold *cold)
{
    if (args->cold != NULL)
        return ft_cold_because(cold, "", "%s", args->cold);
    const char *wanted = getenv("FLEETEST_DAEMON");
    if (is_set("FLEETEST_DAEMON"))
        return !is_yes(wanted) && ft_cold_because(cold, "", "FLEETEST_DAEMON is %s", wanted);
    return is_set("CI") && ft_cold_because(cold, "", "CI is set");
}

/* How a daemon that this run starts shall be.  Returns 0, or an exit code. */
static int read_settings(const struct ft_args *args, struct ft_settings *settings)
{
    int code = ft_settings_init(settings);
    if (code == 0 && args->idle != NULL)
        code = ft_settings_set(settings, FT_SETTING_IDLE, "--daemon-idle-timeout", args->idle);
    if (code == 0 && args->memory != NULL)
        code = ft_settings_set(settings, FT_SETTING_MEMORY, "--daemon-memory", args->memory);
    return code;
}

static int run(const struct ft_args *args, const char *python)
{
    struct ft_cold cold = {"", ""};
    struct ft_caller caller;
    struct ft_settings settings;
    int wrong = read_settings(args, &settings);
    if (wrong != 0)
        return wrong;
    if (!is_cold(args, &cold)) {
        int code = ft_caller_init(&caller, args->rest);
        if (code < 0)
            ft_cold_because(&cold, "", "%s", strerror(-code));
        else
            code = ft_remote_run(&caller, &(struct ft_starting){python, &settings}, &cold);
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

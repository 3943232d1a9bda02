/* cli/args: what is the command's own is taken out, everything else goes on untouched and in order. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli/args.h"

enum { MOST = 10 };

struct args_case {
    const char *argv[MOST]; /* without the name of the command */
    const char *python;
    const char *idle;
    const char *memory;
    bool version;
    const char *cold;
    bool error;
    const char *rest[MOST];
};

static const struct args_case cases[] = {
    {.argv = {NULL}},
    {.argv = {"-x", "tests", "-k", "a or b"}, .rest = {"-x", "tests", "-k", "a or b"}},
    {.argv = {"--python", "/usr/bin/python3", "-x"}, .python = "/usr/bin/python3", .rest = {"-x"}},
    {.argv = {"-x", "--python=py", "tests"}, .python = "py", .rest = {"-x", "tests"}},
    {.argv = {"--python", "a", "--python=b"}, .python = "b"},
    {.argv = {"--python", "--version"}, .python = "--version"},
    {.argv = {"--python"}, .error = true},
    {.argv = {"--python", ""}, .error = true},
    {.argv = {"--python="}, .error = true},
    {.argv = {"--version"}, .version = true},
    {.argv = {"-V"}, .version = true},
    {.argv = {"-x", "--version"}, .version = true},
    {.argv = {"--version", "--version"}, .rest = {"--version", "--version"}},
    {.argv = {"-V", "--version"}, .rest = {"-V", "--version"}},
    {.argv = {"-VV"}, .rest = {"-VV"}},
    {.argv = {"--versio"}, .rest = {"--versio"}},
    {.argv = {"--pythonic"}, .rest = {"--pythonic"}},
    {.argv = {"--", "--version"}, .rest = {"--", "--version"}},
    {.argv = {"--", "--python", "x"}, .rest = {"--", "--python", "x"}},
    {.argv = {"--", "--python=x", "--"}, .rest = {"--", "--python=x", "--"}},
    {.argv = {"", "-"}, .rest = {"", "-"}},
    {.argv = {"--daemon-idle-timeout", "60", "-x"}, .idle = "60", .rest = {"-x"}},
    {.argv = {"--daemon-idle-timeout=0"}, .idle = "0"},
    {.argv = {"--daemon-idle-timeout"}, .error = true},
    {.argv = {"--daemon-idle-timeout="}, .error = true},
    {.argv = {"--daemon-memory", "60"}, .memory = "60"},
    {.argv = {"--daemon-memory="}, .error = true},
    {.argv = {"--daemon-idle-timeouts", "1"}, .rest = {"--daemon-idle-timeouts", "1"}},
    {.argv = {"--", "--daemon-idle-timeout", "1"}, .rest = {"--", "--daemon-idle-timeout", "1"}},
    {.argv = {"--no-daemon"}, .cold = "--no-daemon"},
    {.argv = {"-x", "--no-daemon", "tests"}, .cold = "--no-daemon", .rest = {"-x", "tests"}},
    {.argv = {"--no-daemon", "-x", "--no-daemon"}, .cold = "--no-daemon", .rest = {"-x"}},
    {.argv = {"--no-daemon", "--python", "py"}, .cold = "--no-daemon", .python = "py"},
    {.argv = {"--python", "--no-daemon"}, .python = "--no-daemon"},
    {.argv = {"--no-daemon", "--version"}, .cold = "--no-daemon", .version = true},
    {.argv = {"--cold"}, .cold = "--cold"},
    {.argv = {"--cold", "--co", "-q"}, .cold = "--cold", .rest = {"--co", "-q"}},
    {.argv = {"--no-daemon", "--cold"}, .cold = "--cold"},
    {.argv = {"--co"}, .rest = {"--co"}},
    {.argv = {"--cold=1", "--colder"}, .rest = {"--cold=1", "--colder"}},
    {.argv = {"--", "--cold"}, .rest = {"--", "--cold"}},
    {.argv = {"--no-daemon=1"}, .rest = {"--no-daemon=1"}},
    {.argv = {"--no-daemo"}, .rest = {"--no-daemo"}},
    {.argv = {"--no-daemons"}, .rest = {"--no-daemons"}},
    {.argv = {"--", "--no-daemon"}, .rest = {"--", "--no-daemon"}},
    {.argv = {"--no-daemon", "--", "--no-daemon"}, .cold = "--no-daemon", .rest = {"--", "--no-daemon"}},
};

static void check_case(const struct args_case *one)
{
    char *argv[MOST + 2] = {(char *)(size_t) "fleetest"};
    int argc = 1;
    for (; one->argv[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(size_t)one->argv[argc - 1];
    /* As much room as the contract asks for, so that a sanitizer sees one more. */
    char **rest = calloc((size_t)argc, sizeof *rest);
    struct ft_args args;
    assert_non_null(rest);
    ft_args_parse(&args, argc, argv, rest);
    assert_int_equal(args.error != NULL, one->error);
    if (!one->error) {
        assert_int_equal(args.version, one->version);
        assert_int_equal(args.cold != NULL, one->cold != NULL);
        if (one->cold != NULL)
            assert_string_equal(args.cold, one->cold);
        assert_int_equal(args.python != NULL, one->python != NULL);
        if (one->python != NULL)
            assert_string_equal(args.python, one->python);
        assert_int_equal(args.idle != NULL, one->idle != NULL);
        if (one->idle != NULL)
            assert_string_equal(args.idle, one->idle);
        assert_int_equal(args.memory != NULL, one->memory != NULL);
        if (one->memory != NULL)
            assert_string_equal(args.memory, one->memory);
        assert_ptr_equal(args.rest, rest);
        assert_null(args.rest[args.rest_len]);
        for (int i = 0; !one->version && (i < args.rest_len || one->rest[i] != NULL); i++)
            assert_string_equal(args.rest[i], one->rest[i]);
    }
    free(rest);
}

static void own_options_are_taken_and_all_others_passed_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_case(&cases[i]);
}

static void what_is_passed_on_points_into_argv(void **state)
{
    char name[] = "fleetest", first[] = "a", second[] = "b";
    char *argv[] = {name, first, second, NULL};
    char *rest[3];
    struct ft_args args;
    (void)state;
    ft_args_parse(&args, 3, argv, rest);
    assert_int_equal(args.rest_len, 2);
    assert_ptr_equal(args.rest[0], first);
    assert_ptr_equal(args.rest[1], second);
}

static void an_error_is_a_text_without_capital_and_full_stop(void **state)
{
    char name[] = "fleetest", option[] = "--python";
    char *argv[] = {name, option, NULL};
    char *rest[2];
    struct ft_args args;
    (void)state;
    ft_args_parse(&args, 2, argv, rest);
    assert_non_null(args.error);
    assert_true(args.error[0] < 'A' || args.error[0] > 'Z');
    assert_int_not_equal(args.error[strlen(args.error) - 1], '.');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_options_are_taken_and_all_others_passed_on),
        cmocka_unit_test(what_is_passed_on_points_into_argv),
        cmocka_unit_test(an_error_is_a_text_without_capital_and_full_stop),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

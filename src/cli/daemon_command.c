#include "cli/daemon_command.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/exitcode.h"
#include "cli/args.h"
#include "cli/caller.h"
#include "cli/cleanup.h"
#include "cli/python.h"
#include "cli/remote.h"
#include "cli/serve.h"
#include "cli/starter.h"
#include "wire/fds.h"
#include "wire/frame.h"
#include "wire/msgpack.h"
#include "wire/protocol.h"

enum { ANSWER_MS = 3000, COMMAND_AT = 2 };

/* What the options of all commands said. */
struct asked {
    char python[PATH_MAX];
    struct ft_place place;
    bool foreground;
    bool json;
    struct ft_settings settings;
    char **rest; /* what is passed on, NULL-terminated; points into argv */
};

struct command {
    const char *name;
    const char *usage;
    const char *help;
    const char *options; /* that it takes besides --python */
    int (*run)(struct asked *asked);
};

/* ---- asking the daemon ---- */

/* Send a command and take in the answer; true if there was one.  `connection` is closed. */
static bool ask(int connection, const char *command, struct ft_buf *answer)
{
    struct ft_buf payload = FT_BUF_INIT, frame = FT_BUF_INIT;
    struct ft_frame_reader reader = FT_FRAME_READER_INIT;
    struct ft_message_view message;
    bool answered = false;
    if (ft_mp_str(&payload, command, (uint32_t)strlen(command)) == 0 &&
        ft_frame_append(&frame, FT_MSG_COMMAND, ft_buf_head(&payload), payload.len) == 0 &&
        ft_fds_send(connection, ft_buf_head(&frame), frame.len, NULL, 0) == (ssize_t)frame.len) {
        for (;;) {
            unsigned char bytes[4096];
            struct pollfd polled = {connection, POLLIN, 0};
            if (poll(&polled, 1, ANSWER_MS) <= 0)
                break;
            ssize_t got = recv(connection, bytes, sizeof bytes, MSG_DONTWAIT);
            if (got <= 0 || ft_frame_feed(&reader, bytes, (size_t)got) < 0)
                break;
            if (ft_frame_next(&reader, &message) != 1)
                continue;
            struct ft_mp_reader text = {message.payload, message.payload + message.len};
            struct ft_mp_token token;
            answered = message.type == FT_MSG_ANSWER && ft_mp_read(&text, &token) == 0 && token.kind == FT_MP_STR &&
                       ft_buf_append(answer, token.bytes, token.len) == 0;
            break;
        }
    }
    close(connection);
    ft_frame_reader_release(&reader);
    ft_buf_release(&payload);
    ft_buf_release(&frame);
    return answered;
}

static int no_daemon(const struct asked *asked)
{
    fprintf(stderr, "fleetest: no daemon is running for %s\n", asked->python);
    return FT_EXIT_NO_DAEMON;
}

static int no_answer(void)
{
    fprintf(stderr, "fleetest: the daemon does not answer; 'fleetest daemon restart' replaces it\n");
    return FT_EXIT_NO_DAEMON;
}

/* The pid of the process that listens; 0: unknown. */
static pid_t listener(int connection)
{
    struct ucred who;
    socklen_t len = sizeof who;
    return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 ? who.pid : 0;
}

/* Wait until nobody holds the lock. */
static bool wait_until_gone(const struct ft_place *place)
{
    for (int waited = 0; waited < ANSWER_MS; waited += 5) {
        int lock = ft_place_lock(place);
        if (lock >= 0) {
            ft_place_clear(place);
            close(lock);
            return true;
        }
        poll(NULL, 0, 5);
    }
    return false;
}

/* ---- the commands ---- */

static int start(struct asked *asked)
{
    bool started;
    struct ft_buf answer = FT_BUF_INIT;
    if (asked->foreground)
        return ft_serve_here(&asked->place, asked->python, &asked->settings);
    const struct ft_starting starting = {asked->python, &asked->settings};
    int connection = ft_starter_connect(&asked->place, &starting, &started);
    if (connection < 0) {
        fprintf(stderr, "fleetest: the daemon cannot be started: %s\n", strerror(-connection));
        return FT_EXIT_SYSTEM;
    }
    bool answered = ask(connection, "status", &answer);
    ft_buf_release(&answer);
    if (!answered)
        return no_answer();
    connection = ft_place_connect(&asked->place);
    printf("fleetest daemon %s: pid %d\n", started ? "started" : "is running", (int)listener(connection));
    if (connection >= 0)
        close(connection);
    return 0;
}

/* Stop it, if there is one; *stopped says whether there was. */
static int stop_it(struct asked *asked, bool *stopped)
{
    struct ft_buf answer = FT_BUF_INIT;
    int connection = ft_place_connect(&asked->place);
    *stopped = connection >= 0;
    if (connection < 0)
        return 0;
    pid_t pid = listener(connection);
    bool answered = ask(connection, "stop", &answer);
    ft_buf_release(&answer);
    if (answered && wait_until_gone(&asked->place))
        return 0;
    /* It hangs; what it held was for later runs only. */
    if (pid > 0 && pid != getpid() && kill(pid, SIGKILL) == 0 && wait_until_gone(&asked->place))
        return 0;
    return no_answer();
}

static int stop(struct asked *asked)
{
    bool stopped;
    int code = stop_it(asked, &stopped);
    if (code == 0)
        puts(stopped ? "fleetest daemon stopped" : "no fleetest daemon is running");
    return code;
}

static int restart(struct asked *asked)
{
    bool stopped;
    int code = stop_it(asked, &stopped);
    return code == 0 ? start(asked) : code;
}

static int status(struct asked *asked)
{
    struct ft_buf answer = FT_BUF_INIT;
    int connection = ft_place_connect(&asked->place);
    if (connection < 0)
        return no_daemon(asked);
    bool answered = ask(connection, asked->json ? "status-json" : "status", &answer);
    if (answered)
        fwrite(ft_buf_head(&answer), 1, answer.len, stdout);
    ft_buf_release(&answer);
    return answered ? 0 : no_answer();
}

static int logs(struct asked *asked)
{
    char bytes[4096];
    ssize_t got;
    int fd = ft_place_open_log(&asked->place);
    if (fd < 0) {
        fprintf(stderr, "fleetest: no daemon has written a log for %s\n", asked->python);
        return FT_EXIT_NO_DAEMON;
    }
    while ((got = read(fd, bytes, sizeof bytes)) > 0)
        fwrite(bytes, 1, (size_t)got, stdout);
    close(fd);
    return 0;
}

static int cleanup(struct asked *asked)
{
    return ft_cleanup(&asked->place);
}

static int explain(struct asked *asked)
{
    struct ft_cold cold = {"", ""};
    struct ft_caller caller;
    ft_place_release(&asked->place); /* no descriptor that we were given */
    int code = ft_caller_init(&caller, asked->rest);
    if (code < 0)
        ft_cold_because(&cold, "", "%s", strerror(-code));
    else
        code = ft_remote_explain(&caller, &(struct ft_starting){asked->python, &asked->settings}, &cold);
    ft_caller_release(&caller);
    if (code >= 0)
        return code;
    fprintf(stderr, "fleetest: nothing can be prepared for this: %s%s%s\n", cold.reason,
            cold.advice[0] == '\0' ? "" : "; run ", cold.advice);
    return FT_EXIT_NO_DAEMON;
}

static const struct command commands[] = {
    {"start", "start [--foreground] [SETTINGS]", "start it, if it is not running", "fs", start},
    {"stop", "stop", "end it; runs go on", "", stop},
    {"restart", "restart [SETTINGS]", "stop and start", "s", restart},
    {"status", "status [--json]", "show what it holds, and what became of the last run", "j", status},
    {"logs", "logs", "show what it has written", "", logs},
    {"explain", "explain [SETTINGS] [ARGUMENT ...]", "show what a session reads before its tests", "sp", explain},
    {"cleanup", "cleanup", "remove what daemons that are gone have left behind", "", cleanup},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* ---- the command line ---- */

static int usage(FILE *file, int code)
{
    fprintf(file, "usage: fleetest daemon COMMAND [--python PATH]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(file, "  %-32s %s\n", commands[i].usage, commands[i].help);
    fprintf(file, "\nSETTINGS:\n  --idle-timeout SECONDS   leave when not used for so long (1800; 0: never)\n"
                  "  --memory MEGABYTES       for processes that wait (a quarter of the machine's; 0: no limit)\n"
                  "  --renew-after SECONDS    give these another hash seed when idle (60; 0: never)\n"
                  "  --snapshots N            keep so many sessions that have collected (8; 0: none)\n"
                  "  --ahead N                prepare after a save, so often until the next run (20; 0: never)\n");
    return code;
}

static const struct command *command_of(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static bool passes_on(const struct command *command)
{
    return strchr(command->options, 'p') != NULL;
}

/* Whether argv[*at] is a setting; *code is 0 or an exit code then. */
static bool take_setting(struct ft_settings *settings, int argc, char **argv, int *at, int *code)
{
    for (int i = 0; i < FT_SETTINGS; i++) {
        const char *value = ft_args_value(ft_setting_options[i], argc, argv, at);
        if (value == NULL)
            continue;
        *code = ft_settings_set(settings, (enum ft_setting)i, ft_setting_options[i], value);
        return true;
    }
    return false;
}

static int parse(const struct command *command, int argc, char **argv, struct asked *asked, const char **python)
{
    int code = ft_settings_init(&asked->settings);
    size_t rest_len = 0;
    for (int i = COMMAND_AT + 1; code == 0 && i < argc; i++) {
        int at = i;
        const char *value = ft_args_value("--python", argc, argv, &i);
        if (value != NULL) {
            *python = value;
        } else if (strchr(command->options, 's') != NULL && take_setting(&asked->settings, argc, argv, &i, &code)) {
            continue;
        } else if (strcmp(argv[at], "--foreground") == 0 && strchr(command->options, 'f') != NULL) {
            asked->foreground = true;
        } else if (strcmp(argv[at], "--json") == 0 && strchr(command->options, 'j') != NULL) {
            asked->json = true;
        } else if (passes_on(command)) {
            asked->rest[rest_len++] = argv[at];
        } else {
            fprintf(stderr, "fleetest: daemon %s takes no '%s'\n", command->name, argv[at]);
            return FT_EXIT_USAGE;
        }
    }
    return code;
}

bool ft_daemon_command_is(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], "daemon") == 0;
}

static int carry_out(const struct command *command, int argc, char **argv, struct asked *asked)
{
    char error[PATH_MAX + 64];
    const char *python = NULL;
    int code = parse(command, argc, argv, asked, &python);
    if (code != 0)
        return code;
    if (ft_python_find(python, asked->python, sizeof asked->python, error, sizeof error) < 0) {
        fprintf(stderr, "fleetest: %s\n", error);
        return FT_EXIT_NO_PYTHON;
    }
    if (ft_place_open(&asked->place, NULL, asked->python, error, sizeof error) < 0) {
        fprintf(stderr, "fleetest: %s\n", error);
        return FT_EXIT_SYSTEM;
    }
    code = command->run(asked);
    ft_place_release(&asked->place);
    return code;
}

int ft_daemon_command(int argc, char **argv)
{
    struct asked asked = {0};
    if (argc == FT_SERVE_WORDS && strcmp(argv[COMMAND_AT], "serve") == 0)
        return ft_serve(argv);
    if (argc == COMMAND_AT)
        return usage(stderr, FT_EXIT_USAGE);
    if (strcmp(argv[COMMAND_AT], "--help") == 0 || strcmp(argv[COMMAND_AT], "-h") == 0)
        return usage(stdout, 0);
    const struct command *command = command_of(argv[COMMAND_AT]);
    if (command == NULL) {
        fprintf(stderr, "fleetest: there is no command 'daemon %s'; to run the tests in a folder: ./daemon\n",
                argv[COMMAND_AT]);
        return FT_EXIT_USAGE;
    }
    asked.rest = calloc((size_t)argc, sizeof *asked.rest);
    if (asked.rest == NULL)
        return FT_EXIT_SYSTEM;
    int code = carry_out(command, argc, argv, &asked);
    free(asked.rest);
    return code;
}

#include "daemon/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bootstrap.h"

static const char hash_seed[] = "PYTHONHASHSEED=";

static const char preload[] = "LD_PRELOAD=";

static bool begins_with(struct ft_text variable, const char *name, size_t len)
{
    return variable.len >= len && memcmp(variable.at, name, len) == 0;
}

/* Append a text and, if it is not empty, another one behind a colon. */
static char *put(char *at, struct ft_text text, const char *behind)
{
    memcpy(at, text.at, text.len);
    at += text.len;
    if (behind[0] != '\0') {
        size_t len = strlen(behind);
        *at++ = ':';
        memcpy(at, behind, len);
        at += len;
    }
    *at = '\0';
    return at + 1;
}

/*
 * The environment as C strings with NULL behind them, in one piece of memory.  `seed`: 0, or that of hashes; `library`:
 * to be preloaded behind those of the environment, which takes itself out of it; or empty.
 */
static char **c_strings(const struct ft_texts *texts, uint32_t seed, const char *library)
{
    char seeded[sizeof hash_seed + 16];
    size_t library_size = strlen(library) + sizeof preload + 1, count = 0;
    size_t size = (texts->count + 3) * sizeof(char *) + sizeof seeded + library_size;
    for (size_t i = 0; i < texts->count; i++)
        size += texts->items[i].len + 1 +
                (begins_with(texts->items[i], preload, sizeof preload - 1) ? library_size : 0);
    char **list = malloc(size);
    if (list == NULL)
        return NULL;
    char *at = (char *)(list + texts->count + 3);
    bool preloads = library[0] == '\0';
    for (size_t i = 0; i < texts->count; i++) {
        struct ft_text one = texts->items[i];
        bool is_preload = begins_with(one, preload, sizeof preload - 1);
        if (seed != 0 && begins_with(one, hash_seed, sizeof hash_seed - 1))
            continue;
        list[count++] = at;
        at = put(at, one, is_preload ? library : "");
        preloads = preloads || is_preload;
    }
    if (seed != 0) {
        snprintf(seeded, sizeof seeded, "%s%u", hash_seed, seed);
        list[count++] = at;
        at = put(at, ft_text_of(seeded), "");
    }
    if (!preloads) {
        list[count++] = at;
        snprintf(at, library_size, "%s%s", preload, library);
    }
    list[count] = NULL;
    return list;
}

static int spawn(struct ft_daemon *daemon, const char *command, char **variables, int theirs, pid_t *pid)
{
    char number[16];
    sigset_t none, all;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    const char *argv[] = {daemon->python, "-c", FT_BOOTSTRAP, number, command, FT_VERSION, FT_BOOTSTRAP_PARKED, NULL};
    snprintf(number, sizeof number, "%d", theirs);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (daemon->log_fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, daemon->log_fd, 2);
    else
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, theirs, theirs); /* takes close-on-exec off */
    int err = posix_spawn(pid, daemon->python, &actions, &attributes, (char **)(size_t)argv, variables);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return -err;
}

int ft_launch_parked(struct ft_daemon *daemon, const struct ft_request *request, bool in_folder, uint32_t seed,
                     pid_t *pid)
{
    int pair[2];
    char **variables = c_strings(&request->environ, seed, daemon->trace_library);
    char *command = strndup(request->command.at, request->command.len);
    char *folder = strndup(request->folder.at, request->folder.len);
    int err = variables == NULL || command == NULL || folder == NULL ? -ENOMEM : 0;
    if (err == 0)
        err = ft_fds_pair(pair, SOCK_STREAM);
    if (err == 0) {
        /* New processes inherit both, and this one does nothing meanwhile.  Byte code gets the user's modes. */
        mode_t before = umask((mode_t)request->umask);
        if (in_folder && chdir(folder) < 0)
            err = -errno;
        if (err == 0)
            err = spawn(daemon, command, variables, pair[1], pid);
        umask(before);
        if (chdir("/") < 0 && err == 0)
            err = -errno;
        close(pair[1]);
        if (err < 0)
            close(pair[0]);
    }
    free(variables);
    free(command);
    free(folder);
    return err < 0 ? err : pair[0];
}

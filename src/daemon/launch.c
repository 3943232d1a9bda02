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

/* The environment as C strings with NULL behind them, in one piece of memory.  `seed`: 0, or that of hashes. */
static char **c_strings(const struct ft_texts *texts, uint32_t seed)
{
    char last[sizeof hash_seed + 16] = "";
    if (seed != 0)
        snprintf(last, sizeof last, "%s%u", hash_seed, seed);
    size_t size = (texts->count + 2) * sizeof(char *) + sizeof last, count = 0;
    for (size_t i = 0; i < texts->count; i++)
        size += texts->items[i].len + 1;
    char **list = malloc(size);
    if (list == NULL)
        return NULL;
    char *at = (char *)(list + texts->count + 2);
    for (size_t i = 0; i < texts->count; i++) {
        struct ft_text one = texts->items[i];
        if (seed != 0 && one.len >= sizeof hash_seed - 1 && memcmp(one.at, hash_seed, sizeof hash_seed - 1) == 0)
            continue;
        list[count++] = at;
        memcpy(at, one.at, one.len);
        at += one.len;
        *at++ = '\0';
    }
    if (seed != 0)
        list[count++] = memcpy(at, last, sizeof last);
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
    char **variables = c_strings(&request->environ, seed);
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

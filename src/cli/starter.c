#include "cli/starter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/python.h"
#include "cli/serve.h"

enum { REACH_MS = 1000, AGAIN_MS = 2 };

/* Start the daemon, which gets both descriptors, in a session of its own and with nothing of our environment. */
static int spawn(const struct ft_place *place, const struct ft_starting *starting, int listen_fd, int lock_fd)
{
    char self[PATH_MAX], listening[16], lock[16], settings[FT_SETTINGS][32];
    sigset_t none, all;
    pid_t pid;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    const char *argv[FT_SERVE_WORDS + 1] = {"fleetest", "daemon",    "serve",         listening,
                                            lock,       place->path, starting->python};
    char *variables[] = {NULL};
    int err = ft_python_self(self, sizeof self);
    if (err < 0)
        return err;
    snprintf(listening, sizeof listening, "%d", listen_fd);
    snprintf(lock, sizeof lock, "%d", lock_fd);
    for (int i = 0; i < FT_SETTINGS; i++) {
        snprintf(settings[i], sizeof settings[i], "%llu", (unsigned long long)starting->settings->values[i]);
        argv[FT_SERVE_SETTINGS + i] = settings[i];
    }
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, 0, 1);
    posix_spawn_file_actions_adddup2(&actions, 0, 2);
    posix_spawn_file_actions_adddup2(&actions, listen_fd, listen_fd); /* takes close-on-exec off */
    posix_spawn_file_actions_adddup2(&actions, lock_fd, lock_fd);
    err = posix_spawn(&pid, self, &actions, &attributes, (char **)(size_t)argv, variables);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return -err;
}

/* Start one, unless somebody has done so meanwhile.  -EWOULDBLOCK: somebody is about to, or one is alive. */
static int start(const struct ft_place *place, const struct ft_starting *starting, bool *started)
{
    int lock = ft_place_lock(place);
    if (lock < 0)
        return lock;
    int listening = ft_place_listen(place);
    int err = listening < 0 ? listening : spawn(place, starting, listening, lock);
    *started = err == 0;
    if (err < 0)
        ft_place_clear(place);
    if (listening >= 0)
        close(listening);
    close(lock);
    return err;
}

int ft_starter_connect(const struct ft_place *place, const struct ft_starting *starting, bool *started)
{
    const struct timespec again = {0, AGAIN_MS * 1000000L};
    *started = false;
    for (int waited = 0; waited < REACH_MS; waited += AGAIN_MS) {
        int fd = ft_place_connect(place);
        if (fd != -ENOENT && fd != -ECONNREFUSED)
            return fd;
        int err = start(place, starting, started);
        if (err == -EWOULDBLOCK)
            nanosleep(&again, NULL); /* between its taking the lock and its listening there is little */
        else if (err < 0)
            return err;
    }
    return -EBUSY;
}

#include "cli/serve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exitcode.h"
#include "cli/number.h"
#include "daemon/daemon.h"
#include "wire/fds.h"

/* What whoever came first had open is none of ours. */
static void close_others(int one, int other)
{
    DIR *folder = opendir("/proc/self/fd");
    int fds[FT_FDS_MAX];
    size_t count = 0;
    for (struct dirent *entry; folder != NULL && count < FT_FDS_MAX && (entry = readdir(folder)) != NULL;) {
        uint64_t number;
        if (ft_read_number(entry->d_name, &number) && number > 2 && (int)number != one && (int)number != other &&
            (int)number != dirfd(folder))
            fds[count++] = (int)number;
    }
    if (folder != NULL)
        closedir(folder);
    ft_fds_close(fds, count);
}

static int serve(const char *folder, const char *python, int listening, int lock, const struct ft_settings *settings)
{
    struct ft_daemon_options options = {
        .folder = folder,
        .python = python,
        .listen_fd = listening,
        .lock_fd = lock,
        .idle_seconds = settings->values[FT_SETTING_IDLE],
        .memory_mb = settings->values[FT_SETTING_MEMORY],
        .renew_seconds = settings->values[FT_SETTING_RENEW],
        .snapshots = settings->values[FT_SETTING_SNAPSHOTS],
        .ahead = settings->values[FT_SETTING_AHEAD],
    };
    return ft_daemon_serve(&options);
}

int ft_serve(char **argv)
{
    struct ft_settings settings;
    uint64_t listening, lock;
    if (!ft_read_number(argv[3], &listening) || !ft_read_number(argv[4], &lock))
        return FT_EXIT_USAGE;
    for (int i = 0; i < FT_SETTINGS; i++)
        if (!ft_read_number(argv[FT_SERVE_SETTINGS + i], &settings.values[i]))
            return FT_EXIT_USAGE;
    close_others((int)listening, (int)lock);
    fcntl((int)listening, F_SETFD, FD_CLOEXEC);
    fcntl((int)lock, F_SETFD, FD_CLOEXEC);
    if (chdir("/") < 0)
        return FT_EXIT_SYSTEM;
    umask(077);
    return serve(argv[5], argv[6], (int)listening, (int)lock, &settings);
}

int ft_serve_here(const struct ft_place *place, const char *python, const struct ft_settings *settings)
{
    int lock = ft_place_lock(place);
    if (lock == -EWOULDBLOCK) {
        fprintf(stderr, "fleetest: a daemon is running for %s\n", python);
        return FT_EXIT_NO_DAEMON;
    }
    int listening = lock < 0 ? lock : ft_place_listen(place);
    if (listening < 0) {
        fprintf(stderr, "fleetest: cannot listen in %s: %s\n", place->path, strerror(-listening));
        return FT_EXIT_SYSTEM;
    }
    close_others(listening, lock);
    printf("fleetest daemon for %s: pid %d\n", python, (int)getpid());
    fflush(stdout);
    return serve(place->path, python, listening, lock, settings);
}

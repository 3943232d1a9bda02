#include "cli/python.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* python, else python3, in `dir` (of `len` bytes). */
static bool in_folder(const char *dir, size_t len, const char *inside, char *path, size_t size)
{
    static const char *const names[] = {"python", "python3"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int n = snprintf(path, size, "%.*s%s/%s", (int)len, dir, inside, names[i]);
        if (n > 0 && (size_t)n < size && is_program(path))
            return true;
    }
    return false;
}

/* `name` in the folders of PATH. */
static bool on_path(const char *name, char *path, size_t size)
{
    const char *at = getenv("PATH");
    if (at == NULL)
        at = "/usr/local/bin:/usr/bin:/bin";
    while (*at != '\0') {
        size_t len = strcspn(at, ":");
        int n = len == 0 ? snprintf(path, size, "./%s", name) : snprintf(path, size, "%.*s/%s", (int)len, at, name);
        if (n > 0 && (size_t)n < size && is_program(path))
            return true;
        at += len;
        at += *at == ':';
    }
    return false;
}

int ft_python_self(char *path, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", path, size);
    if (len < 0)
        return -errno;
    if ((size_t)len == size)
        return -ENAMETOOLONG;
    path[len] = '\0';
    return 0;
}

/* What the user asked for: a path, or a name to look up on PATH as the shell would. */
static bool wanted_program(const char *wanted, char *path, size_t size)
{
    if (strchr(wanted, '/') == NULL)
        return on_path(wanted, path, size);
    int n = snprintf(path, size, "%s", wanted);
    return n > 0 && (size_t)n < size && is_program(path);
}

int ft_python_find(const char *wanted, char *path, size_t size, char *error, size_t error_size)
{
    char self[PATH_MAX];
    if (wanted != NULL) {
        if (wanted_program(wanted, path, size))
            return 0;
        snprintf(error, error_size, "--python: %s is not a program", wanted);
        return -ENOENT;
    }
    if (ft_python_self(self, sizeof self) == 0) {
        const char *slash = strrchr(self, '/');
        if (slash != NULL && in_folder(self, (size_t)(slash - self), "", path, size))
            return 0;
    }
    const char *env = getenv("VIRTUAL_ENV");
    if (env != NULL && env[0] != '\0' && in_folder(env, strlen(env), "/bin", path, size))
        return 0;
    if (on_path("python3", path, size))
        return 0;
    snprintf(error, error_size, "no Python found: install Python 3.9 or later, or name one with --python PATH");
    return -ENOENT;
}

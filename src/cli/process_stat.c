#include "cli/process_stat.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct ft_process_stat ft_process_stat(pid_t pid)
{
    char path[64], text[512];
    struct ft_process_stat found = {'\0', 0};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[len < 0 ? 0 : len] = '\0';
    const char *end = strrchr(text, ')'); /* of the name, which may have any characters */
    if (end == NULL || sscanf(end + 1, " %c %d", &found.state, &found.parent) != 2)
        return (struct ft_process_stat){'\0', 0};
    return found;
}

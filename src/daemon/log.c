#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 1024 };

static int log_fd = -1;

void ft_log_to(int fd)
{
    log_fd = fd;
}

void ft_log(const char *format, ...)
{
    char line[LINE];
    struct timespec now;
    struct tm local;
    va_list args;
    if (log_fd < 0)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    size_t len = strftime(line, sizeof line, "%F %T", &local);
    len += (size_t)snprintf(line + len, sizeof line - len, ".%03ld ", now.tv_nsec / 1000000);
    va_start(args, format);
    int more = vsnprintf(line + len, sizeof line - len - 1, format, args);
    va_end(args);
    len += more < 0 ? 0 : (size_t)more;
    if (len > sizeof line - 2)
        len = sizeof line - 2;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = '?';
    line[len++] = '\n';
    ssize_t ignored = write(log_fd, line, len);
    (void)ignored;
}

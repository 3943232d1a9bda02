#include "on_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { BODY_FAILED = 77 };

void terminal_say(const char *text)
{
    char line[256];
    int len = snprintf(line, sizeof line, "%s\n", text);
    if (write(STDOUT_FILENO, line, (size_t)len) != len)
        _exit(BODY_FAILED);
}

void terminal_check(int holds, const char *what, int line)
{
    char text[256];
    if (holds)
        return;
    snprintf(text, sizeof text, "line %d does not hold: %s", line, what);
    terminal_say(text);
    _exit(BODY_FAILED);
}

void terminal_start(struct terminal *terminal, terminal_body *body)
{
    memset(terminal, 0, sizeof *terminal);
    terminal->pid = forkpty(&terminal->fd, NULL, NULL, NULL);
    if (terminal->pid < 0)
        abort();
    if (terminal->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGINT, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        alarm(60);
        body();
        _exit(0);
    }
}

/* Read some more.  Returns 0 at the end: nobody has the terminal open any more. */
static int read_more(struct terminal *terminal)
{
    size_t room = sizeof terminal->seen - 1 - terminal->len;
    if (room == 0)
        return 0;
    ssize_t got;
    do
        got = read(terminal->fd, terminal->seen + terminal->len, room);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return 0;
    terminal->len += (size_t)got;
    terminal->seen[terminal->len] = '\0';
    return 1;
}

void terminal_expect(struct terminal *terminal, const char *text)
{
    const char *found;
    while ((found = strstr(terminal->seen + terminal->looked, text)) == NULL)
        if (!read_more(terminal))
            fail_msg("waited for \"%s\", seen:\n%s", text, terminal->seen);
    terminal->looked = (size_t)(found - terminal->seen) + strlen(text);
}

void terminal_type(struct terminal *terminal, const char *text)
{
    assert_int_equal(write(terminal->fd, text, strlen(text)), strlen(text));
}

void terminal_end(struct terminal *terminal)
{
    int status;
    while (read_more(terminal))
        continue;
    assert_int_equal(waitpid(terminal->pid, &status, 0), terminal->pid);
    close(terminal->fd);
    if (status != 0)
        fail_msg("status %d, seen:\n%s", status, terminal->seen);
}

int terminal_fd(void)
{
    int fd = open("/dev/tty", O_RDWR);
    if (fd < 0)
        _exit(8);
    return fd;
}

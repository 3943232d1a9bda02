/*
 * What is asked of files that are taken for terminals.  Other descriptors are the C library's alone.
 *
 * That they are terminals, and their size, can be pretended.  Everything else they answer as the files that they are,
 * with ENOTTY, and it is recorded: from there on things are not what they were on a terminal.
 */
#include <asm/ioctls.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "trace/interpose.h"
#include "trace/pretend.h"

INTERPOSED(int, isatty, (int fd))
{
    return pretend_of(fd) != 0 ? 1 : REAL(isatty)(fd);
}

static void asked(const char *what, int err)
{
    if (recorder_is_on())
        recorder_text(FT_TRACE_TERMINAL, what, err);
}

/* ---- the size ---- */

static int tell_size(uint64_t terminal, void *size)
{
    struct winsize *told = size;
    if (size == NULL) {
        errno = EFAULT;
        return -1;
    }
    *told = (struct winsize){.ws_row = (uint16_t)(terminal >> 16), .ws_col = (uint16_t)terminal};
    asked("size", 0);
    return 0;
}

/* Some of what every file can be asked has a number among those of terminals. */
static bool is_for_terminals(unsigned request)
{
    switch (request) {
    case FIOCLEX:
    case FIONCLEX:
    case FIONBIO:
    case FIOASYNC:
    case FIOQSIZE:
        return false;
    default:
        return (request >> 8 & 0xff) == 'T';
    }
}

INTERPOSED(int, ioctl, (int fd, unsigned long request, ...))
{
    va_list more;
    va_start(more, request);
    void *argument = va_arg(more, void *); /* if there is none, nobody looks at it */
    va_end(more);
    uint64_t terminal = pretend_of(fd);
    if (terminal != 0 && (unsigned)request == TIOCGWINSZ)
        return tell_size(terminal, argument);
    int result = REAL(ioctl)(fd, request, argument);
    if (terminal != 0 && is_for_terminals((unsigned)request))
        asked("ioctl", recorder_failed(result < 0));
    return result;
}

INTERPOSED(int, tcgetwinsize, (int fd, void *size))
{
    uint64_t terminal = pretend_of(fd);
    if (terminal != 0)
        return tell_size(terminal, size);
    return HAS_REAL(tcgetwinsize) ? REAL(tcgetwinsize)(fd, size) : REAL(ioctl)(fd, TIOCGWINSZ, size);
}

INTERPOSED(int, tcsetwinsize, (int fd, const void *size))
{
    int result = HAS_REAL(tcsetwinsize) ? REAL(tcsetwinsize)(fd, size) : REAL(ioctl)(fd, TIOCSWINSZ, size);
    if (pretend_of(fd) != 0)
        asked("tcsetwinsize", recorder_failed(result < 0));
    return result;
}

/* ---- the rest ---- */

/* The first parameter is `fd`. */
#define OF_TERMINAL(name, parameters, arguments) \
    INTERPOSED(int, name, parameters) \
    { \
        int result = REAL(name) arguments; \
        if (pretend_of(fd) != 0) \
            asked(#name, recorder_failed(result < 0)); \
        return result; \
    }

OF_TERMINAL(tcgetattr, (int fd, void *modes), (fd, modes))
OF_TERMINAL(tcsetattr, (int fd, int when, const void *modes), (fd, when, modes))
OF_TERMINAL(tcsendbreak, (int fd, int duration), (fd, duration))
OF_TERMINAL(tcdrain, (int fd), (fd))
OF_TERMINAL(tcflush, (int fd, int queue), (fd, queue))
OF_TERMINAL(tcflow, (int fd, int action), (fd, action))
OF_TERMINAL(tcgetpgrp, (int fd), (fd))
OF_TERMINAL(tcsetpgrp, (int fd, pid_t group), (fd, group))
OF_TERMINAL(tcgetsid, (int fd), (fd))

INTERPOSED(char *, ttyname, (int fd))
{
    char *name = REAL(ttyname)(fd);
    if (pretend_of(fd) != 0)
        asked("ttyname", recorder_failed(name == NULL));
    return name;
}

/* These return the error. */
INTERPOSED(int, ttyname_r, (int fd, char *name, size_t size))
{
    int err = REAL(ttyname_r)(fd, name, size);
    if (pretend_of(fd) != 0)
        asked("ttyname_r", err);
    return err;
}

INTERPOSED(int, __ttyname_r_chk, (int fd, char *name, size_t size, size_t room))
{
    int err = REAL(__ttyname_r_chk)(fd, name, size, room);
    if (pretend_of(fd) != 0)
        asked("ttyname_r", err);
    return err;
}

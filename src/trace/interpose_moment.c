/*
 * What is another each time that it is asked for: the time of day, what names a process, how busy and how full the
 * machine is, and random numbers.  Clocks that only go on are asked by the interpreter itself, too, for its own
 * purposes.
 *
 * Functions that a C library may not have at all are not stood in front of: who finds a name here expects it to work.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "trace/interpose.h"

static void asked(const char *what)
{
    if (recorder_is_on())
        recorder_moment(what);
}

/* ---- the time ---- */

INTERPOSED(int, clock_gettime, (clockid_t clock, void *now))
{
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_REALTIME_ALARM ||
        clock == CLOCK_TAI)
        asked("time");
    return REAL(clock_gettime)(clock, now);
}

INTERPOSED(int, gettimeofday, (void *now, void *zone))
{
    asked("time");
    return REAL(gettimeofday)(now, zone);
}

INTERPOSED(time_t, time, (time_t *now))
{
    asked("time");
    return REAL(time)(now);
}

INTERPOSED(int, timespec_get, (void *now, int base))
{
    asked("time");
    return REAL(timespec_get)(now, base);
}

/* ---- the process ---- */

#define PROCESS(name) \
    INTERPOSED(pid_t, name, (void)) \
    { \
        asked("process"); \
        return REAL(name)(); \
    }

PROCESS(getpid)
PROCESS(getppid)
PROCESS(getpgrp)

#define PROCESS_OF(name) \
    INTERPOSED(pid_t, name, (pid_t pid)) \
    { \
        asked("process"); \
        return REAL(name)(pid); \
    }

PROCESS_OF(getpgid)
PROCESS_OF(getsid)

/* ---- the machine, and what the process has used of it ---- */

INTERPOSED(int, getrusage, (int whose, void *usage))
{
    asked("usage");
    return REAL(getrusage)(whose, usage);
}

INTERPOSED(int, getloadavg, (double *averages, int count))
{
    asked("load");
    return REAL(getloadavg)(averages, count);
}

#define SPACE_BEHIND(name) \
    INTERPOSED(int, name, (int fd, void *status)) \
    { \
        asked("space"); \
        return REAL(name)(fd, status); \
    }

/* Those of a path are in interpose_status.c. */
SPACE_BEHIND(fstatfs)
SPACE_BEHIND(fstatfs64)
SPACE_BEHIND(fstatvfs)
SPACE_BEHIND(fstatvfs64)

/* ---- random numbers ---- */

INTERPOSED(ssize_t, getrandom, (void *buffer, size_t size, unsigned flags))
{
    asked("random");
    return HAS_REAL(getrandom) ? REAL(getrandom)(buffer, size, flags)
                               : syscall(SYS_getrandom, buffer, size, flags);
}

INTERPOSED(int, getentropy, (void *buffer, size_t size))
{
    asked("random");
    if (HAS_REAL(getentropy))
        return REAL(getentropy)(buffer, size);
    errno = ENOSYS;
    return -1;
}

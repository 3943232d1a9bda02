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

/* ---- the time ---- */

INTERPOSED(int, clock_gettime, (clockid_t clock, void *now))
{
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_REALTIME_ALARM ||
        clock == CLOCK_TAI)
        interpose_moment("time");
    return REAL(clock_gettime)(clock, now);
}

INTERPOSED(int, gettimeofday, (void *now, void *zone))
{
    interpose_moment("time");
    return REAL(gettimeofday)(now, zone);
}

INTERPOSED(time_t, time, (time_t *now))
{
    interpose_moment("time");
    return REAL(time)(now);
}

INTERPOSED(int, timespec_get, (void *now, int base))
{
    interpose_moment("time");
    return REAL(timespec_get)(now, base);
}

/* ---- the process ---- */

#define PROCESS(name) \
    INTERPOSED(pid_t, name, (void)) \
    { \
        interpose_moment("process"); \
        return REAL(name)(); \
    }

PROCESS(getpid)
PROCESS(getppid)
PROCESS(getpgrp)

#define PROCESS_OF(name) \
    INTERPOSED(pid_t, name, (pid_t pid)) \
    { \
        interpose_moment("process"); \
        return REAL(name)(pid); \
    }

PROCESS_OF(getpgid)
PROCESS_OF(getsid)

/* ---- the machine, and what the process has used of it ---- */

INTERPOSED(int, getrusage, (int whose, void *usage))
{
    interpose_moment("usage");
    return REAL(getrusage)(whose, usage);
}

INTERPOSED(int, getloadavg, (double *averages, int count))
{
    interpose_moment("load");
    return REAL(getloadavg)(averages, count);
}

#define SPACE_BEHIND(name) \
    INTERPOSED(int, name, (int fd, void *status)) \
    { \
        interpose_moment("space"); \
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
    interpose_moment("random");
    return HAS_REAL(getrandom) ? REAL(getrandom)(buffer, size, flags)
                               : syscall(SYS_getrandom, buffer, size, flags);
}

INTERPOSED(int, getentropy, (void *buffer, size_t size))
{
    interpose_moment("random");
    if (HAS_REAL(getentropy))
        return REAL(getentropy)(buffer, size);
    errno = ENOSYS;
    return -1;
}

/* What every unit test includes: cmocka behind the headers that it asks for, and a watchdog. */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

enum { DEADLINE_SECONDS = 120 };

/* Tests wait for events, never for time; one that waits for ever is killed by SIGALRM. */
static inline int start_watchdog(void **state)
{
    (void)state;
    alarm(DEADLINE_SECONDS);
    return 0;
}

#endif

/* A forked child that does something, says how it went, and stays until it is ended. */
#ifndef TESTS_UNIT_CHILD_H
#define TESTS_UNIT_CHILD_H

#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "check.h"

struct child {
    pid_t pid;
    int hold; /* the child goes too when this end is closed */
};

/* The child must not assert: that would leave it in the middle of the other tests. */
static inline int child_start(struct child *child, int (*work)(void *argument), void *argument)
{
    int hold[2], tell[2], said;
    char byte;
    assert_int_equal(pipe(hold), 0);
    assert_int_equal(pipe(tell), 0);
    child->pid = fork();
    assert_int_not_equal(child->pid, -1);
    if (child->pid == 0) {
        close(hold[1]);
        said = work == NULL ? 0 : work(argument);
        if (write(tell[1], &said, sizeof said) != sizeof said)
            _exit(1);
        close(tell[1]);
        while (read(hold[0], &byte, 1) < 0 && errno == EINTR)
            continue;
        _exit(0);
    }
    close(hold[0]);
    close(tell[1]);
    child->hold = hold[1];
    assert_int_equal(read(tell[0], &said, sizeof said), sizeof said);
    close(tell[0]);
    return said;
}

/* Kill it and wait for it. */
static inline void child_end(struct child *child)
{
    int status;
    close(child->hold);
    assert_int_equal(kill(child->pid, SIGKILL), 0);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
}

#endif

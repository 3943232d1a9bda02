/*
 * A test that needs a terminal: its body runs in a child that leads a session on a new pseudo-terminal, and the test
 * itself is the user at the other end.
 */
#ifndef TESTS_UNIT_ON_TERMINAL_H
#define TESTS_UNIT_ON_TERMINAL_H

#include <sys/types.h>

struct terminal {
    int fd;      /* the user's end */
    pid_t pid;   /* of the body */
    char seen[16384]; /* what was printed */
    size_t len, looked;
};

typedef void terminal_body(void);

/* Start the body; ends the program if that is impossible. */
void terminal_start(struct terminal *terminal, terminal_body *body);

/* Read until `text` is printed behind what was waited for last; fails the test when the body ends before. */
void terminal_expect(struct terminal *terminal, const char *text);

void terminal_type(struct terminal *terminal, const char *text);

/* Wait for the body's end; fails the test, and shows what was printed, unless it returned. */
void terminal_end(struct terminal *terminal);

/* In the body: print what does not hold and exit. */
void terminal_check(int holds, const char *what, int line);

#define HOLDS(condition) terminal_check(condition, #condition, __LINE__)

/* In the body: say a line to the user. */
void terminal_say(const char *text);

/* In the body, or a process that it has started: open the terminal; ends the process if that is impossible. */
int terminal_fd(void);

#endif

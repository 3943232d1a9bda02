/* The client of a run by way of the daemon, for the tests of the engine: a child that follows a script. */
#ifndef TESTS_UNIT_FAKE_CLIENT_H
#define TESTS_UNIT_FAKE_CLIENT_H

#include <stdbool.h>
#include <sys/types.h>

typedef void client_body(int end);

/*
 * Fork a client that runs `body`, hears nothing more until the engine's end is closed, and exits 0.  Returns the
 * engine's end; ends the program if that is impossible.
 */
int client_start(pid_t *pid, client_body *body);

/* ---- in the client ---- */

/* Say what does not hold, and exit. */
void client_check(bool holds, const char *what, int line);

#define HOLDS(condition) client_check(condition, #condition, __LINE__)

/* Send a message with one byte of payload. */
void client_say(int end, unsigned type, const char *payload);

/* The type of the next message; 0: the engine's end is closed. */
unsigned client_hear(int end);

/* Whether no message has come. */
bool client_hears_nothing(int end);

/* Answer one question for the terminal. */
void client_answer(int end, bool yes);

/* Wait until the engine has gone round some times, by FT_MSG_RESIZED: it takes in one message in each. */
void client_let_go_round(int end);

bool process_is_stopped(pid_t pid);
void process_await_stop(pid_t pid);

#endif

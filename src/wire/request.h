/*
 * What a client asks the daemon for: a run, with all that the run's process has to take over from the client.  Pure.
 *
 * What a user passes is bytes; a reader keeps pointing into the payload.
 */
#ifndef FT_WIRE_REQUEST_H
#define FT_WIRE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

enum { FT_REQUEST_LIMITS = 16 }; /* resource limits, by their number in Linux */

enum { FT_REQUEST_STREAMS = 3 }; /* descriptors 0, 1 and 2 */

/* Of a descriptor that is a terminal; rows << 16 | columns are below. */
#define FT_REQUEST_TERMINAL ((uint64_t)1 << 32)

/* Which descriptors are attached to FT_MSG_ASK. */
enum ft_request_fd {
    FT_REQUEST_PAIR,     /* SOCK_SEQPACKET, between client and controller */
    FT_REQUEST_LIFELINE, /* read end of a pipe that the client holds the other end of */
    FT_REQUEST_FDS,
};

/*
 * Which are attached to FT_MSG_GO, which goes to the controller itself: a daemon that hangs would keep them open, and
 * who waits for the end of our output would wait for that.  These, the second only if the message says so, then one
 * for each element of `fds`.
 */
enum ft_go_fd {
    FT_GO_FOLDER,   /* the current folder, O_PATH */
    FT_GO_TERMINAL, /* /dev/tty, which another session cannot open */
    FT_GO_FIXED,
};

struct ft_request {
    struct ft_text build;    /* which build the client is, see daemon/place.h */
    struct ft_text command;  /* path of the client's executable */
    struct ft_text folder;   /* path of the current folder */
    struct ft_texts args;    /* pytest's, without the name of the command */
    struct ft_texts environ; /* NAME=VALUE */
    uint32_t umask;
    int32_t nice;
    uint64_t ignored; /* signals; bit 0 is signal 1 */
    uint64_t blocked;
    uint64_t limits[FT_REQUEST_LIMITS][2];  /* soft and hard, UINT64_MAX: none */
    uint64_t terminals[FT_REQUEST_STREAMS]; /* what each is: FT_REQUEST_TERMINAL with its size (0: unknown), or 0 */
    uint32_t *fds;                          /* the numbers that descriptors have in the client */
    size_t fd_count;
};

/* A request that was received, with the payload that its texts point into. */
struct ft_kept_request {
    struct ft_buf payload;
    struct ft_request request;
};

/* Append the payload of FT_MSG_ASK.  Returns 0 or -ENOMEM. */
int ft_request_write(struct ft_buf *out, const struct ft_request *request);

/*
 * Read it; texts point into `payload`.  Returns 0, -ENOMEM, or -EBADMSG, with nothing to release, for anything that a
 * client would not write: NUL bytes in a text, sizes of what is no terminal, numbers of descriptors that are not
 * ascending or above INT32_MAX.
 */
int ft_request_read(struct ft_request *request, const uint8_t *payload, size_t len);

/*
 * Whether two are the same in all that a session which was prepared for one cannot leave behind for the other: folder,
 * command, umask, nice value, signals, limits, which descriptors there are, and which terminals 0, 1 and 2 are.
 */
bool ft_request_same_place(const struct ft_request *a, const struct ft_request *b);

/* Free the arrays, not what texts point to. */
void ft_request_release(struct ft_request *request);

/* Copy the payload and read it.  Returns as ft_request_read does, with nothing to drop after an error. */
int ft_request_keep(struct ft_kept_request *kept, const uint8_t *payload, size_t len);

/* Copy a request, but for its arguments.  Returns as ft_request_keep does. */
int ft_request_keep_with(struct ft_kept_request *kept, const struct ft_request *request, const struct ft_texts *args);

/* Free both; harmless the second time. */
void ft_request_drop(struct ft_kept_request *kept);

#endif

/*
 * Messages as frames: a head of eight bytes (payload length as uint32, version, message number, flags as uint16, all
 * little endian), then the payload.  A message longer than FT_FRAME_MAX travels in several frames, all but the last
 * with FT_FRAME_MORE.  Pure: the caller does the I/O.
 */
#ifndef FT_WIRE_FRAME_H
#define FT_WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { FT_FRAME_HEAD = 8 };

#define FT_FRAME_MORE 1u

/* Append the message to `out`, cut into frames.  Returns 0, -ENOMEM, or -EMSGSIZE above FT_MESSAGE_MAX. */
int ft_frame_append(struct ft_buf *out, unsigned type, const void *payload, size_t len);

/* Puts frames together again. */
struct ft_frame_reader {
    struct ft_buf raw;    /* bytes not yet looked at */
    struct ft_buf pieces; /* payload of the frames of an unfinished message */
    uint8_t type;         /* its number; 0: none is unfinished */
    size_t taken;         /* bytes of raw or pieces that the last message handed out lies in */
    int from_pieces;      /* which of the two */
};

#define FT_FRAME_READER_INIT {FT_BUF_INIT, FT_BUF_INIT, 0, 0, 0}

struct ft_message_view {
    uint8_t type;
    const uint8_t *payload; /* valid until the next call with the reader */
    size_t len;
};

/* Hand over bytes that were received.  Returns 0 or -ENOMEM. */
int ft_frame_feed(struct ft_frame_reader *reader, const void *data, size_t len);

/*
 * Take the next whole message.  Returns 1 and fills `view`, 0 when more bytes are needed, -EPROTO on another
 * version, -EBADMSG on a malformed head, -EMSGSIZE above a cap, -ENOMEM.
 */
int ft_frame_next(struct ft_frame_reader *reader, struct ft_message_view *view);

/*
 * The message in a packet that holds a whole one in one frame; `view` points into `data`.  Returns 0, -EBADMSG if
 * there is none, or what ft_frame_next returns for a head that is wrong.
 */
int ft_frame_packet(const void *data, size_t len, struct ft_message_view *view);

void ft_frame_reader_release(struct ft_frame_reader *reader);

#endif

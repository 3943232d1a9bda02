/*
 * The tail of a byte stream: what was not yet written to the socket.  It lies in memory that the reader of the stream
 * shares.  So nothing is lost with the process that writes, and it need not write each message at once: the reader may
 * take a look.
 *
 * One process writes, one reads.  A position is a number of bytes since the beginning of the stream.
 */
#ifndef FT_WIRE_TAIL_H
#define FT_WIRE_TAIL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Bytes of memory that a tail takes, its head included. */
#define FT_TAIL_SIZE (64u * 1024u)

struct ft_tail;

/* Map the memory behind `fd`, FT_TAIL_SIZE bytes of zeros at first; -1: private memory.  NULL with errno. */
struct ft_tail *ft_tail_map(int fd);

void ft_tail_unmap(struct ft_tail *tail);

/* ---- who writes ---- */

/* How much more fits in. */
size_t ft_tail_room(const struct ft_tail *tail);

/* Append `len` bytes, at most ft_tail_room(). */
void ft_tail_append(struct ft_tail *tail, const void *data, size_t len);

/* The content; *len may be 0. */
const unsigned char *ft_tail_content(const struct ft_tail *tail, size_t *len);

/* All of the content was written to the socket, and `more` bytes that were never in it. */
void ft_tail_sent(struct ft_tail *tail, size_t more);

/* ---- who reads ---- */

/*
 * Append what the tail holds behind position `from` to `into`.  Returns how many bytes that are, 0 if there is nothing
 * or if bytes before it are still to come from the socket, -EBADMSG for nonsense, -ENOMEM.
 */
int64_t ft_tail_peek(const struct ft_tail *tail, uint64_t from, struct ft_buf *into);

#endif

/* A growable byte buffer, consumed from the front. */
#ifndef FT_BASE_BUF_H
#define FT_BASE_BUF_H

#include <stddef.h>

struct ft_buf {
    unsigned char *data; /* first unconsumed byte is data[start] */
    size_t start;        /* bytes already consumed */
    size_t len;          /* unconsumed bytes */
    size_t cap;          /* bytes allocated */
};

#define FT_BUF_INIT {NULL, 0, 0, 0}

/* Make room for `extra` bytes behind the content.  Returns 0 or -ENOMEM. */
int ft_buf_reserve(struct ft_buf *buf, size_t extra);

/* Append `len` bytes.  Returns 0 or -ENOMEM; on failure the content is unchanged. */
int ft_buf_append(struct ft_buf *buf, const void *data, size_t len);

/* Drop `len` bytes (at most buf->len) from the front. */
void ft_buf_consume(struct ft_buf *buf, size_t len);

/* First unconsumed byte; valid until the next append, reserve or release. */
unsigned char *ft_buf_head(const struct ft_buf *buf);

/* One past the last byte: where up to `reserve`d bytes may be written, then ft_buf_grown(). */
unsigned char *ft_buf_tail(const struct ft_buf *buf);

/* Count `len` bytes written at the tail as content. */
void ft_buf_grown(struct ft_buf *buf, size_t len);

/* Free what the buffer holds and leave it empty and usable. */
void ft_buf_release(struct ft_buf *buf);

#endif

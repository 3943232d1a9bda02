/*
 * msgpack (https://github.com/msgpack/msgpack/blob/master/spec.md), written to a buffer and read token by token.
 * Pure: no I/O and no globals.
 */
#ifndef FT_WIRE_MSGPACK_H
#define FT_WIRE_MSGPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Writers: append one value, or the head of one.  Each returns 0 or -ENOMEM. */
int ft_mp_nil(struct ft_buf *out);
int ft_mp_bool(struct ft_buf *out, bool value);
int ft_mp_int(struct ft_buf *out, int64_t value);
int ft_mp_uint(struct ft_buf *out, uint64_t value);
int ft_mp_double(struct ft_buf *out, double value);
int ft_mp_str(struct ft_buf *out, const char *text, uint32_t len);
int ft_mp_bin(struct ft_buf *out, const void *data, uint32_t len);
int ft_mp_array(struct ft_buf *out, uint32_t count); /* `count` values follow */
int ft_mp_map(struct ft_buf *out, uint32_t count);   /* `count` pairs follow */

/*
 * An extension whose length is known only once it is written: begin, write the content, end.
 * `mark` carries the place of the head from one to the other.  ft_mp_ext_end returns 0 or -EMSGSIZE.
 */
int ft_mp_ext_begin(struct ft_buf *out, int8_t type, size_t *mark);
int ft_mp_ext_end(struct ft_buf *out, size_t mark);

enum ft_mp_kind {
    FT_MP_NIL,
    FT_MP_BOOL,
    FT_MP_INT,  /* negative: .i */
    FT_MP_UINT, /* zero or positive: .u */
    FT_MP_DOUBLE,
    FT_MP_STR,   /* .bytes, .len; not checked for UTF-8 */
    FT_MP_BIN,   /* .bytes, .len */
    FT_MP_ARRAY, /* .len values follow */
    FT_MP_MAP,   /* .len pairs follow */
    FT_MP_EXT,   /* .ext, .bytes, .len */
};

struct ft_mp_token {
    enum ft_mp_kind kind;
    int8_t ext;
    bool b;
    uint32_t len;
    int64_t i;
    uint64_t u;
    double d;
    const uint8_t *bytes; /* into the reader's input */
};

struct ft_mp_reader {
    const uint8_t *at;
    const uint8_t *end;
};

/*
 * Read one token.  Returns 0, or -EBADMSG where the input ends too early, an array or map claims more values
 * than bytes are left, or the byte means nothing.
 */
int ft_mp_read(struct ft_mp_reader *reader, struct ft_mp_token *token);

/* Read an unsigned integer that fits 32 bits.  Returns 0 or -EBADMSG. */
int ft_mp_read_u32(struct ft_mp_reader *reader, uint32_t *value);

#endif

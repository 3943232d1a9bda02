/*
 * Writing and reading the fields of a payload in a row: each does nothing but hand `err` on if that is negative
 * already.  Writers return 0 or -ENOMEM, readers 0, -ENOMEM, or -EBADMSG for a field that is not as it should be.
 * Texts that were read point into the payload.
 */
#ifndef FT_WIRE_FIELDS_H
#define FT_WIRE_FIELDS_H

#include "base/text.h"
#include "wire/msgpack.h"

/* Append one field, or the head of an array of `count`. */
int ft_put_array(int err, struct ft_buf *out, uint32_t count);
int ft_put_text(int err, struct ft_buf *out, struct ft_text text);
int ft_put_bool(int err, struct ft_buf *out, bool value);
int ft_put_uint(int err, struct ft_buf *out, uint64_t value);
int ft_put_int(int err, struct ft_buf *out, int64_t value);

/* A token of this kind. */
int ft_get_kind(int err, struct ft_mp_reader *reader, enum ft_mp_kind kind, struct ft_mp_token *token);

/* The head of an array of `count` fields. */
int ft_get_array(int err, struct ft_mp_reader *reader, uint32_t count);

/* Bytes. */
int ft_get_bytes(int err, struct ft_mp_reader *reader, struct ft_text *bytes);

/* Bytes without a NUL. */
int ft_get_text(int err, struct ft_mp_reader *reader, struct ft_text *text);

/* An array of bytes without a NUL; the list is to be freed even after an error. */
int ft_get_texts(int err, struct ft_mp_reader *reader, struct ft_texts *texts);

/* A string. */
int ft_get_str(int err, struct ft_mp_reader *reader, struct ft_text *text);

/* True or false. */
int ft_get_bool(int err, struct ft_mp_reader *reader, bool *value);

/* A number that is not negative, at most `most`. */
int ft_get_uint(int err, struct ft_mp_reader *reader, uint64_t most, uint64_t *value);

/* Any number that fits. */
int ft_get_int(int err, struct ft_mp_reader *reader, int64_t *value);

#endif

#include "wire/fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ft_put_array(int err, struct ft_buf *out, uint32_t count)
{
    return err < 0 ? err : ft_mp_array(out, count);
}

int ft_put_text(int err, struct ft_buf *out, struct ft_text text)
{
    return err < 0 ? err : ft_mp_bin(out, text.at, (uint32_t)text.len);
}

int ft_put_bool(int err, struct ft_buf *out, bool value)
{
    return err < 0 ? err : ft_mp_bool(out, value);
}

int ft_put_uint(int err, struct ft_buf *out, uint64_t value)
{
    return err < 0 ? err : ft_mp_uint(out, value);
}

int ft_put_int(int err, struct ft_buf *out, int64_t value)
{
    return err < 0 ? err : ft_mp_int(out, value);
}

int ft_get_kind(int err, struct ft_mp_reader *reader, enum ft_mp_kind kind, struct ft_mp_token *token)
{
    if (err == 0)
        err = ft_mp_read(reader, token);
    return err == 0 && token->kind != kind ? -EBADMSG : err;
}

int ft_get_array(int err, struct ft_mp_reader *reader, uint32_t count)
{
    struct ft_mp_token token = {0};
    err = ft_get_kind(err, reader, FT_MP_ARRAY, &token);
    return err == 0 && token.len != count ? -EBADMSG : err;
}

int ft_get_bytes(int err, struct ft_mp_reader *reader, struct ft_text *bytes)
{
    struct ft_mp_token token = {0};
    err = ft_get_kind(err, reader, FT_MP_BIN, &token);
    if (err == 0)
        *bytes = (struct ft_text){(const char *)token.bytes, token.len};
    return err;
}

int ft_get_text(int err, struct ft_mp_reader *reader, struct ft_text *text)
{
    struct ft_text bytes = {NULL, 0};
    err = ft_get_bytes(err, reader, &bytes);
    if (err == 0 && bytes.len > 0 && memchr(bytes.at, 0, bytes.len) != NULL)
        err = -EBADMSG;
    if (err == 0)
        *text = bytes;
    return err;
}

int ft_get_texts(int err, struct ft_mp_reader *reader, struct ft_texts *texts)
{
    struct ft_mp_token token = {0};
    err = ft_get_kind(err, reader, FT_MP_ARRAY, &token);
    if (err < 0)
        return err;
    texts->items = calloc((size_t)token.len + 1, sizeof *texts->items);
    if (texts->items == NULL)
        return -ENOMEM;
    texts->count = token.len;
    for (size_t i = 0; i < texts->count; i++)
        err = ft_get_text(err, reader, &texts->items[i]);
    return err;
}

int ft_get_str(int err, struct ft_mp_reader *reader, struct ft_text *text)
{
    struct ft_mp_token token = {0};
    err = ft_get_kind(err, reader, FT_MP_STR, &token);
    if (err == 0)
        *text = (struct ft_text){(const char *)token.bytes, token.len};
    return err;
}

int ft_get_bool(int err, struct ft_mp_reader *reader, bool *value)
{
    struct ft_mp_token token = {0};
    err = ft_get_kind(err, reader, FT_MP_BOOL, &token);
    if (err == 0)
        *value = token.b;
    return err;
}

int ft_get_uint(int err, struct ft_mp_reader *reader, uint64_t most, uint64_t *value)
{
    struct ft_mp_token token = {0};
    err = ft_get_kind(err, reader, FT_MP_UINT, &token);
    if (err == 0 && token.u > most)
        err = -EBADMSG;
    if (err == 0)
        *value = token.u;
    return err;
}

int ft_get_int(int err, struct ft_mp_reader *reader, int64_t *value)
{
    struct ft_mp_token token = {0};
    if (err == 0)
        err = ft_mp_read(reader, &token);
    if (err < 0)
        return err;
    if (token.kind == FT_MP_UINT && token.u <= INT64_MAX)
        *value = (int64_t)token.u;
    else if (token.kind == FT_MP_INT)
        *value = token.i;
    else
        err = -EBADMSG;
    return err;
}

/*
 * wire/msgpack on any input: what is read stays inside the input, every read makes progress, and what was read gives
 * the same token again once it is written.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) ((condition) ? (void)0 : abort())

static int write_again(struct ft_buf *out, const struct ft_mp_token *token)
{
    size_t mark;
    switch (token->kind) {
    case FT_MP_NIL:
        return ft_mp_nil(out);
    case FT_MP_BOOL:
        return ft_mp_bool(out, token->b);
    case FT_MP_INT:
        return ft_mp_int(out, token->i);
    case FT_MP_UINT:
        return ft_mp_uint(out, token->u);
    case FT_MP_DOUBLE:
        return ft_mp_double(out, token->d);
    case FT_MP_STR:
        return ft_mp_str(out, (const char *)token->bytes, token->len);
    case FT_MP_BIN:
        return ft_mp_bin(out, token->bytes, token->len);
    case FT_MP_EXT:
        MUST(ft_mp_ext_begin(out, token->ext, &mark) == 0 && ft_buf_append(out, token->bytes, token->len) == 0);
        return ft_mp_ext_end(out, mark);
    case FT_MP_ARRAY:
    case FT_MP_MAP:
    default:
        return 1; /* its values are tokens of their own */
    }
}

static void compare(const struct ft_mp_token *a, const struct ft_mp_token *b)
{
    MUST(a->kind == b->kind && a->b == b->b && a->ext == b->ext && a->len == b->len);
    MUST(a->kind != FT_MP_INT || (a->i == b->i && a->i < 0));
    MUST(a->kind != FT_MP_UINT || a->u == b->u);
    MUST(a->kind != FT_MP_DOUBLE || memcmp(&a->d, &b->d, sizeof a->d) == 0 || a->d != a->d);
    MUST(a->len == 0 || a->bytes == NULL || memcmp(a->bytes, b->bytes, a->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ft_mp_reader reader = {data, data + size};
    struct ft_mp_token token, again;
    for (;;) {
        const uint8_t *before = reader.at;
        if (ft_mp_read(&reader, &token) < 0)
            return 0;
        MUST(reader.at > before && reader.at <= reader.end);
        MUST(token.bytes == NULL || (token.bytes >= data && token.bytes + token.len <= reader.end));
        struct ft_buf out = FT_BUF_INIT;
        if (write_again(&out, &token) == 0) {
            struct ft_mp_reader copy = {ft_buf_head(&out), ft_buf_tail(&out)};
            MUST(ft_mp_read(&copy, &again) == 0 && copy.at == copy.end);
            compare(&token, &again);
        }
        ft_buf_release(&out);
    }
}

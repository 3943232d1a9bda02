#include "wire/msgpack.h"

#include <errno.h>
#include <string.h>

/* Append the byte `head` and the low `width` bytes of `value`, most significant first. */
static int put(struct ft_buf *out, uint8_t head, uint64_t value, unsigned width)
{
    uint8_t bytes[9];
    bytes[0] = head;
    for (unsigned i = 0; i < width; i++)
        bytes[1 + i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    return ft_buf_append(out, bytes, 1 + (size_t)width);
}

int ft_mp_nil(struct ft_buf *out)
{
    return put(out, 0xc0, 0, 0);
}

int ft_mp_bool(struct ft_buf *out, bool value)
{
    return put(out, value ? 0xc3 : 0xc2, 0, 0);
}

int ft_mp_uint(struct ft_buf *out, uint64_t value)
{
    if (value < 0x80)
        return put(out, (uint8_t)value, 0, 0);
    if (value <= UINT8_MAX)
        return put(out, 0xcc, value, 1);
    if (value <= UINT16_MAX)
        return put(out, 0xcd, value, 2);
    if (value <= UINT32_MAX)
        return put(out, 0xce, value, 4);
    return put(out, 0xcf, value, 8);
}

int ft_mp_int(struct ft_buf *out, int64_t value)
{
    if (value >= 0)
        return ft_mp_uint(out, (uint64_t)value);
    if (value >= -32)
        return put(out, (uint8_t)(value & 0xff), 0, 0);
    if (value >= INT8_MIN)
        return put(out, 0xd0, (uint64_t)value, 1);
    if (value >= INT16_MIN)
        return put(out, 0xd1, (uint64_t)value, 2);
    if (value >= INT32_MIN)
        return put(out, 0xd2, (uint64_t)value, 4);
    return put(out, 0xd3, (uint64_t)value, 8);
}

int ft_mp_double(struct ft_buf *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put(out, 0xcb, bits, 8);
}

int ft_mp_str(struct ft_buf *out, const char *text, uint32_t len)
{
    int err;
    if (len < 32)
        err = put(out, (uint8_t)(0xa0 | len), 0, 0);
    else if (len <= UINT8_MAX)
        err = put(out, 0xd9, len, 1);
    else if (len <= UINT16_MAX)
        err = put(out, 0xda, len, 2);
    else
        err = put(out, 0xdb, len, 4);
    return err < 0 ? err : ft_buf_append(out, text, len);
}

int ft_mp_bin(struct ft_buf *out, const void *data, uint32_t len)
{
    int err;
    if (len <= UINT8_MAX)
        err = put(out, 0xc4, len, 1);
    else if (len <= UINT16_MAX)
        err = put(out, 0xc5, len, 2);
    else
        err = put(out, 0xc6, len, 4);
    return err < 0 ? err : ft_buf_append(out, data, len);
}

int ft_mp_array(struct ft_buf *out, uint32_t count)
{
    if (count < 16)
        return put(out, (uint8_t)(0x90 | count), 0, 0);
    if (count <= UINT16_MAX)
        return put(out, 0xdc, count, 2);
    return put(out, 0xdd, count, 4);
}

int ft_mp_map(struct ft_buf *out, uint32_t count)
{
    if (count < 16)
        return put(out, (uint8_t)(0x80 | count), 0, 0);
    if (count <= UINT16_MAX)
        return put(out, 0xde, count, 2);
    return put(out, 0xdf, count, 4);
}

int ft_mp_ext_begin(struct ft_buf *out, int8_t type, size_t *mark)
{
    *mark = out->len;
    int err = put(out, 0xc9, 0, 4);
    return err < 0 ? err : ft_buf_append(out, &type, 1);
}

int ft_mp_ext_end(struct ft_buf *out, size_t mark)
{
    size_t len = out->len - mark - 6;
    if (len > UINT32_MAX)
        return -EMSGSIZE;
    unsigned char *head = ft_buf_head(out) + mark;
    for (unsigned i = 0; i < 4; i++)
        head[1 + i] = (unsigned char)(len >> (8 * (3 - i)));
    return 0;
}

/* Read a big-endian number of `width` bytes. */
static int take(struct ft_mp_reader *reader, unsigned width, uint64_t *value)
{
    if ((size_t)(reader->end - reader->at) < width)
        return -EBADMSG;
    *value = 0;
    for (unsigned i = 0; i < width; i++)
        *value = *value << 8 | *reader->at++;
    return 0;
}

static int take_bytes(struct ft_mp_reader *reader, struct ft_mp_token *token, uint64_t len)
{
    if ((uint64_t)(reader->end - reader->at) < len)
        return -EBADMSG;
    token->len = (uint32_t)len;
    token->bytes = reader->at;
    reader->at += len;
    return 0;
}

/* The head of an array or map; each value needs at least a byte. */
static int take_count(struct ft_mp_reader *reader, struct ft_mp_token *token, uint64_t count)
{
    uint64_t least = token->kind == FT_MP_MAP ? 2 * count : count;
    if ((uint64_t)(reader->end - reader->at) < least)
        return -EBADMSG;
    token->len = (uint32_t)count;
    return 0;
}

static void set_signed(struct ft_mp_token *token, int64_t value)
{
    token->kind = value < 0 ? FT_MP_INT : FT_MP_UINT;
    token->i = value;
    token->u = (uint64_t)value;
}

/* Heads 0xcc to 0xd3: integers of 1, 2, 4 and 8 bytes. */
static int take_integer(struct ft_mp_reader *reader, struct ft_mp_token *token, uint8_t head)
{
    unsigned width = 1u << (head & 3);
    uint64_t raw;
    int err = take(reader, width, &raw);
    if (err < 0)
        return err;
    if (head <= 0xcf) {
        token->kind = FT_MP_UINT;
        token->u = raw;
        return 0;
    }
    unsigned unused = 64 - 8 * width;
    set_signed(token, (int64_t)(raw << unused) >> unused);
    return 0;
}

static int take_float(struct ft_mp_reader *reader, struct ft_mp_token *token, uint8_t head)
{
    uint64_t raw;
    token->kind = FT_MP_DOUBLE;
    int err = take(reader, head == 0xca ? 4 : 8, &raw);
    if (err < 0)
        return err;
    if (head == 0xca) {
        uint32_t bits = (uint32_t)raw;
        float single;
        memcpy(&single, &bits, sizeof single);
        token->d = (double)single;
    } else {
        memcpy(&token->d, &raw, sizeof token->d);
    }
    return 0;
}

/* Heads that are followed by a length of `width` bytes. */
static int take_sized(struct ft_mp_reader *reader, struct ft_mp_token *token, enum ft_mp_kind kind, unsigned width)
{
    uint64_t len;
    token->kind = kind;
    int err = take(reader, width, &len);
    if (err < 0)
        return err;
    if (kind == FT_MP_ARRAY || kind == FT_MP_MAP)
        return take_count(reader, token, len);
    if (kind == FT_MP_EXT) {
        uint64_t type;
        if ((err = take(reader, 1, &type)) < 0)
            return err;
        token->ext = (int8_t)(uint8_t)type;
    }
    return take_bytes(reader, token, len);
}

static int take_fixext(struct ft_mp_reader *reader, struct ft_mp_token *token, unsigned len)
{
    uint64_t type;
    token->kind = FT_MP_EXT;
    int err = take(reader, 1, &type);
    if (err < 0)
        return err;
    token->ext = (int8_t)(uint8_t)type;
    return take_bytes(reader, token, len);
}

/* Heads 0xc0 and above. */
static int take_headed(struct ft_mp_reader *reader, struct ft_mp_token *token, uint8_t head)
{
    switch (head) {
    case 0xc0:
        token->kind = FT_MP_NIL;
        return 0;
    case 0xc2:
    case 0xc3:
        token->kind = FT_MP_BOOL;
        token->b = head == 0xc3;
        return 0;
    case 0xc4: case 0xc5: case 0xc6:
        return take_sized(reader, token, FT_MP_BIN, 1u << (head - 0xc4));
    case 0xc7: case 0xc8: case 0xc9:
        return take_sized(reader, token, FT_MP_EXT, 1u << (head - 0xc7));
    case 0xca: case 0xcb:
        return take_float(reader, token, head);
    case 0xcc: case 0xcd: case 0xce: case 0xcf:
    case 0xd0: case 0xd1: case 0xd2: case 0xd3:
        return take_integer(reader, token, head);
    case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8:
        return take_fixext(reader, token, 1u << (head - 0xd4));
    case 0xd9: case 0xda: case 0xdb:
        return take_sized(reader, token, FT_MP_STR, 1u << (head - 0xd9));
    case 0xdc: case 0xdd:
        return take_sized(reader, token, FT_MP_ARRAY, 2u << (head - 0xdc));
    case 0xde: case 0xdf:
        return take_sized(reader, token, FT_MP_MAP, 2u << (head - 0xde));
    default:
        return -EBADMSG;
    }
}

int ft_mp_read(struct ft_mp_reader *reader, struct ft_mp_token *token)
{
    *token = (struct ft_mp_token){.kind = FT_MP_NIL};
    if (reader->at == reader->end)
        return -EBADMSG;
    uint8_t head = *reader->at++;
    if (head < 0x80 || head >= 0xe0) {
        set_signed(token, (int8_t)head);
        return 0;
    }
    if (head >= 0xc0)
        return take_headed(reader, token, head);
    if (head >= 0xa0) {
        token->kind = FT_MP_STR;
        return take_bytes(reader, token, head & 31u);
    }
    token->kind = head >= 0x90 ? FT_MP_ARRAY : FT_MP_MAP;
    return take_count(reader, token, head & 15u);
}

int ft_mp_read_u32(struct ft_mp_reader *reader, uint32_t *value)
{
    struct ft_mp_token token;
    int err = ft_mp_read(reader, &token);
    if (err < 0)
        return err;
    if (token.kind != FT_MP_UINT || token.u > UINT32_MAX)
        return -EBADMSG;
    *value = (uint32_t)token.u;
    return 0;
}

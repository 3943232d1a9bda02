#include "wire/frame.h"

#include <errno.h>

#include "wire/protocol.h"

static int append_one(struct ft_buf *out, unsigned type, const uint8_t *payload, size_t len, unsigned flags)
{
    uint8_t head[FT_FRAME_HEAD] = {
        (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16), (uint8_t)(len >> 24),
        FT_PROTOCOL_VERSION, (uint8_t)type, (uint8_t)flags, 0,
    };
    int err = ft_buf_append(out, head, sizeof head);
    return err < 0 ? err : ft_buf_append(out, payload, len);
}

int ft_frame_append(struct ft_buf *out, unsigned type, const void *payload, size_t len)
{
    const uint8_t *at = payload;
    if (len > FT_MESSAGE_MAX)
        return -EMSGSIZE;
    while (len > FT_FRAME_MAX) {
        int err = append_one(out, type, at, FT_FRAME_MAX, FT_FRAME_MORE);
        if (err < 0)
            return err;
        at += FT_FRAME_MAX;
        len -= FT_FRAME_MAX;
    }
    return append_one(out, type, at, len, 0);
}

int ft_frame_feed(struct ft_frame_reader *reader, const void *data, size_t len)
{
    return ft_buf_append(&reader->raw, data, len);
}

/* Forget the message that the last call handed out. */
static void drop_taken(struct ft_frame_reader *reader)
{
    if (reader->from_pieces)
        ft_buf_release(&reader->pieces); /* was large: give the memory back */
    else
        ft_buf_consume(&reader->raw, reader->taken);
    reader->taken = 0;
    reader->from_pieces = 0;
}

struct head {
    uint32_t len;
    uint8_t type;
    unsigned flags;
};

/* What is right or wrong about the first FT_FRAME_HEAD bytes of a frame by itself. */
static int parse_head(const uint8_t *raw, struct head *head)
{
    head->len = (uint32_t)raw[0] | (uint32_t)raw[1] << 8 | (uint32_t)raw[2] << 16 | (uint32_t)raw[3] << 24;
    head->type = raw[5];
    head->flags = raw[6];
    if (raw[4] != FT_PROTOCOL_VERSION)
        return -EPROTO;
    if (head->type == 0 || raw[7] != 0 || (head->flags & ~FT_FRAME_MORE) != 0)
        return -EBADMSG;
    return 0;
}

static int read_head(const struct ft_frame_reader *reader, struct head *head)
{
    int err = parse_head(ft_buf_head(&reader->raw), head);
    if (err < 0)
        return err;
    if (reader->type != 0 && reader->type != head->type)
        return -EBADMSG;
    if (head->len > FT_FRAME_MAX || reader->pieces.len + head->len > FT_MESSAGE_MAX)
        return -EMSGSIZE;
    return 0;
}

int ft_frame_packet(const void *data, size_t len, struct ft_message_view *view)
{
    struct head head;
    int err = len < FT_FRAME_HEAD ? -EBADMSG : parse_head(data, &head);
    if (err < 0)
        return err;
    if (head.len > FT_FRAME_MAX)
        return -EMSGSIZE;
    if (head.flags != 0 || len - FT_FRAME_HEAD < head.len)
        return -EBADMSG;
    *view = (struct ft_message_view){head.type, (const uint8_t *)data + FT_FRAME_HEAD, head.len};
    return 0;
}

/* Add a frame to the unfinished message. */
static int keep_piece(struct ft_frame_reader *reader, const struct head *head)
{
    int err = ft_buf_append(&reader->pieces, ft_buf_head(&reader->raw) + FT_FRAME_HEAD, head->len);
    if (err < 0)
        return err;
    ft_buf_consume(&reader->raw, FT_FRAME_HEAD + (size_t)head->len);
    reader->type = head->flags & FT_FRAME_MORE ? head->type : 0;
    return 0;
}

int ft_frame_next(struct ft_frame_reader *reader, struct ft_message_view *view)
{
    struct head head;
    drop_taken(reader);
    while (reader->raw.len >= FT_FRAME_HEAD) {
        int err = read_head(reader, &head);
        if (err < 0)
            return err;
        if (reader->raw.len - FT_FRAME_HEAD < head.len)
            return 0;
        view->type = head.type;
        if (reader->type == 0 && !(head.flags & FT_FRAME_MORE)) {
            view->payload = ft_buf_head(&reader->raw) + FT_FRAME_HEAD;
            view->len = head.len;
            reader->taken = FT_FRAME_HEAD + (size_t)head.len;
            return 1;
        }
        if ((err = keep_piece(reader, &head)) < 0)
            return err;
        if (reader->type == 0) {
            view->payload = ft_buf_head(&reader->pieces);
            view->len = reader->pieces.len;
            reader->from_pieces = 1;
            return 1;
        }
    }
    return 0;
}

void ft_frame_reader_release(struct ft_frame_reader *reader)
{
    ft_buf_release(&reader->raw);
    ft_buf_release(&reader->pieces);
    *reader = (struct ft_frame_reader)FT_FRAME_READER_INIT;
}

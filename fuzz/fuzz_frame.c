/*
 * wire/frame on any stream of bytes: fed at once and in chunks it gives the same messages and the same end, and each
 * message survives being cut into frames once more.  The first byte seeds the sizes of the chunks.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/frame.h"
#include "wire/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) ((condition) ? (void)0 : abort())

/* Messages and how the stream ended, as one text to compare. */
struct outcome {
    struct ft_buf messages;
    int end;
};

static void check_again(const struct ft_message_view *view)
{
    struct ft_buf out = FT_BUF_INIT;
    struct ft_frame_reader reader = FT_FRAME_READER_INIT;
    struct ft_message_view copy;
    MUST(ft_frame_append(&out, view->type, view->payload, view->len) == 0);
    MUST(ft_frame_feed(&reader, ft_buf_head(&out), out.len) == 0);
    MUST(ft_frame_next(&reader, &copy) == 1);
    MUST(copy.type == view->type && copy.len == view->len);
    MUST(view->len == 0 || memcmp(copy.payload, view->payload, view->len) == 0);
    MUST(ft_frame_next(&reader, &copy) == 0);
    ft_frame_reader_release(&reader);
    ft_buf_release(&out);
}

static void take_all(struct ft_frame_reader *reader, struct outcome *outcome)
{
    struct ft_message_view view;
    while ((outcome->end = ft_frame_next(reader, &view)) == 1) {
        MUST(view.type != 0 && view.len <= FT_MESSAGE_MAX);
        check_again(&view);
        MUST(ft_buf_append(&outcome->messages, &view.type, 1) == 0);
        MUST(ft_buf_append(&outcome->messages, &view.len, sizeof view.len) == 0);
        MUST(ft_buf_append(&outcome->messages, view.payload, view.len) == 0);
    }
}

/* `seed` 0: all at once. */
static struct outcome play(const uint8_t *data, size_t size, uint32_t seed)
{
    struct outcome outcome = {FT_BUF_INIT, 0};
    struct ft_frame_reader reader = FT_FRAME_READER_INIT;
    while (size > 0 && outcome.end == 0) {
        size_t chunk = size;
        if (seed != 0) {
            seed = seed * 1664525u + 1013904223u;
            chunk = 1 + (seed >> 16) % (seed & 0x8000 ? 9 : 700);
            chunk = chunk < size ? chunk : size;
        }
        MUST(ft_frame_feed(&reader, data, chunk) == 0);
        data += chunk;
        size -= chunk;
        take_all(&reader, &outcome);
    }
    ft_frame_reader_release(&reader);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct outcome whole = play(data + 1, size - 1, 0);
    struct outcome chunks = play(data + 1, size - 1, 1u + data[0]);
    MUST(whole.end == chunks.end && whole.messages.len == chunks.messages.len);
    MUST(whole.messages.len == 0 ||
         memcmp(ft_buf_head(&whole.messages), ft_buf_head(&chunks.messages), whole.messages.len) == 0);
    ft_buf_release(&whole.messages);
    ft_buf_release(&chunks.messages);
    return 0;
}

/* wire/frame: messages cut into frames and put together again, whatever the pieces in which they arrive. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "random.h"
#include "wire/frame.h"
#include "wire/protocol.h"

enum { SMALL = 37 };

/* A head as it travels. */
static void put_head(struct ft_buf *out, uint32_t len, uint8_t version, uint8_t type, uint8_t flags, uint8_t flags_high)
{
    uint8_t head[FT_FRAME_HEAD] = {
        (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16), (uint8_t)(len >> 24), version, type, flags, flags_high,
    };
    assert_int_equal(ft_buf_append(out, head, sizeof head), 0);
}

static uint8_t *pattern(size_t len)
{
    uint8_t *bytes = malloc(len + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 131 + (i >> 8));
    return bytes;
}

static void feed_all(struct ft_frame_reader *reader, const struct ft_buf *bytes)
{
    assert_int_equal(ft_frame_feed(reader, ft_buf_head(bytes), bytes->len), 0);
}

static void a_message_has_the_head_that_the_protocol_says(void **state)
{
    static const uint8_t expected[] = {3, 0, 0, 0, FT_PROTOCOL_VERSION, FT_MSG_START, 0, 0, 'a', 'b', 'c'};
    struct ft_buf out = FT_BUF_INIT;
    (void)state;
    assert_int_equal(ft_frame_append(&out, FT_MSG_START, "abc", 3), 0);
    assert_int_equal(out.len, sizeof expected);
    assert_memory_equal(ft_buf_head(&out), expected, sizeof expected);
    ft_buf_release(&out);
}

static void messages_survive_at_the_borders_of_a_frame(void **state)
{
    static const size_t lens[] = {0,
                                  1,
                                  FT_FRAME_MAX - 1,
                                  FT_FRAME_MAX,
                                  FT_FRAME_MAX + 1,
                                  2 * FT_FRAME_MAX - 1,
                                  2 * FT_FRAME_MAX,
                                  2 * FT_FRAME_MAX + 1,
                                  20u * 1024 * 1024 + 5};
    uint8_t *bytes = pattern(lens[8]);
    (void)state;
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct ft_buf out = FT_BUF_INIT;
        struct ft_frame_reader reader = FT_FRAME_READER_INIT;
        struct ft_message_view view;
        assert_int_equal(ft_frame_append(&out, FT_MSG_REPORT, bytes, lens[i]), 0);
        feed_all(&reader, &out);
        assert_int_equal(ft_frame_next(&reader, &view), 1);
        assert_int_equal(view.type, FT_MSG_REPORT);
        assert_int_equal(view.len, lens[i]);
        assert_memory_equal(view.payload, bytes, lens[i]);
        assert_int_equal(ft_frame_next(&reader, &view), 0);
        ft_frame_reader_release(&reader);
        ft_buf_release(&out);
    }
    free(bytes);
}

static void a_message_may_arrive_cut_at_any_byte(void **state)
{
    uint8_t *bytes = pattern(SMALL);
    struct ft_buf out = FT_BUF_INIT;
    (void)state;
    assert_int_equal(ft_frame_append(&out, FT_MSG_TEXT, bytes, SMALL), 0);
    for (size_t cut = 0; cut <= out.len; cut++) {
        struct ft_frame_reader reader = FT_FRAME_READER_INIT;
        struct ft_message_view view;
        assert_int_equal(ft_frame_feed(&reader, ft_buf_head(&out), cut), 0);
        assert_int_equal(ft_frame_next(&reader, &view), cut == out.len);
        if (cut < out.len) {
            assert_int_equal(ft_frame_feed(&reader, ft_buf_head(&out) + cut, out.len - cut), 0);
            assert_int_equal(ft_frame_next(&reader, &view), 1);
        }
        assert_int_equal(view.len, SMALL);
        assert_memory_equal(view.payload, bytes, SMALL);
        ft_frame_reader_release(&reader);
    }
    ft_buf_release(&out);
    free(bytes);
}

static void a_message_in_several_frames_may_arrive_cut_near_their_borders(void **state)
{
    size_t len = 2 * FT_FRAME_MAX + 100;
    uint8_t *bytes = pattern(len);
    struct ft_buf out = FT_BUF_INIT;
    (void)state;
    assert_int_equal(ft_frame_append(&out, FT_MSG_REPORT, bytes, len), 0);
    for (size_t frame = 0; frame < 3; frame++) {
        size_t border = frame * (FT_FRAME_MAX + FT_FRAME_HEAD);
        for (size_t cut = border > 3 ? border - 3 : 0; cut < border + FT_FRAME_HEAD + 3; cut++) {
            struct ft_frame_reader reader = FT_FRAME_READER_INIT;
            struct ft_message_view view;
            assert_int_equal(ft_frame_feed(&reader, ft_buf_head(&out), cut), 0);
            assert_int_equal(ft_frame_next(&reader, &view), 0);
            assert_int_equal(ft_frame_feed(&reader, ft_buf_head(&out) + cut, out.len - cut), 0);
            assert_int_equal(ft_frame_next(&reader, &view), 1);
            assert_int_equal(view.len, len);
            assert_memory_equal(view.payload, bytes, len);
            ft_frame_reader_release(&reader);
        }
    }
    ft_buf_release(&out);
    free(bytes);
}

static void many_messages_arrive_in_order_in_random_chunks(void **state)
{
    size_t longest = FT_FRAME_MAX * 3;
    uint8_t *bytes = pattern(longest);
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct random random = {seed};
        struct ft_buf out = FT_BUF_INIT;
        struct ft_frame_reader reader = FT_FRAME_READER_INIT;
        uint32_t lens[60];
        unsigned got = 0;
        for (unsigned i = 0; i < 60; i++) {
            lens[i] = random_below(&random, random_below(&random, 10) ? 300 : (uint32_t)longest);
            assert_int_equal(ft_frame_append(&out, 1 + i, bytes, lens[i]), 0);
        }
        while (out.len > 0) {
            size_t chunk = 1 + random_below(&random, 100000);
            chunk = chunk < out.len ? chunk : out.len;
            assert_int_equal(ft_frame_feed(&reader, ft_buf_head(&out), chunk), 0);
            ft_buf_consume(&out, chunk);
            struct ft_message_view view;
            while (ft_frame_next(&reader, &view) == 1) {
                assert_int_equal(view.type, 1 + got);
                assert_int_equal(view.len, lens[got]);
                assert_memory_equal(view.payload, bytes, lens[got]);
                got++;
            }
        }
        assert_int_equal(got, 60);
        ft_frame_reader_release(&reader);
        ft_buf_release(&out);
    }
    free(bytes);
}

static void a_message_in_pieces_may_not_be_interleaved_with_another(void **state)
{
    struct ft_buf out = FT_BUF_INIT;
    struct ft_frame_reader reader = FT_FRAME_READER_INIT;
    struct ft_message_view view;
    (void)state;
    put_head(&out, 1, FT_PROTOCOL_VERSION, FT_MSG_REPORT, FT_FRAME_MORE, 0);
    assert_int_equal(ft_buf_append(&out, "a", 1), 0);
    put_head(&out, 1, FT_PROTOCOL_VERSION, FT_MSG_TEXT, 0, 0);
    assert_int_equal(ft_buf_append(&out, "b", 1), 0);
    feed_all(&reader, &out);
    assert_int_equal(ft_frame_next(&reader, &view), -EBADMSG);
    assert_int_equal(ft_frame_next(&reader, &view), -EBADMSG);
    ft_frame_reader_release(&reader);
    ft_buf_release(&out);
}

static void empty_pieces_make_an_empty_message(void **state)
{
    struct ft_buf out = FT_BUF_INIT;
    struct ft_frame_reader reader = FT_FRAME_READER_INIT;
    struct ft_message_view view;
    (void)state;
    for (int i = 0; i < 3; i++)
        put_head(&out, 0, FT_PROTOCOL_VERSION, FT_MSG_TEXT, FT_FRAME_MORE, 0);
    put_head(&out, 0, FT_PROTOCOL_VERSION, FT_MSG_TEXT, 0, 0);
    assert_int_equal(ft_frame_append(&out, FT_MSG_DONE, "x", 1), 0);
    feed_all(&reader, &out);
    assert_int_equal(ft_frame_next(&reader, &view), 1);
    assert_int_equal(view.type, FT_MSG_TEXT);
    assert_int_equal(view.len, 0);
    assert_int_equal(ft_frame_next(&reader, &view), 1);
    assert_int_equal(view.type, FT_MSG_DONE);
    assert_int_equal(view.len, 1);
    ft_frame_reader_release(&reader);
    ft_buf_release(&out);
}

static void malformed_heads_are_refused_at_once(void **state)
{
    static const struct {
        uint32_t len;
        uint8_t version, type, flags, flags_high;
        int result;
    } cases[] = {
        {0, FT_PROTOCOL_VERSION + 1, 1, 0, 0, -EPROTO},
        {0, 0, 1, 0, 0, -EPROTO},
        {UINT32_MAX, 0xff, 0xff, 0xff, 0xff, -EPROTO},
        {0, FT_PROTOCOL_VERSION, 0, 0, 0, -EBADMSG},
        {0, FT_PROTOCOL_VERSION, 1, 2, 0, -EBADMSG},
        {0, FT_PROTOCOL_VERSION, 1, 0x80 | FT_FRAME_MORE, 0, -EBADMSG},
        {0, FT_PROTOCOL_VERSION, 1, 0, 1, -EBADMSG},
        {FT_FRAME_MAX + 1, FT_PROTOCOL_VERSION, 1, 0, 0, -EMSGSIZE},
        {FT_FRAME_MAX + 1, FT_PROTOCOL_VERSION, 1, FT_FRAME_MORE, 0, -EMSGSIZE},
        {UINT32_MAX, FT_PROTOCOL_VERSION, 1, 0, 0, -EMSGSIZE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ft_buf out = FT_BUF_INIT;
        struct ft_frame_reader reader = FT_FRAME_READER_INIT;
        struct ft_message_view view;
        put_head(&out, cases[i].len, cases[i].version, cases[i].type, cases[i].flags, cases[i].flags_high);
        feed_all(&reader, &out);
        assert_int_equal(ft_frame_next(&reader, &view), cases[i].result);
        ft_frame_reader_release(&reader);
        ft_buf_release(&out);
    }
}

static void a_message_above_the_cap_is_not_sent(void **state)
{
    struct ft_buf out = FT_BUF_INIT;
    (void)state;
    assert_int_equal(ft_frame_append(&out, FT_MSG_REPORT, "", FT_MESSAGE_MAX + 1), -EMSGSIZE);
    assert_int_equal(out.len, 0);
    ft_buf_release(&out);
}

/* The cap on a whole message, without two gigabytes: a reader that already holds nearly that much. */
static void a_message_above_the_cap_is_not_put_together(void **state)
{
    struct ft_buf out = FT_BUF_INIT;
    struct ft_frame_reader reader = FT_FRAME_READER_INIT;
    struct ft_message_view view;
    (void)state;
    put_head(&out, 2, FT_PROTOCOL_VERSION, FT_MSG_REPORT, 0, 0);
    assert_int_equal(ft_buf_append(&out, "ab", 2), 0);
    feed_all(&reader, &out);
    reader.type = FT_MSG_REPORT;
    reader.pieces.len = FT_MESSAGE_MAX - 1;
    assert_int_equal(ft_frame_next(&reader, &view), -EMSGSIZE);
    reader.pieces.len = 0;
    ft_frame_reader_release(&reader);
    ft_buf_release(&out);
}

static void memory_of_a_large_message_is_given_back(void **state)
{
    size_t len = 8 * FT_FRAME_MAX;
    uint8_t *bytes = pattern(len);
    struct ft_buf out = FT_BUF_INIT;
    struct ft_frame_reader reader = FT_FRAME_READER_INIT;
    struct ft_message_view view;
    (void)state;
    assert_int_equal(ft_frame_append(&out, FT_MSG_REPORT, bytes, len), 0);
    feed_all(&reader, &out);
    assert_int_equal(ft_frame_next(&reader, &view), 1);
    assert_int_equal(ft_frame_next(&reader, &view), 0);
    assert_int_equal(reader.pieces.cap, 0);
    ft_frame_reader_release(&reader);
    ft_buf_release(&out);
    free(bytes);
}

static void a_packet_is_read_where_it_lies(void **state)
{
    struct ft_buf out = FT_BUF_INIT;
    struct ft_message_view view;
    (void)state;
    assert_int_equal(ft_frame_append(&out, FT_MSG_EXIT, "\x05", 1), 0);
    const uint8_t *packet = ft_buf_head(&out);
    assert_int_equal(ft_frame_packet(packet, out.len, &view), 0);
    assert_int_equal(view.type, FT_MSG_EXIT);
    assert_int_equal(view.len, 1);
    assert_ptr_equal(view.payload, packet + FT_FRAME_HEAD);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(ft_frame_packet(packet, len, &view), -EBADMSG);
    ft_buf_release(&out);
}

static void a_packet_with_a_wrong_head_or_a_piece_is_refused(void **state)
{
    static const struct {
        uint32_t len;
        uint8_t version, type, flags, flags_high;
        int error;
    } heads[] = {
        {0, FT_PROTOCOL_VERSION + 1, FT_MSG_GO, 0, 0, -EPROTO},
        {0, FT_PROTOCOL_VERSION, 0, 0, 0, -EBADMSG},
        {0, FT_PROTOCOL_VERSION, FT_MSG_GO, FT_FRAME_MORE, 0, -EBADMSG},
        {0, FT_PROTOCOL_VERSION, FT_MSG_GO, 2, 0, -EBADMSG},
        {0, FT_PROTOCOL_VERSION, FT_MSG_GO, 0, 1, -EBADMSG},
        {FT_FRAME_MAX + 1, FT_PROTOCOL_VERSION, FT_MSG_GO, 0, 0, -EMSGSIZE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct ft_buf out = FT_BUF_INIT;
        struct ft_message_view view;
        put_head(&out, heads[i].len, heads[i].version, heads[i].type, heads[i].flags, heads[i].flags_high);
        assert_int_equal(ft_frame_packet(ft_buf_head(&out), out.len, &view), heads[i].error);
        ft_buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_has_the_head_that_the_protocol_says),
        cmocka_unit_test(messages_survive_at_the_borders_of_a_frame),
        cmocka_unit_test(a_message_may_arrive_cut_at_any_byte),
        cmocka_unit_test(a_message_in_several_frames_may_arrive_cut_near_their_borders),
        cmocka_unit_test(many_messages_arrive_in_order_in_random_chunks),
        cmocka_unit_test(a_message_in_pieces_may_not_be_interleaved_with_another),
        cmocka_unit_test(empty_pieces_make_an_empty_message),
        cmocka_unit_test(malformed_heads_are_refused_at_once),
        cmocka_unit_test(a_message_above_the_cap_is_not_sent),
        cmocka_unit_test(a_message_above_the_cap_is_not_put_together),
        cmocka_unit_test(memory_of_a_large_message_is_given_back),
        cmocka_unit_test(a_packet_is_read_where_it_lies),
        cmocka_unit_test(a_packet_with_a_wrong_head_or_a_piece_is_refused),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

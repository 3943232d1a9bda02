/* wire/msgpack: every width of the specification, both ways, and what a broken or lying input gives. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "random.h"
#include "wire/msgpack.h"

/* Read one token of `len` bytes, copied so that a sanitizer sees a read past the end. */
static int read_one(const void *bytes, size_t len, struct ft_mp_token *token, size_t *used)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    struct ft_mp_reader reader = {copy, copy + len};
    int err = ft_mp_read(&reader, token);
    if (used != NULL)
        *used = (size_t)(reader.at - copy);
    assert_true(reader.at <= reader.end);
    free(copy);
    return err;
}

/* The token that `out` holds and nothing else; every shorter input must be refused. */
static struct ft_mp_token only_token(const struct ft_buf *out)
{
    struct ft_mp_token token;
    size_t used;
    assert_int_equal(read_one(ft_buf_head(out), out->len, &token, &used), 0);
    if (token.kind != FT_MP_ARRAY && token.kind != FT_MP_MAP)
        assert_int_equal(used, out->len);
    size_t head = used < 16 ? used : 16;
    for (size_t len = 0; len < head; len++) {
        struct ft_mp_token cut;
        assert_int_equal(read_one(ft_buf_head(out), len, &cut, NULL), -EBADMSG);
    }
    return token;
}

struct number {
    int64_t value;
    uint8_t head;
    size_t len;
};

static void integers_take_the_smallest_width(void **state)
{
    static const struct number numbers[] = {
        {0, 0x00, 1},           {1, 0x01, 1},           {127, 0x7f, 1},          {128, 0xcc, 2},
        {255, 0xcc, 2},         {256, 0xcd, 3},         {65535, 0xcd, 3},        {65536, 0xce, 5},
        {UINT32_MAX, 0xce, 5},  {4294967296, 0xcf, 9},  {INT64_MAX, 0xcf, 9},    {-1, 0xff, 1},
        {-32, 0xe0, 1},         {-33, 0xd0, 2},         {INT8_MIN, 0xd0, 2},     {INT8_MIN - 1, 0xd1, 3},
        {INT16_MIN, 0xd1, 3},   {INT16_MIN - 1, 0xd2, 5}, {INT32_MIN, 0xd2, 5},  {INT32_MIN - 1ll, 0xd3, 9},
        {INT64_MIN, 0xd3, 9},
    };
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct ft_buf out = FT_BUF_INIT;
        assert_int_equal(ft_mp_int(&out, numbers[i].value), 0);
        assert_int_equal(out.len, numbers[i].len);
        assert_int_equal(ft_buf_head(&out)[0], numbers[i].head);
        struct ft_mp_token token = only_token(&out);
        assert_int_equal(token.kind, numbers[i].value < 0 ? FT_MP_INT : FT_MP_UINT);
        if (numbers[i].value < 0)
            assert_true(token.i == numbers[i].value);
        else
            assert_true(token.u == (uint64_t)numbers[i].value);
        ft_buf_release(&out);
    }
}

static void unsigned_integers_above_the_signed_range_survive(void **state)
{
    struct ft_buf out = FT_BUF_INIT;
    (void)state;
    assert_int_equal(ft_mp_uint(&out, UINT64_MAX), 0);
    struct ft_mp_token token = only_token(&out);
    assert_int_equal(token.kind, FT_MP_UINT);
    assert_true(token.u == UINT64_MAX);
    ft_buf_release(&out);
}

/* Other writers may use a signed head for a positive number, or a wide one for a small number. */
static void integers_are_read_from_any_width(void **state)
{
    static const struct {
        uint8_t bytes[9];
        size_t len;
        int64_t value;
    } cases[] = {
        {{0xcc, 5}, 2, 5},
        {{0xcd, 0, 5}, 3, 5},
        {{0xce, 0, 0, 0, 5}, 5, 5},
        {{0xcf, 0, 0, 0, 0, 0, 0, 0, 5}, 9, 5},
        {{0xd0, 5}, 2, 5},
        {{0xd1, 0, 5}, 3, 5},
        {{0xd2, 0, 0, 0, 5}, 5, 5},
        {{0xd3, 0, 0, 0, 0, 0, 0, 0, 5}, 9, 5},
        {{0xd0, 0xfb}, 2, -5},
        {{0xd1, 0xff, 0xfb}, 3, -5},
        {{0xd2, 0xff, 0xff, 0xff, 0xfb}, 5, -5},
        {{0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfb}, 9, -5},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ft_mp_token token;
        assert_int_equal(read_one(cases[i].bytes, cases[i].len, &token, NULL), 0);
        assert_int_equal(token.kind, cases[i].value < 0 ? FT_MP_INT : FT_MP_UINT);
        assert_true((cases[i].value < 0 ? token.i : (int64_t)token.u) == cases[i].value);
    }
}

static void nil_and_booleans_survive(void **state)
{
    (void)state;
    struct ft_buf out = FT_BUF_INIT;
    assert_int_equal(ft_mp_nil(&out), 0);
    assert_int_equal(only_token(&out).kind, FT_MP_NIL);
    for (int value = 0; value < 2; value++) {
        ft_buf_consume(&out, out.len);
        assert_int_equal(ft_mp_bool(&out, value != 0), 0);
        struct ft_mp_token token = only_token(&out);
        assert_int_equal(token.kind, FT_MP_BOOL);
        assert_int_equal(token.b, value);
    }
    ft_buf_release(&out);
}

static void doubles_survive_bit_for_bit(void **state)
{
    static const double values[] = {0.0, -0.0, 1.5, -1e308, 5e-324, INFINITY, -INFINITY, NAN};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct ft_buf out = FT_BUF_INIT;
        assert_int_equal(ft_mp_double(&out, values[i]), 0);
        struct ft_mp_token token = only_token(&out);
        assert_int_equal(token.kind, FT_MP_DOUBLE);
        assert_memory_equal(&token.d, &values[i], sizeof values[i]);
        ft_buf_release(&out);
    }
}

static void a_single_is_read_as_a_double(void **state)
{
    static const uint8_t half[] = {0xca, 0x3f, 0, 0, 0};
    struct ft_mp_token token;
    (void)state;
    assert_int_equal(read_one(half, sizeof half, &token, NULL), 0);
    assert_int_equal(token.kind, FT_MP_DOUBLE);
    assert_true(token.d == 0.5);
}

struct width {
    uint32_t len;
    uint8_t str, bin;
};

static void strings_and_bytes_survive_at_each_width(void **state)
{
    static const struct width widths[] = {
        {0, 0xa0, 0xc4},   {1, 0xa1, 0xc4},     {31, 0xbf, 0xc4},    {32, 0xd9, 0xc4},    {255, 0xd9, 0xc4},
        {256, 0xda, 0xc5}, {65535, 0xda, 0xc5}, {65536, 0xdb, 0xc6}, {70000, 0xdb, 0xc6},
    };
    char *bytes = malloc(70000);
    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < 70000; i++)
        bytes[i] = (char)(i * 31);
    for (size_t i = 0; i < 2 * sizeof widths / sizeof widths[0]; i++) {
        const struct width *width = &widths[i / 2];
        struct ft_buf out = FT_BUF_INIT;
        assert_int_equal(i % 2 ? ft_mp_str(&out, bytes, width->len) : ft_mp_bin(&out, bytes, width->len), 0);
        assert_int_equal(ft_buf_head(&out)[0], i % 2 ? width->str : width->bin);
        struct ft_mp_reader reader = {ft_buf_head(&out), ft_buf_tail(&out)};
        struct ft_mp_token token;
        assert_int_equal(ft_mp_read(&reader, &token), 0);
        assert_int_equal(token.kind, i % 2 ? FT_MP_STR : FT_MP_BIN);
        assert_int_equal(token.len, width->len);
        assert_memory_equal(token.bytes, bytes, width->len);
        assert_ptr_equal(reader.at, reader.end);
        reader = (struct ft_mp_reader){ft_buf_head(&out), ft_buf_tail(&out) - 1};
        assert_int_equal(ft_mp_read(&reader, &token), -EBADMSG);
        only_token(&out);
        ft_buf_release(&out);
    }
    free(bytes);
}

/* The head of a collection alone is refused, since its values are missing; with enough bytes behind, it is read. */
static void collections_are_read_only_with_room_for_their_values(void **state)
{
    static const struct {
        uint32_t count;
        uint8_t array, map;
    } cases[] = {{0, 0x90, 0x80},       {1, 0x91, 0x81},        {15, 0x9f, 0x8f},    {16, 0xdc, 0xde},
                 {65535, 0xdc, 0xde},   {65536, 0xdd, 0xdf}};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        uint32_t count = cases[i / 2].count;
        struct ft_buf out = FT_BUF_INIT;
        struct ft_mp_token token;
        bool map = i % 2;
        assert_int_equal(map ? ft_mp_map(&out, count) : ft_mp_array(&out, count), 0);
        assert_int_equal(ft_buf_head(&out)[0], map ? cases[i / 2].map : cases[i / 2].array);
        size_t head = out.len;
        for (uint32_t value = 0; value < (map ? 2 * count : count); value++)
            assert_int_equal(ft_mp_nil(&out), 0);
        size_t used;
        assert_int_equal(read_one(ft_buf_head(&out), out.len, &token, &used), 0);
        assert_int_equal(used, head);
        assert_int_equal(token.kind, map ? FT_MP_MAP : FT_MP_ARRAY);
        assert_int_equal(token.len, count);
        if (count > 0)
            assert_int_equal(read_one(ft_buf_head(&out), out.len - 1, &token, NULL), -EBADMSG);
        only_token(&out);
        ft_buf_release(&out);
    }
}

static void lengths_beyond_the_input_are_refused(void **state)
{
    static const struct {
        uint8_t bytes[10];
        size_t len;
    } cases[] = {
        {{0xdb, 0xff, 0xff, 0xff, 0xff, 'x'}, 6},    {{0xda, 0xff, 0xff, 'x'}, 4},
        {{0xd9, 2, 'x'}, 3},                         {{0xa2, 'x'}, 2},
        {{0xc6, 0xff, 0xff, 0xff, 0xff, 'x'}, 6},    {{0xc5, 0xff, 0xff, 'x'}, 4},
        {{0xc4, 2, 'x'}, 3},                         {{0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0}, 6},
        {{0xdc, 0xff, 0xff, 0xc0}, 4},               {{0x92, 0xc0}, 2},
        {{0xdf, 0x80, 0, 0, 0, 0xc0, 0xc0}, 7},      {{0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0, 0xc0}, 7},
        {{0xde, 0, 2, 0xc0, 0xc0, 0xc0}, 6},         {{0x81, 0xc0}, 2},
        {{0xc9, 0xff, 0xff, 0xff, 0xff, 1, 'x'}, 7}, {{0xc8, 0xff, 0xff, 1, 'x'}, 5},
        {{0xc7, 2, 1, 'x'}, 4},                      {{0xd8, 1, 'x'}, 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ft_mp_token token;
        assert_int_equal(read_one(cases[i].bytes, cases[i].len, &token, NULL), -EBADMSG);
    }
}

static void the_byte_without_a_meaning_is_refused(void **state)
{
    static const uint8_t bytes[8] = {0xc1};
    struct ft_mp_token token;
    (void)state;
    assert_int_equal(read_one(bytes, sizeof bytes, &token, NULL), -EBADMSG);
}

static void extensions_get_their_length_at_the_end(void **state)
{
    static const uint32_t lens[] = {0, 1, 2, 16, 255, 256, 65535, 65536, 300000};
    (void)state;
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct ft_buf out = FT_BUF_INIT;
        size_t mark;
        assert_int_equal(ft_mp_bool(&out, true), 0);
        assert_int_equal(ft_mp_ext_begin(&out, -7, &mark), 0);
        for (uint32_t n = 0; n < lens[i]; n++)
            assert_int_equal(ft_mp_uint(&out, n & 0x7f), 0);
        assert_int_equal(ft_mp_ext_end(&out, mark), 0);
        assert_int_equal(ft_mp_nil(&out), 0);
        struct ft_mp_reader reader = {ft_buf_head(&out) + 1, ft_buf_tail(&out)};
        struct ft_mp_token token;
        assert_int_equal(ft_mp_read(&reader, &token), 0);
        assert_int_equal(token.kind, FT_MP_EXT);
        assert_int_equal(token.ext, -7);
        assert_int_equal(token.len, lens[i]);
        for (uint32_t n = 0; n < lens[i]; n++)
            assert_int_equal(token.bytes[n], n & 0x7f);
        assert_int_equal(ft_mp_read(&reader, &token), 0);
        assert_int_equal(token.kind, FT_MP_NIL);
        ft_buf_release(&out);
    }
}

static void extensions_nest(void **state)
{
    struct ft_buf out = FT_BUF_INIT;
    size_t outer, inner;
    (void)state;
    assert_int_equal(ft_mp_ext_begin(&out, 1, &outer), 0);
    assert_int_equal(ft_mp_ext_begin(&out, 2, &inner), 0);
    assert_int_equal(ft_mp_str(&out, "abc", 3), 0);
    assert_int_equal(ft_mp_ext_end(&out, inner), 0);
    assert_int_equal(ft_mp_nil(&out), 0);
    assert_int_equal(ft_mp_ext_end(&out, outer), 0);
    struct ft_mp_token token = only_token(&out), content;
    assert_int_equal(token.ext, 1);
    assert_int_equal(token.len, out.len - 6);
    struct ft_mp_reader reader = {ft_buf_head(&out) + 6, ft_buf_tail(&out)};
    assert_int_equal(ft_mp_read(&reader, &content), 0);
    assert_int_equal(content.ext, 2);
    assert_int_equal(content.len, 4);
    assert_int_equal(ft_mp_read(&reader, &content), 0);
    assert_int_equal(content.kind, FT_MP_NIL);
    ft_buf_release(&out);
}

static void fixed_extensions_are_read(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        uint8_t bytes[18] = {(uint8_t)(0xd4 + i), 0x80};
        struct ft_mp_token token;
        size_t used, len = (size_t)1 << i;
        assert_int_equal(read_one(bytes, 2 + len, &token, &used), 0);
        assert_int_equal(token.kind, FT_MP_EXT);
        assert_int_equal(token.ext, -128);
        assert_int_equal(token.len, len);
        assert_int_equal(used, 2 + len);
        for (size_t cut = 0; cut < 2 + len; cut++)
            assert_int_equal(read_one(bytes, cut, &token, NULL), -EBADMSG);
    }
}

static void read_u32_takes_what_fits_and_nothing_else(void **state)
{
    static const struct {
        uint8_t bytes[9];
        size_t len;
        int result;
        uint32_t value;
    } cases[] = {
        {{0x05}, 1, 0, 5},
        {{0xce, 0xff, 0xff, 0xff, 0xff}, 5, 0, UINT32_MAX},
        {{0xd3, 0, 0, 0, 0, 0, 0, 0, 9}, 9, 0, 9},
        {{0xcf, 0, 0, 0, 1, 0, 0, 0, 0}, 9, -EBADMSG, 0},
        {{0xff}, 1, -EBADMSG, 0},
        {{0xc0}, 1, -EBADMSG, 0},
        {{0xca, 0, 0, 0, 0}, 5, -EBADMSG, 0},
        {{0xa1, '5'}, 2, -EBADMSG, 0},
        {{0x91, 0x05}, 2, -EBADMSG, 0},
        {{0xce, 0, 0, 0}, 4, -EBADMSG, 0},
        {{0}, 0, -EBADMSG, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ft_mp_reader reader = {cases[i].bytes, cases[i].bytes + cases[i].len};
        uint32_t value = 0;
        assert_int_equal(ft_mp_read_u32(&reader, &value), cases[i].result);
        assert_int_equal(value, cases[i].value);
    }
}

static void random_integers_survive(void **state)
{
    struct random random = {42};
    struct ft_buf out = FT_BUF_INIT;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        int64_t value = (int64_t)(random_next(&random) >> random_below(&random, 64));
        if (random_below(&random, 2))
            value = -value;
        struct ft_mp_token token;
        assert_int_equal(ft_mp_int(&out, value), 0);
        assert_int_equal(read_one(ft_buf_head(&out), out.len, &token, NULL), 0);
        assert_true((value < 0 ? token.i : (int64_t)token.u) == value);
        assert_int_equal(token.kind, value < 0 ? FT_MP_INT : FT_MP_UINT);
        ft_buf_consume(&out, out.len);
    }
    ft_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_take_the_smallest_width),
        cmocka_unit_test(unsigned_integers_above_the_signed_range_survive),
        cmocka_unit_test(integers_are_read_from_any_width),
        cmocka_unit_test(nil_and_booleans_survive),
        cmocka_unit_test(doubles_survive_bit_for_bit),
        cmocka_unit_test(a_single_is_read_as_a_double),
        cmocka_unit_test(strings_and_bytes_survive_at_each_width),
        cmocka_unit_test(collections_are_read_only_with_room_for_their_values),
        cmocka_unit_test(lengths_beyond_the_input_are_refused),
        cmocka_unit_test(the_byte_without_a_meaning_is_refused),
        cmocka_unit_test(extensions_get_their_length_at_the_end),
        cmocka_unit_test(extensions_nest),
        cmocka_unit_test(fixed_extensions_are_read),
        cmocka_unit_test(read_u32_takes_what_fits_and_nothing_else),
        cmocka_unit_test(random_integers_survive),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

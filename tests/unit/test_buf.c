/* base/buf: a byte queue.  Compared with a plain array under a few hundred random operations. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "check.h"
#include "random.h"

static void an_empty_buffer_is_usable(void **state)
{
    struct ft_buf buf = FT_BUF_INIT;
    (void)state;
    assert_null(ft_buf_head(&buf));
    assert_null(ft_buf_tail(&buf));
    assert_int_equal(ft_buf_append(&buf, NULL, 0), 0);
    ft_buf_consume(&buf, 0);
    assert_int_equal(buf.len, 0);
    ft_buf_release(&buf);
    ft_buf_release(&buf);
}

static void what_was_appended_comes_out_in_order(void **state)
{
    struct ft_buf buf = FT_BUF_INIT;
    (void)state;
    assert_int_equal(ft_buf_append(&buf, "abc", 3), 0);
    assert_int_equal(ft_buf_append(&buf, "defg", 4), 0);
    ft_buf_consume(&buf, 2);
    assert_int_equal(buf.len, 5);
    assert_memory_equal(ft_buf_head(&buf), "cdefg", 5);
    assert_ptr_equal(ft_buf_tail(&buf), ft_buf_head(&buf) + 5);
    ft_buf_consume(&buf, 5);
    assert_int_equal(buf.len, 0);
    ft_buf_release(&buf);
}

static void reserved_bytes_may_be_written_at_the_tail(void **state)
{
    struct ft_buf buf = FT_BUF_INIT;
    (void)state;
    for (unsigned char i = 0; i < 200; i++) {
        assert_int_equal(ft_buf_reserve(&buf, 1000), 0);
        assert_true(buf.cap - buf.start - buf.len >= 1000);
        memset(ft_buf_tail(&buf), i, 1000);
        ft_buf_grown(&buf, 10);
    }
    assert_int_equal(buf.len, 2000);
    for (size_t i = 0; i < buf.len; i++)
        assert_int_equal(ft_buf_head(&buf)[i], i / 10);
    ft_buf_release(&buf);
}

static void an_impossible_size_is_refused_and_the_content_unchanged(void **state)
{
    struct ft_buf buf = FT_BUF_INIT;
    (void)state;
    assert_int_equal(ft_buf_append(&buf, "abc", 3), 0);
    assert_int_equal(ft_buf_reserve(&buf, SIZE_MAX), -ENOMEM);
    assert_int_equal(ft_buf_reserve(&buf, SIZE_MAX - 3), -ENOMEM);
    assert_int_equal(ft_buf_reserve(&buf, SIZE_MAX / 2 - 2), -ENOMEM);
    assert_int_equal(buf.len, 3);
    assert_memory_equal(ft_buf_head(&buf), "abc", 3);
    ft_buf_release(&buf);
}

static void a_queue_that_is_drained_does_not_grow(void **state)
{
    struct ft_buf buf = FT_BUF_INIT;
    char chunk[100] = {0};
    (void)state;
    assert_int_equal(ft_buf_append(&buf, chunk, 50), 0);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(ft_buf_append(&buf, chunk, sizeof chunk), 0);
        ft_buf_consume(&buf, sizeof chunk);
    }
    assert_int_equal(buf.len, 50);
    assert_true(buf.cap < 4096);
    ft_buf_release(&buf);
}

/* The model: all bytes that were ever put in are counted up from 0, so that any byte can be told from its place. */
static void random_operations_agree_with_a_counter(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct ft_buf buf = FT_BUF_INIT;
        struct random random = {seed};
        size_t in = 0, out = 0;
        unsigned char bytes[700];
        for (int step = 0; step < 200; step++) {
            size_t len = random_below(&random, sizeof bytes);
            if (random_below(&random, 2) == 0) {
                for (size_t i = 0; i < len; i++)
                    bytes[i] = (unsigned char)((in + i) * 7);
                assert_int_equal(ft_buf_append(&buf, bytes, len), 0);
                in += len;
            } else {
                len = len < buf.len ? len : buf.len;
                ft_buf_consume(&buf, len);
                out += len;
            }
            assert_int_equal(buf.len, in - out);
            for (size_t i = 0; i < buf.len; i++)
                if (ft_buf_head(&buf)[i] != (unsigned char)((out + i) * 7))
                    fail_msg("seed %llu step %d: wrong byte %zu", (unsigned long long)seed, step, i);
        }
        ft_buf_release(&buf);
    }
}

static void a_released_buffer_is_usable(void **state)
{
    struct ft_buf buf = FT_BUF_INIT;
    (void)state;
    assert_int_equal(ft_buf_append(&buf, "abc", 3), 0);
    ft_buf_release(&buf);
    assert_int_equal(buf.len, 0);
    assert_int_equal(ft_buf_append(&buf, "d", 1), 0);
    assert_memory_equal(ft_buf_head(&buf), "d", 1);
    ft_buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_usable),
        cmocka_unit_test(what_was_appended_comes_out_in_order),
        cmocka_unit_test(reserved_bytes_may_be_written_at_the_tail),
        cmocka_unit_test(an_impossible_size_is_refused_and_the_content_unchanged),
        cmocka_unit_test(a_queue_that_is_drained_does_not_grow),
        cmocka_unit_test(random_operations_agree_with_a_counter),
        cmocka_unit_test(a_released_buffer_is_usable),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

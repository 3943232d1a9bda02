/* trace/record: each thing once, in order. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "trace/record.h"

enum { MANY = 20000 };

static struct ft_record_key key_of(enum ft_trace_kind kind, enum ft_trace_aspect aspect, const char *path)
{
    return ft_record_key(kind, aspect, path, strlen(path));
}

static void add(struct ft_record *record, enum ft_trace_kind kind, enum ft_trace_aspect aspect, const char *path)
{
    struct ft_record_key key = key_of(kind, aspect, path);
    if (ft_record_find(record, &key) == NULL)
        assert_int_equal(ft_record_add(record, &key, 0, ""), 0);
}

static void an_empty_one_has_nothing(void **state)
{
    struct ft_record record = FT_RECORD_INIT;
    struct ft_record_key key = key_of(FT_TRACE_READ, FT_ASPECT_NONE, "/a");
    (void)state;
    assert_null(ft_record_find(&record, &key));
    ft_record_clear(&record);
    assert_int_equal(record.count, 0);
}

static void an_entry_is_as_it_was_added(void **state)
{
    struct ft_record record = FT_RECORD_INIT;
    struct ft_record_key key = key_of(FT_TRACE_STATUS, FT_ASPECT_FULL, "/a");
    (void)state;
    assert_int_equal(ft_record_add(&record, &key, ENOENT, "conftest.py:1"), 0);
    struct ft_trace_entry *found = ft_record_find(&record, &key);
    assert_non_null(found);
    assert_int_equal(found->kind, FT_TRACE_STATUS);
    assert_int_equal(found->aspect, FT_ASPECT_FULL);
    assert_int_equal(found->failed, ENOENT);
    assert_string_equal(found->path, "/a");
    assert_string_equal(found->who, "conftest.py:1");
    ft_record_clear(&record);
}

static void what_is_hidden_can_be_added_once_more(void **state)
{
    struct ft_record record = FT_RECORD_INIT;
    char path[16];
    (void)state;
    ft_record_hide(&record);
    for (int pass = 1; pass <= 2; pass++) {
        for (int i = 0; i < MANY; i++) {
            snprintf(path, sizeof path, "/%d", i);
            add(&record, FT_TRACE_READ, FT_ASPECT_NONE, path);
            add(&record, FT_TRACE_READ, FT_ASPECT_NONE, path);
        }
        assert_int_equal(record.count, pass * MANY);
        ft_record_hide(&record);
        struct ft_record_key key = key_of(FT_TRACE_READ, FT_ASPECT_NONE, "/0");
        assert_null(ft_record_find(&record, &key));
    }
    assert_string_equal(record.items[0].entry.path, record.items[MANY].entry.path);
    ft_record_clear(&record);
    assert_int_equal(record.hidden, 0);
}

static void kind_aspect_and_all_of_the_path_count(void **state)
{
    struct ft_record record = FT_RECORD_INIT;
    (void)state;
    add(&record, FT_TRACE_STATUS, FT_ASPECT_FULL, "/a/b");
    add(&record, FT_TRACE_STATUS, FT_ASPECT_FULL, "/a/b");
    assert_int_equal(record.count, 1);
    add(&record, FT_TRACE_LINK, FT_ASPECT_FULL, "/a/b");
    add(&record, FT_TRACE_STATUS, FT_ASPECT_PRESENCE, "/a/b");
    add(&record, FT_TRACE_STATUS, FT_ASPECT_FULL, "/a/");
    add(&record, FT_TRACE_STATUS, FT_ASPECT_FULL, "/a/bc");
    assert_int_equal(record.count, 5);
    ft_record_clear(&record);
}

static void a_path_need_not_end_where_its_text_does(void **state)
{
    struct ft_record record = FT_RECORD_INIT;
    struct ft_record_key part = ft_record_key(FT_TRACE_READ, FT_ASPECT_NONE, "/a/b/c", 4);
    struct ft_record_key whole = key_of(FT_TRACE_READ, FT_ASPECT_NONE, "/a/b");
    (void)state;
    assert_int_equal(ft_record_add(&record, &part, 0, ""), 0);
    assert_non_null(ft_record_find(&record, &whole));
    assert_string_equal(record.items[0].entry.path, "/a/b");
    ft_record_clear(&record);
}

static void many_stay_in_order(void **state)
{
    struct ft_record record = FT_RECORD_INIT;
    char path[32];
    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < MANY; i++) {
            snprintf(path, sizeof path, "/folder/%d", i);
            add(&record, FT_TRACE_READ, FT_ASPECT_NONE, path);
        }
    assert_int_equal(record.count, MANY);
    for (int i = 0; i < MANY; i++) {
        snprintf(path, sizeof path, "/folder/%d", i);
        assert_string_equal(record.items[i].entry.path, path);
    }
    ft_record_clear(&record);
    assert_int_equal(record.count, 0);
    add(&record, FT_TRACE_READ, FT_ASPECT_NONE, "/again");
    assert_int_equal(record.count, 1);
    ft_record_clear(&record);
}

static void texts_may_be_larger_than_a_chunk(void **state)
{
    static char path[600 << 10];
    struct ft_record record = FT_RECORD_INIT;
    (void)state;
    memset(path, 'x', sizeof path - 1);
    add(&record, FT_TRACE_READ, FT_ASPECT_NONE, "/before");
    add(&record, FT_TRACE_READ, FT_ASPECT_NONE, path);
    add(&record, FT_TRACE_READ, FT_ASPECT_NONE, "/after");
    assert_int_equal(record.count, 3);
    assert_string_equal(record.items[1].entry.path, path);
    ft_record_clear(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_has_nothing),
        cmocka_unit_test(an_entry_is_as_it_was_added),
        cmocka_unit_test(kind_aspect_and_all_of_the_path_count),
        cmocka_unit_test(what_is_hidden_can_be_added_once_more),
        cmocka_unit_test(a_path_need_not_end_where_its_text_does),
        cmocka_unit_test(many_stay_in_order),
        cmocka_unit_test(texts_may_be_larger_than_a_chunk),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

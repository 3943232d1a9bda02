/* base/text: bytes with a length, compared and copied whatever they are. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "check.h"

static void a_text_of_a_string_has_its_length(void **state)
{
    static const char string[] = "abc";
    struct ft_text text = ft_text_of(string);
    (void)state;
    assert_ptr_equal(text.at, string);
    assert_int_equal(text.len, 3);
    assert_int_equal(ft_text_of("").len, 0);
}

static void texts_are_equal_by_length_and_bytes(void **state)
{
    char first[] = "abc", second[] = "abc";
    (void)state;
    assert_true(ft_text_equal(ft_text_of(first), ft_text_of(second)));
    assert_true(ft_text_equal((struct ft_text){first, 2}, (struct ft_text){"abd", 2}));
    assert_false(ft_text_equal(ft_text_of("abc"), ft_text_of("abd")));
    assert_false(ft_text_equal(ft_text_of("abc"), ft_text_of("ab")));
    assert_false(ft_text_equal(ft_text_of(""), ft_text_of("a")));
}

static void bytes_behind_a_nul_count(void **state)
{
    (void)state;
    assert_true(ft_text_equal((struct ft_text){"a\0b", 3}, (struct ft_text){"a\0b", 3}));
    assert_false(ft_text_equal((struct ft_text){"a\0b", 3}, (struct ft_text){"a\0c", 3}));
}

static void empty_texts_are_equal_wherever_they_point(void **state)
{
    (void)state;
    assert_true(ft_text_equal((struct ft_text){NULL, 0}, (struct ft_text){"a", 0}));
    assert_true(ft_text_equal((struct ft_text){NULL, 0}, (struct ft_text){NULL, 0}));
}

static void a_copy_is_equal_and_shares_nothing(void **state)
{
    char first[] = "first", bytes[] = {'\xff', '\0', '\n'};
    struct ft_text items[] = {{first, 5}, {NULL, 0}, {bytes, 3}, {"", 0}};
    struct ft_texts from = {items, 4}, copy;
    (void)state;
    assert_int_equal(ft_texts_copy(&copy, &from), 0);
    memset(first, 'x', 5);
    memset(bytes, 'x', 3);
    memset(items, 0, sizeof items);
    assert_int_equal(copy.count, 4);
    assert_true(ft_text_equal(copy.items[0], ft_text_of("first")));
    assert_true(ft_text_equal(copy.items[1], ft_text_of("")));
    assert_true(ft_text_equal(copy.items[2], (struct ft_text){"\xff\0\n", 3}));
    assert_true(ft_text_equal(copy.items[3], ft_text_of("")));
    ft_texts_release(&copy);
}

static void a_copy_of_a_copy_outlives_it(void **state)
{
    struct ft_text items[] = {ft_text_of("a=1"), ft_text_of("b=2")};
    struct ft_texts from = {items, 2}, copy, second;
    (void)state;
    assert_int_equal(ft_texts_copy(&copy, &from), 0);
    assert_int_equal(ft_texts_copy(&second, &copy), 0);
    ft_texts_release(&copy);
    assert_int_equal(second.count, 2);
    assert_true(ft_text_equal(second.items[0], ft_text_of("a=1")));
    assert_true(ft_text_equal(second.items[1], ft_text_of("b=2")));
    ft_texts_release(&second);
}

static void an_empty_list_can_be_copied(void **state)
{
    struct ft_texts from = {NULL, 0}, copy;
    (void)state;
    assert_int_equal(ft_texts_copy(&copy, &from), 0);
    assert_int_equal(copy.count, 0);
    ft_texts_release(&copy);
}

static void a_released_list_is_empty_and_can_be_released_again(void **state)
{
    struct ft_text item = ft_text_of("a");
    struct ft_texts from = {&item, 1}, copy;
    (void)state;
    assert_int_equal(ft_texts_copy(&copy, &from), 0);
    ft_texts_release(&copy);
    assert_null(copy.items);
    assert_int_equal(copy.count, 0);
    ft_texts_release(&copy);
}

static void what_is_no_character_becomes_question_marks(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x8d", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x8d"},
        {"caf\xc3", "caf?"},
        {"\xe2\x82", "??"},
        {"\xf0\x9f\x90", "???"},
        {"\x80x\xff", "?x?"},
        {"\xc0\xaf\xe0\x80\xaf", "?????"},
        {"\xed\xa0\x80", "???"},
        {"\xf4\x90\x80\x80", "????"},
        {"\xc3(", "?("},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", cases[i].text);
        ft_text_make_utf8(text);
        assert_string_equal(text, cases[i].expected);
    }
}

static void as_much_of_a_text_as_fits_is_shown(void **state)
{
    static const struct {
        struct ft_text text;
        const char *expected;
    } cases[] = {
        {{NULL, 0}, ""},
        {{"abc|", 3}, "abc"},
        {{"abcdefg|", 7}, "abcdefg"},
        {{"abcdefgh|", 8}, "abcdefg"},
        {{"abcdefghi|", 9}, "abcdefg"},
        {{"\0a\0", 3}, "?a?"},
        {{"\0\0\0\0\0\0\0\0\0", 9}, "???????"},
        {{"abcdef\xc3\xa9", 8}, "abcdef?"},
        {{"abcde\xc3\xa9", 7}, "abcde\xc3\xa9"},
        {{"ab\xc3\xa9", 3}, "ab?"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char shown[8 + 1] = "????????";
        ft_text_fit(shown, sizeof shown - 1, cases[i].text);
        assert_string_equal(shown, cases[i].expected);
    }
    char least[1] = "x";
    ft_text_fit(least, sizeof least, ft_text_of("abc"));
    assert_string_equal(least, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_of_a_string_has_its_length),
        cmocka_unit_test(texts_are_equal_by_length_and_bytes),
        cmocka_unit_test(bytes_behind_a_nul_count),
        cmocka_unit_test(empty_texts_are_equal_wherever_they_point),
        cmocka_unit_test(a_copy_is_equal_and_shares_nothing),
        cmocka_unit_test(what_is_no_character_becomes_question_marks),
        cmocka_unit_test(as_much_of_a_text_as_fits_is_shown),
        cmocka_unit_test(a_copy_of_a_copy_outlives_it),
        cmocka_unit_test(an_empty_list_can_be_copied),
        cmocka_unit_test(a_released_list_is_empty_and_can_be_released_again),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

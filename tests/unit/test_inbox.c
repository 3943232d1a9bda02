/* engine/inbox: notes come out as they went in. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "engine/inbox.h"

static void notes_come_out_in_order_with_all_they_held(void **state)
{
    struct ft_inbox inbox = FT_INBOX_INIT;
    (void)state;
    assert_null(ft_inbox_take(&inbox));
    assert_int_equal(ft_inbox_put(&inbox, FT_NOTE_MESSAGE, 33, "abc", 3), 0);
    assert_int_equal(ft_inbox_put(&inbox, FT_NOTE_STDERR, 0, "de", 2), 0);
    assert_int_equal(ft_inbox_put(&inbox, FT_NOTE_GONE, 0, NULL, 0), 0);
    assert_true(inbox.bytes >= 5);

    struct ft_note *note = ft_inbox_take(&inbox);
    assert_int_equal(note->kind, FT_NOTE_MESSAGE);
    assert_int_equal(note->type, 33);
    assert_int_equal(note->len, 3);
    assert_memory_equal(note->bytes, "abc", 3);
    free(note);
    note = ft_inbox_take(&inbox);
    assert_int_equal(note->kind, FT_NOTE_STDERR);
    assert_memory_equal(note->bytes, "de", 2);
    free(note);
    note = ft_inbox_take(&inbox);
    assert_int_equal(note->kind, FT_NOTE_GONE);
    assert_int_equal(note->len, 0);
    free(note);
    assert_null(ft_inbox_take(&inbox));
    assert_int_equal(inbox.bytes, 0);
}

static void a_note_is_a_copy(void **state)
{
    struct ft_inbox inbox = FT_INBOX_INIT;
    char bytes[] = "before";
    (void)state;
    assert_int_equal(ft_inbox_put(&inbox, FT_NOTE_STDOUT, 0, bytes, 6), 0);
    memcpy(bytes, "after!", 6);
    struct ft_note *note = ft_inbox_take(&inbox);
    assert_memory_equal(note->bytes, "before", 6);
    free(note);
}

static void an_inbox_may_be_emptied_and_used_on(void **state)
{
    struct ft_inbox inbox = FT_INBOX_INIT;
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (uint8_t i = 0; i < 100; i++)
            assert_int_equal(ft_inbox_put(&inbox, FT_NOTE_MESSAGE, i, &i, 1), 0);
        for (uint8_t i = 0; i < 50; i++) {
            struct ft_note *note = ft_inbox_take(&inbox);
            assert_int_equal(note->bytes[0], i);
            free(note);
        }
        ft_inbox_release(&inbox);
        assert_null(inbox.first);
        assert_null(inbox.last);
        assert_int_equal(inbox.bytes, 0);
    }
}

/* Or a worker that sends them in a row would never be held back. */
static void notes_without_content_count_too(void **state)
{
    struct ft_inbox inbox = FT_INBOX_INIT;
    (void)state;
    assert_int_equal(ft_inbox_put(&inbox, FT_NOTE_MESSAGE, 33, NULL, 0), 0);
    size_t bytes = inbox.bytes;
    ft_inbox_release(&inbox);
    assert_true(bytes > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_come_out_in_order_with_all_they_held),
        cmocka_unit_test(a_note_is_a_copy),
        cmocka_unit_test(an_inbox_may_be_emptied_and_used_on),
        cmocka_unit_test(notes_without_content_count_too),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

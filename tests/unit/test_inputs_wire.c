/* prep/inputs: what one process writes is what another reads, and nothing else is taken. */
#include <stdlib.h>
#include <string.h>

#include "inputs_check.h"
#include "same_inputs.h"
#include "wire/fields.h"

enum { FIELDS = 12 };

/* Read a copy of exactly this size, so that a sanitizer sees a byte too many. */
static int read_exactly(struct ft_inputs *inputs, const struct ft_buf *payload, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, ft_buf_head(payload), len);
    struct ft_mp_reader reader = {copy, copy + len};
    int err = ft_inputs_read(inputs, &reader);
    if (err == 0)
        assert_ptr_equal(reader.at, reader.end);
    free(copy);
    return err;
}

static void check_refused(const struct ft_buf *payload, size_t len)
{
    struct ft_inputs inputs = FT_INPUTS_INIT;
    assert_int_equal(read_exactly(&inputs, payload, len), -EBADMSG);
    ft_inputs_release(&inputs);
}

static struct ft_inputs one_of_each_kind(struct scratch *scratch)
{
    static const char *const names[] = {"file", "link", ".", "missing", "\xff"};
    struct ft_inputs inputs = FT_INPUTS_INIT;
    scratch_write(scratch, "file", "abc");
    set_modified(scratch, "file", (struct timespec){-5, 0});
    make_link(scratch, "file", "link");
    for (unsigned kind = 0; kind < 20; kind++) {
        for (size_t i = 0; ft_input_is_kind(kind) && i < sizeof names / sizeof names[0]; i++) {
            const char *path = scratch_path(scratch, names[i]);
            assert_int_equal(ft_inputs_add(&inputs, (enum ft_input_kind)kind, path, strlen(path)), 0);
        }
    }
    assert_int_equal(inputs.count, 12 * 5);
    return inputs;
}

static void inputs_are_the_same_where_they_arrive(void **state)
{
    struct scratch *scratch = *state;
    struct ft_inputs inputs = one_of_each_kind(scratch), again = FT_INPUTS_INIT;
    struct ft_buf out = FT_BUF_INIT;
    assert_int_equal(ft_inputs_write(&out, &inputs), 0);
    assert_int_equal(read_exactly(&again, &out, out.len), 0);
    assert_true(same_inputs(&inputs, &again));
    assert_null(ft_inputs_changed(&again, NO_SINCE));
    scratch_write(scratch, "missing", "");
    assert_string_equal(ft_inputs_changed(&again, NO_SINCE), scratch_path(scratch, "missing"));
    ft_inputs_release(&inputs);
    ft_inputs_release(&again);
    ft_buf_release(&out);
}

static void what_is_read_is_added(void **state)
{
    struct scratch *scratch = *state;
    struct ft_inputs inputs = one_of_each_kind(scratch);
    struct ft_buf out = FT_BUF_INIT;
    size_t count = inputs.count;
    assert_int_equal(ft_inputs_write(&out, &inputs), 0);
    assert_int_equal(read_exactly(&inputs, &out, out.len), 0);
    assert_int_equal(inputs.count, 2 * count);
    assert_string_equal(ft_inputs_path(&inputs, &inputs.items[count]),
                        ft_inputs_path(&inputs, &inputs.items[0]));
    ft_inputs_release(&inputs);
    ft_buf_release(&out);
}

static void none_are_inputs_too(void **state)
{
    struct ft_inputs inputs = FT_INPUTS_INIT;
    struct ft_buf out = FT_BUF_INIT;
    (void)state;
    assert_int_equal(ft_inputs_write(&out, &inputs), 0);
    assert_int_equal(read_exactly(&inputs, &out, out.len), 0);
    assert_int_equal(inputs.count, 0);
    ft_buf_release(&out);
}

static void what_is_cut_anywhere_is_refused(void **state)
{
    struct scratch *scratch = *state;
    struct ft_inputs inputs = one_of_each_kind(scratch);
    struct ft_buf out = FT_BUF_INIT;
    assert_int_equal(ft_inputs_write(&out, &inputs), 0);
    for (size_t len = 0; len < out.len; len++)
        check_refused(&out, len);
    ft_inputs_release(&inputs);
    ft_buf_release(&out);
}

/* One input of `fields` fields, of which number `wrong` has no value that it may have. */
static struct ft_buf with_wrong(unsigned fields, unsigned wrong, uint64_t number)
{
    struct ft_buf out = FT_BUF_INIT;
    int err = ft_put_array(ft_put_array(0, &out, 1), &out, fields);
    for (unsigned i = 0; i < fields; i++) {
        if (i == wrong)
            err = ft_put_uint(err, &out, number);
        else if (i == 1)
            err = ft_put_text(err, &out, ft_text_of("/x"));
        else if (i == 2)
            err = ft_put_bool(err, &out, true);
        else
            err = ft_put_uint(err, &out, FT_INPUT_CONTENT);
    }
    assert_int_equal(err, 0);
    return out;
}

static void check_number(unsigned fields, unsigned field, uint64_t number, bool is_refused)
{
    struct ft_buf out = with_wrong(fields, field, number);
    struct ft_inputs inputs = FT_INPUTS_INIT;
    assert_int_equal(read_exactly(&inputs, &out, out.len), is_refused ? -EBADMSG : 0);
    ft_inputs_release(&inputs);
    ft_buf_release(&out);
}

static void each_field_has_its_limits(void **state)
{
    (void)state;
    enum { KIND, PATH, SETTLED, MODE, UID, GID, DEVICE, INODE, SIZE, MODIFIED, CHANGED, CONTENT, NONE };
    static const unsigned narrow[] = {MODE, UID, GID}, wide[] = {DEVICE, INODE, SIZE, CONTENT},
                          times[] = {MODIFIED, CHANGED};
    for (unsigned fields = 0; fields < 2 * FIELDS; fields++)
        check_number(fields, NONE, 0, fields != 2 && fields != FIELDS);
    for (unsigned kind = 0; kind < 300; kind++)
        check_number(FIELDS, KIND, kind, kind < FT_INPUT_PRESENCE || kind > FT_INPUT_ORDER);
    check_number(FIELDS, KIND, UINT64_MAX, true);
    check_number(FIELDS, KIND, (1ull << 32) + FT_INPUT_CONTENT, true);
    check_number(FIELDS, PATH, 1, true);
    check_number(FIELDS, SETTLED, 1, true);
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
        check_number(FIELDS, narrow[i], UINT32_MAX, false);
        check_number(FIELDS, narrow[i], 1ull << 32, true);
    }
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        check_number(FIELDS, wide[i], UINT64_MAX, false);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        check_number(FIELDS, times[i], INT64_MAX, false);
        check_number(FIELDS, times[i], 1ull << 63, true);
    }
}

static void check_path(const char *path, size_t len, bool is_refused)
{
    struct ft_buf out = FT_BUF_INIT;
    struct ft_inputs inputs = FT_INPUTS_INIT;
    int err = ft_put_array(ft_put_array(0, &out, 1), &out, 2);
    err = ft_put_uint(err, &out, FT_INPUT_CONTENT);
    err = ft_put_text(err, &out, (struct ft_text){path, len});
    assert_int_equal(err, 0);
    assert_int_equal(read_exactly(&inputs, &out, out.len), is_refused ? -EBADMSG : 0);
    ft_inputs_release(&inputs);
    ft_buf_release(&out);
}

static void a_path_is_absolute_and_has_no_nul(void **state)
{
    (void)state;
    check_path("/x", 2, false);
    check_path("/", 1, false);
    check_path("/\xff", 2, false);
    check_path("", 0, true);
    check_path("x", 1, true);
    check_path("./x", 3, true);
    check_path("/x\0y", 4, true);
    check_path("/x", 3, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(inputs_are_the_same_where_they_arrive),
        WITH_SCRATCH(what_is_read_is_added),
        cmocka_unit_test(none_are_inputs_too),
        WITH_SCRATCH(what_is_cut_anywhere_is_refused),
        cmocka_unit_test(each_field_has_its_limits),
        cmocka_unit_test(a_path_is_absolute_and_has_no_nul),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

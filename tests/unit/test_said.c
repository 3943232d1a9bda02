/* daemon/said: what a parked process says is understood, and what it would not say is refused. */
#include <stdlib.h>
#include <string.h>

#include "any_said.h"
#include "check.h"
#include "random.h"
#include "wire/fields.h"

/*
 * Each message as its fields: [p]id, [n]umber of a run, [q] pid or errno, [w] status of waitpid, [f]lag, [u]ntil,
 * [s]tring, [b]ytes, [t]exts, [i]nputs, [c]ounts of inputs.
 */
static const char *const layouts[MESSAGES] = {
    [READY] = "tttts",            [STARTED] = "nq", [DECLINED] = "ns",    [ENDED] = "pw",
    [CONFIGURED] = "pbbsttttbts", [ONLY_PID] = "p", [CHECKPOINT] = "pps", [COLLECTED] = "icttfusms",
};

/* ---- reading ---- */

static void check_nothing_to_release(enum message message, const union said *said)
{
    const struct ft_texts none = {NULL, 0};
    if (message == READY) {
        const struct ft_texts lists[] = {said->ready.files, said->ready.installed, said->ready.folders,
                                         said->ready.reads};
        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
            assert_memory_equal(&lists[i], &none, sizeof none);
    } else if (message == CONFIGURED) {
        const struct ft_texts lists[] = {said->configured.paths, said->configured.files, said->configured.reads,
                                         said->configured.choices, said->configured.whole};
        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
            assert_memory_equal(&lists[i], &none, sizeof none);
    } else if (message == COLLECTED) {
        assert_null(said->collected.inputs.items);
        assert_memory_equal(&said->collected.reads, &none, sizeof none);
        assert_memory_equal(&said->collected.options, &none, sizeof none);
    }
}

/* Read a copy without a byte to spare, so that a sanitizer sees what is read beyond it.  The copy is to be freed. */
static int read_exactly(enum message message, const struct ft_buf *payload, size_t len, union said *said,
                        uint8_t **copy)
{
    *copy = malloc(len > 0 ? len : 1);
    assert_non_null(*copy);
    memcpy(*copy, ft_buf_head(payload), len);
    memset(said, 0xa5, sizeof *said);
    return read_said(message, &(struct ft_message_view){0, *copy, len}, said);
}

static void check_refused(enum message message, const struct ft_buf *payload, size_t len)
{
    union said said;
    uint8_t *copy;
    assert_int_equal(read_exactly(message, payload, len, &said, &copy), -EBADMSG);
    check_nothing_to_release(message, &said);
    free(copy);
}

static void check_taken(enum message message, const struct ft_buf *payload)
{
    union said said;
    uint8_t *copy;
    assert_int_equal(read_exactly(message, payload, payload->len, &said, &copy), 0);
    release_said(message, &said);
    check_nothing_to_release(message, &said);
    free(copy);
}

/* ---- writing ---- */

enum { INPUTS = 3 };

static int put_inputs(struct ft_buf *out, const char *behind)
{
    struct ft_inputs inputs = FT_INPUTS_INIT;
    struct ft_buf value = FT_BUF_INIT;
    int err = 0;
    for (int i = 0; err == 0 && i < INPUTS; i++)
        err = ft_inputs_append(&inputs, &(struct ft_input){.kind = FT_INPUT_FILE, .content = (uint64_t)i}, "/a/b", 4);
    if (err == 0)
        err = ft_inputs_write(&value, &inputs);
    if (err == 0)
        err = ft_buf_append(&value, behind, strlen(behind));
    if (err == 0)
        err = ft_mp_bin(out, ft_buf_head(&value), (uint32_t)value.len);
    ft_inputs_release(&inputs);
    ft_buf_release(&value);
    return err;
}

static int put_counts(struct ft_buf *out, uint32_t count, const int *counts)
{
    int err = ft_mp_array(out, count);
    for (uint32_t i = 0; i < count; i++)
        err |= ft_mp_int(out, counts == NULL ? 0 : counts[i]);
    return err;
}

static int put_texts(struct ft_buf *out, char first)
{
    const char text[] = {first, 'x'};
    int err = ft_mp_array(out, 2);
    err |= ft_mp_bin(out, text, sizeof text);
    return err | ft_mp_bin(out, "", 0);
}

/* A field as it should be; `number` tells it from others of its kind. */
static int put_good(struct ft_buf *out, char field, int number)
{
    char text[] = {(char)('0' + number), '\0', '\xff'};
    switch (field) {
    case 'p':
    case 'q':
        return ft_mp_int(out, 1000 + number);
    case 'n':
    case 'w':
        return ft_mp_int(out, 256 + number);
    case 'f':
        return ft_mp_int(out, number % 2);
    case 'm':
        return ft_mp_int(out, INPUTS - 1);
    case 'u':
        return ft_mp_int(out, INT64_MAX);
    case 's':
        return ft_mp_str(out, text, sizeof text);
    case 'b':
        return ft_mp_bin(out, text, sizeof text);
    case 't':
        return put_texts(out, text[0]);
    case 'i':
        return put_inputs(out, "");
    default:
        return put_counts(out, 3, (const int[]){0, 2, INPUTS});
    }
}

/* The kinds that a field can have: each is wrong for most. */
static int put_kind(struct ft_buf *out, int kind)
{
    switch (kind) {
    case 0:
        return ft_mp_nil(out);
    case 1:
        return ft_mp_bool(out, true);
    case 2:
        return ft_mp_double(out, 2000);
    case 3:
        return ft_mp_map(out, 0);
    case 4:
        return ft_mp_str(out, "x", 1);
    case 5:
        return ft_mp_bin(out, "x", 1);
    case 6:
        return ft_mp_array(out, 0);
    case 7:
        return ft_mp_int(out, 2);
    default:
        return -1;
    }
}

/* Whether the field may be of that kind; what is in it may still be wrong. */
static bool may_be(char field, int kind)
{
    static const char *const fields[] = {"", "", "", "", "s", "b", "tc", "pnqwum"};
    return strchr(fields[kind], field) != NULL;
}

/* What is of the right kind, but is not as it should be.  Returns a negative number where there are no more. */
static int put_wrong(struct ft_buf *out, char field, int which)
{
    static const int64_t pids[] = {0, 1, -1, INT32_MIN, INT64_MIN, INT32_MAX + 1ll, UINT32_MAX, INT64_MAX};
    static const int64_t others[] = {0, 1, -4096, INT32_MIN, INT64_MIN, INT32_MAX + 1ll, UINT32_MAX + 2ll, INT64_MAX};
    static const int64_t numbers[] = {-1, INT64_MIN, UINT32_MAX + 1ll, INT64_MAX};
    static const int64_t statuses[] = {-1, 0x10000, INT32_MAX, UINT32_MAX, INT64_MIN};
    static const int64_t amounts[] = {-2, INPUTS + 1, INT64_MIN, INT64_MAX};
    static const int64_t flags[] = {-1, 2, 256, INT64_MIN};
    static const int counts[][3] = {{-1, 0, 0}, {0, 0, INPUTS + 1}, {0, 2, 1}, {INPUTS, 0, 0}, {0, -1, 0}};
    enum { WITH_PIDS = sizeof pids / sizeof *pids };
    size_t i = (size_t)which;
    if (field == 'p' && i < WITH_PIDS)
        return ft_mp_int(out, pids[i]);
    if (field == 'q' && i < sizeof others / sizeof *others)
        return ft_mp_int(out, others[i]);
    if (field == 'n' && i < sizeof numbers / sizeof *numbers)
        return ft_mp_int(out, numbers[i]);
    if (field == 'w' && i < sizeof statuses / sizeof *statuses)
        return ft_mp_int(out, statuses[i]);
    if (field == 'f' && i < sizeof flags / sizeof *flags)
        return ft_mp_int(out, flags[i]);
    if (field == 'm' && i < sizeof amounts / sizeof *amounts)
        return ft_mp_int(out, amounts[i]);
    if (field == 'u' && i < 2)
        return ft_mp_uint(out, i == 0 ? UINT64_MAX : INT64_MAX + 1ull);
    if (field == 'c' && i < sizeof counts / sizeof *counts)
        return put_counts(out, 3, counts[i]);
    if (field == 'c' && i == sizeof counts / sizeof *counts)
        return put_counts(out, FT_SAID_COUNTS + 1, NULL);
    if (field == 'i' && i < 2)
        return i == 0 ? put_inputs(out, "\xc0") : ft_mp_bin(out, "\x91\x92\x02\xc4\x01x", 6); /* a relative path */
    if (field == 't' && i == 0)
        return ft_mp_array(out, 1) | ft_mp_str(out, "x", 1);
    if (field == 't' && i == 1)
        return ft_mp_array(out, 1) | ft_mp_bin(out, "a\0b", 3);
    if (field == 't' && i == 2)
        return ft_buf_append(out, "\xdd\xff\xff\xff\xff", 5);
    return -1;
}

/* A field other than it should be, the way number `which`.  Returns false where there are no more. */
static bool put_bad(struct ft_buf *out, char field, int which)
{
    size_t len = out->len;
    for (int kind = 0; put_kind(out, kind) >= 0; kind++) {
        if (!may_be(field, kind) && which-- == 0)
            return true;
        out->len = len;
    }
    return put_wrong(out, field, which) >= 0;
}

/* A whole message in which field number `bad` is wrong the way number `which`; `bad` negative: none is. */
static bool put(struct ft_buf *out, enum message message, int bad, int which)
{
    const char *layout = layouts[message];
    int fields = (int)strlen(layout);
    bool is_bad = true;
    if (message != ONLY_PID)
        assert_int_equal(ft_mp_array(out, (uint32_t)fields), 0);
    for (int i = 0; i < fields; i++) {
        if (i == bad)
            is_bad = put_bad(out, layout[i], which);
        else
            assert_int_equal(put_good(out, layout[i], i), 0);
    }
    return is_bad;
}

static struct ft_buf good(enum message message)
{
    struct ft_buf out = FT_BUF_INIT;
    put(&out, message, -1, 0);
    return out;
}

/* ---- what is well formed ---- */

static union said taken(enum message message, struct ft_buf *payload)
{
    union said said;
    *payload = good(message);
    memset(&said, 0xa5, sizeof said);
    struct ft_message_view view = {0, ft_buf_head(payload), payload->len};
    assert_int_equal(read_said(message, &view, &said), 0);
    return said;
}

static void check_texts(const struct ft_texts *texts, int number)
{
    const char first[] = {(char)('0' + number), 'x', '\0'};
    assert_int_equal(texts->count, 2);
    assert_true(ft_text_equal(texts->items[0], ft_text_of(first)));
    assert_true(ft_text_equal(texts->items[1], ft_text_of("")));
}

static void check_text(struct ft_text text, int number)
{
    const char expected[] = {(char)('0' + number), '\0', '\xff'};
    assert_true(ft_text_equal(text, (struct ft_text){expected, sizeof expected}));
}

static void what_a_parked_process_has_read_comes_back(void **state)
{
    struct ft_buf payload;
    union said said = taken(READY, &payload);
    (void)state;
    check_texts(&said.ready.files, 0);
    check_texts(&said.ready.installed, 1);
    check_texts(&said.ready.folders, 2);
    check_texts(&said.ready.reads, 3);
    check_text(said.ready.unfit, 4);
    release_said(READY, &said);
    ft_buf_release(&payload);
}

static void what_has_become_of_an_order_comes_back(void **state)
{
    struct ft_buf payload;
    union said said = taken(STARTED, &payload);
    (void)state;
    assert_int_equal(said.started.number, 256);
    assert_int_equal(said.started.pid, 1001);
    ft_buf_release(&payload);
    said = taken(DECLINED, &payload);
    assert_int_equal(said.declined.number, 256);
    check_text(said.declined.why, 1);
    ft_buf_release(&payload);
    said = taken(ENDED, &payload);
    assert_int_equal(said.ended.pid, 1000);
    assert_int_equal(said.ended.status, 257);
    ft_buf_release(&payload);
}

static void what_is_made_of_a_command_line_comes_back(void **state)
{
    struct ft_buf payload;
    union said said = taken(CONFIGURED, &payload);
    (void)state;
    assert_int_equal(said.configured.pid, 1000);
    check_text(said.configured.plugins, 1);
    check_text(said.configured.kind, 2);
    check_text(said.configured.label, 3);
    check_texts(&said.configured.paths, 4);
    check_texts(&said.configured.files, 5);
    check_texts(&said.configured.reads, 6);
    check_texts(&said.configured.choices, 7);
    check_text(said.configured.whole_kind, 8);
    check_texts(&said.configured.whole, 9);
    check_text(said.configured.narrow, 10);
    release_said(CONFIGURED, &said);
    ft_buf_release(&payload);
}

static void pids_come_back(void **state)
{
    struct ft_buf payload;
    union said said = taken(ONLY_PID, &payload);
    (void)state;
    assert_int_equal(said.pid, 1000);
    ft_buf_release(&payload);
    said = taken(CHECKPOINT, &payload);
    assert_int_equal(said.checkpoint.stays, 1000);
    assert_int_equal(said.checkpoint.goes_on, 1001);
    check_text(said.checkpoint.place, 2);
    ft_buf_release(&payload);
}

static void what_was_collected_comes_back(void **state)
{
    struct ft_buf payload;
    union said said = taken(COLLECTED, &payload);
    (void)state;
    assert_int_equal(said.collected.inputs.count, INPUTS);
    for (size_t i = 0; i < INPUTS; i++)
        assert_string_equal(ft_inputs_path(&said.collected.inputs, &said.collected.inputs.items[i]), "/a/b");
    assert_int_equal(said.collected.count, 3);
    assert_int_equal(said.collected.counts[0], 0);
    assert_int_equal(said.collected.counts[1], 2);
    assert_int_equal(said.collected.counts[2], INPUTS);
    check_texts(&said.collected.reads, 2);
    check_texts(&said.collected.options, 3);
    assert_false(said.collected.exact);
    assert_true(said.collected.until == INT64_MAX);
    check_text(said.collected.unfit, 6);
    assert_int_equal(said.collected.unchanged, INPUTS - 1);
    check_text(said.collected.once, 8);
    release_said(COLLECTED, &said);
    ft_buf_release(&payload);
}

/* ---- borders ---- */

static void check_order(int64_t number, int64_t pid, int expected)
{
    struct ft_buf out = FT_BUF_INIT;
    assert_int_equal(ft_mp_array(&out, 2) | ft_mp_int(&out, number) | ft_mp_int(&out, pid), 0);
    if (expected < 0)
        check_refused(STARTED, &out, out.len);
    else
        check_taken(STARTED, &out);
    ft_buf_release(&out);
}

static void numbers_are_taken_up_to_their_borders(void **state)
{
    static const int64_t pids[] = {2, 3, INT32_MAX, -1, -EAGAIN, -4095};
    static const int64_t ends[][2] = {{2, 0}, {INT32_MAX, 0xffff}};
    (void)state;
    for (size_t i = 0; i < sizeof pids / sizeof pids[0]; i++) {
        check_order(0, pids[i], 0);
        check_order(UINT32_MAX, pids[i], 0);
        check_order(UINT32_MAX + 1ll, pids[i], -EBADMSG);
    }
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct ft_buf out = FT_BUF_INIT;
        assert_int_equal(ft_mp_array(&out, 2) | ft_mp_int(&out, ends[i][0]) | ft_mp_int(&out, ends[i][1]), 0);
        check_taken(ENDED, &out);
        ft_buf_release(&out);
    }
}

static void a_process_does_not_go_on_as_its_own_checkpoint(void **state)
{
    struct ft_buf out = FT_BUF_INIT;
    (void)state;
    assert_int_equal(ft_mp_array(&out, 3) | ft_mp_int(&out, 7) | ft_mp_int(&out, 7) | ft_mp_str(&out, "x", 1), 0);
    check_refused(CHECKPOINT, &out, out.len);
    ft_buf_release(&out);
}

static void check_checkpoints(uint32_t count, int expected)
{
    struct ft_buf out = FT_BUF_INIT;
    int err = ft_mp_array(&out, 9) | put_inputs(&out, "") | put_counts(&out, count, NULL);
    for (int i = 2; i < 9; i++)
        err |= put_good(&out, layouts[COLLECTED][i], i);
    assert_int_equal(err, 0);
    if (expected < 0)
        check_refused(COLLECTED, &out, out.len);
    else
        check_taken(COLLECTED, &out);
    ft_buf_release(&out);
}

static void so_many_checkpoints_can_be_told_of(void **state)
{
    (void)state;
    check_checkpoints(0, 0);
    check_checkpoints(1, 0);
    check_checkpoints(FT_SAID_COUNTS, 0);
    check_checkpoints(FT_SAID_COUNTS + 1, -EBADMSG);
}

/* ---- what is not ---- */

static void a_field_that_is_not_as_it_should_be_is_refused(void **state)
{
    (void)state;
    for (int message = 0; message < MESSAGES; message++) {
        for (int bad = 0; layouts[message][bad] != '\0'; bad++) {
            for (int which = 0;; which++) {
                struct ft_buf out = FT_BUF_INIT;
                bool any = put(&out, (enum message)message, bad, which);
                if (any)
                    check_refused((enum message)message, &out, out.len);
                ft_buf_release(&out);
                if (!any)
                    break;
            }
        }
    }
}

static void too_few_and_too_many_fields_are_refused(void **state)
{
    (void)state;
    for (int message = 0; message < MESSAGES; message++) {
        const char *layout = layouts[message];
        int fields = (int)strlen(layout);
        for (int count = 0; count < fields + 3; count++) {
            struct ft_buf out = FT_BUF_INIT;
            assert_int_equal(ft_mp_array(&out, (uint32_t)count), 0);
            for (int i = 0; i < count; i++)
                assert_int_equal(put_good(&out, layout[i < fields ? i : fields - 1], i), 0);
            if (count == fields && message != ONLY_PID)
                check_taken((enum message)message, &out);
            else
                check_refused((enum message)message, &out, out.len);
            ft_buf_release(&out);
        }
    }
}

static void no_other_message_will_do(void **state)
{
    (void)state;
    for (int message = 0; message < MESSAGES; message++) {
        for (int other = 0; other < MESSAGES; other++) {
            struct ft_buf out = good((enum message)other);
            /* A pid is a number, and a status another one. */
            bool same = message == other || (message == STARTED && other == ENDED);
            if (same)
                check_taken((enum message)message, &out);
            else if (message != ENDED || other != STARTED)
                check_refused((enum message)message, &out, out.len);
            ft_buf_release(&out);
        }
    }
}

static void a_message_that_ends_too_early_or_too_late_is_refused(void **state)
{
    (void)state;
    for (int message = 0; message < MESSAGES; message++) {
        struct ft_buf out = good((enum message)message);
        for (size_t len = 0; len < out.len; len++)
            check_refused((enum message)message, &out, len);
        assert_int_equal(ft_mp_nil(&out), 0);
        check_refused((enum message)message, &out, out.len);
        ft_buf_release(&out);
    }
}

static void a_changed_byte_is_refused_or_makes_another_message(void **state)
{
    struct random random = {1};
    (void)state;
    for (int message = 0; message < MESSAGES; message++) {
        struct ft_buf out = good((enum message)message);
        for (size_t i = 0; i < 100 * out.len; i++) {
            union said said;
            uint8_t *byte = ft_buf_head(&out) + i % out.len, *copy, was = *byte;
            *byte = (uint8_t)random_below(&random, 256);
            int err = read_exactly((enum message)message, &out, out.len, &said, &copy);
            *byte = was;
            assert_true(err == 0 || err == -EBADMSG);
            if (err == 0)
                release_said((enum message)message, &said);
            check_nothing_to_release((enum message)message, &said);
            free(copy);
        }
        ft_buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_parked_process_has_read_comes_back),
        cmocka_unit_test(what_has_become_of_an_order_comes_back),
        cmocka_unit_test(what_is_made_of_a_command_line_comes_back),
        cmocka_unit_test(pids_come_back),
        cmocka_unit_test(what_was_collected_comes_back),
        cmocka_unit_test(numbers_are_taken_up_to_their_borders),
        cmocka_unit_test(a_process_does_not_go_on_as_its_own_checkpoint),
        cmocka_unit_test(so_many_checkpoints_can_be_told_of),
        cmocka_unit_test(a_field_that_is_not_as_it_should_be_is_refused),
        cmocka_unit_test(too_few_and_too_many_fields_are_refused),
        cmocka_unit_test(no_other_message_will_do),
        cmocka_unit_test(a_message_that_ends_too_early_or_too_late_is_refused),
        cmocka_unit_test(a_changed_byte_is_refused_or_makes_another_message),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

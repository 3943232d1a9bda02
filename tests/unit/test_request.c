/* wire/request: what a client writes is what the daemon reads, and nothing else is taken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "random.h"
#include "same_request.h"
#include "wire/msgpack.h"
#include "wire/request.h"

enum { VARIABLES = 3000, FDS = 300, FIELDS = 12 };

static char *const no_utf8 = (char[]){"\xff\xfe\x80=\xc3\x28"};

/* A request with something in everything; arrays are static. */
static struct ft_request sample(void)
{
    static struct ft_text args[3], environ[3];
    static uint32_t fds[] = {3, 4, 200, INT32_MAX};
    args[0] = ft_text_of("-k");
    args[1] = ft_text_of("");
    args[2] = ft_text_of(no_utf8);
    environ[0] = ft_text_of("HOME=/home/me");
    environ[1] = ft_text_of("EMPTY=");
    environ[2] = ft_text_of("no equals sign");
    struct ft_request request = {
        .build = ft_text_of("0.1.0 1:2:3.4"),
        .command = ft_text_of("/usr/bin/fleetest"),
        .folder = ft_text_of("/home/me/\xff"),
        .args = {args, 3},
        .environ = {environ, 3},
        .umask = 022,
        .nice = -5,
        .ignored = 1u << 12,
        .blocked = UINT64_MAX,
        .terminals = {FT_REQUEST_TERMINAL | 24 << 16 | 80, 0, FT_REQUEST_TERMINAL},
        .fds = fds,
        .fd_count = 4,
    };
    for (unsigned i = 0; i < FT_REQUEST_LIMITS; i++) {
        request.limits[i][0] = i % 3 == 0 ? UINT64_MAX : i * 1000003u;
        request.limits[i][1] = UINT64_MAX;
    }
    return request;
}

/* Read a copy of exactly this size, so that a sanitizer sees a byte too many. */
static int read_exactly(struct ft_request *request, const uint8_t *payload, size_t len, uint8_t **copy)
{
    *copy = malloc(len > 0 ? len : 1);
    assert_non_null(*copy);
    if (len > 0)
        memcpy(*copy, payload, len);
    return ft_request_read(request, *copy, len);
}

static void check_round_trip(const struct ft_request *request)
{
    struct ft_buf out = FT_BUF_INIT;
    struct ft_request again;
    uint8_t *copy;
    assert_int_equal(ft_request_write(&out, request), 0);
    assert_int_equal(read_exactly(&again, ft_buf_head(&out), out.len, &copy), 0);
    assert_true(same_request(request, &again));
    assert_true((const uint8_t *)again.build.at >= copy && (const uint8_t *)again.build.at <= copy + out.len);
    ft_request_release(&again);
    free(copy);
    ft_buf_release(&out);
}

static void check_nothing_to_release(const struct ft_request *request)
{
    assert_null(request->args.items);
    assert_null(request->environ.items);
    assert_null(request->fds);
}

static void check_refused(const uint8_t *payload, size_t len)
{
    struct ft_request request;
    uint8_t *copy;
    assert_int_equal(read_exactly(&request, payload, len, &copy), -EBADMSG);
    check_nothing_to_release(&request);
    free(copy);
}

static void check_refused_when_written(const struct ft_request *request)
{
    struct ft_buf out = FT_BUF_INIT;
    assert_int_equal(ft_request_write(&out, request), 0);
    check_refused(ft_buf_head(&out), out.len);
    ft_buf_release(&out);
}

static void everything_comes_back(void **state)
{
    struct ft_request request = sample();
    (void)state;
    check_round_trip(&request);
}

static void a_request_may_be_empty(void **state)
{
    struct ft_request request = {.build = ft_text_of(""), .command = ft_text_of(""), .folder = ft_text_of("")};
    (void)state;
    check_round_trip(&request);
}

static void every_nice_value_and_mask_comes_back(void **state)
{
    struct ft_request request = sample();
    (void)state;
    for (request.nice = -20; request.nice < 20; request.nice++)
        check_round_trip(&request);
    request.nice = 0;
    for (request.umask = 0; request.umask <= 0777; request.umask++)
        check_round_trip(&request);
}

static void limits_and_signals_come_back_at_the_borders_of_their_widths(void **state)
{
    static const uint64_t values[] = {0,          1,          0x7f,           0x80,      0xff, 0x100, 0xffff, 0x10000,
                                      0xffffffff, 1ull << 32, UINT64_MAX - 1, UINT64_MAX};
    struct ft_request request = sample();
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        for (size_t limit = 0; limit < FT_REQUEST_LIMITS; limit++) {
            request.limits[limit][0] = values[i];
            request.limits[limit][1] = values[(i + limit) % (sizeof values / sizeof values[0])];
        }
        request.ignored = values[i];
        request.blocked = ~values[i];
        check_round_trip(&request);
    }
}

static void terminals_come_back_whatever_their_size(void **state)
{
    static const uint64_t sizes[] = {0, 1, 80, 0xffff, 0x10000, 24 << 16 | 80, 0xffff0000, 0xffffffff};
    struct ft_request request = sample();
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t fd = 0; fd < FT_REQUEST_STREAMS; fd++) {
            memset(request.terminals, 0, sizeof request.terminals);
            request.terminals[fd] = FT_REQUEST_TERMINAL | sizes[i];
            check_round_trip(&request);
        }
    }
}

static void many_and_long_variables_come_back(void **state)
{
    static struct ft_text items[VARIABLES];
    static char names[VARIABLES][32];
    struct ft_request request = sample();
    size_t longest = 1 << 20;
    char *bytes = malloc(longest);
    (void)state;
    assert_non_null(bytes);
    memset(bytes, 0xff, longest);
    for (int i = 0; i < VARIABLES; i++) {
        snprintf(names[i], sizeof names[i], "VARIABLE_%d=%d", i, i * i);
        items[i] = ft_text_of(names[i]);
    }
    items[7] = (struct ft_text){bytes, longest};
    items[8] = (struct ft_text){bytes, 255};
    items[9] = (struct ft_text){bytes, 256};
    items[10] = (struct ft_text){bytes, 65535};
    items[11] = (struct ft_text){bytes, 65536};
    request.environ = (struct ft_texts){items, VARIABLES};
    check_round_trip(&request);
    request.args = request.environ;
    check_round_trip(&request);
    free(bytes);
}

static void many_descriptors_come_back(void **state)
{
    uint32_t fds[FDS];
    struct ft_request request = sample();
    (void)state;
    for (uint32_t i = 0; i < FDS; i++)
        fds[i] = 3 * i;
    request.fds = fds;
    request.fd_count = FDS;
    check_round_trip(&request);
}

static void a_payload_that_ends_too_early_is_refused(void **state)
{
    struct ft_request request = sample();
    struct ft_buf out = FT_BUF_INIT;
    (void)state;
    assert_int_equal(ft_request_write(&out, &request), 0);
    for (size_t len = 0; len < out.len; len++)
        check_refused(ft_buf_head(&out), len);
    ft_buf_release(&out);
}

static void bytes_behind_the_request_are_refused(void **state)
{
    struct ft_request request = sample();
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        struct ft_buf out = FT_BUF_INIT;
        assert_int_equal(ft_request_write(&out, &request), 0);
        assert_int_equal(ft_buf_append(&out, &(uint8_t){(uint8_t)byte}, 1), 0);
        check_refused(ft_buf_head(&out), out.len);
        ft_buf_release(&out);
    }
}

static void a_nul_in_a_text_is_refused(void **state)
{
    static const struct ft_text bad[] = {{"\0", 1}, {"\0a", 2}, {"a\0", 2}, {"a\0b", 3}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (int place = 0; place < 9; place++) {
            struct ft_request request = sample();
            struct ft_text *texts[] = {&request.build, &request.command, &request.folder};
            struct ft_texts *list = place < 6 ? &request.args : &request.environ;
            *(place < 3 ? texts[place] : &list->items[place % 3]) = bad[i];
            check_refused_when_written(&request);
        }
    }
}

static void numbers_of_descriptors_must_ascend(void **state)
{
    static uint32_t bad[][3] = {{3, 4, 4}, {3, 3, 4}, {5, 4, 6}, {3, 5, 4}, {0, 0, 1}, {9, 8, 7}, {1, 2, 0}};
    struct ft_request request = sample();
    (void)state;
    request.fd_count = 3;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        request.fds = bad[i];
        check_refused_when_written(&request);
    }
    request.fds = (uint32_t[]){0, 1, 2};
    check_round_trip(&request);
}

static void numbers_that_nothing_can_have_are_refused(void **state)
{
    uint32_t fds[] = {3, (uint32_t)INT32_MAX + 1};
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct ft_request request = sample();
        switch (i) {
        case 0:
            request.fds = fds;
            request.fd_count = 2;
            break;
        case 1:
            fds[0] = UINT32_MAX;
            request.fds = fds;
            request.fd_count = 1;
            break;
        case 2:
            request.umask = 01000;
            break;
        case 3:
            request.nice = 20;
            break;
        case 4:
            request.nice = -21;
            break;
        case 5:
            request.nice = INT32_MIN;
            break;
        case 6:
            request.terminals[0] = 1; /* the size of none */
            break;
        case 7:
            request.terminals[1] = FT_REQUEST_TERMINAL << 1;
            break;
        case 8:
            request.terminals[2] = UINT64_MAX;
            break;
        default:
            request.nice = INT32_MAX;
            break;
        }
        check_refused_when_written(&request);
    }
}

/* What may be wrong in a request that is put together by hand. */
enum wrong {
    NOTHING,
    TOO_FEW_FIELDS,
    TOO_MANY_FIELDS,
    NO_ARRAY,
    TEXT_AS_STRING,
    TEXT_IS_NIL,
    ARGS_AS_MAP,
    ARG_AS_NUMBER,
    MASK_NEGATIVE,
    NICE_AS_DOUBLE,
    SIGNALS_AS_BOOL,
    TOO_FEW_LIMITS,
    TOO_MANY_LIMITS,
    LIMITS_AS_TEXT,
    LIMIT_NEGATIVE,
    TOO_FEW_TERMINALS,
    TOO_MANY_TERMINALS,
    TERMINALS_AS_NIL,
    TERMINAL_NEGATIVE,
    FDS_AS_NUMBER,
    FD_NEGATIVE,
    FDS_BEYOND_THE_END,
    WRONGS,
};

static int put_limits(struct ft_buf *out, enum wrong wrong)
{
    uint32_t count = 2 * FT_REQUEST_LIMITS;
    count = wrong == TOO_FEW_LIMITS ? count - 2 : wrong == TOO_MANY_LIMITS ? count + 2 : count;
    int err = wrong == LIMITS_AS_TEXT ? ft_mp_bin(out, "x", 1) : ft_mp_array(out, count);
    for (uint32_t i = 0; i < count; i++)
        err |= wrong == LIMIT_NEGATIVE && i == 5 ? ft_mp_int(out, -1) : ft_mp_uint(out, i);
    return err;
}

static int put_terminals(struct ft_buf *out, enum wrong wrong)
{
    uint32_t count = wrong == TOO_FEW_TERMINALS ? 2 : wrong == TOO_MANY_TERMINALS ? 4 : 3;
    int err = wrong == TERMINALS_AS_NIL ? ft_mp_nil(out) : ft_mp_array(out, count);
    for (uint32_t i = 0; i < count; i++)
        err |= wrong == TERMINAL_NEGATIVE && i == 1 ? ft_mp_int(out, -1) : ft_mp_uint(out, FT_REQUEST_TERMINAL + i);
    return err;
}

static int put_fds(struct ft_buf *out, enum wrong wrong)
{
    if (wrong == FDS_AS_NUMBER)
        return ft_mp_uint(out, 1);
    if (wrong == FDS_BEYOND_THE_END)
        return ft_buf_append(out, "\xdd\xff\xff\xff\xff\x03", 6);
    int err = ft_mp_array(out, 1);
    return err | (wrong == FD_NEGATIVE ? ft_mp_int(out, -1) : ft_mp_uint(out, 3));
}

/* The smallest request that has something in each list. */
static void put_by_hand(struct ft_buf *out, enum wrong wrong)
{
    uint32_t fields = wrong == TOO_FEW_FIELDS ? FIELDS - 1 : wrong == TOO_MANY_FIELDS ? FIELDS + 1 : FIELDS;
    int err = wrong == NO_ARRAY ? ft_mp_uint(out, fields) : ft_mp_array(out, fields);
    err |= wrong == TEXT_AS_STRING ? ft_mp_str(out, "b", 1) : ft_mp_bin(out, "b", 1);
    err |= wrong == TEXT_IS_NIL ? ft_mp_nil(out) : ft_mp_bin(out, "c", 1);
    err |= ft_mp_bin(out, "f", 1);
    err |= wrong == ARGS_AS_MAP ? ft_mp_map(out, 1) : ft_mp_array(out, 1);
    err |= wrong == ARG_AS_NUMBER ? ft_mp_uint(out, 1) : ft_mp_bin(out, "a", 1);
    err |= ft_mp_array(out, 1);
    err |= ft_mp_bin(out, "e=", 2);
    err |= wrong == MASK_NEGATIVE ? ft_mp_int(out, -1) : ft_mp_uint(out, 022);
    err |= wrong == NICE_AS_DOUBLE ? ft_mp_double(out, 0) : ft_mp_int(out, -1);
    err |= wrong == SIGNALS_AS_BOOL ? ft_mp_bool(out, true) : ft_mp_uint(out, 1);
    err |= ft_mp_uint(out, 2);
    err |= put_limits(out, wrong);
    err |= put_terminals(out, wrong);
    err |= put_fds(out, wrong);
    if (wrong == TOO_MANY_FIELDS)
        err |= ft_mp_nil(out);
    assert_int_equal(err, 0);
}

static void what_a_client_would_not_write_is_refused(void **state)
{
    (void)state;
    for (int wrong = NOTHING + 1; wrong < WRONGS; wrong++) {
        struct ft_buf out = FT_BUF_INIT;
        put_by_hand(&out, (enum wrong)wrong);
        check_refused(ft_buf_head(&out), out.len);
        ft_buf_release(&out);
    }
}

static void a_request_put_together_by_hand_is_what_the_writer_writes(void **state)
{
    struct ft_buf hand = FT_BUF_INIT, written = FT_BUF_INIT;
    struct ft_request request;
    (void)state;
    put_by_hand(&hand, NOTHING);
    assert_int_equal(ft_request_read(&request, ft_buf_head(&hand), hand.len), 0);
    assert_true(ft_text_equal(request.build, ft_text_of("b")));
    assert_true(ft_text_equal(request.command, ft_text_of("c")));
    assert_true(ft_text_equal(request.folder, ft_text_of("f")));
    assert_int_equal(request.args.count, 1);
    assert_true(ft_text_equal(request.args.items[0], ft_text_of("a")));
    assert_int_equal(request.environ.count, 1);
    assert_true(ft_text_equal(request.environ.items[0], ft_text_of("e=")));
    assert_int_equal(request.umask, 022);
    assert_int_equal(request.nice, -1);
    assert_int_equal(request.ignored, 1);
    assert_int_equal(request.blocked, 2);
    for (unsigned i = 0; i < FT_REQUEST_LIMITS; i++) {
        assert_int_equal(request.limits[i][0], 2 * i);
        assert_int_equal(request.limits[i][1], 2 * i + 1);
    }
    for (unsigned i = 0; i < FT_REQUEST_STREAMS; i++)
        assert_int_equal(request.terminals[i], FT_REQUEST_TERMINAL + i);
    assert_int_equal(request.fd_count, 1);
    assert_int_equal(request.fds[0], 3);
    assert_int_equal(ft_request_write(&written, &request), 0);
    assert_int_equal(written.len, hand.len);
    assert_memory_equal(ft_buf_head(&written), ft_buf_head(&hand), hand.len);
    ft_request_release(&request);
    ft_buf_release(&hand);
    ft_buf_release(&written);
}

static void a_changed_byte_is_refused_or_makes_another_valid_request(void **state)
{
    struct ft_request request = sample(), other;
    struct ft_buf out = FT_BUF_INIT;
    struct random random = {1};
    (void)state;
    assert_int_equal(ft_request_write(&out, &request), 0);
    for (size_t i = 0; i < 20 * out.len; i++) {
        uint8_t *byte = ft_buf_head(&out) + i % out.len, *copy, was = *byte;
        *byte = (uint8_t)random_below(&random, 256);
        int err = read_exactly(&other, ft_buf_head(&out), out.len, &copy);
        *byte = was;
        if (err == 0) {
            check_round_trip(&other);
            ft_request_release(&other);
        } else {
            assert_int_equal(err, -EBADMSG);
            check_nothing_to_release(&other);
        }
        free(copy);
    }
    ft_buf_release(&out);
}

static void a_released_request_is_empty(void **state)
{
    struct ft_request request = sample(), again;
    struct ft_buf out = FT_BUF_INIT;
    (void)state;
    assert_int_equal(ft_request_write(&out, &request), 0);
    assert_int_equal(ft_request_read(&again, ft_buf_head(&out), out.len), 0);
    ft_request_release(&again);
    check_nothing_to_release(&again);
    assert_int_equal(again.fd_count, 0);
    ft_request_release(&again);
    ft_buf_release(&out);
}

/* ---- the same place ---- */

static void a_session_does_not_hold_on_to_what_it_was_asked(void **state)
{
    struct ft_request a = sample(), b = sample();
    (void)state;
    assert_true(ft_request_same_place(&a, &b));
    b.build = ft_text_of("another");
    b.args.count = b.environ.count = 0;
    assert_true(ft_request_same_place(&a, &b));
    assert_true(ft_request_same_place(&b, &a));
}

/* Change one thing that a session does hold on to.  Returns false where there are no more. */
static bool move(struct ft_request *request, int what)
{
    switch (what) {
    case 0:
        request->folder = ft_text_of("/home/you");
        return true;
    case 1:
        request->command = ft_text_of("/usr/bin/fleetes");
        return true;
    case 2:
        request->umask = 0;
        return true;
    case 3:
        request->nice = 5;
        return true;
    case 4:
        request->ignored = 0;
        return true;
    case 5:
        request->blocked--;
        return true;
    case 6:
        request->limits[0][0]--;
        return true;
    case 7:
        request->limits[FT_REQUEST_LIMITS - 1][1]--;
        return true;
    case 8:
    case 9:
    case 10:
        request->terminals[what - 8] ^= FT_REQUEST_TERMINAL;
        return true;
    case 11:
        request->terminals[0]++; /* wider */
        return true;
    default:
        return false;
    }
}

static void what_a_session_holds_on_to_makes_another_place(void **state)
{
    struct ft_request a = sample(), b = sample();
    (void)state;
    for (int what = 0; move(&b, what); what++, b = sample()) {
        assert_false(ft_request_same_place(&a, &b));
        assert_false(ft_request_same_place(&b, &a));
    }
}

static void each_descriptor_makes_another_place(void **state)
{
    static uint32_t lists[][3] = {{0, 1, 2}, {0, 1, 5}, {0, 2, 5}, {1, 2, 5}, {5, 6, 7}};
    enum { LISTS = sizeof lists / sizeof lists[0] };
    struct ft_request a = sample(), b = sample();
    (void)state;
    a.fd_count = b.fd_count = 3;
    for (size_t i = 0; i < LISTS; i++) {
        for (size_t j = 0; j < LISTS; j++) {
            a.fds = lists[i];
            b.fds = lists[j];
            assert_int_equal(ft_request_same_place(&a, &b), i == j);
        }
    }
    a.fds = b.fds = lists[0];
    b.fd_count = 2;
    assert_false(ft_request_same_place(&a, &b));
    a.fd_count = b.fd_count = 0;
    assert_true(ft_request_same_place(&a, &b));
}

static void a_copy_has_other_arguments_and_the_rest_of_its_own(void **state)
{
    (void)state;
    struct ft_request request = sample();
    struct ft_text file = ft_text_of("tests");
    struct ft_texts args = {&file, 1};
    struct ft_kept_request kept;
    assert_int_equal(ft_request_keep_with(&kept, &request, &args), 0);
    assert_true(ft_texts_equal(&kept.request.args, &args));
    assert_ptr_not_equal(kept.request.folder.at, request.folder.at);
    request.args = args;
    assert_true(same_request(&kept.request, &request));
    ft_request_drop(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(a_request_may_be_empty),
        cmocka_unit_test(every_nice_value_and_mask_comes_back),
        cmocka_unit_test(limits_and_signals_come_back_at_the_borders_of_their_widths),
        cmocka_unit_test(terminals_come_back_whatever_their_size),
        cmocka_unit_test(many_and_long_variables_come_back),
        cmocka_unit_test(many_descriptors_come_back),
        cmocka_unit_test(a_payload_that_ends_too_early_is_refused),
        cmocka_unit_test(bytes_behind_the_request_are_refused),
        cmocka_unit_test(a_nul_in_a_text_is_refused),
        cmocka_unit_test(numbers_of_descriptors_must_ascend),
        cmocka_unit_test(numbers_that_nothing_can_have_are_refused),
        cmocka_unit_test(what_a_client_would_not_write_is_refused),
        cmocka_unit_test(a_request_put_together_by_hand_is_what_the_writer_writes),
        cmocka_unit_test(a_changed_byte_is_refused_or_makes_another_valid_request),
        cmocka_unit_test(a_released_request_is_empty),
        cmocka_unit_test(a_copy_has_other_arguments_and_the_rest_of_its_own),
        cmocka_unit_test(a_session_does_not_hold_on_to_what_it_was_asked),
        cmocka_unit_test(what_a_session_holds_on_to_makes_another_place),
        cmocka_unit_test(each_descriptor_makes_another_place),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

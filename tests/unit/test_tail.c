/* wire/tail: what was not yet written is there for the reader, once and in order, whenever it looks. */
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "random.h"
#include "wire/tail.h"

static int memory(void)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, FT_TAIL_SIZE), 0);
    return fd;
}

struct pair {
    struct ft_tail *writes;
    struct ft_tail *reads;
    struct ft_buf seen;
    uint64_t taken;
};

static void open_pair(struct pair *pair)
{
    int fd = memory();
    *pair = (struct pair){.writes = ft_tail_map(fd), .reads = ft_tail_map(fd), .seen = FT_BUF_INIT};
    assert_non_null(pair->writes);
    assert_non_null(pair->reads);
    close(fd);
}

static void close_pair(struct pair *pair)
{
    ft_tail_unmap(pair->writes);
    ft_tail_unmap(pair->reads);
    ft_buf_release(&pair->seen);
}

static int64_t peek(struct pair *pair)
{
    int64_t got = ft_tail_peek(pair->reads, pair->taken, &pair->seen);
    if (got > 0)
        pair->taken += (uint64_t)got;
    return got;
}

static void a_new_tail_is_empty(void **state)
{
    struct pair pair;
    size_t len;
    (void)state;
    open_pair(&pair);
    ft_tail_content(pair.writes, &len);
    assert_int_equal(len, 0);
    assert_int_equal(peek(&pair), 0);
    assert_in_range(ft_tail_room(pair.writes), FT_TAIL_SIZE - 64, FT_TAIL_SIZE);
    close_pair(&pair);
}

static void what_is_appended_is_seen_once(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair);
    ft_tail_append(pair.writes, "abc", 3);
    assert_int_equal(peek(&pair), 3);
    assert_int_equal(peek(&pair), 0);
    ft_tail_append(pair.writes, "de", 2);
    assert_int_equal(peek(&pair), 2);
    assert_memory_equal(ft_buf_head(&pair.seen), "abcde", 5);
    close_pair(&pair);
}

static void what_was_sent_is_not_in_the_tail(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair);
    ft_tail_append(pair.writes, "abc", 3);
    ft_tail_sent(pair.writes, 4);
    ft_tail_append(pair.writes, "hi", 2);
    assert_int_equal(peek(&pair), 0); /* "abc" and four more are still to come from the socket */
    pair.taken = 7;
    assert_int_equal(peek(&pair), 2);
    assert_memory_equal(ft_buf_head(&pair.seen), "hi", 2);
    close_pair(&pair);
}

static void a_part_that_is_known_is_left_out(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair);
    ft_tail_append(pair.writes, "abcdef", 6);
    pair.taken = 4;
    assert_int_equal(peek(&pair), 2);
    assert_memory_equal(ft_buf_head(&pair.seen), "ef", 2);
    close_pair(&pair);
}

static void a_full_tail_has_no_room(void **state)
{
    struct pair pair;
    size_t room, len;
    (void)state;
    open_pair(&pair);
    room = ft_tail_room(pair.writes);
    unsigned char *bytes = calloc(1, room);
    assert_non_null(bytes);
    ft_tail_append(pair.writes, bytes, room);
    assert_int_equal(ft_tail_room(pair.writes), 0);
    ft_tail_content(pair.writes, &len);
    assert_int_equal(len, room);
    assert_int_equal(peek(&pair), room);
    free(bytes);
    close_pair(&pair);
}

static void nonsense_is_refused(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair);
    memset(pair.writes, 0xff, 64);
    assert_int_equal(ft_tail_peek(pair.reads, UINT64_MAX >> 24, &pair.seen), -EBADMSG);
    assert_int_equal(ft_tail_room(pair.writes), 0);
    close_pair(&pair);
}

static void private_memory_does_as_well(void **state)
{
    size_t len;
    (void)state;
    struct ft_tail *tail = ft_tail_map(-1);
    assert_non_null(tail);
    ft_tail_append(tail, "abc", 3);
    assert_memory_equal(ft_tail_content(tail, &len), "abc", 3);
    assert_int_equal(len, 3);
    ft_tail_unmap(tail);
    ft_tail_unmap(NULL);
}

enum { STREAM = 8 * 1024 * 1024 };

static unsigned char byte_at(uint64_t position)
{
    return (unsigned char)(position * 131 + (position >> 8) * 7 + (position >> 16));
}

static void write_all(int fd, const unsigned char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = write(fd, data, len);
        if (sent <= 0)
            _exit(9);
        data += sent;
        len -= (size_t)sent;
    }
}

/* Write the stream as a worker does, in pieces of any size, now and then past the tail; die at some point. */
static void be_writer(struct ft_tail *tail, int fd, uint64_t seed, uint64_t end)
{
    struct random random = {seed};
    unsigned char piece[3000];
    uint64_t position = 0;
    while (position < end) {
        uint64_t chance = random_next(&random);
        size_t len = (size_t)(chance % sizeof piece) + 1, held;
        if (len > end - position)
            len = (size_t)(end - position);
        for (size_t i = 0; i < len; i++)
            piece[i] = byte_at(position + i);
        bool past = (chance >> 32) % 16 == 0;
        if (past || len > ft_tail_room(tail) || (chance >> 40) % 8 == 0) {
            const unsigned char *content = ft_tail_content(tail, &held);
            write_all(fd, content, held);
            ft_tail_sent(tail, 0);
        }
        if (past) {
            write_all(fd, piece, len);
            ft_tail_sent(tail, len);
        } else {
            ft_tail_append(tail, piece, len);
        }
        position += len;
    }
    _exit(0);
}

static void check_stream(const struct ft_buf *seen, uint64_t from)
{
    const unsigned char *bytes = ft_buf_head(seen);
    for (size_t i = 0; i < seen->len; i++)
        assert_int_equal(bytes[i], byte_at(from + i));
}

/* Take in what comes, from both places, as the engine does. */
static void nothing_is_lost_with_a_writer_that_dies(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct pair pair;
        int ends[2];
        uint64_t received = 0, checked = 0, end = STREAM / seed;
        unsigned char bytes[5000];
        open_pair(&pair);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(ends[0]);
            be_writer(pair.writes, ends[1], seed, end);
        }
        close(ends[1]);
        for (bool open = true; open;) {
            struct pollfd polled = {.fd = ends[0], .events = POLLIN};
            assert_true(peek(&pair) >= 0);
            if (poll(&polled, 1, 0) == 1) {
                ssize_t got = read(ends[0], bytes, sizeof bytes);
                assert_true(got >= 0);
                open = got > 0;
                uint64_t ahead = pair.taken - received;
                size_t known = ahead < (uint64_t)got ? (size_t)ahead : (size_t)got;
                assert_int_equal(ft_buf_append(&pair.seen, bytes + known, (size_t)got - known), 0);
                received += (uint64_t)got;
                pair.taken += (uint64_t)got - known;
            }
            check_stream(&pair.seen, checked);
            checked += pair.seen.len;
            ft_buf_consume(&pair.seen, pair.seen.len);
        }
        assert_true(peek(&pair) >= 0);
        check_stream(&pair.seen, checked);
        assert_int_equal(checked + pair.seen.len, end);
        assert_int_equal(pair.taken, end);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        close(ends[0]);
        close_pair(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_tail_is_empty),
        cmocka_unit_test(what_is_appended_is_seen_once),
        cmocka_unit_test(what_was_sent_is_not_in_the_tail),
        cmocka_unit_test(a_part_that_is_known_is_left_out),
        cmocka_unit_test(a_full_tail_has_no_room),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(private_memory_does_as_well),
        cmocka_unit_test(nothing_is_lost_with_a_writer_that_dies),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

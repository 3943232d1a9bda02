/* wire/fds: descriptors that travel with bytes, and what stays open when something is wrong. */
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "scratch.h"
#include "wire/fds.h"

enum { SEVERAL = 5, LARGE = 1 << 20, CROWD = 64 };

static void make_pair(int pair[2], int type)
{
    assert_int_equal(ft_fds_pair(pair, type), 0);
}

/* Files of their own; not close-on-exec, so that it is seen where that comes from. */
static void make_files(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fds[i] = memfd_create("fds", 0);
        assert_in_range(fds[i], 0, INT_MAX);
    }
}

static bool same_file(int left, int right)
{
    struct stat a, b;
    assert_int_equal(fstat(left, &a), 0);
    assert_int_equal(fstat(right, &b), 0);
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void check_arrived(const int *sent, const int *got, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(got[i], sent[i]);
        assert_true(same_file(got[i], sent[i]));
        assert_int_equal(fcntl(got[i], F_GETFD), FD_CLOEXEC);
    }
}

static void several_arrive_close_on_exec_and_are_the_same_files(void **state)
{
    static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
    (void)state;
    for (int i = 0; i < 2; i++) {
        int pair[2], sent[SEVERAL], got[SEVERAL + 2];
        size_t count = SEVERAL + 2;
        char text[8] = "";
        make_pair(pair, types[i]);
        make_files(sent, SEVERAL);
        assert_int_equal(ft_fds_send(pair[0], "abc", 3, sent, SEVERAL), 3);
        assert_int_equal(ft_fds_receive(pair[1], text, sizeof text, got, &count, 0), 3);
        assert_string_equal(text, "abc");
        assert_int_equal(count, SEVERAL);
        check_arrived(sent, got, SEVERAL);
        ft_fds_close(sent, SEVERAL);
        ft_fds_close(got, count);
        ft_fds_close(pair, 2);
    }
}

static void as_many_as_the_kernel_takes_can_travel(void **state)
{
    int pair[2], file, sent[FT_FDS_MAX + 1], got[FT_FDS_MAX];
    size_t count = FT_FDS_MAX;
    char byte;
    (void)state;
    make_pair(pair, SOCK_STREAM);
    make_files(&file, 1);
    for (size_t i = 0; i <= FT_FDS_MAX; i++)
        sent[i] = file;
    assert_int_equal(ft_fds_send(pair[0], "a", 1, sent, FT_FDS_MAX + 1), -EMSGSIZE);
    assert_int_equal(ft_fds_send(pair[0], "b", 1, sent, FT_FDS_MAX), 1);
    assert_int_equal(ft_fds_receive(pair[1], &byte, 1, got, &count, 0), 1);
    assert_int_equal(byte, 'b');
    assert_int_equal(count, FT_FDS_MAX);
    check_arrived(sent, got, FT_FDS_MAX);
    ft_fds_close(got, count);
    close(file);
    ft_fds_close(pair, 2);
}

static void bytes_may_come_without_descriptors(void **state)
{
    int pair[2], got[2];
    size_t count = 2;
    char text[4] = "";
    (void)state;
    make_pair(pair, SOCK_STREAM);
    assert_int_equal(ft_fds_send(pair[0], "ab", 2, NULL, 0), 2);
    assert_int_equal(ft_fds_receive(pair[1], text, sizeof text, got, &count, 0), 2);
    assert_int_equal(count, 0);
    assert_string_equal(text, "ab");
    /* Without room too. */
    assert_int_equal(ft_fds_send(pair[0], "cd", 2, NULL, 0), 2);
    assert_int_equal(ft_fds_receive(pair[1], text, sizeof text, NULL, &count, 0), 2);
    assert_int_equal(count, 0);
    assert_string_equal(text, "cd");
    ft_fds_close(pair, 2);
}

static void more_than_there_is_room_for_are_all_closed(void **state)
{
    int pair[2], sent[SEVERAL], got[SEVERAL];
    char byte;
    (void)state;
    make_pair(pair, SOCK_STREAM);
    make_files(sent, SEVERAL);
    unsigned before = open_descriptors();
    for (size_t room = 0; room < SEVERAL; room++) {
        size_t count = room;
        assert_int_equal(ft_fds_send(pair[0], "a", 1, sent, SEVERAL), 1);
        assert_int_equal(ft_fds_receive(pair[1], &byte, 1, got, &count, 0), -EMSGSIZE);
        assert_int_equal(count, 0);
        assert_int_equal(open_descriptors(), before);
    }
    ft_fds_close(sent, SEVERAL);
    ft_fds_close(pair, 2);
}

/* All numbers below a limit are in use, but for some. */
struct crowd {
    int fds[CROWD];
    size_t count;
    struct rlimit old;
};

static void crowd_begin(struct crowd *crowd, size_t spare)
{
    int fd;
    crowd->count = 0;
    while ((fd = dup(0)) < CROWD) {
        assert_in_range(fd, 0, CROWD);
        crowd->fds[crowd->count++] = fd;
    }
    close(fd);
    assert_in_range(spare, 0, crowd->count);
    crowd->count -= spare;
    ft_fds_close(crowd->fds + crowd->count, spare);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &crowd->old), 0);
    struct rlimit low = {CROWD, crowd->old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
}

static void crowd_end(struct crowd *crowd)
{
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &crowd->old), 0);
    ft_fds_close(crowd->fds, crowd->count);
}

static void descriptors_that_the_process_may_not_have_are_an_error_and_none_stays_open(void **state)
{
    struct crowd crowd;
    int pair[2], sent[SEVERAL], got[SEVERAL];
    size_t count = SEVERAL;
    char byte;
    (void)state;
    make_pair(pair, SOCK_STREAM);
    make_files(sent, SEVERAL);
    unsigned before = open_descriptors();
    assert_int_equal(ft_fds_send(pair[0], "a", 1, sent, SEVERAL), 1);
    crowd_begin(&crowd, 2);
    ssize_t result = ft_fds_receive(pair[1], &byte, 1, got, &count, 0);
    crowd_end(&crowd);
    assert_int_equal(result, -EMSGSIZE);
    assert_int_equal(count, 0);
    assert_int_equal(open_descriptors(), before);
    ft_fds_close(sent, SEVERAL);
    ft_fds_close(pair, 2);
}

static void descriptors_come_with_the_first_byte(void **state)
{
    int pair[2], sent[2], got[2];
    size_t count = 2;
    char byte;
    (void)state;
    make_pair(pair, SOCK_STREAM);
    make_files(sent, 2);
    assert_int_equal(ft_fds_send(pair[0], "ab", 2, sent, 2), 2);
    assert_int_equal(ft_fds_receive(pair[1], &byte, 1, got, &count, 0), 1);
    assert_int_equal(byte, 'a');
    assert_int_equal(count, 2);
    check_arrived(sent, got, 2);
    ft_fds_close(got, 2);
    count = 2;
    assert_int_equal(ft_fds_receive(pair[1], &byte, 1, got, &count, 0), 1);
    assert_int_equal(byte, 'b');
    assert_int_equal(count, 0);
    ft_fds_close(sent, 2);
    ft_fds_close(pair, 2);
}

/* Read and check `len` bytes; returns how many descriptors came with them. */
static size_t drain(int sock, const char *expected, size_t len, int *fds, size_t room)
{
    static char chunk[LARGE];
    size_t got = 0, found = 0;
    while (got < len) {
        size_t count = room - found;
        ssize_t n = ft_fds_receive(sock, chunk, sizeof chunk, fds + found, &count, MSG_DONTWAIT);
        assert_in_range(n, 1, len - got);
        assert_memory_equal(chunk, expected + got, n);
        got += (size_t)n;
        found += count;
    }
    return found;
}

static void what_does_not_fit_is_sent_in_part_and_the_rest_later(void **state)
{
    static char bytes[LARGE];
    int pair[2], sent[2], got[4];
    (void)state;
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)(i * 131 + (i >> 8));
    make_pair(pair, SOCK_STREAM);
    make_files(sent, 2);
    ssize_t first = ft_fds_send(pair[0], bytes, LARGE, sent, 2);
    assert_in_range(first, 1, LARGE - 1);
    ssize_t more = ft_fds_send(pair[0], bytes + first, LARGE - (size_t)first, NULL, 0);
    if (more > 0)
        first += more;
    assert_int_equal(ft_fds_send(pair[0], bytes, LARGE, sent, 2), -EAGAIN);
    assert_int_equal(drain(pair[1], bytes, (size_t)first, got, 4), 2);
    check_arrived(sent, got, 2);
    ft_fds_close(got, 2);
    for (size_t at = (size_t)first; at < LARGE;) {
        ssize_t n = ft_fds_send(pair[0], bytes + at, LARGE - at, NULL, 0);
        assert_in_range(n, 1, LARGE - at);
        assert_int_equal(drain(pair[1], bytes + at, (size_t)n, got, 4), 0);
        at += (size_t)n;
    }
    ft_fds_close(sent, 2);
    ft_fds_close(pair, 2);
}

static void the_end_is_nothing_received(void **state)
{
    static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
    (void)state;
    for (int i = 0; i < 2; i++) {
        int pair[2], file, got[2];
        size_t count = 2;
        char byte;
        make_pair(pair, types[i]);
        make_files(&file, 1);
        assert_int_equal(ft_fds_send(pair[0], "a", 1, &file, 1), 1);
        close(pair[0]);
        /* What was sent before comes first. */
        assert_int_equal(ft_fds_receive(pair[1], &byte, 1, got, &count, 0), 1);
        assert_int_equal(count, 1);
        check_arrived(&file, got, 1);
        close(got[0]);
        count = 2;
        assert_int_equal(ft_fds_receive(pair[1], &byte, 1, got, &count, 0), 0);
        assert_int_equal(count, 0);
        assert_int_equal(ft_fds_send(pair[1], "a", 1, NULL, 0), -EPIPE);
        close(pair[1]);
        close(file);
    }
}

static void errors_are_returned_and_attach_nothing(void **state)
{
    int pair[2], got[2], closed;
    size_t count = 2;
    char byte;
    (void)state;
    make_pair(pair, SOCK_STREAM);
    assert_int_equal(ft_fds_receive(pair[1], &byte, 1, got, &count, MSG_DONTWAIT), -EAGAIN);
    assert_int_equal(count, 0);
    make_files(&closed, 1);
    close(closed);
    assert_int_equal(ft_fds_send(pair[0], "a", 1, &closed, 1), -EBADF);
    assert_int_equal(ft_fds_send(closed, "a", 1, NULL, 0), -EBADF);
    count = 2;
    assert_int_equal(ft_fds_receive(pair[1], &byte, 1, got, &count, MSG_DONTWAIT), -EAGAIN);
    assert_int_equal(ft_fds_receive(closed, &byte, 1, got, &count, 0), -EBADF);
    ft_fds_close(pair, 2);
}

static void a_raised_descriptor_is_out_of_the_way(void **state)
{
    int low, other;
    (void)state;
    make_files(&other, 1);
    low = dup(other);
    unsigned before = open_descriptors();
    int raised = ft_fds_raise(low);
    assert_in_range(raised, FT_FDS_LOWEST, INT_MAX);
    assert_int_equal(fcntl(raised, F_GETFD), FD_CLOEXEC);
    assert_true(same_file(raised, other));
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(fcntl(low, F_GETFD), -1);
    close(raised);
    close(other);
}

static void a_descriptor_that_cannot_be_raised_is_closed(void **state)
{
    int low;
    (void)state;
    assert_int_equal(ft_fds_raise(-1), -EBADF);
    unsigned before = open_descriptors();
    make_files(&low, 1);
    struct rlimit old, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = (struct rlimit){FT_FDS_LOWEST, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int err = ft_fds_raise(low);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_in_range(-err, 1, 4095);
    assert_int_equal(open_descriptors(), before);
}

static void a_pair_is_connected_raised_and_close_on_exec(void **state)
{
    static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_STREAM | SOCK_NONBLOCK};
    (void)state;
    unsigned before = open_descriptors();
    for (int i = 0; i < 3; i++) {
        int pair[2], type;
        socklen_t len = sizeof type;
        char text[4] = "";
        make_pair(pair, types[i]);
        for (int end = 0; end < 2; end++) {
            assert_in_range(pair[end], FT_FDS_LOWEST, INT_MAX);
            assert_int_equal(fcntl(pair[end], F_GETFD), FD_CLOEXEC);
            assert_int_equal((fcntl(pair[end], F_GETFL) & O_NONBLOCK) != 0, (types[i] & SOCK_NONBLOCK) != 0);
            assert_int_equal(getsockopt(pair[end], SOL_SOCKET, SO_TYPE, &type, &len), 0);
            assert_int_equal(type, types[i] & ~SOCK_NONBLOCK);
            assert_int_equal(write(pair[end], "ab", 2), 2);
            assert_int_equal(read(pair[1 - end], text, sizeof text), 2);
            assert_string_equal(text, "ab");
        }
        assert_int_equal(open_descriptors(), before + 2);
        ft_fds_close(pair, 2);
    }
}

static void a_pair_that_cannot_be_made_leaves_nothing_open(void **state)
{
    (void)state;
    unsigned before = open_descriptors();
    /* Two are enough for the pair itself, and a third to raise it. */
    for (size_t spare = 0; spare <= 3; spare++) {
        struct crowd crowd;
        int pair[2];
        crowd_begin(&crowd, spare);
        int err = ft_fds_pair(pair, SOCK_STREAM);
        crowd_end(&crowd);
        assert_int_equal(err, spare < 3 ? -EMFILE : 0);
        if (err == 0)
            ft_fds_close(pair, 2);
        assert_int_equal(open_descriptors(), before);
    }
}

static void negative_descriptors_are_not_closed(void **state)
{
    int fds[3] = {-1, -1, -1};
    (void)state;
    make_files(&fds[1], 1);
    int kept = fds[1];
    errno = 0;
    ft_fds_close(fds, 3);
    assert_int_equal(errno, 0);
    assert_int_equal(fcntl(kept, F_GETFD), -1);
    ft_fds_close(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_arrive_close_on_exec_and_are_the_same_files),
        cmocka_unit_test(as_many_as_the_kernel_takes_can_travel),
        cmocka_unit_test(bytes_may_come_without_descriptors),
        cmocka_unit_test(more_than_there_is_room_for_are_all_closed),
        cmocka_unit_test(descriptors_that_the_process_may_not_have_are_an_error_and_none_stays_open),
        cmocka_unit_test(descriptors_come_with_the_first_byte),
        cmocka_unit_test(what_does_not_fit_is_sent_in_part_and_the_rest_later),
        cmocka_unit_test(the_end_is_nothing_received),
        cmocka_unit_test(errors_are_returned_and_attach_nothing),
        cmocka_unit_test(a_raised_descriptor_is_out_of_the_way),
        cmocka_unit_test(a_descriptor_that_cannot_be_raised_is_closed),
        cmocka_unit_test(a_pair_is_connected_raised_and_close_on_exec),
        cmocka_unit_test(a_pair_that_cannot_be_made_leaves_nothing_open),
        cmocka_unit_test(negative_descriptors_are_not_closed),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

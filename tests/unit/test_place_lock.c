/* daemon/place: the lock that says that a daemon lives, whoever holds it at the time. */
#include <sys/socket.h>

#include "child.h"
#include "opened_place.h"
#include "wire/fds.h"

/* For a child: take the lock and keep it.  Returns 0 or what ft_place_lock says. */
static int take_lock(void *argument)
{
    int lock = ft_place_lock(argument);
    return lock < 0 ? lock : 0;
}

static void only_one_process_has_the_lock(void **state)
{
    struct ft_place place = open_place(*state, "place", python);
    struct child child, other;
    unsigned before = open_descriptors();
    int said = child_start(&child, take_lock, &place), lock = ft_place_lock(&place);
    int others = child_start(&other, take_lock, &place);
    child_end(&other);
    child_end(&child);
    assert_int_equal(said, 0);
    assert_int_equal(lock, -EWOULDBLOCK);
    assert_int_equal(others, -EWOULDBLOCK);
    assert_int_equal(open_descriptors(), before);
    ft_place_release(&place);
}

static void the_lock_is_free_when_its_holder_was_killed(void **state)
{
    struct ft_place place = open_place(*state, "place", python);
    struct child child;
    int said = child_start(&child, take_lock, &place), lock = ft_place_lock(&place);
    child_end(&child);
    assert_int_equal(said, 0);
    assert_int_equal(lock, -EWOULDBLOCK);
    lock = ft_place_lock(&place);
    assert_in_range(lock, 0, INT_MAX);
    assert_int_equal(fcntl(lock, F_GETFD), FD_CLOEXEC);
    close(lock);
    ft_place_release(&place);
}

static void the_lock_is_exclusive_within_a_process_and_free_when_closed(void **state)
{
    struct ft_place place = open_place(*state, "place", python);
    int lock = ft_place_lock(&place);
    assert_in_range(lock, 0, INT_MAX);
    assert_int_equal(ft_place_lock(&place), -EWOULDBLOCK);
    close(lock);
    lock = ft_place_lock(&place);
    assert_in_range(lock, 0, INT_MAX);
    close(lock);
    ft_place_release(&place);
}

static void the_lock_goes_on_with_a_child_that_got_it(void **state)
{
    struct ft_place place = open_place(*state, "place", python);
    struct child child;
    int lock = ft_place_lock(&place);
    assert_in_range(lock, 0, INT_MAX);
    assert_int_equal(child_start(&child, NULL, NULL), 0);
    close(lock);
    int held = ft_place_lock(&place);
    child_end(&child);
    assert_int_equal(held, -EWOULDBLOCK);
    lock = ft_place_lock(&place);
    assert_in_range(lock, 0, INT_MAX);
    close(lock);
    ft_place_release(&place);
}

/* For a child: have nothing but the descriptor that arrives by a socket. */
struct handing {
    int sock, lock, got;
};

static int receive_lock(void *argument)
{
    struct handing *handing = argument;
    size_t count = 1;
    char byte;
    close(handing->lock);
    return ft_fds_receive(handing->sock, &byte, 1, &handing->got, &count, 0) == 1 && count == 1 ? 0 : 1;
}

static void the_lock_can_be_handed_over_by_a_socket(void **state)
{
    struct ft_place place = open_place(*state, "place", python);
    struct child child;
    int pair[2];
    assert_int_equal(ft_fds_pair(pair, SOCK_STREAM), 0);
    struct handing handing = {pair[1], ft_place_lock(&place), -1};
    assert_in_range(handing.lock, 0, INT_MAX);
    assert_int_equal(ft_fds_send(pair[0], "a", 1, &handing.lock, 1), 1);
    int said = child_start(&child, receive_lock, &handing);
    close(handing.lock);
    ft_fds_close(pair, 2);
    int held = ft_place_lock(&place);
    child_end(&child);
    assert_int_equal(said, 0);
    assert_int_equal(held, -EWOULDBLOCK);
    int lock = ft_place_lock(&place);
    assert_in_range(lock, 0, INT_MAX);
    close(lock);
    ft_place_release(&place);
}

static void interpreters_have_locks_of_their_own(void **state)
{
    struct ft_place one = open_place(*state, "place", python), other = open_place(*state, "place", "/other");
    int first = ft_place_lock(&one), second = ft_place_lock(&other);
    assert_in_range(first, 0, INT_MAX);
    assert_in_range(second, 0, INT_MAX);
    close(first);
    close(second);
    ft_place_release(&one);
    ft_place_release(&other);
}

static void clear_removes_socket_and_lock_and_keeps_the_log(void **state)
{
    struct scratch *scratch = *state;
    struct ft_place place = open_place(scratch, "place", python);
    int log = ft_place_log(&place, 100), lock = ft_place_lock(&place), listener = ft_place_listen(&place);
    ft_place_clear(&place);
    assert_int_equal(ft_place_connect(&place), -ENOENT);
    assert_int_equal(files_in(&place), 1);
    /* Where nothing is left, nobody has anything. */
    int next = ft_place_lock(&place);
    assert_in_range(next, 0, INT_MAX);
    assert_int_equal(ft_place_lock(&place), -EWOULDBLOCK);
    ft_place_clear(&place);
    ft_place_clear(&place);
    ft_fds_close((int[]){log, lock, listener, next}, 4);
    ft_place_release(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(only_one_process_has_the_lock),
        WITH_SCRATCH(the_lock_is_free_when_its_holder_was_killed),
        WITH_SCRATCH(the_lock_is_exclusive_within_a_process_and_free_when_closed),
        WITH_SCRATCH(the_lock_goes_on_with_a_child_that_got_it),
        WITH_SCRATCH(the_lock_can_be_handed_over_by_a_socket),
        WITH_SCRATCH(interpreters_have_locks_of_their_own),
        WITH_SCRATCH(clear_removes_socket_and_lock_and_keeps_the_log),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

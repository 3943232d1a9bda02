/* base/stay: on which processor a thread that waits may be woken. */
#include <sched.h>

#include "base/stay.h"
#include "check.h"

static cpu_set_t allowed(void)
{
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    return set;
}

static void assert_allowed(const cpu_set_t *wanted)
{
    cpu_set_t now = allowed();
    assert_true(CPU_EQUAL(&now, wanted));
}

/* At least two processors, or there is nothing to see. */
static cpu_set_t several(void)
{
    cpu_set_t set = allowed();
    if (CPU_COUNT(&set) < 2)
        skip();
    return set;
}

static void it_may_be_woken_here_alone_and_then_everywhere(void **state)
{
    struct ft_stay stay;
    cpu_set_t before = several();
    (void)state;
    ft_stay_begin(&stay, 1);
    assert_true(stay.stays);
    cpu_set_t here = allowed();
    assert_int_equal(CPU_COUNT(&here), 1);
    assert_true(CPU_ISSET(sched_getcpu(), &here));
    ft_stay_end(&stay);
    assert_allowed(&before);
}

static void errno_is_left_alone(void **state)
{
    struct ft_stay stay;
    (void)state;
    ft_stay_begin(&stay, 0);
    errno = EINTR;
    ft_stay_end(&stay);
    assert_int_equal(errno, EINTR);
}

static void nothing_is_done_if_all_processors_are_busy(void **state)
{
    struct ft_stay stay;
    cpu_set_t before = allowed();
    (void)state;
    ft_stay_begin(&stay, (unsigned)CPU_COUNT(&before));
    assert_false(stay.stays);
    assert_allowed(&before);
    ft_stay_end(&stay);
    assert_allowed(&before);
}

static void what_somebody_else_has_said_meanwhile_holds(void **state)
{
    struct ft_stay stay;
    cpu_set_t before = several(), other = before;
    (void)state;
    ft_stay_begin(&stay, 1);
    assert_true(stay.stays);
    CPU_CLR(sched_getcpu(), &other);
    assert_int_equal(sched_setaffinity(0, sizeof other, &other), 0);
    ft_stay_end(&stay);
    assert_allowed(&other);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_may_be_woken_here_alone_and_then_everywhere),
        cmocka_unit_test(errno_is_left_alone),
        cmocka_unit_test(nothing_is_done_if_all_processors_are_busy),
        cmocka_unit_test(what_somebody_else_has_said_meanwhile_holds),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

/* trace/interpose_moment: who asks for the time and for random numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "traced.h"

static const char *who_asks;
static int asked;

static void asker(const char *what, char *buffer, size_t size)
{
    assert_non_null(what);
    asked++;
    errno = 1;
    snprintf(buffer, size, "%s", who_asks);
}

/* Record, by somebody of this name. */
static void start(const char *who)
{
    static const struct ft_trace_callbacks callbacks = {NULL, NULL, asker};
    who_asks = who;
    asked = 0;
    ft_trace_library()->start(&callbacks);
}

static void stop(void)
{
    ft_trace_library()->stop();
}

static void ask_for_the_time(void)
{
    struct timespec now;
    struct timeval today;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    assert_int_equal(gettimeofday(&today, NULL), 0);
    assert_in_range(time(NULL), now.tv_sec - 1, now.tv_sec + 600); /* of the last tick */
    assert_in_range(today.tv_sec, now.tv_sec, now.tv_sec + 600);
}

static void ask_for_random_numbers(void)
{
    unsigned char bytes[2][32] = {{0}};
    assert_int_equal(getrandom(bytes[0], sizeof bytes[0], 0), sizeof bytes[0]);
    assert_int_equal(getentropy(bytes[1], sizeof bytes[1]), 0);
    assert_memory_not_equal(bytes[0], bytes[1], sizeof bytes[0]);
}

static void each_who_asks_is_recorded_once(void **state)
{
    (void)state;
    start("one.py:1");
    errno = 7;
    ask_for_the_time();
    ask_for_the_time();
    ask_for_random_numbers();
    who_asks = "two.py:2";
    ask_for_random_numbers();
    assert_int_equal(errno, 7);
    stop();
    assert_int_equal(asked, 10);
    assert_int_equal(ft_trace_library()->count(), 3);
    check_traced(FT_TRACE_MOMENT, "time one.py:1", 0);
    check_traced(FT_TRACE_MOMENT, "random one.py:1", 0);
    check_traced(FT_TRACE_MOMENT, "random two.py:2", 0);
}

static void nobody_is_not_recorded(void **state)
{
    (void)state;
    start("");
    ask_for_the_time();
    ask_for_random_numbers();
    stop();
    assert_int_equal(asked, 5);
    assert_int_equal(ft_trace_library()->count(), 0);
    assert_false(ft_trace_library()->missed());
}

static void clocks_that_only_go_on_are_left_alone(void **state)
{
    struct timespec now;
    (void)state;
    start("one.py:1");
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
    stop();
    assert_int_equal(asked, 0);
    start("one.py:1");
    assert_int_equal(clock_gettime(CLOCK_REALTIME_COARSE, &now), 0);
    assert_int_equal(timespec_get(&now, TIME_UTC), TIME_UTC);
    stop();
    assert_int_equal(asked, 2);
}

static void the_process_counts(void **state)
{
    (void)state;
    start("one.py:1");
    assert_int_equal(getpgid(getpid()), getpgrp());
    assert_true(getppid() > 0 && getsid(0) > 0);
    stop();
    assert_int_equal(asked, 5);
    check_traced(FT_TRACE_MOMENT, "process one.py:1", 0);
}

static void what_is_used_and_left_counts(void **state)
{
    struct rusage usage;
    struct statvfs space;
    double load[3];
    (void)state;
    start("one.py:1");
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    assert_int_equal(getloadavg(load, 3), 3);
    assert_int_equal(statvfs("/", &space), 0);
    assert_int_equal(fstatvfs(0, &space), 0);
    stop();
    assert_int_equal(asked, 4);
    check_traced(FT_TRACE_MOMENT, "usage one.py:1", 0);
    check_traced(FT_TRACE_MOMENT, "load one.py:1", 0);
    check_traced(FT_TRACE_MOMENT, "space one.py:1", 0);
    check_traced(FT_TRACE_STATUS, "/", 0);
}

static void without_a_callback_nothing_is(void **state)
{
    (void)state;
    trace_start();
    ask_for_the_time();
    stop();
    ask_for_random_numbers();
    assert_int_equal(ft_trace_library()->count(), 0);
}

static void a_long_name_fits(void **state)
{
    char name[1000];
    (void)state;
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    start(name);
    ask_for_the_time();
    stop();
    assert_int_equal(ft_trace_library()->count(), 1);
    assert_string_equal(ft_trace_library()->entry(0).path + 5, name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_who_asks_is_recorded_once),
        cmocka_unit_test(nobody_is_not_recorded),
        cmocka_unit_test(clocks_that_only_go_on_are_left_alone),
        cmocka_unit_test(the_process_counts),
        cmocka_unit_test(what_is_used_and_left_counts),
        cmocka_unit_test(without_a_callback_nothing_is),
        cmocka_unit_test(a_long_name_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* sched/sched where somebody else assigns the items: by hand, and by a model of workers over many random runs. */
#include <string.h>

#include "check.h"
#include "lanes_model.h"
#include "random_source.h"
#include "sched/sched.h"

enum { SEEDS = 2000, CHOICES = 2000 };

static void promises_hold_in_random_runs(void **state)
{
    uint64_t done = 0, withdrawn = 0, lost = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random_source source = random_source(seed, CHOICES);
        struct lanes_result result;
        const char *broken = lanes_play(&source.source, &result);
        if (broken != NULL)
            fail_msg("seed %llu: not kept: %s", (unsigned long long)seed, broken);
        done += result.done;
        withdrawn += result.withdrawn;
        lost += result.lost;
    }
    /* The runs were worth something. */
    assert_true(done > 20 * SEEDS);
    assert_true(withdrawn > SEEDS);
    assert_true(lost > SEEDS);
}

static void all_items_can_go_to_every_worker(void **state)
{
    enum { ITEMS = 100, WORKERS = 3 };
    struct ft_sched_options options = {.items = ITEMS, .workers = WORKERS, .assigned = true};
    struct ft_sched *sched = ft_sched_new(&options);
    struct ft_sched_order order;
    uint32_t items[ITEMS], told[WORKERS] = {0}, finished = 0;
    (void)state;
    for (uint32_t i = 0; i < ITEMS; i++)
        items[i] = i;
    for (uint32_t id = 0; id < WORKERS; id++) {
        assert_int_equal(ft_sched_join(sched, id), 0);
        assert_int_equal(ft_sched_assign(sched, id, items, ITEMS), 0);
        ft_sched_close(sched, id);
    }
    assert_int_equal(ft_sched_pending(sched), WORKERS * ITEMS);
    while (ft_sched_next(sched, &order)) {
        finished += order.kind == FT_SCHED_FINISH;
        for (uint32_t i = 0; order.kind == FT_SCHED_RUN && i < order.count; i++) {
            assert_int_equal(order.items[i], told[order.worker]++);
            assert_int_equal(ft_sched_started(sched, order.worker, told[order.worker] - 1), 0);
            assert_int_equal(ft_sched_done(sched, order.worker, told[order.worker] - 1), 0);
        }
    }
    assert_int_equal(finished, WORKERS);
    for (uint32_t id = 0; id < WORKERS; id++)
        assert_int_equal(told[id], ITEMS);
    ft_sched_free(sched);
}

static void a_last_item_waits_for_its_successor(void **state)
{
    struct ft_sched_options options = {.items = 3, .workers = 1, .assigned = true};
    struct ft_sched *sched = ft_sched_new(&options);
    struct ft_sched_order order;
    uint32_t items[] = {2, 0};
    (void)state;
    assert_int_equal(ft_sched_join(sched, 0), 0);
    assert_false(ft_sched_next(sched, &order));
    assert_int_equal(ft_sched_assign(sched, 0, items, 1), 0);
    assert_true(ft_sched_next(sched, &order));
    assert_int_equal(order.kind, FT_SCHED_RUN);
    assert_false(ft_sched_next(sched, &order));
    assert_int_equal(ft_sched_assign(sched, 0, items + 1, 1), 0);
    assert_true(ft_sched_next(sched, &order));
    assert_int_equal(order.items[0], 0);
    ft_sched_close(sched, 0);
    assert_int_equal(ft_sched_started(sched, 0, 2), 0);
    assert_int_equal(ft_sched_done(sched, 0, 2), 0);
    assert_true(ft_sched_next(sched, &order));
    assert_int_equal(order.kind, FT_SCHED_BREAK);
    ft_sched_free(sched);
}

static void what_a_worker_was_told_of_is_not_taken_back(void **state)
{
    enum { ITEMS = 32 };
    struct ft_sched_options options = {.items = ITEMS, .workers = 1, .assigned = true};
    struct ft_sched *sched = ft_sched_new(&options);
    struct ft_sched_order order;
    uint32_t items[ITEMS];
    (void)state;
    for (uint32_t i = 0; i < ITEMS; i++)
        items[i] = i;
    assert_int_equal(ft_sched_join(sched, 0), 0);
    assert_int_equal(ft_sched_assign(sched, 0, items, ITEMS), 0);
    assert_true(ft_sched_next(sched, &order));
    uint32_t told = order.count;
    assert_true(told < ITEMS / 2);
    assert_int_equal(ft_sched_withdraw(sched, 0, items, ITEMS), ITEMS - told);
    assert_int_equal(items[0], told);
    assert_int_equal(ft_sched_pending(sched), 0);
    ft_sched_free(sched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(promises_hold_in_random_runs),
        cmocka_unit_test(all_items_can_go_to_every_worker),
        cmocka_unit_test(a_last_item_waits_for_its_successor),
        cmocka_unit_test(what_a_worker_was_told_of_is_not_taken_back),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

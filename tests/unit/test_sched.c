/* sched/sched: by hand where a promise has a name, and by a model of workers over many random runs. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "random_source.h"
#include "sched/sched.h"
#include "sched_model.h"

enum { SEEDS = 4000, CHOICES = 3000 };

static void promises_hold_in_random_runs(void **state)
{
    uint64_t done = 0, lost = 0, stopped = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random_source source = random_source(seed, CHOICES);
        struct model_result result;
        const char *broken = model_play(&source.source, &result);
        if (broken != NULL)
            fail_msg("seed %llu: not kept: %s", (unsigned long long)seed, broken);
        done += result.done;
        lost += result.lost;
        stopped += result.stopped;
    }
    /* The runs were worth something. */
    assert_true(done > 20 * SEEDS);
    assert_true(lost > SEEDS / 10);
    assert_true(stopped > SEEDS / 100);
}

static struct ft_sched *make(uint32_t items, uint32_t workers, bool keep_idle)
{
    struct ft_sched_options options = {.items = items, .workers = workers, .keep_idle = keep_idle};
    struct ft_sched *sched = ft_sched_new(&options);
    assert_non_null(sched);
    for (uint32_t id = 0; id < workers; id++)
        assert_int_equal(ft_sched_join(sched, id), 0);
    return sched;
}

/* The next order must be this one. */
static void expect(struct ft_sched *sched, enum ft_sched_kind kind, uint32_t worker)
{
    struct ft_sched_order order;
    assert_true(ft_sched_next(sched, &order));
    assert_int_equal(order.kind, kind);
    assert_int_equal(order.worker, worker);
}

static void expect_nothing(struct ft_sched *sched)
{
    struct ft_sched_order order;
    assert_false(ft_sched_next(sched, &order));
}

static void run(struct ft_sched *sched, uint32_t worker, uint32_t item)
{
    assert_int_equal(ft_sched_started(sched, worker, item), 0);
    assert_int_equal(ft_sched_done(sched, worker, item), 0);
}

static void without_items_workers_finish_at_once(void **state)
{
    struct ft_sched *sched = make(0, 2, false);
    (void)state;
    expect(sched, FT_SCHED_FINISH, 0);
    expect(sched, FT_SCHED_FINISH, 1);
    expect_nothing(sched);
    ft_sched_free(sched);
    ft_sched_free(NULL);
}

static void a_single_item_is_followed_by_break_then_finish(void **state)
{
    struct ft_sched *sched = make(1, 1, false);
    (void)state;
    expect(sched, FT_SCHED_RUN, 0);
    expect(sched, FT_SCHED_BREAK, 0);
    expect_nothing(sched);
    run(sched, 0, 0);
    expect(sched, FT_SCHED_FINISH, 0);
    expect_nothing(sched);
    ft_sched_free(sched);
}

/* Two tests and two workers: each gets one, in the order of their numbers, whoever is ready first. */
static void few_items_run_side_by_side(void **state)
{
    struct ft_sched_options options = {.items = 2, .workers = 2};
    struct ft_sched *sched = ft_sched_new(&options);
    (void)state;
    assert_int_equal(ft_sched_join(sched, 1), 0);
    expect_nothing(sched);
    assert_int_equal(ft_sched_pending(sched), 2);
    assert_int_equal(ft_sched_join(sched, 0), 0);
    struct ft_sched_order order;
    uint32_t item_of[2] = {9, 9}, breaks = 0;
    while (ft_sched_next(sched, &order)) {
        if (order.kind == FT_SCHED_RUN)
            item_of[order.worker] = order.items[0];
        breaks += order.kind == FT_SCHED_BREAK;
    }
    assert_int_equal(item_of[0] + item_of[1], 1);
    assert_int_equal(breaks, 2);
    ft_sched_free(sched);
}

/* Nobody waits for workers that will not come. */
static void few_items_are_run_by_those_who_came(void **state)
{
    struct ft_sched_options options = {.items = 3, .workers = 4};
    struct ft_sched *sched = ft_sched_new(&options);
    (void)state;
    assert_int_equal(ft_sched_join(sched, 0), 0);
    for (uint32_t id = 1; id < 4; id++) {
        expect_nothing(sched);
        assert_int_equal(ft_sched_lost(sched, id), FT_SCHED_NONE);
    }
    expect(sched, FT_SCHED_RUN, 0);
    expect_nothing(sched);
    run(sched, 0, 0);
    expect(sched, FT_SCHED_RUN, 0);
    run(sched, 0, 1);
    expect(sched, FT_SCHED_BREAK, 0);
    run(sched, 0, 2);
    expect(sched, FT_SCHED_FINISH, 0);
    ft_sched_free(sched);
}

static void an_idle_worker_is_kept_until_all_is_done(void **state)
{
    struct ft_sched *sched = make(1, 2, true);
    (void)state;
    expect(sched, FT_SCHED_RUN, 0);
    expect(sched, FT_SCHED_BREAK, 0);
    expect_nothing(sched);
    assert_int_equal(ft_sched_started(sched, 0, 0), 0);
    assert_int_equal(ft_sched_lost(sched, 0), 0);
    assert_int_equal(ft_sched_again(sched, 0), 0);
    expect(sched, FT_SCHED_RUN, 1);
    expect(sched, FT_SCHED_BREAK, 1);
    run(sched, 1, 0);
    expect(sched, FT_SCHED_FINISH, 1);
    expect_nothing(sched);
    ft_sched_free(sched);
}

static void what_a_lost_worker_had_not_started_comes_first(void **state)
{
    struct ft_sched_options options = {.items = 6, .workers = 1, .batch_max = 2};
    struct ft_sched *sched = ft_sched_new(&options);
    struct ft_sched_order order;
    (void)state;
    assert_int_equal(ft_sched_join(sched, 0), 0);
    expect(sched, FT_SCHED_RUN, 0);
    assert_int_equal(ft_sched_started(sched, 0, 0), 0);
    assert_int_equal(ft_sched_lost(sched, 0), 0);
    assert_int_equal(ft_sched_pending(sched), 5);
    assert_int_equal(ft_sched_join(sched, 1), 0);
    assert_true(ft_sched_next(sched, &order));
    assert_int_equal(order.worker, 1);
    assert_int_equal(order.items[0], 1);
    ft_sched_free(sched);
}

static void nothing_is_handed_out_after_a_stop(void **state)
{
    struct ft_sched *sched = make(10, 1, false);
    struct ft_sched_order order;
    (void)state;
    while (ft_sched_next(sched, &order))
        continue;
    uint32_t pending = ft_sched_pending(sched);
    assert_int_equal(ft_sched_started(sched, 0, 0), 0);
    ft_sched_stop(sched);
    assert_int_equal(ft_sched_done(sched, 0, 0), 0);
    expect_nothing(sched);
    assert_int_equal(ft_sched_join(sched, 1), 0);
    expect_nothing(sched);
    assert_int_equal(ft_sched_pending(sched), pending);
    ft_sched_free(sched);
}

/* How `items` were handed out to two workers that take turns. */
struct told {
    uint32_t orders, first, last;
};

static struct told tell_all(struct ft_sched *sched, uint32_t items)
{
    struct ft_sched_order order;
    struct told told = {0};
    uint32_t head[2] = {0}, len[2] = {0};
    static uint32_t queues[2][10000];
    for (bool any = true; any;) {
        any = false;
        while (ft_sched_next(sched, &order)) {
            if (order.kind != FT_SCHED_RUN)
                continue;
            told.orders++;
            told.first = told.first != 0 ? told.first : order.count;
            told.last = order.count;
            memcpy(queues[order.worker] + len[order.worker], order.items, order.count * sizeof *order.items);
            len[order.worker] += order.count;
        }
        for (uint32_t id = 0; id < 2; id++)
            if (head[id] < len[id]) {
                run(sched, id, queues[id][head[id]++]);
                any = true;
            }
    }
    assert_int_equal(len[0] + len[1], items);
    return told;
}

/* Large orders at first, for few messages; single items in the end, for balance. */
static void orders_get_smaller_towards_the_end(void **state)
{
    struct ft_sched *sched = make(10000, 2, false);
    (void)state;
    struct told told = tell_all(sched, 10000);
    assert_true(told.first >= 500);
    assert_true(told.last <= 2);
    assert_true(told.orders < 400);
    ft_sched_free(sched);
}

static struct ft_sched *make_known(uint32_t items, float seconds)
{
    struct ft_sched_item *known = calloc(items, sizeof *known);
    assert_non_null(known);
    for (uint32_t i = 0; i < items; i++)
        known[i].seconds = seconds;
    struct ft_sched_options options = {.items = items, .workers = 2, .known = known};
    struct ft_sched *sched = ft_sched_new(&options);
    assert_non_null(sched);
    free(known);
    return sched;
}

/* But no smaller than is worth a message, as long as there is enough for all. */
static void orders_of_next_to_nothing_are_larger(void **state)
{
    static const struct {
        float seconds;
        uint32_t first, orders;
    } cases[] = {{0.0001F, 20, 17}, {0.00001F, 25, 17}, {1, 6, 46}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ft_sched *sched = make_known(100, cases[i].seconds);
        assert_int_equal(ft_sched_join(sched, 0), 0);
        assert_int_equal(ft_sched_join(sched, 1), 0);
        struct told told = tell_all(sched, 100);
        assert_in_range(told.first, cases[i].first - 1, cases[i].first + 1);
        assert_true(told.last <= 2);
        assert_in_range(told.orders, cases[i].orders - 3, cases[i].orders + 3);
        ft_sched_free(sched);
    }
}

/* How many items the first order has for one of two workers that is alone. */
static uint32_t first_alone(uint32_t items, float seconds)
{
    struct ft_sched *sched = make_known(items, seconds);
    struct ft_sched_order order;
    uint32_t others = seconds > 0 ? (uint32_t)(0.002F / seconds) : 0;
    assert_int_equal(ft_sched_join_alone(sched, 0), 0);
    assert_int_equal(ft_sched_join_alone(sched, 0), -EEXIST);
    assert_true(ft_sched_next(sched, &order));
    assert_int_equal(order.kind, FT_SCHED_RUN);
    uint32_t count = order.count;
    expect_nothing(sched);
    for (uint32_t item = 0; item < count; item++)
        run(sched, 0, item);
    while (ft_sched_next(sched, &order)) /* the next one is as that of others */
        assert_true(order.count <= (others > items / 16 ? others : items / 16) + 2);
    ft_sched_free(sched);
    return count;
}

static void who_is_alone_is_told_of_more_at_first(void **state)
{
    (void)state;
    assert_in_range(first_alone(160, 0.0001F), 39, 41);
    assert_in_range(first_alone(1600, 0.0001F), 199, 201);
    assert_in_range(first_alone(160, 1), 9, 11);
    assert_in_range(first_alone(160, -1), 9, 11);
    assert_in_range(first_alone(160, 0), 1, 160);
}

/* Each worker runs long stretches of neighbours, and goes back in collection order at the very end only. */
static void a_worker_runs_what_lies_together(void **state)
{
    static struct ft_sched_item known[10000];
    struct ft_sched_options options = {.items = 10000, .workers = 2, .known = known};
    uint32_t done[2] = {0}, jumps = 0, back = 0, last[2] = {0};
    struct ft_sched_order order;
    (void)state;
    for (uint32_t i = 0; i < 10000; i++)
        known[i] = (struct ft_sched_item){.scope = i / 10, .seconds = -1};
    struct ft_sched *sched = ft_sched_new(&options);
    assert_non_null(sched);
    for (uint32_t id = 0; id < 2; id++)
        assert_int_equal(ft_sched_join(sched, id), 0);
    for (bool any = true; any;) {
        any = false;
        while (ft_sched_next(sched, &order))
            for (uint32_t i = 0; order.kind == FT_SCHED_RUN && i < order.count; i++) {
                uint32_t item = order.items[i], id = order.worker;
                jumps += done[id] > 0 && item != last[id] + 1;
                back += item < last[id];
                last[id] = item;
                done[id]++;
                run(sched, id, item);
                any = true;
            }
    }
    assert_int_equal(done[0] + done[1], 10000);
    assert_true(jumps < 60);
    assert_true(back < 10);
    ft_sched_free(sched);
}

static void no_order_is_larger_than_asked_for(void **state)
{
    (void)state;
    for (uint32_t max = 1; max < 5; max++) {
        struct ft_sched_options options = {.items = 100, .workers = 1, .batch_max = max};
        struct ft_sched *sched = ft_sched_new(&options);
        struct ft_sched_order order;
        assert_int_equal(ft_sched_join(sched, 0), 0);
        while (ft_sched_next(sched, &order))
            assert_true(order.count <= max);
        ft_sched_free(sched);
    }
}

static void an_item_that_is_waiting_is_not_put_back_again(void **state)
{
    struct ft_sched *sched = make(4, 2, false);
    struct ft_sched_order order;
    (void)state;
    while (ft_sched_next(sched, &order))
        continue;
    assert_int_equal(ft_sched_started(sched, 0, 0), 0);
    assert_int_equal(ft_sched_lost(sched, 0), 0);
    assert_int_equal(ft_sched_again(sched, 0), 0);
    uint32_t pending = ft_sched_pending(sched);
    assert_int_equal(ft_sched_again(sched, 0), -EINVAL);
    assert_int_equal(ft_sched_again(sched, 1), -EINVAL);
    assert_int_equal(ft_sched_again(sched, 4), -EINVAL);
    assert_int_equal(ft_sched_pending(sched), pending);
    ft_sched_free(sched);
}

/* Items 2 and 3 are promised to worker 1: they must not be handed out a second time. */
static void an_item_that_somebody_has_is_not_put_back(void **state)
{
    struct ft_sched *sched = make(4, 2, false);
    struct ft_sched_order order;
    (void)state;
    while (ft_sched_next(sched, &order))
        continue;
    assert_int_equal(ft_sched_started(sched, 0, 0), 0);
    assert_int_equal(ft_sched_lost(sched, 0), 0);
    assert_int_equal(ft_sched_again(sched, 2), -EINVAL);
    ft_sched_free(sched);
}

static void the_highest_number_of_a_worker_is_refused(void **state)
{
    struct ft_sched *sched = make(1, 1, false);
    (void)state;
    assert_int_equal(ft_sched_join(sched, UINT32_MAX), -EINVAL);
    expect(sched, FT_SCHED_RUN, 0);
    ft_sched_free(sched);
}

static void a_worker_may_have_any_small_number(void **state)
{
    struct ft_sched_options options = {.items = 3, .workers = 1};
    struct ft_sched *sched = ft_sched_new(&options);
    (void)state;
    assert_int_equal(ft_sched_join(sched, 1000), 0);
    expect(sched, FT_SCHED_RUN, 1000);
    assert_int_equal(ft_sched_join(sched, 7), 0);
    assert_int_equal(ft_sched_started(sched, 999, 0), -EPROTO);
    assert_int_equal(ft_sched_lost(sched, 5000), FT_SCHED_NONE);
    ft_sched_free(sched);
}

/* ---- what is known of items ---- */

enum { KNOWN = 40 };

/* Play to the end with all workers in step; which worker ran each item, and as its how many-th. */
static void play(const struct ft_sched_options *options, uint32_t *worker_of, uint32_t *place_of)
{
    struct ft_sched *sched = ft_sched_new(options);
    struct ft_sched_order order;
    static uint32_t queues[2][KNOWN], head[2], len[2];
    assert_non_null(sched);
    memset(head, 0, sizeof head);
    memset(len, 0, sizeof len);
    for (uint32_t id = 0; id < 2; id++)
        assert_int_equal(ft_sched_join(sched, id), 0);
    for (bool any = true; any;) {
        any = false;
        while (ft_sched_next(sched, &order)) {
            for (uint32_t i = 0; order.kind == FT_SCHED_RUN && i < order.count; i++)
                queues[order.worker][len[order.worker]++] = order.items[i];
        }
        for (uint32_t id = 0; id < 2; id++)
            if (head[id] < len[id]) {
                uint32_t item = queues[id][head[id]];
                worker_of[item] = id;
                place_of[item] = head[id]++;
                run(sched, id, item);
                any = true;
            }
    }
    assert_int_equal(len[0] + len[1], options->items);
    ft_sched_free(sched);
}

/* Four files of ten items; the last but one is long. */
static void describe(struct ft_sched_item *known)
{
    for (uint32_t i = 0; i < KNOWN; i++)
        known[i] = (struct ft_sched_item){.scope = i / 10, .seconds = i == 38 ? 1.0F : 0.01F};
}

static void the_file_of_a_long_item_comes_first(void **state)
{
    struct ft_sched_item known[KNOWN];
    struct ft_sched_options options = {.items = KNOWN, .workers = 2, .known = known};
    uint32_t worker_of[KNOWN], place_of[KNOWN];
    (void)state;
    describe(known);
    play(&options, worker_of, place_of);
    assert_true(place_of[38] < 10);
    for (uint32_t i = 0; i < KNOWN; i++)
        for (uint32_t j = i + 1; j < KNOWN; j++)
            if (known[i].scope == known[j].scope && worker_of[i] == worker_of[j])
                assert_true(place_of[i] < place_of[j]);
}

static void collection_order_is_kept_when_asked_for(void **state)
{
    struct ft_sched_item known[KNOWN];
    struct ft_sched_options options = {.items = KNOWN, .workers = 2, .known = known, .in_order = true};
    uint32_t worker_of[KNOWN], place_of[KNOWN];
    (void)state;
    describe(known);
    play(&options, worker_of, place_of);
    for (uint32_t i = 0; i < KNOWN; i++)
        for (uint32_t j = i + 1; j < KNOWN; j++)
            if (worker_of[i] == worker_of[j])
                assert_true(place_of[i] < place_of[j]);
}

static void a_tied_scope_goes_to_one_worker(void **state)
{
    struct ft_sched_item known[KNOWN];
    struct ft_sched_options options = {.items = KNOWN, .workers = 2, .batch_max = 3, .known = known};
    uint32_t worker_of[KNOWN], place_of[KNOWN];
    (void)state;
    describe(known);
    for (uint32_t i = 0; i < KNOWN; i++)
        known[i] = (struct ft_sched_item){.scope = i % 3, .tied = i % 3 == 1, .seconds = -1};
    play(&options, worker_of, place_of);
    for (uint32_t i = 4; i < KNOWN; i += 3)
        assert_int_equal(worker_of[i], worker_of[1]);
}

/* None of its items is long: together they are. */
static void a_long_tied_scope_comes_first(void **state)
{
    struct ft_sched_item known[KNOWN];
    struct ft_sched_options options = {.items = KNOWN, .workers = 2, .known = known};
    struct ft_sched_order order;
    (void)state;
    for (uint32_t i = 0; i < KNOWN; i++)
        known[i] = (struct ft_sched_item){.scope = i / 20, .tied = i >= 20, .seconds = 0.001F};
    known[0].seconds = 0.002F;
    struct ft_sched *sched = ft_sched_new(&options);
    assert_int_equal(ft_sched_join(sched, 0), 0);
    assert_true(ft_sched_next(sched, &order));
    assert_int_equal(order.items[0], 20);
    assert_int_equal(order.count, 20);
    ft_sched_free(sched);
}

/* In collection order too: the others keep it. */
static void a_tied_scope_goes_to_one_worker_in_order(void **state)
{
    struct ft_sched_item known[KNOWN];
    struct ft_sched_options options = {.items = KNOWN, .workers = 2, .known = known, .in_order = true};
    uint32_t worker_of[KNOWN], place_of[KNOWN];
    (void)state;
    for (uint32_t i = 0; i < KNOWN; i++)
        known[i] = (struct ft_sched_item){.scope = i % 10 == 3 ? 1 : 0, .tied = i % 10 == 3, .seconds = -1};
    play(&options, worker_of, place_of);
    for (uint32_t i = 0; i < KNOWN; i++)
        for (uint32_t j = i + 1; j < KNOWN; j++) {
            if (known[i].tied && known[j].tied)
                assert_int_equal(worker_of[i], worker_of[j]);
            if (known[i].tied == known[j].tied && worker_of[i] == worker_of[j])
                assert_true(place_of[i] < place_of[j]);
        }
}

/* Two long items that stand side by side do not wait for each other. */
static void neighbours_that_are_long_go_to_two_workers(void **state)
{
    struct ft_sched_item known[KNOWN];
    struct ft_sched_options options = {.items = KNOWN, .workers = 2, .known = known};
    uint32_t worker_of[KNOWN], place_of[KNOWN];
    (void)state;
    describe(known);
    known[30].seconds = known[31].seconds = 10;
    play(&options, worker_of, place_of);
    assert_int_not_equal(worker_of[30], worker_of[31]);
}

static void the_end_of_a_file_is_a_place_to_cut(void **state)
{
    struct ft_sched_item known[1000];
    struct ft_sched_options options = {.items = 1000, .workers = 2, .known = known};
    struct ft_sched_order order;
    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        known[i] = (struct ft_sched_item){.scope = i / 7, .seconds = 0.1F};
    struct ft_sched *sched = ft_sched_new(&options);
    assert_int_equal(ft_sched_join(sched, 0), 0);
    assert_true(ft_sched_next(sched, &order));
    assert_int_equal(order.count % 7, 0);
    ft_sched_free(sched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_of_a_long_item_comes_first),
        cmocka_unit_test(collection_order_is_kept_when_asked_for),
        cmocka_unit_test(a_tied_scope_goes_to_one_worker),
        cmocka_unit_test(a_long_tied_scope_comes_first),
        cmocka_unit_test(a_tied_scope_goes_to_one_worker_in_order),
        cmocka_unit_test(neighbours_that_are_long_go_to_two_workers),
        cmocka_unit_test(the_end_of_a_file_is_a_place_to_cut),
        cmocka_unit_test(promises_hold_in_random_runs),
        cmocka_unit_test(without_items_workers_finish_at_once),
        cmocka_unit_test(a_single_item_is_followed_by_break_then_finish),
        cmocka_unit_test(few_items_run_side_by_side),
        cmocka_unit_test(few_items_are_run_by_those_who_came),
        cmocka_unit_test(an_idle_worker_is_kept_until_all_is_done),
        cmocka_unit_test(what_a_lost_worker_had_not_started_comes_first),
        cmocka_unit_test(nothing_is_handed_out_after_a_stop),
        cmocka_unit_test(orders_get_smaller_towards_the_end),
        cmocka_unit_test(orders_of_next_to_nothing_are_larger),
        cmocka_unit_test(who_is_alone_is_told_of_more_at_first),
        cmocka_unit_test(a_worker_runs_what_lies_together),
        cmocka_unit_test(no_order_is_larger_than_asked_for),
        cmocka_unit_test(an_item_that_is_waiting_is_not_put_back_again),
        cmocka_unit_test(an_item_that_somebody_has_is_not_put_back),
        cmocka_unit_test(a_worker_may_have_any_small_number),
        cmocka_unit_test(the_highest_number_of_a_worker_is_refused),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

/*
 * Simulates schedulers on distributions of durations: makespan over the lower bound, messages an item, CPU time an
 * item.  Workers obey the protocol: an item starts when its successor is known, or that there is none; what was
 * announced as successor cannot be taken back.  Messages take no time.
 *
 *     simulate [--items N] [--workers N ...] [--seed N]
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "models.h"

enum { FILE_ITEMS = 20, MOST_SIZES = 16 };

struct worker {
    uint32_t *queue;
    uint32_t head, len, cap;
    bool running, ended;
};

struct orders {
    struct worker *workers;
    uint64_t messages;
    uint32_t *woken; /* workers that may be able to start */
    uint32_t woken_len;
    bool *is_woken;
};

/* ---- what models may do ---- */

static void wake(struct orders *orders, uint32_t id)
{
    if (orders->is_woken[id])
        return;
    orders->is_woken[id] = true;
    orders->woken[orders->woken_len++] = id;
}

void orders_run(struct orders *orders, uint32_t id, uint32_t item)
{
    struct worker *worker = &orders->workers[id];
    if (worker->head + worker->len == worker->cap) {
        if (worker->len > 0)
            memmove(worker->queue, worker->queue + worker->head, worker->len * sizeof *worker->queue);
        worker->head = 0;
        if (worker->len == worker->cap) {
            worker->cap = 2 * worker->cap + 8;
            worker->queue = realloc(worker->queue, worker->cap * sizeof *worker->queue);
            if (worker->queue == NULL)
                abort();
        }
    }
    worker->queue[worker->head + worker->len++] = item;
    wake(orders, id);
}

uint32_t orders_take_back(struct orders *orders, uint32_t id, uint32_t count, uint32_t *items)
{
    struct worker *worker = &orders->workers[id];
    uint32_t promised = worker->running ? 2 : 1;
    uint32_t free_ones = worker->len > promised ? worker->len - promised : 0;
    count = count < free_ones ? count : free_ones;
    worker->len -= count;
    memcpy(items, worker->queue + worker->head + worker->len, count * sizeof *items);
    return count;
}

void orders_end(struct orders *orders, uint32_t id)
{
    orders->workers[id].ended = true;
    wake(orders, id);
}

void orders_message(struct orders *orders)
{
    orders->messages++;
}

/* ---- random numbers ---- */

static uint64_t random_state;

/* splitmix64 (Steele, Lea and Flood, 2014). */
static double uniform(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(1 - uniform())) * cos(2 * 3.14159265358979323846 * uniform());
}

/* ---- distributions ---- */

enum shape { CONSTANT, LOGNORMAL, GIANTS };
enum knowledge { KNOWN, UNKNOWN, WRONG };

static const char *const shapes[] = {"constant", "log-normal", "a few giants"};
static const char *const knowledges[] = {"known", "unknown", "wrong by up to 3"};

/* Fill in durations, none longer than a worker's share. */
static void make_durations(enum shape shape, uint32_t items, uint32_t workers, float *seconds)
{
    for (uint32_t i = 0; i < items; i++)
        seconds[i] = shape == LOGNORMAL ? (float)(0.01 * exp(1.2 * normal())) : 0.01F;
    double share = 0.01 * items / workers;
    for (uint32_t i = 0; shape == GIANTS && i < workers / 2 + 1; i++)
        seconds[(uint32_t)(uniform() * items)] = (float)(share * (0.3 + 0.6 * uniform()));
}

static void make_expected(enum knowledge knowledge, uint32_t items, const float *seconds, float *expected)
{
    for (uint32_t i = 0; i < items; i++)
        expected[i] = knowledge == WRONG ? seconds[i] * (float)exp(log(3) * (2 * uniform() - 1)) : seconds[i];
}

static double lower_bound(uint32_t items, uint32_t workers, const float *seconds)
{
    double sum = 0, longest = 0;
    for (uint32_t i = 0; i < items; i++) {
        sum += seconds[i];
        longest = seconds[i] > longest ? seconds[i] : longest;
    }
    return sum / workers > longest ? sum / workers : longest;
}

/* ---- the simulation ---- */

struct event {
    double time;
    uint32_t worker;
};

/* A binary heap of the ends of running items. */
struct heap {
    struct event *events;
    uint32_t len;
};

static void push(struct heap *heap, struct event event)
{
    uint32_t at = heap->len++;
    for (; at > 0 && heap->events[(at - 1) / 2].time > event.time; at = (at - 1) / 2)
        heap->events[at] = heap->events[(at - 1) / 2];
    heap->events[at] = event;
}

static struct event pop(struct heap *heap)
{
    struct event first = heap->events[0], last = heap->events[--heap->len];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < heap->len; at = child) {
        child += child + 1 < heap->len && heap->events[child + 1].time < heap->events[child].time;
        if (last.time <= heap->events[child].time)
            break;
        heap->events[at] = heap->events[child];
    }
    heap->events[at] = last;
    return first;
}

struct figures {
    double over;     /* makespan to lower bound */
    double messages; /* an item */
    double cpu;      /* seconds of the whole simulation: the scheduler, and little else */
};

static double cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Start what can be started. */
static void start_all(const struct model *model, void *self, struct orders *orders, struct heap *heap, double now,
                      const float *seconds)
{
    while (orders->woken_len > 0) {
        uint32_t id = orders->woken[--orders->woken_len];
        struct worker *worker = &orders->workers[id];
        orders->is_woken[id] = false;
        if (worker->running || worker->len == 0 || (worker->len == 1 && !worker->ended))
            continue;
        uint32_t item = worker->queue[worker->head];
        worker->running = true;
        push(heap, (struct event){now + seconds[item], id});
        model->started(self, id, item);
    }
}

static struct figures simulate(const struct model *model, const struct setting *setting, const float *seconds)
{
    struct orders orders = {
        .workers = calloc(setting->workers, sizeof *orders.workers),
        .woken = calloc(setting->workers, sizeof *orders.woken),
        .is_woken = calloc(setting->workers, sizeof *orders.is_woken),
    };
    struct heap heap = {.events = calloc(setting->workers, sizeof *heap.events)};
    double now = 0, begin = cpu_now();
    uint32_t done = 0;
    if (orders.workers == NULL || orders.woken == NULL || orders.is_woken == NULL || heap.events == NULL)
        abort();
    void *self = model->begin(setting, &orders);
    start_all(model, self, &orders, &heap, now, seconds);
    while (heap.len > 0) {
        struct event event = pop(&heap);
        struct worker *worker = &orders.workers[event.worker];
        uint32_t item = worker->queue[worker->head++];
        worker->len--;
        worker->running = false;
        now = event.time;
        done++;
        wake(&orders, event.worker);
        model->done(self, event.worker, item);
        start_all(model, self, &orders, &heap, now, seconds);
    }
    struct figures figures = {
        .over = now / lower_bound(setting->items, setting->workers, seconds),
        .messages = (double)orders.messages / setting->items,
        .cpu = cpu_now() - begin,
    };
    if (done != setting->items) {
        fprintf(stderr, "%s: %u of %u items were run\n", model->name, done, setting->items);
        exit(1);
    }
    model->end(self);
    for (uint32_t i = 0; i < setting->workers; i++)
        free(orders.workers[i].queue);
    free(orders.workers);
    free(orders.woken);
    free(orders.is_woken);
    free(heap.events);
    return figures;
}

/* ---- the table ---- */

static void print_row(uint32_t items, uint32_t workers, enum shape shape, enum knowledge knowledge)
{
    static const struct model *const models[] = {&model_ours, &model_load, &model_worksteal};
    float *seconds = calloc(items, sizeof *seconds), *expected = calloc(items, sizeof *expected);
    uint32_t *files = calloc(items, sizeof *files);
    if (seconds == NULL || expected == NULL || files == NULL)
        abort();
    make_durations(shape, items, workers, seconds);
    make_expected(knowledge, items, seconds, expected);
    for (uint32_t i = 0; i < items; i++)
        files[i] = i / FILE_ITEMS;
    struct setting setting = {items, workers, knowledge == UNKNOWN ? NULL : expected, files};
    printf("%9u %5u  %-12s %-16s", items, workers, shapes[shape], knowledges[knowledge]);
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        struct figures figures = simulate(models[i], &setting, seconds);
        printf("  %6.3f %7.4f %6.0f", figures.over, figures.messages, figures.cpu / items * 1e9);
    }
    printf("\n");
    free(seconds);
    free(expected);
    free(files);
}

int main(int argc, char **argv)
{
    uint32_t items = 0, sizes[MOST_SIZES] = {2, 8, 64, 1024}, count = 4, given = 0;
    random_state = 1;
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (more && strcmp(argv[i], "--items") == 0) {
            items = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (more && strcmp(argv[i], "--seed") == 0) {
            random_state = strtoull(argv[++i], NULL, 10);
        } else if (more && strcmp(argv[i], "--workers") == 0 && given < MOST_SIZES) {
            sizes[given++] = (uint32_t)strtoul(argv[++i], NULL, 10);
            count = given;
        } else {
            fprintf(stderr, "usage: simulate [--items N] [--workers N ...] [--seed N]\n");
            return 2;
        }
    }
    printf("%9s %5s  %-12s %-16s", "items", "work.", "durations", "expected");
    printf("  %-21s  %-21s  %-21s\n", "fleetest", "load", "worksteal");
    printf("%47s", "");
    for (int i = 0; i < 3; i++)
        printf("  %6s %7s %6s", "span", "msg", "ns");
    printf("\n");
    for (uint32_t i = 0; i < count; i++)
        for (enum shape shape = CONSTANT; shape <= GIANTS; shape++)
            for (enum knowledge knowledge = KNOWN; knowledge <= WRONG; knowledge++)
                if (shape != CONSTANT || knowledge != UNKNOWN)
                    print_row(items != 0 ? items : 100 * sizes[i], sizes[i], shape, knowledge);
    return 0;
}

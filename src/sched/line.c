#include "sched/line.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An item that is expected to take more than this part of a worker's share counts as long. */
#define LONG_PART 0.01

/* A cut may move to the end of a scope if that makes the order so much longer or shorter. */
#define LONGER 1.5
#define SHORTER 0.5

/* A claim is this fraction of a fair share of what is left: as few as balance allows. */
#define CLAIMS 2

/* A scope, for sorting. */
struct scope {
    uint32_t first; /* its first item in collection order */
    int rank;       /* how long its longest item is, or a tied scope, in powers of two; 0: not long */
    double seconds; /* expected, of what one worker has to run without a break */
};

static int compare_scopes(const void *left, const void *right)
{
    const struct scope *a = left, *b = right;
    if (a->rank != b->rank)
        return a->rank > b->rank ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

static int allocate(struct ft_line *line, size_t items)
{
    line->items = calloc(2 * items + 1, sizeof *line->items);
    line->expected = calloc(items + 1, sizeof *line->expected);
    line->scopes = calloc(items + 1, sizeof *line->scopes);
    line->tied = calloc(items + 1, sizeof *line->tied);
    line->claims = calloc(line->claim_count + 1, sizeof *line->claims);
    if (line->items == NULL || line->expected == NULL || line->scopes == NULL || line->tied == NULL ||
        line->claims == NULL) {
        ft_line_release(line);
        return -ENOMEM;
    }
    return 0;
}

/* Fill in what each item is expected to take; an unknown one takes as long as the others do on average. */
static void expect(struct ft_line *line, const struct ft_sched_options *options)
{
    double sum = 0;
    uint32_t known = 0;
    for (uint32_t i = 0; options->known != NULL && i < options->items; i++) {
        line->scopes[i] = options->known[i].scope;
        line->tied[i] = options->known[i].tied;
        if (options->known[i].seconds >= 0) {
            sum += options->known[i].seconds;
            known++;
        }
    }
    bool usable = sum > 0;
    float mean = usable ? (float)(sum / known) : 1.0F;
    for (uint32_t i = 0; i < options->items; i++) {
        bool has = usable && options->known[i].seconds >= 0;
        line->expected[i] = has ? options->known[i].seconds : mean;
        line->seconds += line->expected[i];
    }
}

/*
 * Sort the items by scope.  `share` is a worker's share of the work; infinite if no item is to count as long.  `scopes`
 * and `starts` have room for one scope an item: a counting sort by the place that each scope has got.
 */
static void sort(struct ft_line *line, uint32_t count, double share, struct scope *scopes, uint32_t *starts)
{
    for (uint32_t i = 0; i < count; i++)
        scopes[i] = (struct scope){.first = UINT32_MAX};
    for (uint32_t i = 0; i < count; i++) {
        struct scope *scope = &scopes[line->scopes[i]];
        if (line->tied[i])
            scope->seconds += line->expected[i];
        else if (line->expected[i] > scope->seconds)
            scope->seconds = line->expected[i];
        if (scope->first == UINT32_MAX)
            scope->first = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        double parts = scopes[i].seconds / (share * LONG_PART);
        scopes[i].rank = parts > 1 ? 1 + (int)log2(parts) : 0;
    }
    uint32_t *sizes = line->items; /* of each scope; this half of the room is for items that are put back */
    for (uint32_t i = 0; i < count; i++)
        sizes[line->scopes[i]]++;
    qsort(scopes, count, sizeof *scopes, compare_scopes);
    uint32_t start = count;
    for (uint32_t i = 0; i < count && scopes[i].first != UINT32_MAX; i++) {
        uint32_t scope = line->scopes[scopes[i].first];
        if (scopes[i].rank > 0)
            line->first.len += sizes[scope];
        starts[scope] = start;
        start += sizes[scope];
    }
    for (uint32_t i = 0; i < count; i++)
        line->items[starts[line->scopes[i]]++] = i;
}

/* Sort the items if that is wanted and anything is known of them. */
static int arrange(struct ft_line *line, const struct ft_sched_options *options)
{
    uint32_t count = options->items;
    if (count == 0 || options->known == NULL || (options->in_order && memchr(line->tied, true, count) == NULL)) {
        for (uint32_t i = 0; i < count; i++)
            line->items[count + i] = i;
        return 0;
    }
    struct scope *scopes = calloc(count, sizeof *scopes);
    uint32_t *starts = calloc(count, sizeof *starts);
    int err = scopes == NULL || starts == NULL ? -ENOMEM : 0;
    if (err == 0)
        sort(line, count, options->in_order ? INFINITY : line->seconds / options->workers, scopes, starts);
    free(scopes);
    free(starts);
    return err;
}

/* Where the stretches begin, once the items are arranged. */
static void measure(struct ft_line *line, uint32_t count)
{
    uint32_t end = count + line->first.len;
    line->first.head = count;
    for (uint32_t at = count; at < end; at++)
        line->first.seconds += line->expected[line->items[at]];
    line->rest = (struct ft_stretch){end, count - line->first.len, line->seconds - line->first.seconds};
}

/* How many of the items can go to different workers. */
static uint32_t count_units(const struct ft_line *line, const uint32_t *items, uint32_t count)
{
    uint32_t units = 0;
    for (uint32_t i = 0; i < count; i++)
        units += i == 0 || !line->tied[items[i]] || line->scopes[items[i]] != line->scopes[items[i - 1]];
    return units;
}

int ft_line_init(struct ft_line *line, const struct ft_sched_options *options)
{
    *line = (struct ft_line){.len = options->items, .claim_count = options->in_order ? 0 : options->workers};
    if (allocate(line, options->items) < 0)
        return -ENOMEM;
    expect(line, options);
    if (arrange(line, options) < 0) {
        ft_line_release(line);
        return -ENOMEM;
    }
    measure(line, options->items);
    line->units = count_units(line, line->items + options->items, options->items);
    return 0;
}

void ft_line_release(struct ft_line *line)
{
    free(line->items);
    free(line->expected);
    free(line->scopes);
    free(line->tied);
    free(line->claims);
    *line = (struct ft_line){0};
}

void ft_line_empty(struct ft_line *line)
{
    line->first.len = line->rest.len = line->len = line->units = 0;
    line->first.seconds = line->rest.seconds = line->seconds = 0;
}

/* ---- cutting ---- */

/* A stretch, while it is cut. */
struct view {
    const struct ft_line *line;
    const uint32_t *items;
    uint32_t len;
};

static bool same_scope(const struct view *view, uint32_t at)
{
    return at > 0 && at < view->len && view->line->scopes[view->items[at]] == view->line->scopes[view->items[at - 1]];
}

static bool is_tied(const struct view *view, uint32_t at)
{
    return view->line->tied[view->items[at]];
}

static double expected(const struct view *view, uint32_t at)
{
    return view->line->expected[view->items[at]];
}

/* Move a cut within a scope to where the scope ends or begins, if that is near. */
static void adjust(const struct view *view, double seconds, uint32_t least, uint32_t most, struct ft_cut *cut)
{
    uint32_t end = cut->count, begin = cut->count;
    double longer = cut->seconds, shorter = cut->seconds;
    while (same_scope(view, end) && longer <= LONGER * seconds && (most == 0 || end < most))
        longer += expected(view, end++);
    if (!same_scope(view, end) && longer <= LONGER * seconds) {
        cut->seconds = longer;
        cut->count = end;
        return;
    }
    while (same_scope(view, begin) && begin > least && shorter >= SHORTER * seconds)
        shorter -= expected(view, --begin);
    if (!same_scope(view, begin) && begin > 0 && shorter >= SHORTER * seconds) {
        cut->seconds = shorter;
        cut->count = begin;
    }
}

/*
 * Items of `rest` that make at least `seconds`, to the end of a scope: were it divided, a worker could get the first
 * part of it after the second.
 */
static struct ft_stretch claim(struct ft_line *line, double seconds)
{
    struct view view = {line, line->items + line->rest.head, line->rest.len};
    struct ft_stretch taken = {.head = line->rest.head};
    while (taken.len < view.len && (taken.len == 0 || taken.seconds < seconds || same_scope(&view, taken.len)))
        taken.seconds += expected(&view, taken.len++);
    line->rest.head += taken.len;
    line->rest.len -= taken.len;
    line->rest.seconds = line->rest.len == 0 ? 0 : line->rest.seconds - taken.seconds;
    return taken;
}

/* What a worker gets its orders from when nothing long is left; the line is not empty but for `first`. */
static struct ft_stretch *claim_of(struct ft_line *line, uint32_t worker)
{
    if (line->claim_count == 0)
        return &line->rest;
    struct ft_stretch *own = &line->claims[worker % line->claim_count];
    if (own->len == 0 && line->rest.len > 0)
        *own = claim(line, line->rest.seconds / (CLAIMS * (double)line->claim_count));
    struct ft_stretch *found = own;
    for (uint32_t i = 0; own->len == 0 && i < line->claim_count; i++)
        if (line->claims[i].len > 0 && (found->len == 0 || line->claims[i].seconds > found->seconds))
            found = &line->claims[i];
    return found;
}

static struct ft_stretch *choose(struct ft_line *line, uint32_t worker, double seconds)
{
    bool has_others = line->len > line->first.len;
    return line->first.len > 0 && (seconds > 0 || !has_others) ? &line->first : claim_of(line, worker);
}

struct ft_cut ft_line_cut(struct ft_line *line, uint32_t worker, double seconds, uint32_t least, uint32_t most)
{
    struct ft_cut cut = {.from = choose(line, worker, seconds)};
    struct view view = {line, line->items + cut.from->head, cut.from->len};
    cut.items = view.items;
    while (cut.count < view.len) {
        double next = expected(&view, cut.count);
        /* What is longer than an order is wanted early, with the little that comes before it. */
        bool wanted = next > seconds && cut.seconds < seconds / 2;
        bool enough = (cut.seconds + next / 2 >= seconds && !wanted) || (most != 0 && cut.count >= most);
        bool inside_tied = is_tied(&view, cut.count) && same_scope(&view, cut.count);
        /* After a long item a short one will do as successor: the next long one is for another worker. */
        bool other_will_do = cut.count > 0 && next > seconds && line->len > line->first.len;
        if (enough && !inside_tied && (cut.count >= least || (cut.from == &line->first && other_will_do)))
            break;
        cut.seconds += next;
        cut.count++;
    }
    if (same_scope(&view, cut.count) && !is_tied(&view, cut.count))
        adjust(&view, seconds, least, most, &cut);
    return cut;
}

void ft_line_take(struct ft_line *line, const struct ft_cut *cut)
{
    uint32_t units = count_units(line, cut->items, cut->count);
    cut->from->head += cut->count;
    cut->from->len -= cut->count;
    cut->from->seconds -= cut->seconds;
    line->len -= cut->count;
    line->seconds -= cut->seconds;
    if (cut->from->len == 0)
        cut->from->seconds = 0; /* what rounding has left */
    if (line->len == 0)
        line->seconds = 0;
    /* What was put back may have joined or divided a scope, so the sum is not exact. */
    line->units = line->units > units ? line->units - units : 1;
    if (line->units > line->len)
        line->units = line->len;
}

void ft_line_put_back(struct ft_line *line, const uint32_t *items, uint32_t count)
{
    struct ft_stretch *stretch = line->claim_count == 0 ? &line->rest : &line->first;
    stretch->head -= count;
    stretch->len += count;
    line->len += count;
    memcpy(line->items + stretch->head, items, count * sizeof *items);
    line->units += count_units(line, items, count);
    for (uint32_t i = 0; i < count; i++) {
        stretch->seconds += line->expected[items[i]];
        line->seconds += line->expected[items[i]];
    }
}

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
    if (line->items == NULL || line->expected == NULL || line->scopes == NULL || line->tied == NULL) {
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
        line->parts[scopes[i].rank > 0 ? FT_LINE_LONG : FT_LINE_SHORT].len += sizes[scope];
        starts[scope] = start;
        start += sizes[scope];
    }
    for (uint32_t i = 0; i < count; i++)
        line->items[starts[line->scopes[i]]++] = i;
    line->parts[FT_LINE_SHORT].head = count + line->parts[FT_LINE_LONG].len;
}

int ft_line_init(struct ft_line *line, const struct ft_sched_options *options)
{
    uint32_t count = options->items;
    *line = (struct ft_line){.parts = {{.head = count}, {.head = count}}};
    if (allocate(line, count) < 0)
        return -ENOMEM;
    expect(line, options);
    if (count == 0 || options->known == NULL || (options->in_order && memchr(line->tied, true, count) == NULL)) {
        line->parts[FT_LINE_SHORT].len = count;
        for (uint32_t i = 0; i < count; i++)
            line->items[count + i] = i;
        return 0;
    }
    struct scope *scopes = calloc(count, sizeof *scopes);
    uint32_t *starts = calloc(count, sizeof *starts);
    int err = scopes == NULL || starts == NULL ? -ENOMEM : 0;
    if (err == 0)
        sort(line, count, options->in_order ? INFINITY : line->seconds / options->workers, scopes, starts);
    else
        ft_line_release(line);
    free(scopes);
    free(starts);
    return err;
}

void ft_line_release(struct ft_line *line)
{
    free(line->items);
    free(line->expected);
    free(line->scopes);
    free(line->tied);
    *line = (struct ft_line){0};
}

uint32_t ft_line_len(const struct ft_line *line)
{
    return line->parts[FT_LINE_LONG].len + line->parts[FT_LINE_SHORT].len;
}

/* ---- cutting ---- */

/* A part of the line, while it is cut. */
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

static enum ft_part choose_part(const struct ft_line *line, double seconds)
{
    enum ft_part wanted = seconds > 0 ? FT_LINE_LONG : FT_LINE_SHORT;
    enum ft_part other = seconds > 0 ? FT_LINE_SHORT : FT_LINE_LONG;
    return line->parts[wanted].len > 0 ? wanted : other;
}

struct ft_cut ft_line_cut(const struct ft_line *line, double seconds, uint32_t least, uint32_t most)
{
    struct ft_cut cut = {.part = choose_part(line, seconds)};
    struct view view = {line, line->items + line->parts[cut.part].head, line->parts[cut.part].len};
    cut.items = view.items;
    while (cut.count < view.len) {
        double next = expected(&view, cut.count);
        /* What is longer than an order is wanted early, with the little that comes before it. */
        bool wanted = next > seconds && cut.seconds < seconds / 2;
        bool enough = (cut.seconds + next / 2 >= seconds && !wanted) || (most != 0 && cut.count >= most);
        bool inside_tied = is_tied(&view, cut.count) && same_scope(&view, cut.count);
        /* After a long item a short one will do as successor: the next long one is for another worker. */
        bool other_will_do = cut.count > 0 && next > seconds && line->parts[FT_LINE_SHORT].len > 0;
        if (enough && !inside_tied && (cut.count >= least || (cut.part == FT_LINE_LONG && other_will_do)))
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
    line->parts[cut->part].head += cut->count;
    line->parts[cut->part].len -= cut->count;
    line->seconds -= cut->seconds;
    if (ft_line_len(line) == 0)
        line->seconds = 0; /* what rounding has left */
}

void ft_line_put_back(struct ft_line *line, const uint32_t *items, uint32_t count)
{
    enum ft_part part = line->parts[FT_LINE_LONG].len > 0 ? FT_LINE_LONG : FT_LINE_SHORT;
    line->parts[part].head -= count;
    line->parts[part].len += count;
    memcpy(line->items + line->parts[part].head, items, count * sizeof *items);
    for (uint32_t i = 0; i < count; i++)
        line->seconds += line->expected[items[i]];
}

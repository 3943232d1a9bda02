#include "daemon/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/checkpoint.h"
#include "daemon/environ.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/watch.h"
#include "wire/fields.h"

/* How often one is made again whose inputs changed while it was; how long others wait for one, in ms. */
enum { ATTEMPTS = 3, TURN_MS = 20000 };

/* The value that a command line gives to an option: a text of its choices; nothing if it is not among them. */
static struct ft_text choice(const struct ft_texts *choices, struct ft_text option)
{
    for (size_t i = 0; i < choices->count; i++) {
        struct ft_text text = choices->items[i];
        if (text.len > option.len && text.at[option.len] == '=' && memcmp(text.at, option.at, option.len) == 0)
            return text;
    }
    return (struct ft_text){"", 0};
}

/* Whether the options that somebody has read on the way are the same. */
static bool same_choices(const struct ft_parked *parked, const struct ft_known *known)
{
    for (size_t i = 0; i < parked->options.count; i++)
        if (!ft_text_equal(choice(&parked->choices, parked->options.items[i]),
                           choice(&known->choices, parked->options.items[i])))
            return false;
    return true;
}

/* Whether it was made for such a run; what it was made of may have changed since. */
static bool is_for(const struct ft_parked *parked, const struct ft_known *known, const struct ft_parked *from,
                   const struct ft_request *request)
{
    struct ft_text name, anything = ft_text_of("*");
    struct ft_texts all = {&anything, 1};
    const struct ft_request *asked = &parked->asked.request;
    if (parked->kind.at == NULL || parked->checkpoint || ft_parked_origin(parked) != from ||
        !ft_text_equal(parked->kind, known->kind) || parked->state == FT_PARKED_ENDING ||
        !ft_request_same_place(asked, request))
        return false;
    if (parked->state == FT_PARKED_STARTING) /* what it reads is not known yet */
        return ft_texts_equal(&asked->args, &request->args) &&
               !ft_environ_differs(&asked->environ, &request->environ, &all, &name);
    return same_choices(parked, known) && (!parked->exact || ft_texts_equal(&asked->args, &request->args)) &&
           !ft_environ_differs(&asked->environ, &request->environ, &parked->reads, &name);
}

/* ---- finding one ---- */

/*
 * What is not as it was when it was made; NULL: all is, or it is not known yet.  `first`: the number of the first input
 * that is not; a date is none, and comes before all.
 */
static const char *what_changed(struct ft_parked *parked, size_t *first)
{
    *first = 0;
    if (parked->state == FT_PARKED_STARTING)
        return NULL;
    if (parked->until != 0 && ft_now() >= parked->until)
        return "the date has";
    *first = ft_inputs_first_changed(&parked->inputs, parked->since);
    return *first == SIZE_MAX ? NULL : ft_inputs_path(&parked->inputs, &parked->inputs.items[*first]);
}

/* The one for such a run, which may also be unfit, or still be made.  Ends those that are out of date. */
static struct ft_parked *find(const struct ft_known *known, const struct ft_parked *from,
                              const struct ft_request *request, char *why, size_t size)
{
    size_t first;
    struct ft_parked *parked;
again:
    TAILQ_FOREACH(parked, &from->daemon->parked, link) {
        if (!is_for(parked, known, from, request))
            continue;
        const char *changed = what_changed(parked, &first);
        if (changed == NULL)
            return parked;
        snprintf(why, size, "%s changed", changed);
        struct ft_parked *another = ft_checkpoint_rewind(parked, first, changed);
        if (another != NULL)
            return another;
        goto again; /* others have ended with it */
    }
    return NULL;
}

/* Have one made for such requests. */
static void wish(struct ft_known *known, const struct ft_kept_request *asked)
{
    ft_request_drop(&known->wish);
    known->wished = ft_request_keep(&known->wish, ft_buf_head(&asked->payload), asked->payload.len) == 0;
}

void ft_snapshot_wish(struct ft_known *known, const struct ft_run *run)
{
    if (known->base->daemon->snapshots == 0 || run->explains)
        return;
    ft_watch_is_of_use(known->base->daemon);
    known->attempts = known->ahead = 0;
    wish(known, &run->asked);
}

void ft_snapshot_wish_another(struct ft_known *known, const struct ft_parked *snapshot)
{
    wish(known, &snapshot->asked);
}

bool ft_snapshot_is_wished(const struct ft_parked *base)
{
    const struct ft_known *known;
    TAILQ_FOREACH(known, &base->daemon->known, link)
        if (known->wished && known->base == base)
            return true;
    return false;
}

/* Whether it is still made, and to wait for that takes less time than to collect. */
static bool is_soon(const struct ft_parked *parked, const struct ft_known *known)
{
    if (parked->state != FT_PARKED_STARTING)
        return false;
    uint64_t so_far = uv_now(&parked->daemon->loop) - parked->begun;
    return parked->base->checkpoint || (known->took > 0 && so_far > known->took / 2);
}

struct ft_parked *ft_snapshot_choose(struct ft_known *known, struct ft_parked *from, const struct ft_run *run,
                                     char *why, size_t size)
{
    if (from->daemon->snapshots == 0 || run->explains)
        return NULL;
    struct ft_parked *parked = find(known, from, &run->asked.request, why, size);
    if (parked == NULL)
        return NULL;
    known->wished = false;
    if (parked->state == FT_PARKED_UNFIT)
        snprintf(why, size, "%s", parked->stale);
    return parked->state == FT_PARKED_READY || is_soon(parked, known) ? parked : NULL;
}

/* ---- making one ---- */

unsigned ft_snapshot_pending(const struct ft_daemon *daemon)
{
    unsigned count = 0;
    const struct ft_known *known;
    const struct ft_parked *parked;
    TAILQ_FOREACH(known, &daemon->known, link)
        count += known->wished;
    TAILQ_FOREACH(parked, &daemon->parked, link)
        count += parked->kind.at != NULL && parked->state == FT_PARKED_STARTING;
    return count + ft_watch_is_busy(daemon);
}

/* Whether it is time to make one: a run is not to be held up by it. */
static bool is_time(const struct ft_daemon *daemon)
{
    const struct ft_parked *parked;
    if (daemon->leaving || !TAILQ_EMPTY(&daemon->runs))
        return false;
    TAILQ_FOREACH(parked, &daemon->parked, link)
        if (parked->state == FT_PARKED_STARTING && uv_now(&daemon->loop) - parked->begun < TURN_MS)
            return false;
    return true;
}

/* Those that were not used for longest make room for one more. */
static void make_room(struct ft_daemon *daemon)
{
    for (;;) {
        uint64_t count = 0;
        struct ft_parked *parked, *oldest = NULL;
        TAILQ_FOREACH(parked, &daemon->parked, link) {
            if (parked->kind.at == NULL || parked->checkpoint)
                continue;
            count++;
            if (oldest == NULL || parked->used < oldest->used)
                oldest = parked;
        }
        if (count < daemon->snapshots)
            return;
        ft_parked_end(oldest, "another snapshot takes its place");
    }
}

static struct ft_known *last_wish(struct ft_daemon *daemon)
{
    struct ft_known *known, *last = NULL;
    TAILQ_FOREACH(known, &daemon->known, link)
        if (known->wished && (last == NULL || known->used > last->used))
            last = known;
    return last;
}

/* The process that runs of a known command line come from; NULL: there is none. */
static struct ft_parked *origin(const struct ft_known *known)
{
    struct ft_parked *parked = known->base;
    if (known->plugins.len > 0)
        parked = ft_parked_find_plugins(known->base, known->plugins, &known->wish.request);
    return parked != NULL && parked->state == FT_PARKED_READY ? parked : NULL;
}

static void make(struct ft_known *known)
{
    char why[sizeof known->base->stale];
    struct ft_parked *from = origin(known);
    known->wished = false;
    if (from == NULL || known->kind.len == 0 || find(known, from, &known->wish.request, why, sizeof why) != NULL)
        return;
    make_room(from->daemon);
    known->attempts++;
    struct ft_collecting wanted = {&known->wish, known->kind, &known->choices, ""};
    if (ft_parked_collect(from, &wanted) != NULL)
        ft_log("a snapshot is made for %s", known->label.at);
}

/* The snapshot that was used last of those that were not compared since something has changed; NULL: all were. */
static struct ft_parked *next_to_compare(const struct ft_daemon *daemon)
{
    struct ft_parked *parked, *last = NULL;
    TAILQ_FOREACH(parked, &daemon->parked, link) {
        bool made = parked->state == FT_PARKED_READY || parked->state == FT_PARKED_UNFIT;
        if (parked->kind.at != NULL && !parked->checkpoint && made && !parked->compared &&
            (last == NULL || parked->used > last->used))
            last = parked;
    }
    return last;
}

/* A file of the project was saved: have another snapshot made in the place of this one, if it has read that. */
static void compare(struct ft_parked *snapshot)
{
    size_t first;
    uint64_t used = snapshot->used;
    const char *changed = what_changed(snapshot, &first);
    snapshot->compared = true;
    struct ft_known *known = changed == NULL ? NULL : ft_snapshot_made_for(snapshot);
    if (known == NULL || known->ahead >= snapshot->daemon->ahead)
        return;
    ft_watch_is_of_use(snapshot->daemon);
    known->ahead++;
    known->attempts = 0;
    wish(known, &snapshot->asked);
    struct ft_parked *another = ft_checkpoint_rewind(snapshot, first, changed);
    if (another == NULL)
        return;
    another->used = used;
    known->wished = false;
}

static void compare_all(struct ft_daemon *daemon)
{
    struct ft_parked *parked;
    TAILQ_FOREACH(parked, &daemon->parked, link)
        parked->compared = false;
    daemon->watch.changed = false;
}

void ft_snapshot_make_next(struct ft_daemon *daemon)
{
    struct ft_known *known;
    struct ft_parked *parked;
    if (daemon->watch.changed)
        compare_all(daemon);
    while (is_time(daemon)) {
        if ((known = last_wish(daemon)) != NULL)
            make(known);
        else if ((parked = next_to_compare(daemon)) != NULL)
            compare(parked);
        else
            break;
    }
}

/* ---- what it says ---- */

int ft_snapshot_begun(struct ft_parked *parked, const struct ft_message_view *message)
{
    struct ft_mp_reader reader = {message->payload, message->payload + message->len};
    uint64_t pid = 0;
    int err = parked->kind.at != NULL && parked->pid == 0 ? ft_get_uint(0, &reader, INT32_MAX, &pid) : -EBADMSG;
    if (err < 0 || pid < 2)
        return -EBADMSG;
    parked->pid = (pid_t)pid;
    return 0;
}

enum { COUNTS = 64 };

static int get_counts(int err, struct ft_mp_reader *reader, uint64_t *counts, size_t *count)
{
    struct ft_mp_token token = {0};
    err = ft_get_kind(err, reader, FT_MP_ARRAY, &token);
    if (err == 0 && token.len > COUNTS)
        err = -EBADMSG;
    *count = err == 0 ? token.len : 0;
    for (size_t i = 0; i < *count; i++)
        err = ft_get_uint(err, reader, SIZE_MAX - 1, &counts[i]);
    return err;
}

static int read_collected(struct ft_parked *parked, const struct ft_message_view *message, bool *again)
{
    struct ft_mp_reader reader = {message->payload, message->payload + message->len};
    struct ft_text inputs = {"", 0}, unfit = {"", 0};
    struct ft_texts reads = {NULL, 0}, options = {NULL, 0};
    uint64_t exact = 0, retry = 0, counts[COUNTS];
    size_t count = 0;
    int err = ft_get_array(0, &reader, 8);
    err = ft_get_bytes(err, &reader, &inputs);
    err = get_counts(err, &reader, counts, &count);
    err = ft_get_texts(err, &reader, &reads);
    err = ft_get_texts(err, &reader, &options);
    err = ft_get_uint(err, &reader, 1, &exact);
    err = ft_get_int(err, &reader, &parked->until);
    err = ft_get_str(err, &reader, &unfit);
    err = ft_get_uint(err, &reader, 1, &retry);
    if (err == 0)
        err = ft_texts_copy(&parked->reads, &reads);
    if (err == 0)
        err = ft_texts_copy(&parked->options, &options);
    ft_texts_release(&reads);
    ft_texts_release(&options);
    if (err < 0)
        return err;
    snprintf(parked->stale, sizeof parked->stale, "%.*s", (int)unfit.len, unfit.at);
    ft_text_make_utf8(parked->stale);
    parked->exact = exact != 0;
    *again = retry != 0;
    return ft_checkpoint_take_inputs(parked, inputs, counts, count);
}

struct ft_known *ft_snapshot_made_for(const struct ft_parked *snapshot)
{
    struct ft_known *known;
    TAILQ_FOREACH(known, &snapshot->daemon->known, link)
        if (ft_parked_is_of(snapshot, known->base) && ft_text_equal(known->kind, snapshot->kind) &&
            ft_texts_equal(&known->about.request.args, &snapshot->asked.request.args))
            return known;
    return NULL;
}

int ft_snapshot_collected(struct ft_parked *parked, const struct ft_message_view *message)
{
    bool again = false;
    struct ft_daemon *daemon = parked->daemon;
    bool expected = parked->kind.at != NULL && parked->pid > 0 && parked->state == FT_PARKED_STARTING;
    int err = expected ? read_collected(parked, message, &again) : -EBADMSG;
    if (err < 0)
        return err;
    parked->compared = true;
    ft_watch_folders(parked);
    struct ft_known *known = ft_snapshot_made_for(parked);
    if (parked->stale[0] == '\0') {
        parked->state = FT_PARKED_READY;
        if (known != NULL && parked->place[0] == '\0') /* all of it */
            known->took = uv_now(&daemon->loop) - parked->begun;
        ft_log("snapshot %d is ready: %zu inputs, %zu variables", (int)parked->pid, parked->inputs.count,
               parked->reads.count);
        ft_parked_let_choose(parked);
        ft_memory_keep_within(daemon);
    } else if (again) {
        if (known != NULL && known->attempts < ATTEMPTS)
            wish(known, &parked->asked);
        ft_parked_end(parked, parked->stale);
    } else
        ft_parked_lay_off(parked);
    ft_snapshot_make_next(daemon);
    return 0;
}

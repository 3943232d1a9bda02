#include "daemon/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/checkpoint.h"
#include "daemon/environ.h"
#include "daemon/listen.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/said.h"
#include "daemon/waiting.h"
#include "daemon/watch.h"

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

/* What a run is to go on from. */
struct aim {
    struct ft_text kind;
    const struct ft_texts *args; /* of the command line that it is made for */
    bool wide;                   /* the run has others, and selects within it */
};

static struct aim own_aim(const struct ft_known *known, const struct ft_request *request)
{
    return (struct aim){known->kind, &request->args, false};
}

static struct aim whole_aim(const struct ft_known *known)
{
    return (struct aim){known->whole_kind, &known->whole, true};
}

/* That of a request that one is to be made for. */
static struct aim aim_of_wish(const struct ft_known *known)
{
    bool whole = known->whole_kind.len > 0 && ft_texts_equal(&known->wish.request.args, &known->whole);
    return whole ? whole_aim(known) : own_aim(known, &known->wish.request);
}

/* Whether it was made for such a run, which may have used it up; what it was made of may have changed since. */
static bool was_for(const struct ft_parked *parked, const struct ft_known *known, const struct aim *aim,
                    const struct ft_parked *from, const struct ft_request *request)
{
    struct ft_text name, anything = ft_text_of("*");
    struct ft_texts all = {&anything, 1};
    const struct ft_request *asked = &parked->asked.request;
    if (parked->kind.at == NULL || parked->checkpoint || ft_parked_origin(parked) != from ||
        !ft_text_equal(parked->kind, aim->kind) || parked->state == FT_PARKED_ENDING ||
        !ft_request_same_place(asked, request))
        return false;
    if (parked->state == FT_PARKED_STARTING) /* what it reads is not known yet */
        return ft_texts_equal(&asked->args, aim->args) &&
               !ft_environ_differs(&asked->environ, &request->environ, &all, &name);
    return same_choices(parked, known) && (!parked->exact || ft_texts_equal(&asked->args, &request->args)) &&
           !ft_environ_differs(&asked->environ, &request->environ, &parked->reads, &name);
}

static bool is_for(const struct ft_parked *parked, const struct ft_known *known, const struct aim *aim,
                   const struct ft_parked *from, const struct ft_request *request)
{
    return !parked->spent && was_for(parked, known, aim, from, request);
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
    if (parked->outrun < *first)
        *first = parked->outrun;
    return *first == SIZE_MAX ? NULL : ft_inputs_path(&parked->inputs, &parked->inputs.items[*first]);
}

/* The one for such a run, which may also be unfit, or still be made.  Ends those that are out of date. */
static struct ft_parked *find(const struct ft_known *known, const struct aim *aim, const struct ft_parked *from,
                              const struct ft_request *request, char *why, size_t size)
{
    size_t first;
    struct ft_parked *parked;
again:
    TAILQ_FOREACH(parked, &from->daemon->parked, link) {
        if (!is_for(parked, known, aim, from, request))
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

/* The one for such a run that another run has used up; NULL: there is none. */
static struct ft_parked *find_spent(const struct ft_known *known, const struct aim *aim, const struct ft_parked *from,
                                    const struct ft_request *request)
{
    struct ft_parked *parked;
    TAILQ_FOREACH(parked, &from->daemon->parked, link)
        if (parked->spent && was_for(parked, known, aim, from, request))
            return parked;
    return NULL;
}

/* Have one made for such requests. */
static void wish(struct ft_known *known, const struct ft_kept_request *asked)
{
    ft_request_drop(&known->wish);
    known->wished = ft_request_keep(&known->wish, ft_buf_head(&asked->payload), asked->payload.len) == 0;
}

/* Have the whole project's made. */
static void wish_whole(struct ft_known *known, const struct ft_kept_request *asked)
{
    ft_request_drop(&known->wish);
    known->wished = ft_request_keep_with(&known->wish, &asked->request, &known->whole) == 0;
}

/* Whether a run may select within the whole project, as far as the command line is concerned. */
static bool may_be_wide(const struct ft_known *known, const struct ft_run *run)
{
    return known->whole_kind.len > 0 && !run->declined;
}

void ft_snapshot_may_be_wide(const struct ft_known *known, struct ft_run *run)
{
    run->wide = false;
    if (run->declined) /* that says why */
        return;
    const char *why = known->whole_kind.len > 0 ? "the whole project has no snapshot for it" : known->narrow.at;
    snprintf(run->narrow, sizeof run->narrow, "%s", why);
    ft_text_make_utf8(run->narrow);
}

void ft_snapshot_wish(struct ft_known *known, const struct ft_run *run)
{
    if (known->base->daemon->snapshots == 0 || run->explains)
        return;
    known->attempts = known->ahead = 0;
    if (may_be_wide(known, run))
        wish_whole(known, &run->asked);
    else
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
static bool is_soon(const struct ft_parked *parked, uint64_t took)
{
    if (parked->state != FT_PARKED_STARTING)
        return false;
    uint64_t so_far = uv_now(&parked->daemon->loop) - parked->begun;
    return parked->base->checkpoint || (took > 0 && so_far > took / 2);
}

/* That with this aim; NULL: there is none, and `why` may say why.  It is not wished for if it is there or made. */
static struct ft_parked *choose(struct ft_known *known, const struct aim *aim, struct ft_parked *from,
                                const struct ft_run *run, char *why, size_t size)
{
    struct ft_parked *parked = find(known, aim, from, &run->asked.request, why, size);
    if (parked == NULL) {
        if (why[0] == '\0' && find_spent(known, aim, from, &run->asked.request) != NULL)
            snprintf(why, size, "the snapshot serves one run, and another has it");
        return NULL;
    }
    bool uses_up = parked->state == FT_PARKED_READY && parked->once[0] != '\0';
    if (uses_up && aim->wide)
        wish_whole(known, &run->asked); /* another one, for the next run */
    else if (uses_up)
        wish(known, &run->asked);
    else if (ft_texts_equal(&known->wish.request.args, aim->args))
        known->wished = false;
    if (parked->state == FT_PARKED_UNFIT)
        snprintf(why, size, "%s", parked->stale);
    uint64_t took = aim->wide ? known->whole_took : known->took;
    return parked->state == FT_PARKED_READY || is_soon(parked, took) ? parked : NULL;
}

struct ft_parked *ft_snapshot_choose(struct ft_known *known, struct ft_parked *from, struct ft_run *run,
                                     char *why, size_t size)
{
    if (from->daemon->snapshots == 0 || run->explains)
        return NULL;
    ft_watch_is_of_use(from->daemon);
    if (may_be_wide(known, run)) {
        struct aim whole = whole_aim(known);
        char wide[sizeof from->stale] = "";
        struct ft_parked *parked = choose(known, &whole, from, run, wide, sizeof wide);
        run->wide = parked != NULL;
        if (run->wide) {
            run->narrow[0] = '\0';
            return parked;
        }
        if (wide[0] != '\0')
            snprintf(run->narrow, sizeof run->narrow, "%.127s", wide);
        if (!known->wished) /* it is there, and cannot be gone on from, or is still made */
            wish(known, &run->asked);
    }
    struct aim own = own_aim(known, &run->asked.request);
    return choose(known, &own, from, run, why, size);
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
    return count + ft_watch_is_busy(daemon) + ft_listen_is_busy(daemon);
}

bool ft_snapshot_is_time(const struct ft_daemon *daemon)
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
            if (parked->kind.at == NULL || parked->checkpoint || parked->spent)
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

/* Have another one made in the place of one that is used up, from its last checkpoint.  Returns whether it can. */
static bool replace(struct ft_parked *spent)
{
    size_t first;
    const char *changed = what_changed(spent, &first);
    return ft_checkpoint_rewind(spent, changed == NULL ? SIZE_MAX - 1 : first, changed) != NULL;
}

static void make(struct ft_known *known)
{
    char why[sizeof known->base->stale];
    struct ft_parked *from = origin(known);
    struct aim aim = aim_of_wish(known);
    known->wished = false;
    if (from == NULL || aim.kind.len == 0 || find(known, &aim, from, &known->wish.request, why, sizeof why) != NULL)
        return;
    struct ft_parked *spent = find_spent(known, &aim, from, &known->wish.request);
    if (spent != NULL && replace(spent))
        return;
    make_room(from->daemon);
    known->attempts++;
    struct ft_collecting wanted = {&known->wish, aim.kind, &known->choices, ""};
    if (ft_parked_collect(from, &wanted) != NULL)
        ft_log("a snapshot is made for %s", known->label.at);
}

/* The snapshot that was used last of those that were not compared since something has changed; NULL: all were. */
static struct ft_parked *next_to_compare(const struct ft_daemon *daemon)
{
    struct ft_parked *parked, *last = NULL;
    TAILQ_FOREACH(parked, &daemon->parked, link) {
        bool made = parked->state == FT_PARKED_READY || parked->state == FT_PARKED_UNFIT;
        if (parked->kind.at != NULL && !parked->checkpoint && made && !parked->spent && !parked->compared &&
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
    bool outrun = snapshot->outrun != SIZE_MAX;
    if (known == NULL || (outrun ? known->attempts >= ATTEMPTS : known->ahead >= snapshot->daemon->ahead))
        return;
    if (!outrun) {
        known->ahead++;
        known->attempts = 0;
    }
    ft_watch_is_of_use(snapshot->daemon);
    wish(known, &snapshot->asked);
    struct ft_parked *another = ft_checkpoint_rewind(snapshot, first, changed);
    if (another == NULL)
        return;
    another->used = used;
    known->attempts++;
    known->wished = false;
}

static void compare_all(struct ft_daemon *daemon)
{
    struct ft_parked *parked;
    TAILQ_FOREACH(parked, &daemon->parked, link)
        parked->compared = false;
    daemon->watch.changed = false;
}

/* Those that a run has used up, in whose place no other is wished for. */
static void end_spent(struct ft_daemon *daemon)
{
    struct ft_parked *parked;
again:
    TAILQ_FOREACH(parked, &daemon->parked, link) {
        if (parked->spent) {
            ft_parked_end(parked, "a run has used it up");
            goto again; /* others may have ended with it */
        }
    }
}

void ft_snapshot_make_next(struct ft_daemon *daemon)
{
    struct ft_known *known;
    struct ft_parked *parked;
    if (daemon->watch.changed)
        compare_all(daemon);
    while (ft_snapshot_is_time(daemon)) {
        if ((known = last_wish(daemon)) != NULL)
            make(known);
        else if ((parked = next_to_compare(daemon)) != NULL)
            compare(parked);
        else {
            end_spent(daemon);
            break;
        }
    }
    ft_listen_soon(daemon);
}

/* ---- what it says ---- */

int ft_snapshot_begun(struct ft_parked *parked, const struct ft_message_view *message)
{
    bool expected = parked->kind.at != NULL && parked->pid == 0;
    return expected ? ft_said_pid(message, &parked->pid) : -EBADMSG;
}

/* What it has read, and whether runs can come from it. */
static int learn(struct ft_parked *parked, const struct ft_said_collected *said)
{
    int err = ft_texts_copy(&parked->reads, &said->reads);
    if (err == 0)
        err = ft_texts_copy(&parked->options, &said->options);
    if (err < 0)
        return err;
    ft_text_fit(parked->stale, sizeof parked->stale, said->unfit);
    ft_text_fit(parked->once, sizeof parked->once, said->once);
    parked->exact = said->exact;
    parked->until = said->until;
    return ft_checkpoint_take_inputs(parked, said);
}

/* Whether it is the whole project's, which such runs select within. */
static bool is_whole(const struct ft_parked *snapshot, const struct ft_known *known)
{
    return known->whole_kind.len > 0 && ft_text_equal(known->whole_kind, snapshot->kind);
}

bool ft_snapshot_is_of(const struct ft_parked *snapshot, const struct ft_known *known)
{
    return ft_text_equal(known->kind, snapshot->kind) || is_whole(snapshot, known);
}

struct ft_known *ft_snapshot_made_for(const struct ft_parked *snapshot)
{
    struct ft_known *known;
    const struct ft_texts *args = &snapshot->asked.request.args;
    TAILQ_FOREACH(known, &snapshot->daemon->known, link) {
        if (!ft_parked_is_of(snapshot, known->base) || !ft_snapshot_is_of(snapshot, known))
            continue;
        if (ft_texts_equal(is_whole(snapshot, known) ? &known->whole : &known->about.request.args, args))
            return known;
    }
    return NULL;
}

/* Those that wait for it hear that it is out of date already. */
static void tell_runs(struct ft_parked *outrun)
{
    char why[sizeof outrun->stale];
    snprintf(why, sizeof why, "%.230s changed meanwhile",
             ft_inputs_path(&outrun->inputs, &outrun->inputs.items[outrun->outrun]));
    ft_waiting_outrun(outrun, why);
}

int ft_snapshot_collected(struct ft_parked *parked, const struct ft_message_view *message)
{
    struct ft_said_collected said;
    struct ft_daemon *daemon = parked->daemon;
    bool expected = parked->kind.at != NULL && parked->pid > 0 && parked->state == FT_PARKED_STARTING;
    int err = expected ? ft_said_collected(message, &said) : -EBADMSG;
    if (err < 0)
        return err;
    err = learn(parked, &said);
    ft_said_collected_release(&said);
    if (err < 0)
        return err;
    parked->compared = parked->outrun == SIZE_MAX;
    ft_watch_folders(parked);
    struct ft_known *known = ft_snapshot_made_for(parked);
    if (parked->stale[0] == '\0') {
        parked->state = FT_PARKED_READY;
        if (known != NULL && parked->place[0] == '\0') /* all of it */
            *(is_whole(parked, known) ? &known->whole_took : &known->took) = uv_now(&daemon->loop) - parked->begun;
        ft_log("snapshot %d is ready: %zu inputs, %zu variables", (int)parked->pid, parked->inputs.count,
               parked->reads.count);
        if (parked->once[0] != '\0')
            ft_log("snapshot %d serves one run only: %s", (int)parked->pid, parked->once);
        if (parked->outrun != SIZE_MAX)
            tell_runs(parked);
        ft_waiting_let_choose(parked);
        ft_memory_keep_within(daemon);
    } else if (parked->outrun != SIZE_MAX) { /* another one may do better */
        if (known != NULL && known->attempts < ATTEMPTS)
            wish(known, &parked->asked);
        ft_parked_end(parked, parked->stale);
    } else
        ft_parked_lay_off(parked);
    ft_snapshot_make_next(daemon);
    return 0;
}

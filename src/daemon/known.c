#include "daemon/known.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/environ.h"
#include "daemon/log.h"
#include "daemon/run.h"
#include "daemon/said.h"
#include "daemon/snapshot.h"

/* Command lines that are remembered; how often a run may be sent from one process to another. */
enum { KEPT = 200, CHOICES = 6 };

/* ---- one of them ---- */

static void forget(struct ft_daemon *daemon, struct ft_known *known)
{
    TAILQ_REMOVE(&daemon->known, known, link);
    daemon->known_count--;
    ft_request_drop(&known->about);
    ft_texts_release(&known->reads);
    ft_inputs_release(&known->inputs);
    ft_text_release(&known->plugins);
    ft_text_release(&known->kind);
    ft_text_release(&known->label);
    ft_texts_release(&known->choices);
    ft_text_release(&known->whole_kind);
    ft_texts_release(&known->whole);
    ft_text_release(&known->narrow);
    ft_request_drop(&known->wish);
    free(known);
}

/* Have another text, unless `err` is negative already, which is then returned. */
static int replace(int err, struct ft_text *text, struct ft_text by)
{
    if (err < 0)
        return err;
    ft_text_release(text);
    return ft_text_copy(text, by);
}

/* Likewise other texts. */
static int replace_all(int err, struct ft_texts *texts, const struct ft_texts *by)
{
    if (err < 0)
        return err;
    ft_texts_release(texts);
    return ft_texts_copy(texts, by);
}

/* The one that was not used for longest makes room. */
static void make_room(struct ft_daemon *daemon)
{
    struct ft_known *known, *oldest = NULL;
    if (daemon->known_count < KEPT)
        return;
    TAILQ_FOREACH(known, &daemon->known, link)
        if (known->asked == NULL && (oldest == NULL || known->used < oldest->used))
            oldest = known;
    if (oldest != NULL)
        forget(daemon, oldest);
}

static struct ft_known *remember(struct ft_parked *base, const struct ft_kept_request *about)
{
    struct ft_text anything = ft_text_of("*");
    struct ft_texts all = {&anything, 1};
    struct ft_known *known = calloc(1, sizeof *known);
    if (known == NULL)
        return NULL;
    known->base = base;
    int err = ft_request_keep(&known->about, ft_buf_head(&about->payload), about->payload.len);
    if (err == 0)
        err = ft_texts_copy(&known->reads, &all);
    make_room(base->daemon); /* `about` may be what goes */
    TAILQ_INSERT_TAIL(&base->daemon->known, known, link);
    base->daemon->known_count++;
    if (err == 0)
        return known;
    forget(base->daemon, known);
    return NULL;
}

static bool is_about(const struct ft_known *known, const struct ft_request *request)
{
    struct ft_text name;
    const struct ft_request *about = &known->about.request;
    return about->umask == request->umask && ft_text_equal(about->folder, request->folder) &&
           ft_text_equal(about->command, request->command) && ft_texts_equal(&about->args, &request->args) &&
           !ft_environ_differs(&about->environ, &request->environ, &known->reads, &name);
}

static struct ft_known *find(struct ft_parked *base, const struct ft_request *request)
{
    struct ft_known *known, *next;
    for (known = TAILQ_FIRST(&base->daemon->known); known != NULL; known = next) {
        next = TAILQ_NEXT(known, link);
        if (known->base != base || !is_about(known, request))
            continue;
        if (known->asked != NULL || ft_inputs_changed(&known->inputs, known->since) == NULL)
            return known;
        forget(base->daemon, known);
    }
    return NULL;
}

/* ---- choosing ---- */

/*
 * Have somebody find out, or import the plugins again, with the environment of a request.  Returns the process, or the
 * base if there can be none.
 */
static struct ft_parked *ask(struct ft_known *known, const struct ft_kept_request *request)
{
    struct ft_parked *base = known->base;
    known->asked = ft_parked_prepare(base, request);
    if (known->asked == NULL) {
        forget(base->daemon, known);
        return base;
    }
    known->since = known->asked->since;
    return known->asked;
}

struct ft_parked *ft_known_choose(struct ft_parked *base, struct ft_run *run, char *why, size_t size)
{
    why[0] = '\0';
    if (run->choices == CHOICES) { /* what they depend on changes while they are imported, for example */
        snprintf(why, size, "plugins imported anew: no process with them is to be had");
        return base;
    }
    struct ft_known *known = find(base, &run->asked.request);
    bool is_new = known == NULL;
    if (is_new)
        known = remember(base, &run->asked);
    if (known == NULL)
        return base;
    known->used = uv_now(&base->daemon->loop);
    known->runs += run->choices == 0;
    run->choices++;
    ft_snapshot_wish(known, run);
    if (known->asked != NULL)
        return known->asked;
    if (is_new)
        return ask(known, &run->asked);
    ft_snapshot_may_be_wide(known, run);
    struct ft_parked *parked = base;
    if (known->plugins.len > 0)
        parked = ft_parked_find_plugins(base, known->plugins, &run->asked.request);
    if (parked == NULL)
        return ask(known, &run->asked);
    if (parked->state == FT_PARKED_UNFIT) {
        snprintf(why, size, "plugins imported anew: %s", parked->stale);
        return base;
    }
    struct ft_parked *snapshot = NULL;
    if (parked->state == FT_PARKED_READY && known->kind.len > 0)
        snapshot = ft_snapshot_choose(known, parked, run, why, size);
    return snapshot != NULL ? snapshot : parked;
}

/* ---- finding out ---- */

/* A command line is known now. */
static int learn(struct ft_known *known, const struct ft_said_configured *said)
{
    int err = replace(0, &known->plugins, said->plugins);
    err = replace(err, &known->kind, said->kind);
    err = replace(err, &known->label, said->label);
    err = replace(err, &known->whole_kind, said->whole_kind);
    err = replace(err, &known->narrow, said->narrow);
    err = replace_all(err, &known->reads, &said->reads);
    err = replace_all(err, &known->choices, &said->choices);
    err = replace_all(err, &known->whole, &said->whole);
    ft_inputs_release(&known->inputs);
    known->inputs.heard = known->base->daemon->heard;
    err = ft_inputs_add_all(err, &known->inputs, FT_INPUT_PRESENCE, &said->paths);
    return ft_inputs_add_all(err, &known->inputs, FT_INPUT_FILE, &said->files);
}

/* Whether somebody else has imported these plugins, or is about to. */
static bool is_superfluous(const struct ft_parked *parked, struct ft_text plugins)
{
    struct ft_text name;
    const struct ft_parked *other;
    const struct ft_texts *environ = &parked->asked.request.environ;
    TAILQ_FOREACH(other, &parked->daemon->parked, link) {
        if (other == parked || other->base != parked->base || !ft_text_equal(other->plugins, plugins))
            continue;
        bool same = other->state == FT_PARKED_STARTING /* what it reads is not known yet */
                        ? ft_texts_equal(&other->asked.request.environ, environ)
                        : !ft_environ_differs(&other->asked.request.environ, environ, &other->reads, &name);
        if (same)
            return true;
    }
    return false;
}

int ft_known_configured(struct ft_parked *parked, const struct ft_message_view *message)
{
    struct ft_known *known;
    struct ft_said_configured said;
    TAILQ_FOREACH(known, &parked->daemon->known, link)
        if (known->asked == parked)
            break;
    int err = known != NULL ? ft_said_configured(message, &said) : -EBADMSG;
    if (err < 0) /* with the process goes what it was to find out */
        return err;
    parked->pid = said.pid;
    err = learn(known, &said);
    ft_said_configured_release(&said);
    known->asked = NULL;
    if (err < 0) {
        forget(parked->daemon, known);
        return err;
    }
    if (known->plugins.len == 0 || is_superfluous(parked, known->plugins)) {
        ft_parked_send_back(parked);
        return 0;
    }
    ft_log("parked process %d imports plugins for %s", (int)parked->pid, known->label.at);
    ft_parked_import(parked, known->plugins);
    return 0;
}

/* The command line that was used last of those whose plugins a process has imported. */
static struct ft_known *latest_for(const struct ft_parked *parked)
{
    struct ft_known *known, *latest = NULL;
    TAILQ_FOREACH(known, &parked->daemon->known, link)
        if (known->base == parked->base && known->asked == NULL && ft_text_equal(known->plugins, parked->plugins) &&
            (latest == NULL || known->used > latest->used))
            latest = known;
    return latest;
}

/* Have the successor find out about a command line, too.  Returns what it will know; NULL: there is no memory. */
static struct ft_known *hand_on(const struct ft_known *known, struct ft_parked *successor)
{
    uint64_t used = known->used;
    uint32_t runs = known->runs;
    struct ft_known *again = find(successor, &known->about.request);
    if (again != NULL) /* for another process of the same command line */
        return again;
    again = remember(successor, &known->about);
    if (again == NULL)
        return NULL;
    again->used = used;
    again->runs = runs;
    return ask(again, &again->about) == successor ? NULL : again;
}

void ft_known_hand_on(struct ft_parked *base, struct ft_parked *successor)
{
    struct ft_parked *parked, *next;
    for (parked = TAILQ_FIRST(&base->daemon->parked); parked != NULL; parked = next) {
        next = TAILQ_NEXT(parked, link);
        if (parked->state != FT_PARKED_READY || !ft_parked_is_of(parked, base))
            continue;
        const struct ft_known *known = NULL;
        if (parked->checkpoint)
            continue;
        if (parked->kind.at != NULL)
            known = ft_snapshot_made_for(parked);
        else if (parked->base == base)
            known = latest_for(parked);
        struct ft_known *again = known != NULL ? hand_on(known, successor) : NULL;
        if (again != NULL && parked->kind.at != NULL)
            ft_snapshot_wish_another(again, parked);
    }
}

void ft_known_parked_ends(struct ft_parked *parked)
{
    struct ft_known *known, *next;
    for (known = TAILQ_FIRST(&parked->daemon->known); known != NULL; known = next) {
        next = TAILQ_NEXT(known, link);
        if (known->base == parked || known->asked == parked)
            forget(parked->daemon, known);
    }
}

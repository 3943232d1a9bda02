/*
 * What parked processes say: the payload of each message as a struct, see docs/protocol.md.  Pure: nothing is done
 * about it here.
 *
 * The readers return 0, -ENOMEM, or -EBADMSG for what no parked process would say; then there is nothing to release.
 * Texts point into the payload.  Those that are shown to people may hold anything: see ft_text_fit().
 */
#ifndef FT_DAEMON_SAID_H
#define FT_DAEMON_SAID_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"
#include "prep/inputs.h"
#include "wire/frame.h"

/* How many checkpoints a snapshot parks at most. */
enum { FT_SAID_COUNTS = 64 };

/* READY: what it has read. */
struct ft_said_ready {
    struct ft_texts files;
    struct ft_texts installed; /* folders of installed modules */
    struct ft_texts folders;   /* other ones */
    struct ft_texts reads;     /* names of variables */
    struct ft_text unfit;      /* why it cannot be used; empty: it can */
};

int ft_said_ready(const struct ft_message_view *message, struct ft_said_ready *said);

void ft_said_ready_release(struct ft_said_ready *said);

/* STARTED: what has become of the order to fork a controller. */
struct ft_said_started {
    uint32_t number; /* of the run */
    pid_t pid;       /* or a negative errno */
};

int ft_said_started(const struct ft_message_view *message, struct ft_said_started *said);

/* DECLINED: the same, where it selects within what is collected, and that cannot be done. */
struct ft_said_declined {
    uint32_t number; /* of the run */
    struct ft_text why;
};

int ft_said_declined(const struct ft_message_view *message, struct ft_said_declined *said);

/* CHILD_ENDED */
struct ft_said_ended {
    pid_t pid;
    int status; /* as of waitpid */
};

int ft_said_ended(const struct ft_message_view *message, struct ft_said_ended *said);

/* CONFIGURED: what pytest makes of a command line; see struct ft_known. */
struct ft_said_configured {
    pid_t pid; /* of the process that says so */
    struct ft_text plugins, kind, label;
    struct ft_texts paths; /* that it looked for */
    struct ft_texts files; /* that it read */
    struct ft_texts reads; /* names of variables */
    struct ft_texts choices;
    struct ft_text whole_kind;
    struct ft_texts whole;
    struct ft_text narrow;
};

int ft_said_configured(const struct ft_message_view *message, struct ft_said_configured *said);

void ft_said_configured_release(struct ft_said_configured *said);

/* BEGUN and STANDS_BY: a pid and nothing else. */
int ft_said_pid(const struct ft_message_view *message, pid_t *pid);

/* CHECKPOINT: it has parked itself. */
struct ft_said_checkpoint {
    pid_t stays;   /* the checkpoint */
    pid_t goes_on; /* its child, from here on by this socket */
    struct ft_text place;
};

int ft_said_checkpoint(const struct ft_message_view *message, struct ft_said_checkpoint *said);

/* SNAPSHOT: it has collected, or given up. */
struct ft_said_collected {
    struct ft_inputs inputs;         /* since the checkpoint that it has come from */
    uint64_t counts[FT_SAID_COUNTS]; /* how many of these each checkpoint has that it has parked itself, ascending */
    size_t count;
    struct ft_texts reads;   /* names of variables */
    struct ft_texts options; /* names of those that were read */
    bool exact;              /* it is good for the same arguments only */
    int64_t until;           /* and until then, in ns since 1970; 0: for ever */
    struct ft_text unfit;    /* why no run can come from it; empty: they can */
    int64_t unchanged;       /* how many inputs come before the first that was changed after it was read; -1: that
                                was before the checkpoint */
    struct ft_text once;     /* why only one run can come from it; empty: all can */
};

int ft_said_collected(const struct ft_message_view *message, struct ft_said_collected *said);

void ft_said_collected_release(struct ft_said_collected *said);

#endif

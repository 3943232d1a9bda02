/*
 * What is known of command lines: which plugins their sessions import, and which configuration they have.
 *
 * pytest's own code finds that out, in a process that is forked for it: see preparing.py.  It holds for the same
 * arguments in the same folder as long as the files that were looked at on the way, and the variables that were read,
 * are the same.
 */
#ifndef FT_DAEMON_KNOWN_H
#define FT_DAEMON_KNOWN_H

#include "daemon/parked.h"

struct ft_known {
    TAILQ_ENTRY(ft_known) link;
    struct ft_parked *base;     /* whose pytest said so */
    struct ft_parked *asked;    /* the process that finds it out; NULL: it is known, or nobody is left to say */
    struct ft_kept_request about;
    struct ft_texts reads;      /* names of variables */
    struct ft_inputs inputs;
    int64_t since;              /* when somebody began to find out, as of ft_parked */
    struct ft_text plugins;     /* the same for all that import the same ones in the same way; empty: none */
    struct ft_text kind;        /* the same for all of the same configuration; empty: it has errors */
    struct ft_texts choices;    /* options that are no part of it, as NAME=VALUE */
    struct ft_text whole_kind;  /* with --wide: the configuration of the whole project; empty: runs are not wide */
    struct ft_texts whole;      /* the command line that has it */
    struct ft_text narrow;      /* why they are not; empty: they need not be */
    struct ft_text label;       /* of the configuration, for people; empty: not known yet, or it has errors */
    uint64_t used;              /* in ms of the loop's clock */
    uint32_t runs;
    bool wished;                /* a snapshot, for what `wish` asks */
    struct ft_kept_request wish;
    uint32_t attempts;          /* to make one */
    uint32_t ahead;             /* how many were made after a save since the last run */
    uint64_t took;              /* how long the last one was made, in ms; 0: it was not, or from a checkpoint */
    uint64_t whole_took;        /* likewise the whole project's */
};

/*
 * The parked process that a run should come from, of `base`, which is ready, and those that were forked off it: one
 * that has imported its plugins, or is about to find out which these are.  That is still starting then.  Where
 * plugins cannot be imported ahead it is `base`, and `why` says why, if there are any.
 */
struct ft_parked *ft_known_choose(struct ft_parked *base, struct ft_run *run, char *why, size_t size);

/* A process that was forked to find out has said what it has found.  Returns 0 or -EBADMSG. */
int ft_known_configured(struct ft_parked *parked, const struct ft_message_view *message);

/* The plugins of what was asked for last are to be imported in the successor of `base`, too, and its snapshots made. */
void ft_known_hand_on(struct ft_parked *base, struct ft_parked *successor);

/* A parked process ends: what it knows, or was about to find out, is forgotten. */
void ft_known_parked_ends(struct ft_parked *parked);

#endif

/* Any of the messages that parked processes send: what the tests and the fuzzer of daemon/said share. */
#ifndef FT_TESTS_ANY_SAID_H
#define FT_TESTS_ANY_SAID_H

#include "daemon/said.h"

enum message { READY, STARTED, DECLINED, ENDED, CONFIGURED, ONLY_PID, CHECKPOINT, COLLECTED, MESSAGES };

/* What any of them fills, and what is to be released of it. */
union said {
    struct ft_said_ready ready;
    struct ft_said_started started;
    struct ft_said_declined declined;
    struct ft_said_ended ended;
    struct ft_said_configured configured;
    pid_t pid;
    struct ft_said_checkpoint checkpoint;
    struct ft_said_collected collected;
};

static inline int read_said(enum message message, const struct ft_message_view *view, union said *said)
{
    switch (message) {
    case READY:
        return ft_said_ready(view, &said->ready);
    case STARTED:
        return ft_said_started(view, &said->started);
    case DECLINED:
        return ft_said_declined(view, &said->declined);
    case ENDED:
        return ft_said_ended(view, &said->ended);
    case CONFIGURED:
        return ft_said_configured(view, &said->configured);
    case ONLY_PID:
        return ft_said_pid(view, &said->pid);
    case CHECKPOINT:
        return ft_said_checkpoint(view, &said->checkpoint);
    default:
        return ft_said_collected(view, &said->collected);
    }
}

static inline void release_said(enum message message, union said *said)
{
    if (message == READY)
        ft_said_ready_release(&said->ready);
    else if (message == CONFIGURED)
        ft_said_configured_release(&said->configured);
    else if (message == COLLECTED)
        ft_said_collected_release(&said->collected);
}

#endif

/*
 * What a worker sent and the session has yet to be told, in order.  The engine reads ahead of a session whose hooks
 * are slow, up to FT_INBOX_FULL bytes; beyond that it stops reading and the worker blocks.
 */
#ifndef FT_ENGINE_INBOX_H
#define FT_ENGINE_INBOX_H

#include <stddef.h>
#include <stdint.h>

#define FT_INBOX_FULL (4u * 1024u * 1024u)

enum ft_note_kind {
    FT_NOTE_MESSAGE, /* a message of the protocol */
    FT_NOTE_STDOUT,  /* bytes of an output pipe */
    FT_NOTE_STDERR,
    FT_NOTE_STOPPED, /* the kernel stopped it, as it read from the terminal in the background */
    FT_NOTE_GONE,    /* the process has ended; always the last */
};

struct ft_note {
    struct ft_note *next;
    enum ft_note_kind kind;
    uint8_t type; /* of FT_NOTE_MESSAGE */
    size_t len;
    uint8_t bytes[];
};

struct ft_inbox {
    struct ft_note *first;
    struct ft_note *last;
    size_t bytes; /* of memory that the notes take */
};

#define FT_INBOX_INIT {NULL, NULL, 0}

/* Append a copy.  Returns 0 or -ENOMEM. */
int ft_inbox_put(struct ft_inbox *inbox, enum ft_note_kind kind, uint8_t type, const void *bytes, size_t len);

/* Take the oldest note, or NULL; the caller frees it. */
struct ft_note *ft_inbox_take(struct ft_inbox *inbox);

void ft_inbox_release(struct ft_inbox *inbox);

#endif

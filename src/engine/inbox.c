#include "engine/inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ft_inbox_put(struct ft_inbox *inbox, enum ft_note_kind kind, uint8_t type, const void *bytes, size_t len)
{
    struct ft_note *note = malloc(sizeof *note + len);
    if (note == NULL)
        return -ENOMEM;
    *note = (struct ft_note){.next = NULL, .kind = kind, .type = type, .len = len};
    if (len > 0)
        memcpy(note->bytes, bytes, len);
    if (inbox->last == NULL)
        inbox->first = note;
    else
        inbox->last->next = note;
    inbox->last = note;
    inbox->bytes += sizeof *note + len;
    return 0;
}

struct ft_note *ft_inbox_take(struct ft_inbox *inbox)
{
    struct ft_note *note = inbox->first;
    if (note == NULL)
        return NULL;
    inbox->first = note->next;
    if (inbox->first == NULL)
        inbox->last = NULL;
    inbox->bytes -= sizeof *note + note->len;
    return note;
}

void ft_inbox_release(struct ft_inbox *inbox)
{
    struct ft_note *note;
    while ((note = ft_inbox_take(inbox)) != NULL)
        free(note);
}

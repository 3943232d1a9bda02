#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ft_text ft_text_of(const char *text)
{
    return (struct ft_text){text, strlen(text)};
}

bool ft_text_equal(struct ft_text left, struct ft_text right)
{
    return left.len == right.len && (left.len == 0 || memcmp(left.at, right.at, left.len) == 0);
}

int ft_texts_copy(struct ft_texts *to, const struct ft_texts *from)
{
    size_t size = from->count * sizeof *from->items;
    for (size_t i = 0; i < from->count; i++)
        size += from->items[i].len;
    *to = (struct ft_texts){malloc(size + 1), from->count};
    if (to->items == NULL)
        return -ENOMEM;
    char *at = (char *)(to->items + from->count);
    for (size_t i = 0; i < from->count; i++) {
        to->items[i] = (struct ft_text){at, from->items[i].len};
        if (from->items[i].len > 0)
            memcpy(at, from->items[i].at, from->items[i].len);
        at += from->items[i].len;
    }
    return 0;
}

void ft_texts_release(struct ft_texts *texts)
{
    free(texts->items);
    *texts = (struct ft_texts){NULL, 0};
}

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

bool ft_texts_equal(const struct ft_texts *left, const struct ft_texts *right)
{
    if (left->count != right->count)
        return false;
    for (size_t i = 0; i < left->count; i++)
        if (!ft_text_equal(left->items[i], right->items[i]))
            return false;
    return true;
}

int ft_text_copy(struct ft_text *to, struct ft_text from)
{
    char *copy = malloc(from.len + 1);
    if (copy == NULL)
        return -ENOMEM;
    if (from.len > 0)
        memcpy(copy, from.at, from.len);
    copy[from.len] = '\0';
    *to = (struct ft_text){copy, from.len};
    return 0;
}

void ft_text_release(struct ft_text *copy)
{
    free((char *)(size_t)copy->at);
    *copy = (struct ft_text){NULL, 0};
}

/* How many bytes the character has that begins here; 0: it is none. */
static size_t character(const unsigned char *at)
{
    size_t len = 0;
    if (at[0] < 0x80)
        len = 1;
    else if (at[0] >= 0xc2 && at[0] < 0xe0)
        len = 2;
    else if (at[0] >= 0xe0 && at[0] < 0xf0)
        len = 3;
    else if (at[0] >= 0xf0 && at[0] < 0xf5)
        len = 4;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80) /* nor is the NUL at the end */
            return 0;
    if (len == 3 && ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0)))
        return 0;
    return len == 4 && ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90)) ? 0 : len;
}

void ft_text_make_utf8(char *text)
{
    while (*text != '\0') {
        size_t len = character((const unsigned char *)text);
        if (len == 0)
            *text = '?';
        text += len == 0 ? 1 : len;
    }
}

void ft_text_fit(char *to, size_t size, struct ft_text text)
{
    size_t len = text.len < size ? text.len : size - 1;
    for (size_t i = 0; i < len; i++)
        to[i] = text.at[i] == '\0' ? '?' : text.at[i];
    to[len] = '\0';
    ft_text_make_utf8(to);
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

/* Texts that are not C strings: bytes with a length, and lists of them. */
#ifndef FT_BASE_TEXT_H
#define FT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct ft_text {
    const char *at;
    size_t len;
};

struct ft_texts {
    struct ft_text *items;
    size_t count;
};

struct ft_text ft_text_of(const char *text);

bool ft_text_equal(struct ft_text left, struct ft_text right);
bool ft_texts_equal(const struct ft_texts *left, const struct ft_texts *right);

/* Put a question mark for each byte of a C string that is not part of a UTF-8 character, as after a cut. */
void ft_text_make_utf8(char *text);

/* Make a C string of UTF-8 of as much of a text as fits, to be shown; a NUL in it is a question mark, too. */
void ft_text_fit(char *to, size_t size, struct ft_text text);

/* Copy the text into memory of its own, with a NUL behind it.  Returns 0 or -ENOMEM. */
int ft_text_copy(struct ft_text *to, struct ft_text from);

/* Free the memory of a copy. */
void ft_text_release(struct ft_text *copy);

/* Copy the list and what its texts point to into one piece of memory.  Returns 0 or -ENOMEM. */
int ft_texts_copy(struct ft_texts *to, const struct ft_texts *from);

/* Free the list, and with it the texts of a copy. */
void ft_texts_release(struct ft_texts *texts);

#endif

/*
 * Hearing of changes of installed packages, so that a run does not have to look at each of their files.  Only what
 * nobody changes without the kernel telling is left to that: files of one name, on a file system of this machine, below
 * folders that are no links.  Not told is what a process writes to memory that it has mapped from such a file, until it
 * lets go of it, and what is written by way of another name that was given to a file later.
 */
#ifndef FT_PREP_HEARD_H
#define FT_PREP_HEARD_H

#include <stdbool.h>
#include <stdint.h>

struct ft_heard;

/* Returns NULL where nothing can be heard. */
struct ft_heard *ft_heard_new(void);

void ft_heard_free(struct ft_heard *heard);

/* Whether a path is of installed packages, or of Python itself, by its name. */
bool ft_heard_is_installed(const char *path);

/*
 * Have changes of what is there, or may come there, heard of from now on.  Returns the number of the folder in which
 * they are heard; 0: they have to be looked for.
 */
uint32_t ft_heard_listen(struct ft_heard *heard, const char *path);

/*
 * Take note of what was heard by now.  Returns a moment: what is looked at after that, and is not in a folder where
 * something is heard of later, need not be looked at again.
 */
uint32_t ft_heard_update(struct ft_heard *heard);

/* Whether nothing was heard from this folder since a moment; it may be none any more. */
bool ft_heard_nothing(const struct ft_heard *heard, uint32_t folder, uint32_t since);

#endif

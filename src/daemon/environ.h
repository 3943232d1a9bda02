/*
 * The variables that a parked process has seen: those that the C library and the interpreter look at before anybody can
 * watch, and those that its modules have read.  Pure.
 */
#ifndef FT_DAEMON_ENVIRON_H
#define FT_DAEMON_ENVIRON_H

#include "base/text.h"

/*
 * Find a variable whose value the process has seen and that is now another, or is set in only one of the two
 * environments (lists of NAME=VALUE).  `reads`: names of those that modules have read; `*` stands for all but those
 * that are a terminal's or a shell's own.  Returns whether there is one, and its name, which points into one of the
 * lists.
 */
bool ft_environ_differs(const struct ft_texts *was, const struct ft_texts *is, const struct ft_texts *reads,
                        struct ft_text *name);

/* Whether PYTHONHASHSEED fixes the seed of hashes. */
bool ft_environ_has_hash_seed(const struct ft_texts *environ);

/* Whether PYTHONPATH has elements that depend on the current folder. */
bool ft_environ_needs_folder(const struct ft_texts *environ);

#endif

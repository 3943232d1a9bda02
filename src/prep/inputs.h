/*
 * The files that a process has read on its way, and what tells that one is no longer the same.
 *
 * A path that does not exist is an input too.
 */
#ifndef FT_PREP_INPUTS_H
#define FT_PREP_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

enum ft_input_kind {
    FT_INPUT_PRESENCE,  /* whether there is a file, or a folder */
    FT_INPUT_FILE,      /* its status, which tells of the content; of a folder only which one it is */
    FT_INPUT_NAMES,     /* a folder: the names in it, but for that of byte code's folder, which an import makes */
    FT_INPUT_INSTALLED, /* likewise, and that nothing under these names was replaced */
};

struct ft_input {
    enum ft_input_kind kind;
    size_t path; /* where it begins in `paths` */
    bool exists;
    bool checked; /* a folder: that nothing in it is younger than it may be */
    uint32_t mode;
    uint64_t device, inode;
    uint64_t content; /* size of a file, or what the names in a folder amount to */
    int64_t modified, changed; /* ns since 1970 */
};

struct ft_inputs {
    struct ft_buf paths; /* each with a NUL behind it */
    struct ft_input *items;
    size_t count, cap;
};

#define FT_INPUTS_INIT {FT_BUF_INIT, NULL, 0, 0}

/* Add a path, as it is now.  Returns 0 or -ENOMEM. */
int ft_inputs_add(struct ft_inputs *inputs, enum ft_input_kind kind, const char *path, size_t len);

/* Add several, unless `err` is negative already, which is then returned. */
int ft_inputs_add_all(int err, struct ft_inputs *inputs, enum ft_input_kind kind, const struct ft_texts *paths);

/*
 * The first that is not as it was when it was added, or that was changed after `since` (ns since 1970), when it may
 * have been read before it was added; NULL: there is none.  Valid until the next addition.  What is not noticed is a
 * name that was taken out of a folder between `since` and the addition.
 */
const char *ft_inputs_changed(struct ft_inputs *inputs, int64_t since);

void ft_inputs_release(struct ft_inputs *inputs);

#endif

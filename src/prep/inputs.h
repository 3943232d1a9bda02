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
#include "prep/filestat.h"
#include "prep/heard.h"
#include "wire/msgpack.h"

/*
 * What of a path counts.  The first four are told apart by status, and by `since` when they are checked; the others as
 * closely as somebody could tell who has looked, and by `since` when they are taken.  Links are followed unless it says
 * otherwise.  Kinds travel: no number ever gets another meaning.
 */
enum ft_input_kind {
    FT_INPUT_PRESENCE = 1,   /* whether there is a file, or a folder */
    FT_INPUT_FILE = 2,       /* its status, which tells of the content; of a folder only which one it is */
    FT_INPUT_NAMES = 3,      /* a folder: the names in it, but for that of byte code's folder, which an import makes */
    FT_INPUT_INSTALLED = 4,  /* likewise, and that nothing under these names was replaced */
    FT_INPUT_CONTENT = 5,    /* what it holds, its type and permissions; of a folder only that it is one */
    FT_INPUT_STATUS = 6,     /* all that stat() says but the time of the last access */
    FT_INPUT_LINK = 7,       /* what is there, the last link not followed: its type, and where a link goes */
    FT_INPUT_LSTATUS = 8,    /* likewise, and its status */
    FT_INPUT_MODULES = 9,    /* a folder: the names that importlib could take for modules */
    FT_INPUT_TESTS = 10,     /* a folder: the names that pytest would look at */
    FT_INPUT_ALL_NAMES = 11, /* a folder: all names but those that test tools make */
    FT_INPUT_ORDER = 12,     /* likewise, in the order in which they are listed */
};

struct ft_input {
    enum ft_input_kind kind;
    size_t path;  /* where it begins in `paths` */
    bool settled; /* if the status is the same nothing else can be another */
    uint32_t folder;  /* in which each change of it is heard; 0: it has to be looked at */
    uint32_t checked; /* when it was looked at last, as ft_heard_update() has told */
    struct ft_filestat status;
    uint64_t content; /* as one number: what a file holds, where a link goes, the names in a folder */
};

struct ft_inputs {
    struct ft_buf paths; /* each with a NUL behind it */
    struct ft_input *items;
    size_t count, cap;
    size_t listened; /* how many were asked to be heard of, if they are such */
    struct ft_heard *heard; /* of all inputs whose items are copied here; NULL: all have to be looked at */
};

#define FT_INPUTS_INIT {FT_BUF_INIT, NULL, 0, 0, 0, NULL}

bool ft_input_is_kind(uint64_t number);

const char *ft_inputs_path(const struct ft_inputs *inputs, const struct ft_input *input);

/* Add a path, as it is now.  Returns 0 or -ENOMEM. */
int ft_inputs_add(struct ft_inputs *inputs, enum ft_input_kind kind, const char *path, size_t len);

/* Add several, unless `err` is negative already, which is then returned. */
int ft_inputs_add_all(int err, struct ft_inputs *inputs, enum ft_input_kind kind, const struct ft_texts *paths);

/* When somebody looked at a path: after `since`, by ft_file_clock(); what was there but owners; NULL: nobody knows. */
struct ft_sight {
    int64_t since;
    const struct ft_filestat *seen;
};

/*
 * Add a path that somebody has looked at, as it is now.  `changed`: it may have been changed between, so that what was
 * seen may be older than what is described; never so for FILE, NAMES and INSTALLED.  If it is not known what was there,
 * what is not noticed is what was removed, and a name that was taken out of a folder where a tool has made something
 * too.  Returns 0 or -ENOMEM.
 */
int ft_inputs_take(struct ft_inputs *inputs, enum ft_input_kind kind, const char *path, size_t len,
                   const struct ft_sight *sight, bool *changed);

/* Add an input that has been described before; its place in `paths` does not count.  Returns 0 or -ENOMEM. */
int ft_inputs_append(struct ft_inputs *inputs, const struct ft_input *input, const char *path, size_t len);

/* Add the first of those that were described before.  Returns 0 or -ENOMEM. */
int ft_inputs_append_first(struct ft_inputs *inputs, const struct ft_inputs *others, size_t count);

/*
 * The first that is not as it was when it was added, or, of the kinds FILE, NAMES and INSTALLED, that was changed after
 * `since`, by ft_file_clock(), when it may have been read before it was added; NULL: there is none.  Valid until the
 * next addition.  What is not noticed is a name that was taken out of a folder between `since` and the addition.
 */
const char *ft_inputs_changed(struct ft_inputs *inputs, int64_t since);

/* Its number; SIZE_MAX: there is none. */
size_t ft_inputs_first_changed(struct ft_inputs *inputs, int64_t since);

/*
 * Have changes heard of, where that can be done, among so many inputs more; `heard` has to be there.  `since` as for
 * ft_inputs_changed().
 */
void ft_inputs_listen(struct ft_inputs *inputs, size_t most, int64_t since);

/* Append them as one msgpack value, see docs/protocol.md.  Returns 0 or -ENOMEM. */
int ft_inputs_write(struct ft_buf *out, const struct ft_inputs *inputs);

/* Read that value and add what is in it, a part of it after an error.  Returns 0, -EBADMSG or -ENOMEM. */
int ft_inputs_read(struct ft_inputs *inputs, struct ft_mp_reader *reader);

void ft_inputs_release(struct ft_inputs *inputs);

#endif

/* The names in a folder, as far as they count for somebody. */
#ifndef FT_PREP_LISTING_H
#define FT_PREP_LISTING_H

#include <stdbool.h>
#include <stdint.h>

/* What a name counts as; another number makes another listing. */
enum ft_listed {
    FT_LISTED_NOT,    /* it does not count */
    FT_LISTED_NAME,   /* whatever it is */
    FT_LISTED_FILE,
    FT_LISTED_FOLDER,
    FT_LISTED_EITHER,  /* a link, or the folder does not say */
    FT_LISTED_SPECIAL, /* a device, pipe or socket */
};

/* What a name counts as; `type` is that of readdir. */
typedef enum ft_listed ft_counts(const char *name, unsigned char type);

/* All but byte code's folder, which an import makes. */
ft_counts ft_counts_but_byte_code;

/* What importlib could take for a module or a package. */
ft_counts ft_counts_module;

/* What pytest's own collection looks at: Python files, texts with doctests, and folders. */
ft_counts ft_counts_test;

/* All but what Python and test tools write into folders. */
ft_counts ft_counts_all;

/* The names that count as one number, in whatever order they come; 0: the folder cannot be read. */
uint64_t ft_listing_names(const char *path, ft_counts *counts);

/* Likewise in the order in which they come, which on some file systems is that in which they were made. */
uint64_t ft_listing_order(const char *path, ft_counts *counts);

/* Whether something that counts was changed at `since` or later, and whether something else was. */
struct ft_listing_youth {
    bool counted; /* the rest is not looked at then */
    bool other;
};

struct ft_listing_youth ft_listing_youth(const char *path, ft_counts *counts, int64_t since);

#endif

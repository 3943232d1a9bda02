/* Pages that runs write to: see hot.c. */
#ifndef FT_EXT_HOT_H
#define FT_EXT_HOT_H

#include <stdbool.h>

/* Copy some more of the pages that the last run has written to.  Returns whether there are more. */
bool core_copy_more_hot_pages(void);

/* At the end of a run that was forked off a snapshot: note which pages it has written to, for the next one. */
void core_note_hot_pages(void);

#endif

/* The libraries that a process has loaded, or could not. */
#ifndef FT_TRACE_LOADED_H
#define FT_TRACE_LOADED_H

/* Those that are there do not count from here on. */
void loaded_begin(void);

/* Record as read those that have come since. */
void loaded_record(void);

/* One could not be loaded; by a name without a slash it was looked for in the usual folders. */
void loaded_not(const char *name);

#endif

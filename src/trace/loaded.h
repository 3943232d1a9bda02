/* The libraries that a process has loaded. */
#ifndef FT_TRACE_LOADED_H
#define FT_TRACE_LOADED_H

/* Those that are there do not count from here on. */
void loaded_begin(void);

/* Record as read those that have come since. */
void loaded_record(void);

#endif

/* The daemon's log: one line an event.  Variables of the environment are named in it, their values never are. */
#ifndef FT_DAEMON_LOG_H
#define FT_DAEMON_LOG_H

/* Write to this descriptor from now on; -1: nowhere, as at first. */
void ft_log_to(int fd);

/* Append a line, with the time before it. */
void ft_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

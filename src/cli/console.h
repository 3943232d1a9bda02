/* The terminal as the command found it, for the case that a run ends while a worker has it. */
#ifndef FT_CLI_CONSOLE_H
#define FT_CLI_CONSOLE_H

#include <termios.h>

struct ft_console {
    int fd; /* -1: none, or we are not in its foreground */
    struct termios modes;
};

void ft_console_note(struct ft_console *console);

/* Be in the foreground again, with the modes of before.  Does nothing if the job was put into the background. */
void ft_console_restore(const struct ft_console *console);

/* Give the terminal the modes of before, if we are in the foreground. */
void ft_console_reset(const struct ft_console *console);

#endif

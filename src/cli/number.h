/* Numbers on the command line. */
#ifndef FT_CLI_NUMBER_H
#define FT_CLI_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Read a number that fits 32 bits, all digits; false, with *number as it was: it is something else. */
bool ft_read_number(const char *text, uint64_t *number);

#endif

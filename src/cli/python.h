/* Which Python runs the session. */
#ifndef FT_CLI_PYTHON_H
#define FT_CLI_PYTHON_H

#include <stddef.h>

/*
 * Find the interpreter: `wanted` (--python) if it is not NULL; `python` or `python3` beside the command itself; that of
 * $VIRTUAL_ENV; python3 on PATH.  Writes its path to `path`.  Returns 0, or -ENOENT with a message in `error`.
 */
int ft_python_find(const char *wanted, char *path, size_t size, char *error, size_t error_size);

/* The path of the command itself, links resolved.  Returns 0 or a negative errno. */
int ft_python_self(char *path, size_t size);

#endif

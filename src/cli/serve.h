/* Being the daemon. */
#ifndef FT_CLI_SERVE_H
#define FT_CLI_SERVE_H

#include "cli/settings.h"
#include "daemon/place.h"

/* What a client starts: `fleetest daemon serve LISTENING LOCK FOLDER PYTHON SETTING ...`, so many words. */
enum { FT_SERVE_SETTINGS = 7, FT_SERVE_WORDS = FT_SERVE_SETTINGS + FT_SETTINGS };

/* Be that.  Returns an exit code. */
int ft_serve(char **argv);

/* Be the daemon of a place in the foreground.  Returns an exit code. */
int ft_serve_here(const struct ft_place *place, const char *python, const struct ft_settings *settings);

#endif

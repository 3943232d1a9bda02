/* `fleetest daemon cleanup`. */
#ifndef FT_CLI_CLEANUP_H
#define FT_CLI_CLEANUP_H

#include "daemon/place.h"

/* Remove what daemons of any Python that are gone have left in the folder of a place.  Returns the exit code. */
int ft_cleanup(const struct ft_place *place);

#endif

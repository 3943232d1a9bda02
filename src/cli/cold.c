#include "cli/cold.h"

#include <stdarg.h>
#include <stdio.h>

int ft_cold_because(struct ft_cold *cold, const char *advice, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(cold->reason, sizeof cold->reason, format, args);
    va_end(args);
    snprintf(cold->advice, sizeof cold->advice, "%s", advice);
    return -1;
}

#include "cli/number.h"

#include <errno.h>
#include <stdlib.h>

bool ft_read_number(const char *text, uint64_t *number)
{
    char *end;
    if (*text < '0' || *text > '9') /* strtoull takes a sign, and spaces */
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end != '\0' || errno != 0 || value > UINT32_MAX)
        return false;
    *number = value;
    return true;
}

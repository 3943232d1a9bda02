/* What /proc says of a process.  Not asked of waitid: the engine may have taken that answer already. */
#ifndef TESTS_UNIT_PROCESS_STATE_H
#define TESTS_UNIT_PROCESS_STATE_H

#include <stdio.h>
#include <sys/types.h>

/* R, S, T (stopped), Z ...; 0 if it is gone. */
static inline char process_state(pid_t pid)
{
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 0;
    fclose(file);
    return state;
}

#endif

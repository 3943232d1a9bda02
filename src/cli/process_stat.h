/* What /proc/PID/stat says of a process. */
#ifndef FT_CLI_PROCESS_STAT_H
#define FT_CLI_PROCESS_STAT_H

#include <sys/types.h>

struct ft_process_stat {
    char state;   /* R, S, T ...; NUL: there is no such process */
    pid_t parent; /* 0: likewise */
};

struct ft_process_stat ft_process_stat(pid_t pid);

#endif

#include "cli/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/exitcode.h"
#include "cli/number.h"

enum { IDLE_SECONDS = 1800, RENEW_SECONDS = 60, SNAPSHOTS = 8, AHEAD = 20 };

enum { SHARE = 4 }; /* of the machine's memory: one in so many parts */

const char *const ft_setting_options[FT_SETTINGS] = {"--idle-timeout", "--memory", "--renew-after", "--snapshots",
                                                     "--ahead"};

static const struct {
    const char *variable;
    const char *needs;
} settings_table[FT_SETTINGS] = {
    {"FLEETEST_DAEMON_IDLE_TIMEOUT", "a number of seconds; 0: never"},
    {"FLEETEST_DAEMON_MEMORY", "a number of megabytes; 0: no limit"},
    {"FLEETEST_DAEMON_RENEW_AFTER", "a number of seconds; 0: never"},
    {"FLEETEST_DAEMON_SNAPSHOTS", "a number; 0: none"},
    {"FLEETEST_DAEMON_AHEAD", "a number; 0: none"},
};

static uint64_t share_of_machine(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages <= 0 || size <= 0 ? 0 : (uint64_t)pages / SHARE * (uint64_t)size / (1024 * 1024);
}

int ft_settings_init(struct ft_settings *settings)
{
    int code = 0;
    settings->values[FT_SETTING_IDLE] = IDLE_SECONDS;
    settings->values[FT_SETTING_MEMORY] = share_of_machine();
    settings->values[FT_SETTING_RENEW] = RENEW_SECONDS;
    settings->values[FT_SETTING_SNAPSHOTS] = SNAPSHOTS;
    settings->values[FT_SETTING_AHEAD] = AHEAD;
    for (int i = 0; code == 0 && i < FT_SETTINGS; i++) {
        const char *text = getenv(settings_table[i].variable);
        if (text != NULL && text[0] != '\0')
            code = ft_settings_set(settings, (enum ft_setting)i, settings_table[i].variable, text);
    }
    return code;
}

int ft_settings_set(struct ft_settings *settings, enum ft_setting which, const char *name, const char *text)
{
    if (ft_read_number(text, &settings->values[which]))
        return 0;
    fprintf(stderr, "fleetest: %s needs %s\n", name, settings_table[which].needs);
    return FT_EXIT_USAGE;
}

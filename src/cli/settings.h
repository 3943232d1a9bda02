/* How a daemon that is started shall be: from the environment and the command line. */
#ifndef FT_CLI_SETTINGS_H
#define FT_CLI_SETTINGS_H

#include <stdint.h>

enum ft_setting {
    FT_SETTING_IDLE,
    FT_SETTING_MEMORY,
    FT_SETTING_RENEW,
    FT_SETTING_SNAPSHOTS,
    FT_SETTING_AHEAD,
    FT_SETTINGS
};

struct ft_settings {
    uint64_t values[FT_SETTINGS]; /* as in struct ft_daemon_options */
};

/* Names of the options of `fleetest daemon start`.  Those of a run begin with --daemon- instead. */
extern const char *const ft_setting_options[FT_SETTINGS];

/* The defaults, and what FLEETEST_DAEMON_... say.  Returns 0, or an exit code after a message. */
int ft_settings_init(struct ft_settings *settings);

/* What an option says, by the name that it was given.  Returns 0, or an exit code after a message. */
int ft_settings_set(struct ft_settings *settings, enum ft_setting which, const char *name, const char *text);

#endif

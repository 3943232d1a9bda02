/* cli/caller: which terminals this process has. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "cli/caller.h"
#include "on_terminal.h"

static char *args[] = {NULL};

static void note_terminals(void)
{
    struct ft_caller caller;
    struct winsize size = {.ws_row = 65535, .ws_col = 300, .ws_xpixel = 7};
    HOLDS(ioctl(0, TIOCSWINSZ, &size) == 0);
    HOLDS(ft_caller_init(&caller, args) == 0);
    for (int fd = 0; fd < FT_REQUEST_STREAMS; fd++)
        HOLDS(caller.request.terminals[fd] == (FT_REQUEST_TERMINAL | 65535u << 16 | 300));
    ft_caller_release(&caller);
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    close(null);
    close(2);
    HOLDS(ft_caller_init(&caller, args) == 0);
    HOLDS(caller.request.terminals[0] == 0 && caller.request.terminals[2] == 0);
    HOLDS(caller.request.terminals[1] != 0);
    HOLDS(caller.request.fd_count == 2);
    ft_caller_release(&caller);
}

static void terminals_are_noted_with_their_size(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_start(&terminal, note_terminals);
    terminal_end(&terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terminals_are_noted_with_their_size),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}

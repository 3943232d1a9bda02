#include "cli/outcome.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/exitcode.h"
#include "wire/frame.h"
#include "wire/msgpack.h"
#include "wire/protocol.h"

bool ft_outcome_take(struct ft_outcome *outcome, const struct ft_message_view *message)
{
    struct ft_mp_reader payload = {message->payload, message->payload + message->len};
    uint32_t code;
    if (message->type == FT_MSG_EXIT && ft_mp_read_u32(&payload, &code) == 0) {
        outcome->ended = true;
        outcome->code = (int)code;
    }
    return outcome->ended;
}

bool ft_outcome_read(struct ft_outcome *outcome, int pair)
{
    unsigned char bytes[256];
    struct ft_message_view message;
    ssize_t got = recv(pair, bytes, sizeof bytes, MSG_DONTWAIT);
    return got > 0 && ft_frame_packet(bytes, (size_t)got, &message) == 0 && ft_outcome_take(outcome, &message);
}

int ft_outcome_killed(int number)
{
    if (number == 0)
        fprintf(stderr, "fleetest: the session was killed before the run was over\n");
    else
        fprintf(stderr, "fleetest: the session was killed by signal %d (%s) before the run was over\n", number,
                strsignal(number));
    return FT_EXIT_LOST_SESSION;
}

int ft_outcome_exit_code(const struct ft_outcome *outcome, int status)
{
    if (WIFSIGNALED(status))
        return ft_outcome_killed(WTERMSIG(status));
    int code = WEXITSTATUS(status);
    if (outcome->ended)
        return code != 0 ? code : outcome->code;
    if (code != 0)
        return code;
    fprintf(stderr, "fleetest: the session exited before the run was over: a test or plugin called os._exit(0) or the "
                    "like; with -n 1 the run goes on and the test is named\n");
    return FT_EXIT_LOST_SESSION;
}

void ft_outcome_die(int number, const sigset_t *before)
{
    signal(number, SIG_DFL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    sigprocmask(SIG_SETMASK, before, NULL);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    raise(number);
}

int ft_outcome_system(const char *what, int err)
{
    fprintf(stderr, "fleetest: %s: %s\n", what, strerror(err));
    return FT_EXIT_SYSTEM;
}

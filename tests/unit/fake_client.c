#include "fake_client.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process_state.h"
#include "wire/frame.h"
#include "wire/protocol.h"

enum { CLIENT_FAILED = 77, WATCHDOG_SECONDS = 60, ROUNDS = 30 };

void client_check(bool holds, const char *what, int line)
{
    if (holds)
        return;
    fprintf(stderr, "client: line %d does not hold: %s\n", line, what);
    _exit(CLIENT_FAILED);
}

int client_start(pid_t *pid, client_body *body)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 || (*pid = fork()) < 0)
        abort();
    if (*pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(WATCHDOG_SECONDS);
        close(pair[0]);
        body(pair[1]);
        HOLDS(client_hear(pair[1]) == 0);
        _exit(0);
    }
    close(pair[1]);
    return pair[0];
}

void client_say(int end, unsigned type, const char *payload)
{
    struct ft_buf frame = FT_BUF_INIT;
    HOLDS(ft_frame_append(&frame, type, payload, 1) == 0);
    HOLDS(send(end, ft_buf_head(&frame), frame.len, MSG_NOSIGNAL) == (ssize_t)frame.len);
    ft_buf_release(&frame);
}

unsigned client_hear(int end)
{
    unsigned char bytes[256];
    struct ft_frame_reader reader = FT_FRAME_READER_INIT;
    struct ft_message_view message = {0};
    ssize_t got;
    do
        got = recv(end, bytes, sizeof bytes, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        HOLDS(ft_frame_feed(&reader, bytes, (size_t)got) == 0 && ft_frame_next(&reader, &message) == 1);
        HOLDS(message.len == 1 && message.payload[0] == 0xc0);
    }
    ft_frame_reader_release(&reader);
    return message.type;
}

bool client_hears_nothing(int end)
{
    char byte;
    return recv(end, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

void client_answer(int end, bool yes)
{
    HOLDS(client_hear(end) == FT_MSG_TTY_ASK);
    client_say(end, FT_MSG_TTY_STATE, yes ? "\xc3" : "\xc2");
}

void client_let_go_round(int end)
{
    int unread = 1;
    for (int i = 0; i < ROUNDS; i++)
        client_say(end, FT_MSG_RESIZED, "\xc0");
    while (unread > 0) {
        HOLDS(ioctl(end, SIOCOUTQ, &unread) == 0);
        sched_yield();
    }
}

bool process_is_stopped(pid_t pid)
{
    char state = process_state(pid);
    HOLDS(state != 0);
    return state == 'T';
}

void process_await_stop(pid_t pid)
{
    while (!process_is_stopped(pid))
        sched_yield();
}

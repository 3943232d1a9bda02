#include "engine/client.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "engine/internal.h"
#include "engine/loan.h"
#include "wire/frame.h"
#include "wire/protocol.h"

enum { PACKET = 256, ASK_MS = 100 };

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Send a message without content.  What cannot be sent was for a client that is gone. */
static void send_nil(struct ft_engine *engine, unsigned type)
{
    struct ft_buf frame = FT_BUF_INIT;
    if (ft_frame_append(&frame, type, "\xc0", 1) == 0) {
        ssize_t ignored = send(engine->options.client_fd, ft_buf_head(&frame), frame.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)ignored;
    }
    ft_buf_release(&frame);
}

bool ft_client_in_foreground(struct ft_engine *engine)
{
    struct ft_client *client = &engine->client;
    uint64_t now = now_ms();
    if (client->foreground)
        return true;
    if (!client->asked && !engine->client_gone && now - client->asked_at >= ASK_MS) {
        client->asked = true;
        client->asked_at = now;
        send_nil(engine, FT_MSG_TTY_ASK);
    }
    return false;
}

void ft_client_suspended(struct ft_engine *engine)
{
    send_nil(engine, FT_MSG_SUSPENDED);
}

static int take(struct ft_engine *engine, const struct ft_message_view *message)
{
    bool yes = message->len == 1 && message->payload[0] == 0xc3;
    switch (message->type) {
    case FT_MSG_TTY_STATE:
        engine->client.asked = false;
        engine->client.foreground = yes;
        return 0;
    case FT_MSG_RESUME:
        return ft_loan_resume(engine, yes);
    case FT_MSG_RESIZED:
        if (engine->holder != NULL)
            ft_worker_kill(engine->holder, SIGWINCH, true);
        return 0;
    default:
        return 0;
    }
}

int ft_client_hear(struct ft_engine *engine)
{
    unsigned char bytes[PACKET];
    struct ft_message_view message;
    ssize_t got = recv(engine->options.client_fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0)
        return 1;
    return ft_frame_packet(bytes, (size_t)got, &message) == 0 ? take(engine, &message) : 0;
}

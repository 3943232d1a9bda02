#include "daemon/command.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/status.h"
#include "wire/fields.h"
#include "wire/protocol.h"

/* The commands; each appends its answer, and returns the exit code that the client shall have. */
static int stop(struct ft_peer *peer, struct ft_buf *answer)
{
    (void)answer;
    ft_daemon_leave(peer->daemon, "it was told to stop");
    return 0;
}

static int status(struct ft_peer *peer, struct ft_buf *answer)
{
    return ft_status_text(peer->daemon, answer) < 0 ? -ENOMEM : 0;
}

static int status_json(struct ft_peer *peer, struct ft_buf *answer)
{
    return ft_status_json(peer->daemon, answer) < 0 ? -ENOMEM : 0;
}

static const struct {
    const char *name;
    int (*answer)(struct ft_peer *peer, struct ft_buf *answer);
} commands[] = {
    {"stop", stop},
    {"status", status},
    {"status-json", status_json},
};

void ft_command(struct ft_peer *peer, const uint8_t *payload, size_t len)
{
    struct ft_mp_reader reader = {payload, payload + len};
    struct ft_text name = {"", 0};
    struct ft_buf text = FT_BUF_INIT, answer = FT_BUF_INIT;
    int err = ft_get_str(0, &reader, &name) == 0 ? -ENOENT : -EBADMSG;
    for (size_t i = 0; err == -ENOENT && i < sizeof commands / sizeof commands[0]; i++)
        if (ft_text_equal(ft_text_of(commands[i].name), name))
            err = commands[i].answer(peer, &text);
    if (err == 0 && ft_mp_str(&answer, (const char *)ft_buf_head(&text), (uint32_t)text.len) == 0)
        ft_peer_send(peer, FT_MSG_ANSWER, &answer);
    else
        ft_log("client %d: a command that is none: %s", (int)peer->pid, strerror(-err));
    ft_peer_close(peer);
    ft_buf_release(&text);
    ft_buf_release(&answer);
}

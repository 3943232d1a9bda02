#include "daemon/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/command.h"
#include "daemon/log.h"
#include "daemon/run.h"
#include "wire/msgpack.h"
#include "wire/protocol.h"

enum { CHUNK = 64 * 1024, MESSAGE_MAX = 16 * 1024 * 1024, SILENT_MS = 10 * 1000 };

static void on_poll(uv_poll_t *poll, int status, int events);

static void want(struct ft_peer *peer)
{
    int events = peer->closing ? 0 : UV_READABLE;
    if (peer->out.len > 0 || peer->broken)
        events |= UV_WRITABLE;
    uv_poll_start(&peer->poll, events, on_poll);
}

static void freed(uv_handle_t *handle)
{
    struct ft_peer *peer = handle->data;
    close(peer->fd);
    ft_frame_reader_release(&peer->in);
    ft_buf_release(&peer->out);
    ft_fds_close(peer->fds, peer->fd_count);
    free(peer);
}

static void end(struct ft_peer *peer)
{
    if (uv_is_closing((uv_handle_t *)&peer->poll))
        return;
    TAILQ_REMOVE(&peer->daemon->peers, peer, link);
    if (peer->run != NULL)
        ft_run_left(peer->run);
    uv_poll_stop(&peer->poll);
    uv_close((uv_handle_t *)&peer->poll, freed);
}

void ft_peer_close(struct ft_peer *peer)
{
    peer->closing = true;
    if (peer->out.len == 0)
        end(peer);
    else
        want(peer);
}

/* Send what is queued, as far as it goes.  Ends nothing: whoever queues a message counts on the peer being there. */
static void write_out(struct ft_peer *peer)
{
    while (peer->out.len > 0 && !peer->broken) {
        ssize_t sent = ft_fds_send(peer->fd, ft_buf_head(&peer->out), peer->out.len, NULL, 0);
        if (sent == -EAGAIN)
            break;
        if (sent < 0)
            peer->broken = true;
        else
            ft_buf_consume(&peer->out, (size_t)sent);
    }
    want(peer);
}

void ft_peer_send(struct ft_peer *peer, unsigned type, const struct ft_buf *payload)
{
    if (uv_is_closing((uv_handle_t *)&peer->poll))
        return;
    if (ft_frame_append(&peer->out, type, ft_buf_head(payload), payload->len) < 0)
        peer->broken = true;
    write_out(peer);
}

void ft_peer_send_nil(struct ft_peer *peer, unsigned type)
{
    struct ft_buf nil = FT_BUF_INIT;
    if (ft_mp_nil(&nil) == 0)
        ft_peer_send(peer, type, &nil);
    ft_buf_release(&nil);
}

static void take(struct ft_peer *peer, const struct ft_message_view *message)
{
    switch (message->type) {
    case FT_MSG_ASK:
    case FT_MSG_EXPLAIN: {
        int fds[FT_REQUEST_FDS];
        size_t count = peer->fd_count;
        memcpy(fds, peer->fds, count * sizeof *fds);
        peer->fd_count = 0;
        ft_run_ask(peer, message->type == FT_MSG_EXPLAIN, message->payload, message->len, fds, count);
        break;
    }
    case FT_MSG_COMMAND:
        ft_command(peer, message->payload, message->len);
        break;
    case FT_MSG_PING:
        ft_peer_send_nil(peer, FT_MSG_PREPARING);
        break;
    default:
        ft_log("client %d: message %u is none of a client's", (int)peer->pid, message->type);
        end(peer);
    }
}

static void read_in(struct ft_peer *peer)
{
    unsigned char bytes[CHUNK];
    struct ft_message_view message;
    size_t room = FT_REQUEST_FDS - peer->fd_count;
    ssize_t got = ft_fds_receive(peer->fd, bytes, sizeof bytes, peer->fds + peer->fd_count, &room, MSG_DONTWAIT);
    if (got == -EAGAIN)
        return;
    if (got <= 0) {
        end(peer);
        return;
    }
    peer->fd_count += room;
    int more = ft_frame_feed(&peer->in, bytes, (size_t)got);
    if (more == 0 && peer->in.raw.len + peer->in.pieces.len > MESSAGE_MAX)
        more = -EMSGSIZE;
    while (more >= 0 && !peer->closing && !uv_is_closing((uv_handle_t *)&peer->poll)) {
        more = ft_frame_next(&peer->in, &message);
        if (more <= 0)
            break;
        take(peer, &message);
    }
    if (more < 0) {
        ft_log("client %d: %s", (int)peer->pid, more == -EPROTO ? "speaks another version" : strerror(-more));
        end(peer);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct ft_peer *peer = poll->data;
    if (status < 0) {
        end(peer);
        return;
    }
    if (events & UV_WRITABLE)
        write_out(peer);
    if (peer->broken || (peer->closing && peer->out.len == 0))
        end(peer);
    else if (events & UV_READABLE)
        read_in(peer);
}

void ft_peer_accept(struct ft_daemon *daemon, int fd)
{
    struct ucred who;
    socklen_t len = sizeof who;
    struct ft_peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || who.uid != geteuid() ||
        uv_poll_init(&daemon->loop, &peer->poll, fd) < 0) {
        free(peer);
        close(fd);
        return;
    }
    peer->daemon = daemon;
    peer->fd = fd;
    peer->pid = who.pid;
    peer->begun = uv_now(&daemon->loop);
    peer->poll.data = peer;
    TAILQ_INSERT_TAIL(&daemon->peers, peer, link);
    want(peer);
}

void ft_peer_tick(struct ft_peer *peer)
{
    if (peer->run == NULL && uv_now(&peer->daemon->loop) - peer->begun > SILENT_MS) {
        ft_log("client %d: has not said what it wants", (int)peer->pid);
        end(peer);
    }
}

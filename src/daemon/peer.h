/* Connections of clients. */
#ifndef FT_DAEMON_PEER_H
#define FT_DAEMON_PEER_H

#include "daemon/daemon.h"

struct ft_peer {
    TAILQ_ENTRY(ft_peer) link;
    struct ft_daemon *daemon;
    int fd;
    pid_t pid;
    uv_poll_t poll;
    struct ft_frame_reader in;
    struct ft_buf out;
    int fds[FT_REQUEST_FDS]; /* that came and that no message has claimed yet */
    size_t fd_count;
    struct ft_run *run;  /* that it asked for; NULL: none */
    uint64_t begun;      /* in ms of the loop's clock */
    bool closing; /* once all is sent */
    bool broken;  /* nothing can be sent any more */
};

/* Take in a connection; `fd` becomes the peer's. */
void ft_peer_accept(struct ft_daemon *daemon, int fd);

/* Queue a message.  If it cannot be sent the connection ends, but not before the next round of the loop. */
void ft_peer_send(struct ft_peer *peer, unsigned type, const struct ft_buf *payload);
void ft_peer_send_nil(struct ft_peer *peer, unsigned type);

/* End the connection, at once or when what is queued was sent. */
void ft_peer_close(struct ft_peer *peer);

/* Once a second. */
void ft_peer_tick(struct ft_peer *peer);

#endif

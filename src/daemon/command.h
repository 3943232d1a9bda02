/* What `fleetest daemon COMMAND` asks the daemon. */
#ifndef FT_DAEMON_COMMAND_H
#define FT_DAEMON_COMMAND_H

#include "daemon/peer.h"

/* Answer the payload of FT_MSG_COMMAND. */
void ft_command(struct ft_peer *peer, const uint8_t *payload, size_t len);

#endif

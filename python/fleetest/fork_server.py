"""What a parked process does while it waits: it forks whenever the daemon says so."""

from __future__ import annotations

import os
import select
from typing import Any

from fleetest import _core
from fleetest.plumbing import raise_fd

STARTS = (_core.MSG_START_RUN, _core.MSG_START_EXPLAIN)
"""Messages for which the daemon is told the child's pid."""


def serve(channel: _core.Channel) -> tuple[int, Any, list[int]]:
    """Fork whenever the daemon says so, and tell it of the children's end.

    :returns: in a child: what it is for, what the daemon says of it, and descriptors
    """
    fd = channel.fileno()
    children: dict[int, int] = {}
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready != fd:
                poll.unregister(ready)
                os.close(ready)
                channel.send(_core.MSG_CHILD_ENDED, list(os.waitpid(children.pop(ready), 0)))
                continue
            message = _core.receive_fds(fd)
            if message is None:
                os._exit(0)
            kind, (number, state), fds = message
            try:
                pid = os.fork()
            except OSError as error:
                pid = -(error.errno or 1)
            if pid == 0:
                for other in (fd, *children):
                    os.close(other)
                return kind, state, fds
            if kind in STARTS:
                channel.send(_core.MSG_STARTED, [number, pid])
            if pid > 0:
                watch = raise_fd(os.pidfd_open(pid))
                children[watch] = pid
                poll.register(watch, select.POLLIN)
            for each in fds:
                os.close(each)

"""What a parked process does while it waits: it forks whenever the daemon says so."""

from __future__ import annotations

import os
import select
from typing import Any

from fleetest import _core
from fleetest.plumbing import raise_fd

STARTS = (_core.MSG_START_RUN, _core.MSG_START_EXPLAIN)
"""Messages for which the daemon is told the child's pid."""


def serve(channel: _core.Channel, child: int = 0) -> tuple[int, Any, list[int]]:
    """Fork whenever the daemon says so, and tell it of the children's end.

    :param child: one that is there already; 0: there is none
    :returns: in a child: what it is for, what the daemon says of it, and descriptors
    """
    fd = channel.fileno()
    children = _Children()
    children.poll.register(fd, select.POLLIN)
    if child:
        children.watch(child)
    while True:
        for ready, _ in children.poll.poll():
            if ready != fd:
                channel.send(_core.MSG_CHILD_ENDED, children.reap(ready))
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
                os.close(fd)
                children.forget()
                return kind, state, fds
            if kind in STARTS:
                channel.send(_core.MSG_STARTED, [number, pid])
            if pid > 0:
                children.watch(pid)
            for each in fds:
                os.close(each)


class _Children:
    """Those that have been forked and not yet been waited for, by their descriptors."""

    def __init__(self) -> None:
        self._pids: dict[int, int] = {}
        self.poll = select.poll()
        """Says which have ended."""

    def watch(self, pid: int) -> None:
        """One more."""
        end = raise_fd(os.pidfd_open(pid))
        self._pids[end] = pid
        self.poll.register(end, select.POLLIN)

    def reap(self, ended: int) -> list[int]:
        """Wait for one: pid and status."""
        self.poll.unregister(ended)
        os.close(ended)
        return list(os.waitpid(self._pids.pop(ended), 0))

    def forget(self) -> None:
        """In a child: they are not its own."""
        for each in self._pids:
            os.close(each)

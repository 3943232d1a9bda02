"""Waiting for one's turn at the terminal of a client in another session, where the kernel stops nobody."""

from __future__ import annotations

import errno
import os
import select
from typing import TYPE_CHECKING

from fleetest import _core

if TYPE_CHECKING:
    from fleetest.start import Start


def ask_before_reading(start: Start) -> None:
    """From now on have the client be in the foreground before this process reads from its terminal.

    Until there are workers: then these are the ones who read.
    """
    if start.tty_fd < 0:
        return
    owner = os.getpid()
    channel = _core.Channel(start.client_fd)
    poll = select.poll()
    poll.register(start.client_fd, select.POLLIN)

    def before() -> None:
        if os.getpid() != owner:
            return
        channel.send(_core.MSG_TTY_NEED, None)
        while True:
            poll.poll()
            message = _core.receive_fds(start.client_fd)
            if message is None:  # the client is gone, and so will be this process
                return
            kind, is_ours, _ = message
            if kind == _core.MSG_TTY_STATE:
                if is_ours:
                    return
                raise OSError(errno.EIO, os.strerror(errno.EIO))  # as the kernel has it

    _core.before_read(before, start.tty_fd)


def stop_asking() -> None:
    """Somebody else talks to the client."""
    _core.before_read(None, -1)

"""The spare that stands by: replacements of crashed workers come from it if any are wanted.

It is forked ahead, and sleeps until a worker has crashed; only then it takes the controller's steps.  A spare that the
controller forks makes each run wait for that, and for each page that the controller writes to afterwards.
"""

from __future__ import annotations

import os
import select
import socket
from typing import TYPE_CHECKING, Callable, NoReturn

from fleetest import _core, randomness
from fleetest.becoming import be_replacement
from fleetest.parking import Parked, wait_to_be_forked
from fleetest.plumbing import raise_fd
from fleetest.standby import Standby, Understudy

if TYPE_CHECKING:
    from fleetest.plumbing import Plumbing
    from fleetest.run import Run


READY_SECONDS = 60
"""How long it may take to go the controller's way: some 10 ms, and 10 more for a thousand tests."""


class StandbySpare(Standby):
    """One, as its controller sees it.

    What it is told waits in its socket, which it does not read before the controller writes no more.
    """

    _parked: Parked | None = None

    def fork(self, plumbing: Plumbing) -> int:
        """Have it make a worker; gives the worker's pid, which is a child of this process.

        :raises OSError: it is gone or does not answer
        """
        if self._parked is None:
            self._parked = self._call()
        return self._parked.fork(plumbing)

    def _call(self) -> Parked:
        """Have it become what the controller would have parked when it made the workers.

        :raises OSError: it is gone or does not answer
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours = socket.socket(fileno=raise_fd(ours.detach()))
        with theirs:
            self.tell(_core.MSG_FORK, 0, [theirs.fileno()])
        if not self.pid:
            raise OSError("the spare process is gone")
        with socket.socket(fileno=os.dup(self._fd)) as end:
            end.shutdown(socket.SHUT_WR)
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        try:
            is_there = poll.poll(READY_SECONDS * 1000) and _core.receive_fds(self._fd)
        except ConnectionError:  # it has not read all that it was told
            is_there = None
        if not is_there:
            raise OSError("the spare process is gone")
        os.close(self._fd)
        pid, self.pid = self.pid, 0
        return Parked(ours, pid)

    def kill(self) -> list[int]:
        """Have it end: see :meth:`Standby.kill`."""
        return super().kill() if self._parked is None else self._parked.kill()


class SpareUnderstudy(Understudy):
    """The same in its own process."""

    def rest(self, _: Callable[[], None]) -> None:
        """Sleep until the run wants a replacement: then all that it was told is there.

        Not in the group of the snapshot, which the daemon may end while the run goes on.
        """
        os.setpgid(0, 0)
        poll = select.poll()
        poll.register(self._fd, select.POLLRDHUP)
        if any(event & select.POLLHUP for _, event in poll.poll()):
            os._exit(0)

    def become(self, run: Run) -> NoReturn:
        """Wait for the controller to say what a replacement is to be, and fork it, any number of times."""
        try:
            run.left_open = set()
            run.random = randomness.capture()
            self._announce(run)
            _, (fd,) = self.hear(_core.MSG_FORK)
            self._take_over()
            sock = socket.socket(fileno=raise_fd(fd))
            wait_to_be_forked(sock, lambda plumbing: be_replacement(run, plumbing))
        finally:
            os._exit(0)  # whatever has happened, it is not the session's

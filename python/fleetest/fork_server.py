"""What a parked process does while it waits: it forks whenever the daemon says so.

One that runs come from may have a child that stands by: the next run's controller, with the cost of a fork behind it.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from typing import Any, Callable, NamedTuple

from fleetest import _core
from fleetest.company import Company, gather
from fleetest.plumbing import raise_fd
from fleetest.standby import Understudy
from fleetest.standby_worker import StandbyWorker

STARTS = (_core.MSG_START_RUN, _core.MSG_START_EXPLAIN, _core.MSG_START_WIDE)
"""Messages for which the daemon is told the child's pid."""

QUIET_MS = 20
"""How long nothing must have happened after a run before a child is forked to stand by, which takes its time."""

FIRST_MS = 0
"""Likewise before the first run: one that waits takes that child."""


class Order(NamedTuple):
    """What a child is for."""

    kind: int
    """Of the daemon's message."""
    state: Any
    """What the daemon says of it."""
    fds: list[int]
    standby: StandbyWorker | Understudy | None = None
    """The worker that stands by with it, or what the child is, which is to become one."""


def serve(
    channel: _core.Channel,
    child: int = 0,
    *,
    ahead: Callable[[], None] | None = None,
    company: Company = Company.NONE,
) -> Order:
    """Fork whenever the daemon says so, and tell it of the children's end.

    :param child: one that is there already; 0: there is none
    :param ahead: what a child that stands by does before it waits for the next order; None: there is none
    :param company: who stands by with it
    :returns: in a child; the last descriptor of a run that may select within what is collected is where the child says
        why it may not, or closes it
    """
    fd = channel.fileno()
    children = _Children()
    children.poll.register(fd, select.POLLIN)
    if child:
        children.watch(child)
    wanted, quiet_ms = ahead is not None, FIRST_MS
    while True:
        ready_fds = children.poll.poll(quiet_ms if wanted and children.is_empty() else None)
        if not ready_fds and ahead is not None:
            wanted = False  # until there was another run: it may be that it cannot live
            order = _fork_ahead(channel, children, ahead, company)
            if order is not None:
                return order
        for ready, _ in ready_fds:
            if ready != fd:
                channel.send(_core.MSG_CHILD_ENDED, children.reap(ready))
                continue
            wanted, quiet_ms = ahead is not None, QUIET_MS
            order = _take_order(channel, children)
            if order is not None:
                return order


def _take_order(channel: _core.Channel, children: _Children) -> Order | None:
    """Have a child for what the daemon says.

    :returns: in the child if it had to be forked, what it is for; None: in the parent
    """
    message = _core.receive_fds(channel.fileno())
    if message is None:
        os._exit(0)
    kind, told, fds = message
    if kind == _core.MSG_ORDERED:
        children.let_go(told)
        return None
    number, state = told
    verdict = os.pipe() if kind == _core.MSG_START_WIDE else ()
    given = [*fds, *verdict[1:]]
    pid = children.hand_on(kind, [number, state], given)
    if pid == 0:
        pid = _fork(channel, children)
        if pid == 0:
            if verdict:
                os.close(verdict[0])
            return Order(kind, state, given)
    why_not = _hear(*verdict) if verdict else ""
    if why_not and pid > 0:
        channel.send(_core.MSG_DECLINED, [number, why_not])
    elif kind in STARTS:
        channel.send(_core.MSG_STARTED, [number, pid])
    for each in fds:
        os.close(each)
    return None


def _fork_ahead(
    channel: _core.Channel,
    children: _Children,
    ahead: Callable[[], None],
    company: Company,
) -> Order | None:
    """Fork a child that stands by.

    :returns: in the child, what it is for; None: in the parent
    """
    ours, theirs = (raise_fd(end.detach()) for end in socket.socketpair())
    pid = _fork(channel, children)
    if pid == 0:
        os.close(ours)
        return _stand_by(theirs, ahead, company)
    os.close(theirs)
    if pid < 0:
        os.close(ours)
        return None
    _wait_for_room(channel.fileno())
    _core.send_fds(channel.fileno(), _core.MSG_STANDS_BY, pid, (ours,))
    children.stand_by(pid, ours)
    return None


def _wait_for_room(fd: int) -> None:
    """Wait until the daemon has read what it was told: a descriptor is sent at once, or not at all."""
    room = select.poll()
    room.register(fd, select.POLLOUT)
    room.poll()


def _stand_by(fd: int, ahead: Callable[[], None], company: Company) -> Order:
    """Wait for an order, and end with the parent until it comes."""
    _core.die_with_parent(signal.SIGKILL)
    # Before the pages are copied: else they would have to be copied again.
    worker = gather(company)
    if isinstance(worker, Understudy):
        os.close(fd)
        return Order(_core.MSG_START_RUN, *worker.wait(ahead), worker)
    _core.copy_hot_pages()
    ahead()
    message = _core.receive_fds(fd)
    if message is None:
        os._exit(0)
    os.close(fd)
    kind, (_, state), fds = message
    if worker is not None and kind == _core.MSG_START_RUN:
        worker.wake(kind, state, fds)
    elif worker is not None:
        worker.close()
    return Order(kind, state, fds, worker)


def _fork(channel: _core.Channel, children: _Children) -> int:
    """As ``os.fork``, but a negative errno if it cannot be done; the child lets go of what is the parent's."""
    try:
        pid = os.fork()
    except OSError as error:
        return -(error.errno or 1)
    if pid == 0:
        os.close(channel.fileno())
        children.forget()
    else:
        children.watch(pid)
    return pid


ACCEPTS = b"+"
"""What a child says that may go on; anything else is the reason why it may not."""


def _hear(end: int, other: int) -> str:
    """What a child says of a run.

    :param end: of a pipe
    :param other: the child's, which has it, too
    :returns: why there can be no such run; empty: there can be
    """
    os.close(other)
    with open(end, "rb") as file:
        said = file.read()
    return "" if said == ACCEPTS else said.decode("utf-8", "replace") or "its process has died"


class _Children:
    """Those that have been forked and not yet been waited for, by their descriptors."""

    def __init__(self) -> None:
        self._pids: dict[int, int] = {}
        self.poll = select.poll()
        """Says which have ended."""
        self._ready = 0
        """The one that stands by; 0: there is none."""
        self._ready_fd = -1

    def watch(self, pid: int) -> None:
        """One more."""
        end = raise_fd(os.pidfd_open(pid))
        self._pids[end] = pid
        self.poll.register(end, select.POLLIN)

    def is_empty(self) -> bool:
        """Whether there is none."""
        return not self._pids

    def stand_by(self, pid: int, fd: int) -> None:
        """One stands by.

        :param fd: takes its order
        """
        self._ready, self._ready_fd = pid, fd

    def let_go(self, pid: int) -> None:
        """It stands by no more, if it did: it has its order from the daemon itself, or has died."""
        if pid == self._ready:
            self._ready = 0
            os.close(self._ready_fd)

    def hand_on(self, kind: int, payload: Any, fds: list[int]) -> int:
        """Give an order to the one that stands by.

        :returns: its pid; 0: there is none
        """
        pid, fd = self._ready, self._ready_fd
        if pid == 0:
            return 0
        self._ready = 0
        try:
            _core.send_fds(fd, kind, payload, tuple(fds))
        except OSError:  # it has died
            pid = 0
        os.close(fd)
        return pid

    def reap(self, ended: int) -> list[int]:
        """Wait for one: pid and status."""
        self.poll.unregister(ended)
        os.close(ended)
        pid = self._pids.pop(ended)
        self.let_go(pid)
        return list(os.waitpid(pid, 0))

    def forget(self) -> None:
        """In a child: they are not its own."""
        for each in self._pids:
            os.close(each)
        if self._ready:
            os.close(self._ready_fd)

"""Processes that are parked at a point of a session, to be forked into workers later."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
from typing import Callable, NoReturn

from fleetest import _core
from fleetest.plumbing import Plumbing, raise_fd
from fleetest.process import INTERRUPTS, reap

ANSWER_SECONDS = 5.0
"""How long a parked process may take to fork."""

MOST_FDS = 16
"""Descriptors that one request may carry."""


class Parked:
    """A process that is this one as it was when it was parked, as the controller sees it."""

    def __init__(self, sock: socket.socket, pid: int) -> None:
        self._sock = sock
        self.pid = pid

    @classmethod
    def park(
        cls, become: Callable[[Plumbing], NoReturn], drop: Callable[[], None] | None = None
    ) -> Parked:
        """Fork a process that waits.

        :param become: what a worker forked off it does; does not return
        :param drop: what the parked process does first: let go of what is the controller's
        :raises OSError: no process can be made
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours = socket.socket(fileno=raise_fd(ours.detach()))
        theirs = socket.socket(fileno=raise_fd(theirs.detach()))
        # An interrupt between the fork and what the child does next would make it a controller.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
        try:
            pid = os.fork()
            if pid == 0:
                ours.close()
                wait_to_be_forked(theirs, become, drop)
        except OSError:
            ours.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
        return cls(ours, pid)

    def fileno(self) -> int:
        """The controller's descriptor for it."""
        return self._sock.fileno()

    def fork(self, plumbing: Plumbing) -> int:
        """Have it make a worker; gives the worker's pid, which is a child of this process.

        :raises OSError: it is gone or does not answer
        """
        _core.adopt_orphans(True)
        numbers, fds = plumbing.worker_fds()
        socket.send_fds(self._sock, [_core.packb(numbers)], fds)
        self._sock.settimeout(ANSWER_SECONDS)
        answer = self._sock.recv(4)
        if len(answer) != 4:
            raise OSError("the parked process is gone")
        return int(struct.unpack("=i", answer)[0])

    def forget(self) -> None:
        """In another process than the controller: let go of it."""
        self._sock.close()

    def kill(self) -> list[int]:
        """Have it end: it is to be reaped.

        :returns: its pid
        """
        self._sock.close()
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
        return [self.pid]

    def close(self) -> None:
        """End it."""
        reap(self.kill())


def wait_to_be_forked(
    sock: socket.socket,
    become: Callable[[Plumbing], NoReturn],
    drop: Callable[[], None] | None = None,
) -> NoReturn:
    """Be the parked process.  Ends with the controller.

    :param sock: where the controller says what is wanted
    :param become: what a worker forked off it does
    :param drop: what it does first
    """
    try:
        _core.die_with_parent(signal.SIGKILL)
        os.setpgid(0, 0)
        controller = os.getppid()
        if drop is not None:
            drop()
        while True:
            request, fds, _, _ = socket.recv_fds(sock, 4096, MOST_FDS)
            if not request:
                break
            if os.fork() == 0:
                _fork_again(sock, request, fds, controller, become)
            for fd in fds:
                os.close(fd)
            with contextlib.suppress(ChildProcessError):  # where SIGCHLD is ignored
                os.wait()
    finally:
        os._exit(0)


def _fork_again(
    sock: socket.socket,
    request: bytes,
    fds: list[int],
    controller: int,
    become: Callable[[Plumbing], NoReturn],
) -> NoReturn:
    """Between parked process and worker: ends at once, so that the worker becomes the controller's."""
    between = os.getpid()
    pid = os.fork()
    if pid:
        sock.send(struct.pack("=i", pid))
        os._exit(0)
    _core.die_with_parent(0)
    while os.getppid() == between:
        signal.sigtimedwait([], 0.001)
    if os.getppid() != controller:
        os._exit(1)
    sock.close()
    become(Plumbing.from_worker_fds(_core.unpackb(request), fds))

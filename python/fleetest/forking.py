"""Workers forked from the session that has collected, and the spare that replacements come from."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
from typing import TYPE_CHECKING, Any, NoReturn

from fleetest import _core
from fleetest.plumbing import Plumbing, raise_fd
from fleetest.process import INTERRUPTS
from fleetest.worker import become_worker

if TYPE_CHECKING:
    from fleetest.node import Node
    from fleetest.run import Run

ANSWER_SECONDS = 5.0
"""How long the spare may take to make a worker of itself."""


class Forker:
    """Makes a run's workers by fork, all at once, and later ones from an idle spare.

    The spare is the session as it was before the first test; the controller itself has by then
    run hooks that a worker must not have run.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.spare: socket.socket | None = None
        self.spare_pid = -1

    def make(self, nodes: list[Node]) -> None:
        """Fork a worker for each node, and the spare if one may be needed."""
        # An interrupt between a fork and what the child does next would make it a second controller.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
        try:
            self._make(nodes)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _make(self, nodes: list[Node]) -> None:
        config, session = self.run.config, self.run.session
        made: list[Plumbing] = []
        for node in nodes:
            plumbing = Plumbing.make(config)
            made.append(plumbing)
            pid = os.fork()
            if pid == 0:
                for other in made:
                    other.close_controller_ends()
                    if other is not plumbing:
                        other.close_captured()
                become_worker(session, node, plumbing, self.run.random, self.run.left_open)
            self._made(node, pid, plumbing)
        if self.run.restarts_left:
            self._make_spare(made)

    def _made(self, node: Node, pid: int, plumbing: Plumbing) -> None:
        with contextlib.suppress(OSError):  # the worker does the same; either may be first
            os.setpgid(pid, pid)
        plumbing.close_worker_ends()
        node.pid, node.plumbing = pid, plumbing

    def _make_spare(self, made: list[Plumbing]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours = socket.socket(fileno=raise_fd(ours.detach()))
        theirs = socket.socket(fileno=raise_fd(theirs.detach()))
        pid = os.fork()
        if pid == 0:
            ours.close()
            for plumbing in made:
                plumbing.close_controller_ends()
                plumbing.close_captured()
            self._be_spare(theirs)
        theirs.close()
        self.spare, self.spare_pid = ours, pid

    def _be_spare(self, sock: socket.socket) -> NoReturn:
        """Wait to be forked.  Ends with the controller."""
        try:
            _core.die_with_parent(signal.SIGKILL)
            os.setpgid(0, 0)
            controller = os.getppid()
            while True:
                request, fds, _, _ = socket.recv_fds(sock, 65536, 16)
                if not request:
                    break
                if os.fork() == 0:
                    self._fork_again(sock, request, fds, controller)
                for fd in fds:
                    os.close(fd)
                os.wait()
        finally:
            os._exit(0)

    def _fork_again(
        self, sock: socket.socket, request: bytes, fds: list[int], controller: int
    ) -> NoReturn:
        """Between spare and worker: ends at once, so that the worker becomes the controller's."""
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
        asked: dict[str, Any] = _core.unpackb(request)
        node = self.run.nodes[0].__class__(
            self.run.config, self.run.nodemanager, asked["id"], self.run.count
        )
        node.workerinput = asked["workerinput"]
        node.base_temp = None
        if asked["base_temp"] is not None:
            node.base_temp = type(self.run.config.rootpath)(asked["base_temp"])
        plumbing = Plumbing.from_worker_fds(fds, asked["captured"])
        become_worker(self.run.session, node, plumbing, self.run.random, self.run.left_open)

    def make_one(self, node: Node) -> None:
        """Have the spare make a worker for a node.

        :raises OSError: the spare is gone or does not answer
        """
        if self.spare is None:
            raise OSError("there is no spare process")
        _core.adopt_orphans(True)
        plumbing = Plumbing.make(self.run.config)
        request = _core.packb(
            {
                "id": node.id,
                "workerinput": node.workerinput,
                "base_temp": None if node.base_temp is None else str(node.base_temp),
                "captured": list(plumbing.captured),
            }
        )
        try:
            socket.send_fds(self.spare, [request], plumbing.worker_fds())
            self.spare.settimeout(ANSWER_SECONDS)
            answer = self.spare.recv(4)
            if len(answer) != 4:
                raise OSError("the spare process is gone")
        except OSError:
            plumbing.close_controller_ends()
            plumbing.close_worker_ends()
            plumbing.close_captured()
            raise
        self._made(node, struct.unpack("=i", answer)[0], plumbing)

    def close(self) -> None:
        """End the spare."""
        if self.spare is not None:
            self.spare.close()
            self.spare = None
            with contextlib.suppress(OSError):
                os.kill(self.spare_pid, signal.SIGKILL)
                os.waitpid(self.spare_pid, 0)

"""The descriptors between the controller and one worker, and how a worker puts them in place."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import sys
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fleetest import _core
from fleetest.privates import private

if TYPE_CHECKING:
    import pytest

LOWEST = 10
"""None of our descriptors is below: tests may count on the lowest free ones."""

MOST_CAPTURED = 16 * 1024 * 1024
"""Bytes of captured output that are read of a worker."""


def raise_fd(fd: int, lowest: int = LOWEST) -> int:
    """Move a descriptor out of the way; close-on-exec."""
    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)
    os.close(fd)
    return high


def keep_streams() -> dict[int, int]:
    """1, 2 -> another descriptor of what is behind these now."""
    return {number: raise_fd(os.dup(number)) for number in (1, 2)}


def _same_file(a: int, b: int) -> bool:
    try:
        first, second = os.fstat(a), os.fstat(b)
    except OSError:
        return False
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)


def _pipe() -> tuple[int, int]:
    read, write = os.pipe()
    return raise_fd(read), raise_fd(write)


def _memory() -> int:
    """Memory for a worker's channel; -1 where a limit on the size of files forbids it."""
    fd = raise_fd(os.memfd_create("fleetest", os.MFD_CLOEXEC))
    try:
        os.ftruncate(fd, _core.TAIL_SIZE)
    except OSError:
        os.close(fd)
        return -1
    return fd


def _close(*fds: int) -> None:
    """Close descriptors; those that are negative are none."""
    for fd in fds:
        if fd >= 0:
            os.close(fd)


def new_capture_file() -> int:
    """A fresh unlinked file for captured output."""
    with tempfile.TemporaryFile(buffering=0) as file:
        return raise_fd(os.dup(file.fileno()))


def put_captured(fd: int, number: int, part: Any, *, keep: bool) -> None:
    """Have a part of the capturing use another file, under the number of the one that it has.

    :param number: the descriptor that it captures
    :param keep: what was captured so far is in the new one, too
    """
    if keep:
        os.write(fd, os.pread(part.tmpfile.fileno(), MOST_CAPTURED, 0))
    os.dup2(fd, part.tmpfile.fileno(), inheritable=False)
    if private.is_capturing_now(part):
        os.dup2(fd, number)


@dataclass
class Plumbing:
    """One worker's descriptors.  The controller's ends go to the engine, the others to the worker."""

    sock: int
    """The controller's end of the socket."""
    out: int
    """Read end of the pipe behind the worker's standard output."""
    err: int
    """The same for standard error; -1 where both are one."""
    worker_sock: int
    worker_out: int
    worker_err: int
    tail: int
    """Memory that both sides hold, for what the worker has yet to send; -1: there is none."""
    captured: dict[int, int] = field(default_factory=dict)
    """1, 2 -> file for what the worker's global capturing takes in; both sides hold it."""

    @classmethod
    def make(cls, config: pytest.Config) -> Plumbing:
        """Make a worker's descriptors."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        out, worker_out = _pipe()
        err, worker_err = (-1, worker_out) if _same_file(1, 2) else _pipe()
        captured = {
            number: new_capture_file()
            for number, part in private.capture_ends(config)
            if number and private.captures_descriptors(part)
        }
        return cls(
            sock=raise_fd(ours.detach()),
            out=out,
            err=err,
            worker_sock=raise_fd(theirs.detach()),
            worker_out=worker_out,
            worker_err=worker_err,
            tail=_memory(),
            captured=captured,
        )

    def worker_fds(self) -> tuple[list[int], list[int]]:
        """What :meth:`from_worker_fds` makes the worker's side of: numbers, and descriptors to send."""
        err = [self.worker_err] if self.worker_err != self.worker_out else []
        sock, *others = self.fds_but_pipes()
        numbers = [len(err), int(self.tail >= 0), *self.captured]
        return numbers, [sock, self.worker_out, *err, *others]

    def fds_but_pipes(self) -> list[int]:
        """The worker's descriptors but for the ends of pipes."""
        tail = [self.tail] if self.tail >= 0 else []
        return [self.worker_sock, *tail, *self.captured.values()]

    @classmethod
    def from_worker_fds(cls, numbers: list[int], fds: list[int]) -> Plumbing:
        """The worker's side, from descriptors that came over a socket."""
        sock, out, *others = [raise_fd(fd) for fd in fds]
        err = others.pop(0) if numbers[0] else out
        tail = others.pop(0) if numbers[1] else -1
        return cls(-1, -1, -1, sock, out, err, tail, dict(zip(numbers[2:], others)))

    def channel(self, workers: int = 0) -> _core.Channel:
        """In the worker: its end of the socket.

        :param workers: how many the run has; 0: not known
        """
        channel = _core.Channel(self.worker_sock, self.tail, workers)
        _close(self.tail)
        return channel

    def close_tail(self) -> None:
        """In the controller, once the engine has the memory."""
        _close(self.tail)
        self.tail = -1

    def close_worker_ends(self) -> None:
        """In the controller, once the worker has its own."""
        for fd in {self.worker_sock, self.worker_out, self.worker_err}:
            os.close(fd)

    def close_controller_ends(self) -> None:
        """In a worker: its own, or another worker's that it inherited."""
        _close(self.sock, self.out, self.err)

    def close_shared(self) -> None:
        """In a process that is neither the worker nor the controller: what both hold."""
        _close(self.tail)
        self.close_captured()

    def close_captured(self) -> None:
        """The files of the capturing."""
        for fd in self.captured.values():
            os.close(fd)
        self.captured = {}

    def read_captured(self) -> dict[int, str]:
        """What the worker's capturing holds: 1, 2 -> text.  Does not move the worker's offset."""
        texts = {}
        for number, fd in self.captured.items():
            size = os.fstat(fd).st_size
            data = os.pread(fd, min(size, MOST_CAPTURED), 0) if size else b""
            texts[number] = data.decode("utf-8", "replace")
        return texts

    def put_pipes(self) -> None:
        """In a new worker: write to the controller's pipes from now on."""
        os.dup2(self.worker_out, 1)
        os.dup2(self.worker_err, 2)

    def install(self, config: pytest.Config, *, keep: bool = False) -> None:
        """In a new worker: put fresh files under the descriptors that it inherited.

        Descriptor numbers and Python objects stay as they are, since modules may have kept them:
        only what is behind the numbers changes.

        :param keep: what was captured so far is this worker's too
        """
        self.put_pipes()
        saved = {1: self.worker_out, 2: self.worker_err}
        for number, part in private.capture_ends(config):
            if number in self.captured:
                os.dup2(saved[number], part.targetfd_save, inheritable=False)
                put_captured(self.captured[number], number, part, keep=keep)
        fault_fd = private.faulthandler_fd(config)
        if fault_fd is not None:
            os.dup2(self.worker_err, fault_fd, inheritable=False)
        self.close_captured()

    def install_captured(self, config: pytest.Config) -> None:
        """In a session of its own: have its capturing use the files that the controller has too."""
        for number, part in private.capture_ends(config):
            if number in self.captured and private.captures_descriptors(part):
                put_captured(self.captured[number], number, part, keep=True)
        self.close_captured()


def captured_fds(config: pytest.Config) -> set[int]:
    """The descriptors of pytest's own capturing, of faulthandler and of --log-file."""
    found = {private.faulthandler_fd(config) or 2}
    stream = getattr(private.log_file_handler(config), "stream", None)
    if stream is not None:
        found.add(stream.fileno())
    for _, part in private.capture_ends(config):
        if private.captures_descriptors(part):
            found |= {part.targetfd_save, part.tmpfile.fileno()}
    return found


def flush_all() -> None:
    """Flush what Python and the C library have buffered, so that a fork does not write it twice."""
    _core.flush_c()
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(Exception):
            stream.flush()  # type: ignore[union-attr]

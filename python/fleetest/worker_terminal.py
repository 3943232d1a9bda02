"""What a worker writes to the terminal, and how it borrows the terminal itself."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Callable

import pytest

from fleetest import _core
from fleetest.plumbing import Plumbing, flush_all
from fleetest.privates import private

if TYPE_CHECKING:
    from fleetest.worker import WorkerPlugin


class ForwardedFile:
    """The file behind a worker's terminal writer.

    What the worker's own terminal reporter writes about tests is dropped, since the controller
    reports them; what plugins, live logs and --setup-show write is sent to the controller.
    """

    def __init__(self, plugin: WorkerPlugin, writer: Any) -> None:
        self._plugin = plugin
        self._writer = writer
        self._text: list[str] = []
        self._file = private.writer_file(writer)

    def write(self, text: str) -> int:
        """Keep the text for the next message, unless the worker's reporter is at work."""
        if self._plugin.muted:
            return len(text)
        if self._plugin.terminal.borrowed:
            self._file.write(text)
        else:
            self._text.append(text)
        return len(text)

    def flush(self) -> None:
        """The text travels before the next message anyway."""
        if self._plugin.terminal.borrowed:
            self._file.flush()

    def isatty(self) -> bool:
        """As the controller's."""
        return bool(self._file.isatty())

    @property
    def waiting(self) -> bool:
        """Whether there is text that was not yet sent."""
        return bool(self._text)

    def send(self) -> None:
        """Send what was kept."""
        if self._text:
            text, self._text = "".join(self._text), []
            line = private.current_line(self._writer)
            self._plugin.channel.send(_core.MSG_TEXT, [self._plugin.index, text, line])

    def __getattr__(self, name: str) -> Any:
        """Encoding and the like are the real file's."""
        return getattr(self._file, name)


class Terminal:
    """The run's real standard streams, which a worker may borrow for a debugger."""

    channel: _core.Channel

    settle: Callable[[], None]
    """Has the controller take in what was written before."""

    def __init__(self, config: pytest.Config, plumbing: Plumbing, real: dict[int, int]) -> None:
        """Know the pipes of the worker and what is behind the controller's 1 and 2.

        :param real: descriptors for the latter (:func:`keep_streams`)
        """
        self.config = config
        self.borrowed = False
        self.reading = False
        self._real = real
        self._pipes = {1: plumbing.worker_out, 2: plumbing.worker_err}

    def pending_output(self) -> bool:
        """Whether the worker has written to its pipes what the controller has not yet read."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                continue
        return any(_core.unread_bytes(fd) for fd in set(self._pipes.values()))

    def _put(self, fds: dict[int, int]) -> None:
        flush_all()
        suspended = {1, 2}
        for number, part in private.capture_ends(self.config):
            if number and private.captures_descriptors(part):
                os.dup2(fds[number], part.targetfd_save, inheritable=False)
                if private.is_capturing_now(part):
                    suspended.discard(number)
        for number in suspended:
            os.dup2(fds[number], number)

    def borrow(self) -> None:
        """Wait until the terminal is this worker's, and put it under 0, 1 and 2."""
        if self.borrowed:
            return
        self.settle()
        self.channel.send(_core.MSG_TTY_WANT, None)
        answer = self.channel.receive()
        if answer is None or answer[1] is None:
            pytest.exit("the run was stopped while this test waited for the terminal")
        self.borrowed = True
        self._put(self._real)

    def borrow_to_read(self, fd: int) -> None:
        """From now on borrow it before it is read from, until the test is over.

        :param fd: the terminal, of a client in another session: there the kernel stops nobody
        """

        def before() -> None:
            if not self.borrowed:
                self.borrow()
                self.reading = True

        _core.before_read(before, fd)

    def done_reading(self) -> None:
        """Give back what a read has borrowed."""
        if self.reading:
            self.give_back()

    def give_back(self) -> None:
        """Give the terminal back to the controller."""
        self.reading = False
        if not self.borrowed:
            return
        self._put(self._pipes)
        self.borrowed = False
        self.channel.send(_core.MSG_TTY_BACK, None)

"""What is behind the standard descriptors of a session that is prepared ahead, until a run brings its client's.

They are files in memory.  Where the client has a terminal they pass for one: see ``src/trace``.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any

from fleetest import _core
from fleetest.plumbing import flush_all, raise_fd
from fleetest.process import descriptors

if TYPE_CHECKING:
    from collections.abc import Iterable


BAIT = b"\n"
"""In a file that nobody ought to read yet: who does moves on in it."""


class StandIns:
    """One for each descriptor that the client has."""

    def __init__(self, numbers: Iterable[int], terminals: Iterable[int], lowest: int) -> None:
        """Put them in place.

        :param numbers: of the client's descriptors; none of them may be in use but 0 to 2
        :param terminals: what is behind 0, 1 and 2: see ``src/wire/request.h``
        :param lowest: none of ours is below
        """
        self._files: dict[tuple[int, int], int] = {}
        self._printed: dict[int, int] = {}
        """1, 2 -> another descriptor of what was written there."""
        self.faithful = True
        """Whether a terminal passes for one."""
        self._sizes = sizes = dict(enumerate(terminals))
        for number in numbers:
            fd = os.memfd_create(f"fleetest {number}", os.MFD_CLOEXEC)
            if sizes.get(number) and not _core.trace_pretend(fd, sizes[number]):
                self.faithful = False
            self._files[_identity(fd)] = number
            if number in (1, 2):
                self._printed[number] = raise_fd(os.dup(fd), lowest)
            else:
                os.pwrite(fd, BAIT, 0)
            os.dup2(fd, number)
            if fd == number:
                os.set_inheritable(fd, True)
            else:
                os.close(fd)
        for number in {0, 1, 2} - {*numbers}:
            os.close(number)

    def descriptors(self) -> dict[int, int]:
        """All that refer to them -> the number of the client's that this stands in for."""
        found = {}
        for fd in descriptors():
            with contextlib.suppress(OSError):
                number = self._files.get(_identity(fd))
                if number is not None:
                    found[fd] = number
        return found

    def used(self) -> int:
        """Which of those that are not printed to was read or written; negative: none."""
        for fd, number in self.descriptors().items():
            if number not in (1, 2) and (
                os.lseek(fd, 0, os.SEEK_CUR) or os.fstat(fd).st_size != len(BAIT)
            ):
                return number
        return -1

    def renew(self) -> None:
        """In a process that was forked: have files of its own, which hold what these do."""
        found = self.descriptors()
        self._files = {}
        for number in sorted({*found.values()}):
            same = [fd for fd, other in found.items() if other == number]
            fresh = os.memfd_create(f"fleetest {number}", os.MFD_CLOEXEC)
            os.write(fresh, os.pread(same[0], os.fstat(same[0]).st_size, 0))
            os.lseek(fresh, os.lseek(same[0], 0, os.SEEK_CUR), os.SEEK_SET)
            if self._sizes.get(number):
                _core.trace_pretend(same[0], 0)
                _core.trace_pretend(fresh, self._sizes[number])
            for fd in same:
                os.dup2(fresh, fd, inheritable=os.get_inheritable(fd))
            self._files[_identity(fresh)] = number
            os.close(fresh)

    def written(self) -> tuple[int, int]:
        """How many bytes were written so far to 1 and 2."""
        flush_all()
        out, err = (
            os.fstat(self._printed[number]).st_size if number in self._printed else 0
            for number in (1, 2)
        )
        return out, err

    def take_printed(self) -> dict[int, bytes]:
        """All that was written: 1, 2 -> bytes."""
        flush_all()
        texts = {}
        for number, fd in self._printed.items():
            texts[number] = os.pread(fd, os.fstat(fd).st_size, 0)
            os.close(fd)
        self._printed = {}
        return texts

    def replace(self, received: dict[int, int]) -> None:
        """Have the client's descriptors in their place, under all numbers by which they are known.

        :param received: number -> descriptor
        """
        for fd, number in self.descriptors().items():
            os.dup2(received[number], fd, inheritable=os.get_inheritable(fd))
        _core.trace_pretend_nothing()
        for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
            if stream is not None:
                _forget_kind(stream)


def _forget_kind(stream: Any) -> None:
    """Have a stream find out again what is behind its descriptor."""
    raw = getattr(stream.buffer, "raw", stream.buffer)
    if type(raw) is io.FileIO:
        name = raw.name
        raw.__init__(raw.fileno(), raw.mode, closefd=False)  # type: ignore[misc]
        raw.name = name


def _identity(fd: int) -> tuple[int, int]:
    status = os.fstat(fd)
    return status.st_dev, status.st_ino

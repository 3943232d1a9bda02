"""The path for whose sake a session goes on from a checkpoint: it has been saved a moment ago.

What is read of it may be the last but one of several changes of the same time.  Waiting until another change would have
another time is not enough, since a write may go on after it has set the time.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from os import listdir  # the library's: a project may have put another one there since

from fleetest import _core

LARGEST = 1_000_000
"""Of a file of which the content is kept, in bytes."""

WAIT = 0.1
"""At most, in s: where files have times of whole seconds the session is made once more."""

TICK_SHARE = 0.0005
"""Of the ticks in which the clock of files goes on, in s: they are of 1 to 10 ms."""

_LISTINGS = (_core.INPUT_MODULES, _core.INPUT_TESTS, _core.INPUT_ALL_NAMES)
"""Of the folder that it is in, which is another since a moment ago if a new file has taken its place."""


class Edited:
    """Such a path, as it was when the session has gone on."""

    def __init__(self, path: str) -> None:
        """Wait until another change would have another time, and look what it holds.

        :param path: empty: there is none
        """
        self.path = path
        self._folder = os.path.dirname(path)
        self._content: bytes | None = None
        self._names: list[str] = []
        if path:
            self._wait(0)
            self._content = _read(path)
            self._names = _names(self._folder)
            if self._content is None:
                self._wait(_core.CLOCK_SKEW)

    def allows(self, path: bytes, kind: int) -> int:
        """How much younger, in ns, this input may be than others when the session begins to read."""
        if self._content is None:
            return 0
        is_it = path == os.fsencode(self.path)
        is_around = kind in _LISTINGS and path == os.fsencode(self._folder)
        return _core.CLOCK_SKEW if is_it or is_around else 0

    def changed(self) -> str:
        """The path if it holds something else, its folder if there are other names in it, whatever their times say."""
        if self._content is None:
            return ""
        if _read(self.path) != self._content:
            return self.path
        return self._folder if _names(self._folder) != self._names else ""

    def _wait(self, more: int) -> None:
        past = max((_core.time_past(each) for each in _times(self.path)), default=0) + more
        deadline = time.monotonic() + WAIT
        while _core.file_clock() < past and time.monotonic() < deadline:
            time.sleep(TICK_SHARE)


def _times(path: str) -> list[int]:
    """When it was changed, and what it leads to if it is a link, in ns since 1970."""
    found = []
    for look in (os.lstat, os.stat):
        with contextlib.suppress(OSError):
            found.append(look(path).st_ctime_ns)
    return found


def _names(folder: str) -> list[str]:
    """The names in a folder but those that are made while it is read; none: it is no folder."""
    with contextlib.suppress(OSError):
        return sorted(name for name in listdir(folder) if name != "__pycache__")
    return []


def _read(path: str) -> bytes | None:
    """What a file holds; None: it is none, or too large."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            return None
        with open(fd, "rb", 0, closefd=False) as file:
            return file.read()
    finally:
        os.close(fd)

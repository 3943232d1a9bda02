"""What processes that are forked off this one would share, or not have: open files, memory, timers."""

from __future__ import annotations

import os
import signal
import stat
from typing import TYPE_CHECKING

from fleetest.process import open_descriptors
from fleetest.process_snapshot import TIMERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class SharedState:
    """What was there at the beginning; :meth:`added` says what has come since."""

    def __init__(self) -> None:
        self._open = open_descriptors()
        self._memory = _shared_memory()

    def added(self, known: Collection[int]) -> Iterator[str]:
        """Why two processes that were forked off this one would not each have their own.

        :param known: descriptors that each of them makes anew
        """
        for fd in sorted(open_descriptors() - self._open - {*known}):
            target = os.readlink(f"/proc/self/fd/{fd}")
            if not stat.S_ISCHR(os.fstat(fd).st_mode):
                yield f"{os.path.basename(target)} is open"
        if _shared_memory() > self._memory:
            yield "there is memory that processes share"
        if any(signal.getitimer(timer) != (0.0, 0.0) for timer in TIMERS):
            yield "a timer is running"


def _shared_memory() -> int:
    """How many mappings other processes see written."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        return sum(line.split(maxsplit=2)[1].startswith(("rw-s", "rwxs")) for line in file)

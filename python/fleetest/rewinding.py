"""Where a session that is prepared ahead parks checkpoints, from which another preparation goes on.

At a checkpoint the process forks: it stays behind as it is, and its child goes on.  When a file has changed that was
read only after that, the process that has stayed is forked again, and goes on from there.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Callable

import pytest

from fleetest import _core

if TYPE_CHECKING:
    from pathlib import Path

EARLIEST = 0.6
"""Of the CPU time that Python has taken to start and to import pytest, that a preparation spends between two
checkpoints at least: how many there are, and what memory they take, must not depend on how fast the machine is."""

EARLIEST_MAX = 150_000_000
"""But no more than that, in ns: pytest may have been compiled meanwhile."""

SHARE = 0.5
"""Of all that it has spent so far, likewise: so that a few are enough for a long one."""

FILE = 4_000_000
"""In ns, likewise before the first file of tests, and a file that has changed lately: these change most."""

MOST = 8
"""Checkpoints of one preparation, whoever has parked them."""

FOR_FILES = 3
"""Those of them that are left for files which have changed lately."""


class RewindPoints:
    """Finds such points."""

    def __init__(self, park: Callable[[str], bool], start: int) -> None:
        """Know none.

        :param park: parks a checkpoint if it can be done; is given what the session is about to do
        :param start: CPU time that Python has taken to start and to import pytest, in ns
        """
        self._park = park
        self._earliest = min(EARLIEST * start, EARLIEST_MAX)
        self._parked = 0
        self._at = 0
        """The CPU time of this process when the last one was parked."""
        self._before = 0
        """That of the processes which have come so far."""
        self._files = 0
        self._changed: list[str] = []
        """Parts of paths of files that have changed lately, as modules are called."""

    def changed(self, path: Path) -> None:
        """A file has changed, for which a preparation goes on from a checkpoint: perhaps not the last time."""
        parent = path.parent.name
        self._changed.append(parent if path.name == "__init__.py" else path.stem)

    def begin(self) -> None:
        """Look for points from now on."""
        _core.before_imports(self._before_import)

    def stop(self) -> None:
        """Look no more."""
        _core.before_imports(None)

    def went_on(self) -> None:
        """The process has just gone on from one."""
        self._before += self._at
        self._at = 0

    def _before_import(self, name: str, cpu: int) -> None:
        if self._pays(cpu, likely=name.rpartition(".")[2] in self._changed):
            self._reach(f"the import of {name}", cpu)

    def before_file(self, collector: pytest.Collector) -> None:
        """Something is about to be collected."""
        if not isinstance(collector, pytest.File):
            return
        cpu = time.process_time_ns()
        self._files += 1
        if self._pays(cpu, likely=self._files == 1 or collector.path.stem in self._changed):
            self._reach(os.path.relpath(collector.path), cpu)

    def _pays(self, cpu: int, *, likely: bool) -> bool:
        """Whether enough was done since the last one.

        :param likely: what comes is likely to change
        """
        if likely:
            return self._parked < MOST and cpu - self._at >= FILE
        wanted = max(self._earliest, SHARE * (self._before + cpu))
        return self._parked < MOST - FOR_FILES and cpu - self._at >= wanted

    def _reach(self, what: str, cpu: int) -> None:
        at, self._at = self._at, cpu
        self._parked += 1
        if not self._park(what):
            self._parked -= 1
            self._at = at

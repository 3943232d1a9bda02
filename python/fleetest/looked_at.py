"""Which paths pytest asks about on its way to its configuration."""

from __future__ import annotations

import os
import pathlib
from typing import Any

from fleetest import _core


class LookedAt:
    """Remembers the paths whose status somebody asks for, and those that are opened for reading.

    For a process that does nothing else meanwhile.
    """

    def __init__(self) -> None:
        self._paths: set[bytes] = set()
        self._stat: Any = None

    def start(self) -> None:
        """Begin to remember."""
        self._stat = stat = os.stat

        def look(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
            self._add(path)
            return stat(path, *args, **kwargs)

        self._put(look)
        _core.watch(lambda event, path: self._add(path) if event == "read" else None, True)

    def _add(self, path: Any) -> None:
        if isinstance(path, (str, bytes, os.PathLike)):
            self._paths.add(os.path.abspath(os.fsencode(path)))

    def stop(self) -> list[bytes]:
        """Everything is as it was; what was looked at, sorted."""
        _core.watch(None)
        self._put(self._stat)
        return sorted(self._paths)

    def _put(self, stat: Any) -> None:
        os.stat = stat
        accessor: Any = getattr(pathlib, "_NormalAccessor", None)  # until Python 3.10
        if accessor is not None:
            accessor.stat = staticmethod(stat)

"""Which paths pytest asks about on its way to its configuration."""

from __future__ import annotations

import os
import pathlib
from typing import Any


class LookedAt:
    """Remembers the paths whose status somebody asks for; all that is opened is among them.

    For a process that does nothing else meanwhile.
    """

    def __init__(self) -> None:
        self._paths: set[bytes] = set()
        self._stat: Any = None

    def start(self) -> None:
        """Begin to remember."""
        self._stat = stat = os.stat

        def look(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
            if not isinstance(path, int):
                self._paths.add(os.path.abspath(os.fsencode(path)))
            return stat(path, *args, **kwargs)

        self._put(look)

    def stop(self) -> list[bytes]:
        """Everything is as it was; what was looked at, sorted."""
        self._put(self._stat)
        return sorted(self._paths)

    def _put(self, stat: Any) -> None:
        os.stat = stat
        accessor: Any = getattr(pathlib, "_NormalAccessor", None)  # until Python 3.10
        if accessor is not None:
            accessor.stat = staticmethod(stat)

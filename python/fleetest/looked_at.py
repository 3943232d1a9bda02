"""Which paths pytest asks about on its way to its configuration."""

from __future__ import annotations

import os
import pathlib
from typing import Any

from fleetest import _core
from fleetest.inputs import source_of


class LookedAt:
    """Remembers the paths that somebody asks about, and the files that are opened for reading.

    For a process that does nothing else meanwhile.
    """

    def __init__(self) -> None:
        self._paths: set[bytes] = set()
        self._files: set[bytes] = set()
        self._stat: Any = None

    def start(self) -> None:
        """Begin to remember."""
        self._stat = stat = os.stat

        def look(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
            _add(self._paths, path)
            return stat(path, *args, **kwargs)

        self._put(look)

        def happened(event: str, path: Any) -> None:
            if event == "read" and isinstance(path, str):
                _add(self._files, source_of(path))

        _core.watch(happened, True)

    def stop(self) -> tuple[list[bytes], list[bytes]]:
        """Everything is as it was.

        :returns: the paths of which it was asked whether they are there, and those of files that were read
        """
        _core.watch(None)
        self._put(self._stat)
        return sorted(self._paths - self._files), sorted(self._files)

    def _put(self, stat: Any) -> None:
        os.stat = stat
        accessor: Any = getattr(pathlib, "_NormalAccessor", None)  # until Python 3.10
        if accessor is not None:
            accessor.stat = staticmethod(stat)


def _add(paths: set[bytes], path: Any) -> None:
    if isinstance(path, (str, bytes, os.PathLike)):
        paths.add(os.path.abspath(os.fsencode(path)))

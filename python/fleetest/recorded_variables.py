"""Which variables of the environment somebody has asked for."""

from __future__ import annotations

import os
from typing import Any


class RecordedVariables(dict):  # type: ignore[type-arg]
    """Stands for the data behind ``os.environ``, and remembers whose values were asked for."""

    def __init__(self, data: dict[bytes, bytes]) -> None:
        super().__init__(data)
        self._data = data
        self._asked: set[bytes] = set()

    @classmethod
    def start(cls) -> RecordedVariables:
        """Begin to record."""
        environ: Any = os.environ
        environ._data = recorded = cls(environ._data)
        return recorded

    def stop(self) -> list[bytes]:
        """``os.environ`` is as it was; the names, sorted."""
        environ: Any = os.environ
        self._data.clear()
        self._data.update(dict.items(self))  # not by way of what records
        environ._data = self._data
        return sorted(self._asked)

    def __getitem__(self, key: Any) -> Any:
        self._asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: Any) -> bool:
        self._asked.add(key)
        return super().__contains__(key)

    def __iter__(self) -> Any:
        self._asked.update(self.keys())
        return super().__iter__()

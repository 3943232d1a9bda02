"""Which variables of the environment somebody has asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self


class RecordedVariables(dict):  # type: ignore[type-arg]
    """Stands for the data behind ``os.environ``, and remembers what was asked for, and what was changed.

    Who looks at all of it has asked for ``*``: also for what is not there.
    """

    def __init__(self, data: dict[bytes, bytes]) -> None:
        super().__init__(data)
        self._data = data
        self._asked: set[bytes] = set()
        self._changed: set[bytes] = set()

    @classmethod
    def start(cls) -> Self:
        """Begin to record."""
        environ: Any = os.environ
        recorded = cls(environ._data)
        cls._put(recorded)
        return recorded

    @staticmethod
    def _put(data: dict[bytes, bytes]) -> None:
        for environ in (os.environ, os.environb):  # two views of the same data
            view: Any = environ
            view._data = data

    def stop(self) -> list[bytes]:
        """``os.environ`` is as it was; the names, sorted."""
        self._data.clear()
        self._data.update(dict.items(self))  # not by way of what records
        self._put(self._data)
        return self.asked()

    def asked(self) -> list[bytes]:
        """The names that were asked for so far, sorted."""
        return sorted(self._asked)

    def forget_changes(self) -> None:
        """Those so far do not count."""
        self._changed.clear()

    def changes(self) -> dict[bytes, bytes | None]:
        """What was set, even to what it was before, or deleted (None)."""
        return {name: dict.get(self, name) for name in sorted(self._changed)}

    def _note(self, key: Any) -> None:
        """Somebody asks for a variable."""
        self._asked.add(key)

    def __getitem__(self, key: Any) -> Any:
        self._note(key)
        return super().__getitem__(key)

    def __contains__(self, key: Any) -> bool:
        self._note(key)
        return super().__contains__(key)

    def __iter__(self) -> Any:
        self._note(b"*")
        return super().__iter__()

    def __len__(self) -> int:
        self._note(b"*")
        return super().__len__()

    def __setitem__(self, key: Any, value: Any) -> None:
        self._changed.add(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        self._note(key)
        self._changed.add(key)
        super().__delitem__(key)

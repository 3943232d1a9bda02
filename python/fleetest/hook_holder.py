"""Plugins of our own that are registered in every run, at little cost."""

from __future__ import annotations

from typing import Any, ClassVar


class HookHolder:
    """A plugin that has hooks and no fixtures, and says so.

    Who registers it looks at each of its names, pluggy for hooks and pytest for fixtures: at those alone that may be
    hooks, then.
    """

    _hooks: ClassVar[list[str]] = []

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._hooks = [name for name in dir(cls) if name.startswith("pytest_")]

    def __dir__(self) -> list[str]:
        return self._hooks

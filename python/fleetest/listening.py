"""A command line that tells who reads it."""

from __future__ import annotations

from typing import Any, Callable


def _method(name: str) -> Callable[..., Any]:
    """A method of lists that tells that it is used."""
    original = getattr(list, name)

    def method(arguments: ListeningArguments, *args: Any) -> Any:
        if not (name == "__getitem__" and args == (0,)):  # that is the command, which is the same
            arguments.tell()
        return original(arguments, *args)

    return method


class ListeningArguments(list):  # type: ignore[type-arg]
    """Stands for ``sys.argv``."""

    def __init__(self, argv: list[str], tell: Callable[[], None]) -> None:
        super().__init__(argv)
        self.tell = tell

    for _name in (
        *("__getitem__", "__iter__", "__contains__", "__len__", "__reversed__", "__eq__", "__ne__"),
        *("__lt__", "__le__", "__gt__", "__ge__", "__add__", "__mul__", "__repr__"),
        *("copy", "count", "index", "pop"),
    ):
        locals()[_name] = _method(_name)
    del _name
    __hash__ = None

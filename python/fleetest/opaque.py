"""Stand-ins for objects of a report that cannot travel between processes.

They look the same (``str``, ``repr``) and, where the original was a string or a number of a class
of its own, have the same value.
"""

from __future__ import annotations

from typing import Any


class _Look:
    """Carries the original's type name, ``str()`` and ``repr()``."""

    type_name: str
    text: str
    shown: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.shown


class Opaque(_Look):
    """Stands for an object of any other class."""


class OpaqueStr(_Look, str):
    """Stands for an object of a subclass of str."""


class OpaqueInt(_Look, int):
    """Stands for an object of a subclass of int."""


class OpaqueFloat(_Look, float):
    """Stands for an object of a subclass of float."""


def make(type_name: str, text: str, shown: str, plain: str | int | float | None) -> Any:
    """Build the stand-in; called by the decoder in C.

    :param plain: the value as a plain str, int or float; None for every other class
    """
    made: Any
    if isinstance(plain, str):
        made = OpaqueStr(plain)
    elif isinstance(plain, int):
        made = OpaqueInt(plain)
    elif isinstance(plain, float):
        made = OpaqueFloat(plain)
    else:
        made = Opaque()
    made.type_name, made.text, made.shown = type_name, text, shown
    return made

"""What a client of the daemon asks for: see ``src/wire/request.h``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from fleetest import _core

LIMITS = 16
"""How many resource limits there are, by their number in Linux: ``FT_REQUEST_LIMITS``."""


@dataclass(frozen=True)
class Request:
    """A run, with all that its process has to take over from the client."""

    build: bytes
    command: str
    """Path of the client's executable."""
    folder: bytes
    arguments: list[str]
    environ: list[bytes]
    umask: int
    nice: int
    ignored: int
    """Signals; bit 0 is signal 1."""
    blocked: int
    limits: list[int]
    """Soft and hard limit of each resource in turn."""
    terminals: list[int]
    """What the client's descriptors 0, 1 and 2 are: a terminal with its size (``FT_REQUEST_TERMINAL``), or none (0)."""
    numbers: list[int]
    """Those of the client's descriptors."""

    @classmethod
    def read(cls, fd: int) -> Request:
        """Read it from a file, which is closed."""
        fields = _core.unpackb(os.pread(fd, os.fstat(fd).st_size, 0))
        os.close(fd)
        build, command, folder, arguments, *rest = fields
        return cls(build, os.fsdecode(command), folder, [*map(os.fsdecode, arguments)], *rest)

    def apply_variables(self, changes: dict[bytes, bytes | None]) -> None:
        """Have the client's environment, in its order, as a new process has it.

        :param changes: what the interpreter and plugins set in it, or delete (None)
        """
        variables = dict(_split(variable) for variable in reversed(self.environ))
        for name in os.environb.keys() - variables.keys():
            del os.environb[name]
        for name, value in variables.items():
            if os.environb.get(name) != value:
                os.environb[name] = value
        data: Any = os.environ
        data._data.clear()
        names = [_split(variable)[0] for variable in self.environ]
        data._data.update((name, variables[name]) for name in names)
        for name, change in changes.items():
            if change is None:
                os.environb.pop(name, None)
            else:
                os.environb[name] = change


def changes_at_start() -> dict[bytes, bytes | None]:
    """What the interpreter has set in the environment since this program began, or deleted (None).

    Where the locale is C, it sets LC_CTYPE (PEP 538), and ``sitecustomize`` may do as it likes.
    """
    with open("/proc/self/environ", "rb") as file:
        given = file.read().split(b"\0")
    before = dict(_split(variable) for variable in reversed(given) if variable)
    now = dict(os.environb)
    changed = (name for name in {**before, **now} if before.get(name) != now.get(name))
    return {name: now.get(name) for name in changed}


def _split(variable: bytes) -> tuple[bytes, bytes]:
    """Name and value; a name may begin with an equals sign."""
    at = variable.find(b"=", 1)
    return (variable, b"") if at < 0 else (variable[:at], variable[at + 1 :])

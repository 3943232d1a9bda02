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
    numbers: list[int]
    """Those of the client's descriptors."""

    @classmethod
    def read(cls, fd: int) -> Request:
        """Read it from a file, which is closed."""
        fields = _core.unpackb(os.pread(fd, os.fstat(fd).st_size, 0))
        os.close(fd)
        build, command, folder, arguments, *rest = fields
        return cls(build, os.fsdecode(command), folder, [*map(os.fsdecode, arguments)], *rest)

    def apply_variables(self) -> None:
        """Have the client's environment, in its order, as a new process has it."""
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


def _split(variable: bytes) -> tuple[bytes, bytes]:
    """Name and value; a name may begin with an equals sign."""
    at = variable.find(b"=", 1)
    return (variable, b"") if at < 0 else (variable[:at], variable[at + 1 :])

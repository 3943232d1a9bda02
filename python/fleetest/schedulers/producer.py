"""The loggers that xdist hands to schedulers: ``xdist.remote.Producer``."""

from __future__ import annotations

import sys
from typing import Any


class Producer:
    """Prints what it is called with on standard error, behind its name, if it is enabled."""

    def __init__(self, name: str, *, enabled: bool = True) -> None:
        self.name = name
        self.enabled = enabled

    def __call__(self, *values: Any, **kwargs: Any) -> None:
        """Log, as ``print`` would."""
        if self.enabled:
            print(f"[{self.name}]", *values, **kwargs, file=sys.stderr)

    def __getattr__(self, name: str) -> Producer:
        """A logger of another name: ``log.mine``."""
        return Producer(name, enabled=self.enabled)

    def __repr__(self) -> str:
        return f"Producer({self.name!r}, enabled={self.enabled})"

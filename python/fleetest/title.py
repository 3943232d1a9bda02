"""What a worker's process is called in listings, where setproctitle is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from typing import Any

_searched: list[str] = []
"""Where the module was looked for, and is not."""


def look_ahead() -> None:
    """Look whether titles can be shown from here on, which every worker would have to do else."""
    with contextlib.suppress(Exception):
        _searched[:] = sys.path if importlib.util.find_spec("setproctitle") is None else ()


class Title:
    """Shows what the worker is doing, in xdist's words."""

    def __init__(self) -> None:
        """Look whether it can be shown."""
        self._set: Any = None
        if _searched and _searched == sys.path:
            return
        # Whatever is wrong with the module, a title is worth no error.
        with contextlib.suppress(Exception):
            from setproctitle import setproctitle

            self._set = setproctitle

    def show(self, nodeid: str | None) -> None:
        """Show a test that is run, or that there is none."""
        if self._set is None:
            return
        with contextlib.suppress(Exception):
            self._set(
                "[pytest-xdist idle]" if nodeid is None else f"[pytest-xdist running] {nodeid}"
            )

"""What is done while a session allocates much and frees little."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

THRESHOLD = 50_000
"""Allocations between two runs of the garbage collector meanwhile."""


@contextlib.contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Let the garbage collector run rarely, while collecting and in a controller that reports.

    The project's own setting is kept if it is a rarer one, or if it changes meanwhile.
    """
    before = gc.get_threshold()
    if not 0 < before[0] < THRESHOLD:
        yield
        return
    ours = (THRESHOLD, *before[1:])
    gc.set_threshold(*ours)
    try:
        yield
    finally:
        if gc.get_threshold() == ours:
            gc.set_threshold(*before)

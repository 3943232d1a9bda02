"""What is done while a session allocates much and frees little."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

YOUNG = 5_000
"""Allocations between two runs of the garbage collector meanwhile.

What one run looks at is still in the processor's cache then, and what it frees lies close together:
with 50,000 collecting garbage took half as long again, and workers copied a tenth more pages.
"""

MIDDLE = 20
"""Runs of the collector between two that look at older objects too."""


@contextlib.contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Let the garbage collector run rarely, while collecting and in a controller that reports.

    The project's own setting is kept if it is a rarer one, or if it changes meanwhile.
    """
    before = gc.get_threshold()
    if not 0 < before[0] < YOUNG:
        yield
        return
    ours = (YOUNG, max(before[1], MIDDLE), before[2])
    gc.set_threshold(*ours)
    try:
        yield
    finally:
        if gc.get_threshold() == ours:
            gc.set_threshold(*before)

"""What plugins use of ``xdist.dsession``: the plugin of a controller, and the schedulers."""

from __future__ import annotations

from xdist.scheduler import (
    EachScheduling,
    LoadFileScheduling,
    LoadGroupScheduling,
    LoadScheduling,
    LoadScopeScheduling,
    Scheduling,
    WorkStealingScheduling,
)

from fleetest.run import Run as DSession

__all__ = [
    "DSession",
    "EachScheduling",
    "LoadFileScheduling",
    "LoadGroupScheduling",
    "LoadScheduling",
    "LoadScopeScheduling",
    "Scheduling",
    "WorkStealingScheduling",
]

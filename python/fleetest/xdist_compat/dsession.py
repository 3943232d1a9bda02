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

from fleetest.options import get_default_max_worker_restart
from fleetest.run import Run as DSession
from fleetest.screen import TerminalDistReporter
from fleetest.worker_status import WorkerStatus, get_workers_status_line

__all__ = [
    "DSession",
    "EachScheduling",
    "LoadFileScheduling",
    "LoadGroupScheduling",
    "LoadScheduling",
    "LoadScopeScheduling",
    "Scheduling",
    "TerminalDistReporter",
    "WorkStealingScheduling",
    "WorkerStatus",
    "get_default_max_worker_restart",
    "get_workers_status_line",
]

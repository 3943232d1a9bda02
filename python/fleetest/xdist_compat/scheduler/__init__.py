"""pytest-xdist's schedulers, for plugins that make one of their own from them."""

from xdist.scheduler.each import EachScheduling
from xdist.scheduler.load import LoadScheduling
from xdist.scheduler.loadfile import LoadFileScheduling
from xdist.scheduler.loadgroup import LoadGroupScheduling
from xdist.scheduler.loadscope import LoadScopeScheduling
from xdist.scheduler.protocol import Scheduling
from xdist.scheduler.worksteal import WorkStealingScheduling

__all__ = [
    "EachScheduling",
    "LoadFileScheduling",
    "LoadGroupScheduling",
    "LoadScheduling",
    "LoadScopeScheduling",
    "Scheduling",
    "WorkStealingScheduling",
]

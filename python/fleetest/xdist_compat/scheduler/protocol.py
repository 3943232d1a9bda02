"""``xdist.scheduler.protocol``."""

from fleetest.schedulers.protocol import Scheduling

__all__ = ["Scheduling"]

"""``xdist.scheduler.load``."""

from fleetest.schedulers.load import LoadScheduling

__all__ = ["LoadScheduling"]

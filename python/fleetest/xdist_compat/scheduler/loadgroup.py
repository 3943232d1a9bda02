"""``xdist.scheduler.loadgroup``."""

from fleetest.schedulers.loadgroup import LoadGroupScheduling

__all__ = ["LoadGroupScheduling"]

"""``xdist.scheduler.each``."""

from fleetest.schedulers.each import EachScheduling

__all__ = ["EachScheduling"]

"""``xdist.scheduler.loadfile``."""

from fleetest.schedulers.loadfile import LoadFileScheduling

__all__ = ["LoadFileScheduling"]

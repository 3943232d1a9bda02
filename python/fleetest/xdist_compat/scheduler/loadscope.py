"""``xdist.scheduler.loadscope``."""

from fleetest.schedulers.loadscope import LoadScopeScheduling

__all__ = ["LoadScopeScheduling"]

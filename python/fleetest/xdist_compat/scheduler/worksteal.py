"""``xdist.scheduler.worksteal``."""

from fleetest.schedulers.worksteal import WorkStealingScheduling

__all__ = ["WorkStealingScheduling"]

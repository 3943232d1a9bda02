"""What schedulers and plugins use of ``xdist.remote``."""

from fleetest.schedulers.producer import Producer

__all__ = ["Producer"]

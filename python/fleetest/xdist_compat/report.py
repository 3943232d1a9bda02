"""``xdist.report``."""

from fleetest.schedulers.difference import report_collection_diff

__all__ = ["report_collection_diff"]

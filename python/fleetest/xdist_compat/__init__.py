"""fleetest's answer to ``import xdist`` while it runs a session.

PYTEST_DONT_REWRITE: it is imported before pytest could rewrite its assertions.
"""

from xdist._version import version as __version__
from xdist.plugin import (
    get_xdist_worker_id,
    is_xdist_controller,
    is_xdist_master,
    is_xdist_worker,
)

__all__ = [
    "__version__",
    "get_xdist_worker_id",
    "is_xdist_controller",
    "is_xdist_master",
    "is_xdist_worker",
]

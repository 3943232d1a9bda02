"""``--dist loadfile`` as pytest-xdist does it."""

from __future__ import annotations

from fleetest.schedulers.loadscope import LoadScopeScheduling


class LoadFileScheduling(LoadScopeScheduling):
    """Gives all tests of a file to one worker."""

    log_name = "loadfilesched"

    def _split_scope(self, nodeid: str) -> str:
        """The file."""
        return nodeid.split("::", 1)[0]

"""``--dist loadgroup`` as pytest-xdist does it."""

from __future__ import annotations

from fleetest.schedulers.loadscope import LoadScopeScheduling


class LoadGroupScheduling(LoadScopeScheduling):
    """Gives all tests of an ``xdist_group`` to one worker, any other by itself.

    With ``--dist loadgroup`` the node ids that a scheduler gets end in '@' and the group.
    """

    log_name = "loadgroupsched"

    def _split_scope(self, nodeid: str) -> str:
        """The group, if there is one; '@' may also be in the parameters."""
        if nodeid.rfind("@") > nodeid.rfind("]"):
            return nodeid.rsplit("@", 1)[1]
        return nodeid

"""Workers that collect for themselves: none runs tests before all of the first ones have collected.

So it is with pytest-xdist. What a session does when it is configured, such as clearing a folder, may be
meant for a time when no tests are running.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetest import _core
from fleetest.crash import collection_report
from fleetest.digest import digest

if TYPE_CHECKING:
    from fleetest.node import Node
    from fleetest.run import Run


class Gathering:
    """Compares their collections with the controller's, and says when they may begin."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._waiting: list[Node] = []

    def collected(self, node: Node, theirs: str, ids: list[str] | None) -> None:
        """A worker has collected: it may only run tests if it has the same ones.

        :param theirs: the digest of its node ids
        :param ids: these, if it was asked for them
        """
        run = self._run
        if theirs == digest(run.ids):
            self._waiting.append(node)
        elif ids is None:
            run.engine.send(node.number, _core.MSG_SEND_IDS, None)
            return
        else:
            run.reporting.worker_lost(collection_report(node, run.ids, ids))
            run.engine.send(node.number, _core.MSG_STOP, None)
        node.gathered = True
        self.look()

    def look(self) -> None:
        """Let them begin if nobody is to be waited for any more."""
        if all(node.gathered or node.shutting_down for node in self._run.nodes):
            for node in self._waiting:
                if not node.shutting_down:
                    self._run.engine.send(node.number, _core.MSG_SYNCED, None)
            self._waiting.clear()

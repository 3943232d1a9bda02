"""``--dist worksteal`` as pytest-xdist does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetest.schedulers.collecting import Queues

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from fleetest.node import Node
    from fleetest.schedulers.producer import Producer

MIN_PENDING = 2
"""A worker that has fewer tests than this cannot begin one: it needs to know what comes next."""


class WorkStealingScheduling(Queues):
    """Gives out all tests at first; who has none left gets half of those of the longest queue."""

    log_name = "workstealsched"

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self.steal_requested_from_node: Node | None = None
        """The worker that was asked for tests and has not answered yet; one at a time."""

    @property
    def tests_finished(self) -> bool:
        """Whether no worker has more than a last test, and none is on its way."""
        return self.steal_requested_from_node is None and super().tests_finished

    def mark_test_complete(
        self, node: Node, item_index: int, duration: float | None = None
    ) -> None:
        """A worker is done with a test."""
        self.node2pending[node].remove(item_index)
        self.check_schedule()

    def mark_test_pending(self, item: str) -> None:
        """Have a test run once more."""
        super().mark_test_pending(item)
        self.check_schedule()

    def remove_pending_tests_from_node(self, node: Node, indices: Sequence[int]) -> None:
        """A worker has given tests back."""
        assert node is self.steal_requested_from_node
        self.steal_requested_from_node = None
        given = set(indices)
        self.node2pending[node] = [index for index in self.node2pending[node] if index not in given]
        self.pending.extend(indices)
        self.check_schedule()

    def _idle(self) -> list[Node]:
        return [
            node
            for node, pending in self.node2pending.items()
            if len(pending) < MIN_PENDING and not node.shutting_down
        ]

    def check_schedule(self) -> None:
        """See to workers that have nothing to do."""
        idle = self._idle()
        if idle and self.pending:
            for place, node in enumerate(idle):
                self._send_tests(node, len(self.pending) // (len(idle) - place))
            idle = self._idle()
        if idle and self.steal_requested_from_node is None:
            self._steal_for(idle)

    def _steal_for(self, idle: list[Node]) -> None:
        queues = {
            node: pending for node, pending in self.node2pending.items() if not node.shutting_down
        }
        rich = max(queues, key=lambda node: len(queues[node]))
        count = min(len(queues[rich]) // 2, len(queues[rich]) - MIN_PENDING)
        if count > 0:
            self.steal_requested_from_node = rich
            rich.send_steal(queues[rich][-count:])
            return
        for node in idle:
            node.shutdown()

    def remove_node(self, node: Node) -> str | None:
        """A worker is gone; what it had left is for the others."""
        crashed, left = self._take_back(node)
        self.pending.extend(left)
        if self.steal_requested_from_node is node:
            self.steal_requested_from_node = None
        self.check_schedule()
        return crashed

    def schedule(self) -> None:
        """Begin, or have a new worker take part."""
        assert self.collection_is_completed
        if self.collection is not None or self._begin():
            self.check_schedule()

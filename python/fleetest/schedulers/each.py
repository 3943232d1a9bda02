"""``--dist each`` as pytest-xdist does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from fleetest.schedulers.collecting import Queues

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from fleetest.node import Node
    from fleetest.schedulers.producer import Producer


class EachScheduling(Queues):
    """Has every worker run every test.

    A worker that replaces a lost one of the same kind runs what that one had left.
    """

    log_name = "eachsched"

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self._started: set[Node] = set()
        self._left: list[tuple[Node, list[int]]] = []
        """Workers that were lost, and what each of them had not run."""

    @property
    def tests_finished(self) -> bool:
        """Whether no worker has more than a last test."""
        return not self._left and super().tests_finished

    def add_node_collection(self, node: Node, collection: Sequence[str]) -> None:
        """It has collected these; two workers need not have the same."""
        completed = self.collection_is_completed
        self.node2collection[node] = list(collection)
        if not completed:
            return
        for place, (lost, left) in enumerate(self._left):
            same = self.node2collection[lost] == self.node2collection[node]
            if same and str(lost.gateway.spec) == str(node.gateway.spec):
                del self._left[place]
                self.node2pending[node] = left
                return

    def mark_test_complete(self, node: Node, item_index: int, duration: float = 0) -> None:
        """A worker is done with a test."""
        self.node2pending[node].remove(item_index)

    def mark_test_pending(self, item: str) -> NoReturn:
        """No test is run more often than once by each."""
        raise NotImplementedError

    def remove_pending_tests_from_node(self, node: Node, indices: Sequence[int]) -> NoReturn:
        """Nothing is ever asked back."""
        raise NotImplementedError

    def remove_node(self, node: Node) -> str | None:
        """A worker is gone; what it had left waits for its replacement."""
        pending = self.node2pending.pop(node)
        if not pending:
            return None
        if pending[1:]:
            self._left.append((node, pending[1:]))
        return self.node2collection[node][pending[0]]

    def schedule(self) -> None:
        """Have each worker that has not begun run all tests, or those that it has taken over."""
        assert self.collection_is_completed
        for node, pending in self.node2pending.items():
            if node in self._started:
                continue
            self._started.add(node)
            if pending:
                node.send_runtest_some(pending)
            else:
                pending[:] = range(len(self.node2collection[node]))
                node.send_runtest_all()
            node.shutdown()

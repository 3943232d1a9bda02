"""``--dist load`` as pytest-xdist does it."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, NoReturn

from fleetest.schedulers.collecting import Queues

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from fleetest.node import Node
    from fleetest.schedulers.producer import Producer

LONG = 0.1
"""Seconds from which on a test counts as long."""


class LoadScheduling(Queues):
    """Gives each worker a part of the tests, and more as it gets through them.

    Subclasses override ``check_schedule`` or ``schedule``.
    """

    log_name = "loadsched"

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self.maxschedchunk: int | None = config.getoption("maxschedchunk", None)

    def _at_most(self, count: int) -> int:
        return count if self.maxschedchunk is None else min(count, self.maxschedchunk)

    def mark_test_complete(self, node: Node, item_index: int, duration: float = 0) -> None:
        """A worker is done with a test.

        :param duration: in seconds
        """
        self.node2pending[node].remove(item_index)
        self.check_schedule(node, duration=duration)

    def mark_test_pending(self, item: str) -> None:
        """Have a test run once more."""
        super().mark_test_pending(item)
        for node in self.nodes:
            self.check_schedule(node)

    def remove_pending_tests_from_node(self, node: Node, indices: Sequence[int]) -> NoReturn:
        """Nothing is ever asked back."""
        raise NotImplementedError

    def check_schedule(self, node: Node, duration: float = 0) -> None:
        """Give a worker more if it has little left, or end its session if there is nothing more.

        :param duration: of its last test; one that runs long tests is not given many
        """
        if node.shutting_down:
            return
        if not self.pending:
            node.shutdown()
            return
        share = len(self.pending) // len(self.node2pending)
        queued = len(self.node2pending[node])
        if queued >= max(2, share // 4) or (duration >= LONG and queued >= 2):
            return
        wanted = max(2, share // 2) - queued
        self._send_tests(node, max(self._at_most(wanted), 2 - queued))
        self.log("num items waiting for node:", len(self.pending))

    def remove_node(self, node: Node) -> str | None:
        """A worker is gone; what it had left is for the others."""
        crashed, left = self._take_back(node)
        self.pending.extend(left)
        if left or crashed is not None:
            for other in self.nodes:
                self.check_schedule(other)
        return crashed

    def schedule(self) -> None:
        """Begin, or have a new worker take part."""
        assert self.collection_is_completed
        if self.collection is not None:
            for node in self.nodes:
                self.check_schedule(node)
            return
        if not self._begin():
            return
        nodes = self.nodes
        if len(self.pending) < 2 * len(nodes):
            for node in cycle(nodes):
                if not self.pending:
                    break
                self._send_tests(node, 1)
        else:
            share = len(self.pending) // len(nodes)
            for node in nodes:
                self._send_tests(node, max(2, self._at_most(share // 4)))
        if not self.pending:
            for node in nodes:
                node.shutdown()

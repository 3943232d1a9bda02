"""What pytest-xdist's schedulers have in common: workers, and what each of them has collected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fleetest.schedulers.difference import report_collection_diff
from fleetest.schedulers.producer import Producer
from fleetest.specs import parse_tx_spec_config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetest.node import Node


class Collecting:
    """Compares collections; the first one that all workers agree on becomes ``collection``."""

    log_name: str

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        """Wait for as many workers as the command line asks for.

        :param log: the controller's
        """
        self.config = config
        self.numnodes = len(parse_tx_spec_config(config))
        self.collection: list[str] | None = None
        self.log = Producer(self.log_name) if log is None else getattr(log, self.log_name)

    @property
    def agreed(self) -> list[str]:
        """``collection``, once there is one."""
        assert self.collection is not None
        return self.collection

    def fits(
        self,
        node: Node,
        collection: Sequence[str],
        known: dict[Node, list[str]],
    ) -> bool:
        """Whether a worker that came later has collected what the others have; logged if not."""
        if self.collection is None or list(collection) == self.collection:
            return True
        other = next(iter(known)).gateway.id if known else "the others"
        self.log(report_collection_diff(self.collection, collection, other, node.gateway.id))
        return False

    def agree(self, known: dict[Node, list[str]]) -> bool:
        """Whether all have collected the same, which is ``collection`` from then on.

        Where they have not, each difference is reported as an error of collection.
        """
        (first, collection), *others = known.items()
        same = True
        for node, theirs in others:
            message = report_collection_diff(collection, theirs, first.gateway.id, node.gateway.id)
            if message is None:
                continue
            same = False
            self.log(message)
            report = pytest.CollectReport(node.gateway.id, "failed", message, [])
            self.config.hook.pytest_collectreport(report=report)
        if same:
            self.collection = list(collection)
        else:
            self.log("**Different tests collected, aborting run**")
        return same


class Queues(Collecting):
    """Schedulers that know each worker's queue, and which tests nobody has yet."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self.node2collection: dict[Node, list[str]] = {}
        self.node2pending: dict[Node, list[int]] = {}
        self.pending: list[int] = []

    @property
    def nodes(self) -> list[Node]:
        """The workers that it knows."""
        return list(self.node2pending)

    @property
    def collection_is_completed(self) -> bool:
        """Whether all workers have collected."""
        return len(self.node2collection) >= self.numnodes

    @property
    def tests_finished(self) -> bool:
        """Whether no worker has more than a last test."""
        if not self.collection_is_completed or self.pending:
            return False
        return all(len(pending) < 2 for pending in self.node2pending.values())

    @property
    def has_pending(self) -> bool:
        """Whether any test was not run yet."""
        return bool(self.pending) or any(self.node2pending.values())

    def add_node(self, node: Node) -> None:
        """A worker is ready."""
        assert node not in self.node2pending
        self.node2pending[node] = []

    def add_node_collection(self, node: Node, collection: Sequence[str]) -> None:
        """It has collected these."""
        assert node in self.node2pending
        if self.fits(node, collection, self.node2collection):
            self.node2collection[node] = list(collection)

    def _send_tests(self, node: Node, num: int) -> None:
        """Give a worker the next tests that nobody has."""
        tests = self.pending[:num]
        if tests:
            del self.pending[:num]
            self.node2pending[node].extend(tests)
            node.send_runtest_some(tests)

    def _begin(self) -> bool:
        """Whether there are tests to give out for the first time."""
        if not self.agree(self.node2collection):
            return False
        self.pending[:] = range(len(self.agreed))
        return bool(self.agreed)

    def _take_back(self, node: Node) -> tuple[str | None, list[int]]:
        """What a lost worker was running, and what else it had."""
        pending = self.node2pending.pop(node)
        if not pending:
            return None, []
        return self.agreed[pending[0]], pending[1:]

    def mark_test_pending(self, item: str) -> Any:
        """Have a test run once more, before all others."""
        self.pending.insert(0, self.agreed.index(item))

"""``--dist loadscope`` as pytest-xdist does it, and the ground of the other modes with groups."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NoReturn

from fleetest.schedulers.collecting import Collecting

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from fleetest.node import Node
    from fleetest.schedulers.producer import Producer

WorkUnit = dict[str, bool]
"""Node ids of a scope -> whether the test is done."""


class LoadScopeScheduling(Collecting):
    """Gives each scope, the tests of a class or module, to one worker.

    Subclasses override ``_split_scope``, which says what the scope of a node id is, or
    ``_reschedule``, which is called whenever a worker may need work.
    """

    log_name = "loadscopesched"

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self.workqueue: OrderedDict[str, WorkUnit] = OrderedDict()
        """Scopes that nobody has."""
        self.assigned_work: dict[Node, dict[str, WorkUnit]] = {}
        """Worker -> the scopes that it was given."""
        self.registered_collections: dict[Node, list[str]] = {}
        """Worker -> what it has collected."""
        self._places: dict[str, int] = {}

    @property
    def nodes(self) -> list[Node]:
        """The workers that it knows."""
        return list(self.assigned_work)

    @property
    def collection_is_completed(self) -> bool:
        """Whether all workers have collected."""
        return len(self.registered_collections) >= self.numnodes

    @property
    def tests_finished(self) -> bool:
        """Whether no worker has more than a last test."""
        if not self.collection_is_completed or self.workqueue:
            return False
        return all(self._pending_of(units) < 2 for units in self.assigned_work.values())

    @property
    def has_pending(self) -> bool:
        """Whether any test was not run yet."""
        units = self.assigned_work.values()
        return bool(self.workqueue) or any(self._pending_of(unit) > 0 for unit in units)

    def add_node(self, node: Node) -> None:
        """A worker is ready."""
        assert node not in self.assigned_work
        self.assigned_work[node] = {}

    def add_node_collection(self, node: Node, collection: Sequence[str]) -> None:
        """It has collected these."""
        assert node in self.assigned_work
        if self.fits(node, collection, self.registered_collections):
            self.registered_collections[node] = list(collection)

    def remove_node(self, node: Node) -> str | None:
        """A worker is gone; the scopes that it has not done are for the others."""
        units = self.assigned_work.pop(node)
        left = [nodeid for unit in units.values() for nodeid, done in unit.items() if not done]
        if not left:
            return None
        for nodeid in left[1:]:
            self.workqueue.setdefault(self._split_scope(nodeid), {})[nodeid] = False
        for other in self.nodes:
            self._reschedule(other)
        return left[0]

    def mark_test_complete(self, node: Node, item_index: int, duration: float = 0) -> None:
        """A worker is done with a test."""
        nodeid = self.registered_collections[node][item_index]
        self.assigned_work[node][self._split_scope(nodeid)][nodeid] = True
        self._reschedule(node)

    def mark_test_pending(self, item: str) -> None:
        """Have a test run once more, after what waits already."""
        self.workqueue.setdefault(self._split_scope(item), {})[item] = False
        for node in self.nodes:
            self._reschedule(node)

    def remove_pending_tests_from_node(self, node: Node, indices: Sequence[int]) -> NoReturn:
        """Nothing is ever asked back."""
        raise NotImplementedError

    def _split_scope(self, nodeid: str) -> str:
        """The scope of a test: its class, else its module."""
        return nodeid.rsplit("::", 1)[0]

    def _pending_of(self, workload: dict[str, WorkUnit]) -> int:
        """How many tests of these scopes are not done."""
        return sum(list(unit.values()).count(False) for unit in workload.values())

    def _assign_work_unit(self, node: Node) -> None:
        """Give a worker the next scope."""
        assert self.workqueue
        scope, unit = self.workqueue.popitem(last=False)
        # After a crash a worker may get the rest of a scope that it has tests of.
        self.assigned_work.setdefault(node, {}).setdefault(scope, {}).update(unit)
        if not self._places:
            collection = self.registered_collections[node]
            self._places = {nodeid: place for place, nodeid in enumerate(collection)}
        node.send_runtest_some([self._places[nodeid] for nodeid, done in unit.items() if not done])

    def _reschedule(self, node: Node) -> None:
        """Give a worker more if it has little left, or end its session if there is nothing more."""
        if node.shutting_down:
            return
        if not self.workqueue:
            node.shutdown()
            return
        self.log("Number of units waiting for node:", len(self.workqueue))
        if self._pending_of(self.assigned_work[node]) <= 2:
            self._assign_work_unit(node)

    def schedule(self) -> None:
        """Begin, or have a new worker take part."""
        assert self.collection_is_completed
        if self.collection is not None:
            for node in self.nodes:
                self._reschedule(node)
            return
        if not self.agree(self.registered_collections):
            return
        units: dict[str, WorkUnit] = {}
        for nodeid in self.agreed:
            units.setdefault(self._split_scope(nodeid), {})[nodeid] = False
        scopes = list(units)
        if self.config.getoption("loadscopereorder", True):
            scopes.sort(key=lambda scope: -len(units[scope]))
        self.workqueue.update((scope, units[scope]) for scope in scopes)
        self._send_home(len(self.nodes) - len(self.workqueue))
        for node in self.nodes:
            self._assign_work_unit(node)
        for node in self.nodes:
            self._reschedule(node)
        if not self.workqueue:
            for node in self.nodes:
                node.shutdown()

    def _send_home(self, count: int) -> None:
        """End the sessions of workers that there are no scopes for."""
        for _ in range(count):
            node, _units = self.assigned_work.popitem()
            self.log("Shutting down unused node", node)
            node.shutdown()

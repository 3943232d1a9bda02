"""Runs whose tests are given to workers by somebody else than the native scheduler.

That is a plugin's scheduler, of ``pytest_xdist_make_scheduler``, or ``--dist each``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from fleetest.grouping import names_for_schedulers
from fleetest.node import Node, Orders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetest import _core
    from fleetest.run import Run


class Steering(Orders, Protocol):
    """Who says which worker runs what, and is told how that goes."""

    name: str
    """As xdist shows it."""

    def ready(self, node: Node) -> None:
        """A worker is ready."""

    def done(self, node: Node, index: int, seconds: float) -> None:
        """A worker is done with a test."""

    def lost(self, node: Node, index: int | None) -> None:
        """A worker is gone that was running this test, or none."""

    def finished(self, node: Node) -> None:
        """A worker has ended its session."""

    def left(self) -> int:
        """How many runs of a test there were not."""

    def crash_item(self, index: int) -> str:
        """The name of a test that crashed its worker."""


class _Lanes:
    """What workers are assigned, in the native scheduler's lanes."""

    def __init__(self, run: Run, names: list[str]) -> None:
        """Begin with nothing assigned.

        :param names: node ids as plugins are to know them
        """
        self.run = run
        self.names = names
        self.count = len(names)

    @property
    def engine(self) -> _core.Engine:
        return self.run.engine

    def assign(self, node: Node, indices: Sequence[int]) -> None:
        """Append tests to what a worker is to run."""
        if not self.run.stopping:
            self.engine.assign(node.number, list(indices))

    def assign_all(self, node: Node) -> None:
        """Append all tests."""
        self.assign(node, range(self.count))

    def close(self, node: Node) -> None:
        """It gets nothing more."""
        if not self.run.stopping:
            self.engine.close_worker(node.number)

    def crash_item(self, index: int) -> str:
        """The name of a test that crashed its worker."""
        return self.names[index]


class Each(_Lanes):
    """``--dist each``: every worker runs every test, in order of collection."""

    name = "EachScheduling"

    def __init__(self, run: Run, names: list[str]) -> None:
        super().__init__(run, names)
        self._begun: dict[Node, tuple[int, int]] = {}
        """Worker -> the first test that it was given, and how many it is done with."""
        self._left: list[tuple[str, int]] = []
        """What lost workers have left: their notation, the first test."""
        self._undone = 0

    def ready(self, node: Node) -> None:
        """Give a worker all tests, or what a lost one of its kind has left."""
        # One of the first workers may be ready only after another one was lost.
        replaces = node.number >= self.run.count
        first = self._take_over(str(node.gateway.spec)) if replaces else 0
        self._begun[node] = (first, 0)
        self.assign(node, range(first, self.count))
        self.close(node)

    def _take_over(self, notation: str) -> int:
        """The first test of what a lost worker of this notation has left."""
        for place, (theirs, rest) in enumerate(self._left):
            if theirs == notation:
                del self._left[place]
                return rest
        return 0

    def done(self, node: Node, index: int, seconds: float) -> None:
        """Count."""
        first, count = self._begun[node]
        self._begun[node] = (first, count + 1)

    def lost(self, node: Node, index: int | None) -> None:
        """Keep what it has left for its replacement; what it was running counts as run."""
        first, count = self._begun.pop(node, (0, 0))
        rest = first + count + (index is not None)
        if rest < self.count:
            self._left.append((str(node.gateway.spec), rest))

    def finished(self, node: Node) -> None:
        """A worker has ended its session."""
        first, count = self._begun.pop(node, (self.count, 0))
        self._undone += self.count - first - count

    def left(self) -> int:
        """How many runs of a test there were not."""
        return self._undone + sum(self.count - rest for _, rest in self._left)

    def withdraw(self, node: Node, indices: Sequence[int]) -> None:
        """Nobody asks."""
        raise NotImplementedError


class ByScheduler(_Lanes):
    """A scheduler as xdist has them, made by a plugin."""

    def __init__(self, run: Run, names: list[str], scheduler: Any) -> None:
        """Have it asked and told by this run."""
        super().__init__(run, names)
        self.scheduler = scheduler
        self.name = type(scheduler).__name__
        self._undone = bytearray(b"\1") * self.count
        self._given_back: list[tuple[Node, list[int]]] = []

    def ready(self, node: Node) -> None:
        """Have it know a worker, which has collected what all have."""
        scheduler = self.scheduler
        scheduler.add_node(node)
        scheduler.add_node_collection(node, list(self.names))
        if scheduler.collection_is_completed:
            scheduler.schedule()
        self._settle()

    def done(self, node: Node, index: int, seconds: float) -> None:
        """Tell of a test that was run."""
        self._undone[index] = 0
        if node in self.scheduler.nodes:
            self.scheduler.mark_test_complete(node, index, seconds)
        self._settle()

    def lost(self, node: Node, index: int | None) -> None:
        """Have it give others what a worker has left."""
        if index is not None:
            self._undone[index] = 0
        self.finished(node)

    def finished(self, node: Node) -> None:
        """A worker is gone."""
        if not self.run.stopping and node in self.scheduler.nodes:
            self.scheduler.remove_node(node)
        self._settle()

    def left(self) -> int:
        """How many tests were not run."""
        undone = sum(self._undone)
        # What a crash has ended counts as run, unless a plugin has said that it is pending again.
        return undone or int(bool(getattr(self.scheduler, "has_pending", False)))

    def withdraw(self, node: Node, indices: Sequence[int]) -> None:
        """Take tests back; the scheduler is told when it is done with what it does now."""
        taken = [] if self.run.stopping else self.engine.withdraw(node.number, list(indices))
        self._given_back.append((node, taken))

    def _settle(self) -> None:
        """Tell the scheduler what it got back, and end the run when it says so.

        That it got nothing it learns with the next event: else it would ask again at once.
        """
        known = len(self._given_back)
        while self._given_back and not self.run.stopping:
            node, indices = self._given_back[0]
            if not indices and known <= 0:
                break
            known -= 1
            del self._given_back[0]
            if node in self.scheduler.nodes:
                self.scheduler.remove_pending_tests_from_node(node, indices)
        if not self.run.stopping and self.scheduler.tests_finished:
            for node in list(self.scheduler.nodes):
                node.shutdown()


def steer(run: Run, scheduler: Any) -> Each | ByScheduler | None:
    """Who gives out the tests of a run; None: the native scheduler.

    :param scheduler: what ``pytest_xdist_make_scheduler`` has returned
    """
    dist = run.config.option.dist
    if scheduler is None and dist != "each":
        return None
    names = names_for_schedulers(run.session.items, dist)
    return Each(run, names) if scheduler is None else ByScheduler(run, names, scheduler)

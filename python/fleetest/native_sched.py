"""The native scheduler as plugins see it: ``dsession.sched``, with what xdist's schedulers have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from fleetest.node import Node
    from fleetest.run import Run


class NativeScheduling:
    """Shows how far a run is, and takes back what a plugin wants to be run once more."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.config: pytest.Config = run.config
        self.numnodes = len(run.nodemanager.specs)

    @property
    def nodes(self) -> list[Node]:
        """The workers that are ready and not gone."""
        return [node for node in self._run.nodes if node.ready and not node.shutting_down]

    @property
    def collection(self) -> list[str]:
        """Node ids in order of collection."""
        return self._run.ids

    @property
    def collection_is_completed(self) -> bool:
        """All is collected before there are workers."""
        return True

    @property
    def has_pending(self) -> bool:
        """Whether any test was not run yet."""
        progress = self._run.screen.progress
        return progress.done < progress.total

    @property
    def tests_finished(self) -> bool:
        """Whether all of them were."""
        return not self.has_pending

    def mark_test_pending(self, item: str) -> None:
        """Run a test once more that has crashed its worker.

        :raises ValueError: there is no such test
        :raises NotImplementedError: with ``--dist each``, as under xdist
        """
        run = self._run
        if run.steering is not None:
            raise NotImplementedError
        for index, other in enumerate(run.session.items):
            if other.nodeid == item:
                run.engine.again(index)
                return
        raise ValueError(f"no such test: {item}")

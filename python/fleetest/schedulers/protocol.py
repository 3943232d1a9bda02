"""What a scheduler has to have: a class of a plugin's own need not be derived from one of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetest.node import Node


class Scheduling(Protocol):
    """A scheduler, as ``pytest_xdist_make_scheduler`` returns it.

    It gives work to a worker with ``node.send_runtest_some(indices)``, asks for some of it back with
    ``node.send_steal(indices)``, and says with ``node.shutdown()`` that nothing follows.  A worker
    runs its last test when it knows that nothing follows.
    """

    @property
    def nodes(self) -> list[Node]:
        """The workers that it knows."""

    @property
    def collection_is_completed(self) -> bool:
        """Whether as many workers as were asked for have said what they collected."""

    @property
    def tests_finished(self) -> bool:
        """Whether no worker has more to do than the test that it is running."""

    @property
    def has_pending(self) -> bool:
        """Whether any test was not run yet."""

    def add_node(self, node: Node) -> None:
        """A worker is ready."""

    def add_node_collection(self, node: Node, collection: Sequence[str]) -> None:
        """It has collected these node ids."""

    def schedule(self) -> None:
        """All workers have collected, or another one that replaces a lost one: give out work."""

    def mark_test_complete(self, node: Node, item_index: int, duration: float = 0) -> None:
        """A worker is done with a test.

        :param duration: in seconds
        """

    def mark_test_pending(self, item: str) -> None:
        """A plugin wants the test with this node id to be run once more."""

    def remove_pending_tests_from_node(self, node: Node, indices: Sequence[int]) -> None:
        """The answer to ``node.send_steal``: these will not be run by that worker."""

    def remove_node(self, node: Node) -> str | None:
        """A worker is gone; return the node id of the test that it was running, if any.

        :raises KeyError: the worker is not known
        """

"""What pytest's reporter keeps of each test that was reported, without its node id.

A controller that keeps ten thousand ids of its own, as objects (since pytest 9.2), needs 2 MB for them.
"""

from __future__ import annotations

from collections.abc import MutableSet
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class ReportedTests(MutableSet[Any]):
    """The ids of the tests that were reported, whose number is the progress: a mark for each test."""

    def __init__(self, ids: Sequence[str], known: MutableSet[Any]) -> None:
        """Take over what is known so far.

        :param ids: all node ids, in the order of collection; each is there once
        """
        self._ids = ids
        self._marks = bytearray(len(ids))
        self._number = 0
        self._places: dict[str, int] = {}
        self._others = set(known)
        self._expected: Any = None
        self._place = -1

    def expect(self, node_id: Any, index: int) -> None:
        """Say which test an id, this very object, is of: it need not be looked for."""
        self._expected, self._place = node_id, index

    def add(self, node_id: Any) -> None:
        """Count a test, unless it was counted."""
        place = self._place if node_id is self._expected else self._find(node_id)
        if place is None:
            self._others.add(node_id)
        elif not self._marks[place]:
            self._marks[place] = 1
            self._number += 1

    def discard(self, node_id: Any) -> None:
        """Do not count a test."""
        place = self._find(node_id)
        if place is None:
            self._others.discard(node_id)
        elif self._marks[place]:
            self._marks[place] = 0
            self._number -= 1

    def _find(self, node_id: Any) -> int | None:
        if not self._places:
            self._places = {nodeid: place for place, nodeid in enumerate(self._ids)}
        return self._places.get(str(node_id))

    def __contains__(self, node_id: object) -> bool:
        place = self._find(node_id)
        return node_id in self._others if place is None else bool(self._marks[place])

    def __iter__(self) -> Iterator[Any]:
        yield from (nodeid for nodeid, mark in zip(self._ids, self._marks) if mark)
        yield from self._others

    def __len__(self) -> int:
        return self._number + len(self._others)


def keep_marks(reporter: Any, ids: Sequence[str]) -> ReportedTests | None:
    """Have the terminal reporter keep nothing of a test that passes but a mark.

    :param ids: the node ids of the tests, in the order of collection
    :returns: None: node ids are there twice, and the reporter goes on as it was
    """
    known = vars(reporter).get("_progress_nodeids_reported")
    if type(known) is not set or len(set(ids)) != len(ids):
        return None
    reported = ReportedTests(ids, known)
    vars(reporter)["_progress_nodeids_reported"] = reported
    return reported

"""Reports that carry nothing unusual, in a form that is a tenth as long.

They are most of all reports: a phase that passed, without output, properties or anything that a
plugin added.  The controller rebuilds them from its own item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fleetest.privates import private
from fleetest.privates.passing import is_pytests_module
from fleetest.privates.subtests import counts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_IDENTITY = ("nodeid", "_id", "location", "keywords", "when")
_USUAL = frozenset(
    (*_IDENTITY, "outcome", "longrepr", "user_properties", "sections", "duration", "start", "stop")
)


PHASES = ("setup", "call", "teardown")

_PHASE_NUMBERS = {when: number for number, when in enumerate(PHASES)}


class PlainReports:
    """The worker's side."""

    def __init__(self, config: pytest.Config) -> None:
        # Only pytest's own implementations do nothing but what is done here.
        self.possible = all(
            is_pytests_module(impl.plugin)
            for name in ("pytest_report_to_serializable", "pytest_report_from_serializable")
            for impl in getattr(config.hook, name).get_hookimpls()
        )
        self.failed_subtests = counts_of(config)
        self.changed: set[Any] = set()
        """Nodes with keywords that the controller's own have not."""
        self.item: Any = None
        self.nodeid = ""
        self._keywords: dict[str, Any] | None = None
        self._keywords_of_item: Any = None
        self._changes = 0
        self._location: Any = None
        """What the controller was told of the place; None: nothing."""

    def watch(self, session: pytest.Session) -> None:
        """The first test is about to begin: nodes are as the controller has them."""
        private.watch_keywords(session, self.changed)

    def begin(self, item: pytest.Item) -> None:
        """A test begins: what the controller knows of it is what is known now."""
        self.item = item
        if self.changed and not self.changed.isdisjoint(item.listchain()):
            self.item = None
        self.nodeid = item.nodeid
        self._keywords, self._keywords_of_item = None, item.keywords
        self._changes = len(self.changed)
        self._location = None

    def begun(self, location: Any) -> None:
        """The controller is told that the item is at this place."""
        self._location = location

    def is_as_known(self, item: pytest.Item) -> bool:
        """Whether the controller knows all that a report has of this item."""
        return (
            self.possible
            and self.item is item
            and not self.failed_subtests
            and len(self.changed) == self._changes
            and item.keywords is self._keywords_of_item
            and item.nodeid == self.nodeid
            and (self._location is None or item.location == self._location)
        )

    def pack(self, report: Any) -> list[Any] | None:
        """What the report differs in from others of the test; None if that is not all."""
        if (
            self.item is None
            or type(report) is not pytest.TestReport
            or report.outcome != "passed"
            or report.longrepr is not None
            or report.sections
            or report.user_properties
            or not self.is_as_known(self.item)
            or report.nodeid != self.nodeid
            or report.location != self.item.location
            or report.keywords != self._known_keywords()
            or not _USUAL.issuperset(report.__dict__)
        ):
            return None
        return [report.when, report.duration, report.start, report.stop]

    def _known_keywords(self) -> dict[str, Any]:
        if self._keywords is None:  # nobody has changed any since the test began
            self._keywords = private.keywords(self.item)
        return self._keywords


class Rebuilder:
    """The controller's side, for one worker."""

    def __init__(self) -> None:
        self._index = -1
        self._location: Any = None
        self._keywords: dict[str, int] | None = None

    def begin(self, index: int, location: Any) -> None:
        """A test begins.

        :param location: the item's, which the worker has worked out
        """
        self._index = index
        self._location = location
        self._keywords = None

    def location(self, index: int, items: Sequence[pytest.Item]) -> Any:
        """Where a test is."""
        if index != self._index:
            self.begin(index, items[index].location)
        return self._location

    def rebuild(self, items: Sequence[pytest.Item], packed: list[Any]) -> pytest.TestReport:
        """The report that :meth:`PlainReports.pack` was given, after the item's number."""
        location, item = self.location(packed[0], items), items[packed[0]]
        if self._keywords is None:
            self._keywords = private.keywords(item)
        return make_report(item, location, self._keywords.copy(), packed)


def make_report(
    item: pytest.Item, location: Any, keywords: dict[str, int], packed: list[Any]
) -> pytest.TestReport:
    """A report of a phase that passed."""
    _, when, duration, start, stop = packed
    return pytest.TestReport(
        item.nodeid,
        location,
        keywords,  # type: ignore[arg-type]
        "passed",
        None,
        when,
        duration=duration,
        start=start,
        stop=stop,
    )


def as_numbers(packed: Sequence[Any], worker: int) -> list[float] | None:
    """A packed report, after the item's number, as five numbers; None if that is impossible.

    They are the item's number times 3 plus that of the phase, duration, start, stop and worker.
    """
    index, when, duration, start, stop = packed
    phase = _PHASE_NUMBERS.get(when)
    # Written out, since it is asked three times a test.
    if phase is None or not (type(duration) is type(start) is type(stop) is float):
        return None
    return [index * len(PHASES) + phase, duration, start, stop, worker]


def from_numbers(items: Sequence[pytest.Item], numbers: Sequence[float]) -> pytest.TestReport:
    """The report that :func:`as_numbers` was given."""
    index, phase = divmod(int(numbers[0]), len(PHASES))
    item = items[index]
    packed = [index, PHASES[phase], *numbers[1:4]]
    return make_report(item, item.location, private.keywords(item), packed)

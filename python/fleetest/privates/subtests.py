"""The number of failed subtests of each test (pytest 9), for which the test itself is made to fail.

A test's process counts them; wherever the status of its report is asked for, the count has to be there.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Counts(dict[Any, int]):
    """Counts of which those that are 0 are not kept: most tests have no subtests, but are asked for."""

    def __missing__(self, key: Any) -> int:
        return 0


def counts_of(config: pytest.Config) -> Mapping[Any, int]:
    """Id -> number, of the tests that have any; empty where pytest knows no subtests."""
    key: Any = getattr(sys.modules.get("_pytest.subtests"), "failed_subtests_key", None)
    if key is None:
        return {}
    counts: Mapping[Any, int] = config.stash.get(key, {})
    if type(counts) is defaultdict:
        counts = config.stash[key] = _Counts(
            {test: number for test, number in counts.items() if number}
        )
    return counts


def _key(report: Any) -> Any:
    return getattr(report, "id", report.nodeid)  # ids are objects since 9.2


def failed_subtests(config: pytest.Config, report: Any) -> int:
    """How many failed subtests the report of a call, which has passed so far, is to fail for."""
    if type(report) is not pytest.TestReport or report.when != "call" or not report.passed:
        return 0
    counts = counts_of(config)
    return counts.get(_key(report), 0) if counts else 0


def set_failed_subtests(config: pytest.Config, report: Any, number: int) -> None:
    """Have the number be that of the process in which the test ran."""
    if type(report) is not pytest.TestReport or report.when != "call":
        return
    counts: Any = counts_of(config)
    if number:
        counts[_key(report)] = number
    elif counts:
        counts.pop(_key(report), None)

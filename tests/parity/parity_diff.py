"""Which differences between two observations of the same command line count."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from parity_cases import Case
from parity_junit import without_order

Observation = dict[str, Any]
_CONTEXT = 3
_LIMIT = 60
_WIDTH = 300


@dataclass(frozen=True)
class Difference:
    """One aspect of a run that is not as under plain pytest."""

    aspect: str
    plain: Any
    other: Any

    def __str__(self) -> str:
        """The aspect and a diff from plain pytest (-) to the other runner (+)."""
        lines = difflib.unified_diff(
            _lines(self.plain), _lines(self.other), "pytest", "runner", lineterm="", n=_CONTEXT
        )
        shown = list(lines)
        if len(shown) > _LIMIT:
            shown[_LIMIT:] = [f"... {len(shown) - _LIMIT} more lines"]
        return "\n".join([f"{self.aspect}:", *(f"    {line[:_WIDTH]}" for line in shown)])


def _lines(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split("\n")
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
    # Texts of several lines are shown, and compared for the display, line by line.
    return text.replace("\\n", "\n").split("\n")


def _reports(record: Any, *fields: str) -> dict[str, Any]:
    """For each test, these fields of each of its reports."""
    return {
        nodeid: [[report[field] for field in fields] for report in test["reports"]]
        for nodeid, test in record["tests"].items()
    }


def _explanations(record: Any) -> dict[str, Any]:
    """Why each report is not just passed; a worker line may have stood before the text."""
    return {
        nodeid: [
            [when, longrepr.strip() if isinstance(longrepr, str) else longrepr]
            for when, longrepr in reports
        ]
        for nodeid, reports in _reports(record, "when", "longrepr").items()
    }


def _order(test: Any) -> list[str]:
    """The events of a test; sorted if it is there several times, as two may run at once."""
    order: list[str] = test["order"]
    return sorted(order) if order.count("start") > 1 else order


def _sorted(values: list[Any]) -> list[Any]:
    return sorted(values, key=repr)


# Aspects of a record that are the same whatever order the tests ran in.
_RECORD: dict[str, Callable[[Any], Any]] = {
    "explanations": _explanations,
    "sections": lambda record: _reports(record, "when", "sections"),
    "properties": lambda record: _reports(record, "when", "user_properties"),
    "locations": lambda record: _reports(record, "when", "location", "timed"),
    "order within tests": lambda record: {n: _order(t) for n, t in record["tests"].items()},
    "collected": lambda record: record["collected"],
    "deselected": lambda record: record["deselected"],
    "collect reports": lambda record: record["collect_reports"],
    "warnings": lambda record: _sorted(record["warnings"]),
    "interrupts": lambda record: record["interrupts"],
    "terminal statistics": lambda record: record["stats"],
    "session exit status": lambda record: record["exit"],
}
_IN_ORDER: dict[str, Callable[[Any], Any]] = {
    "order of tests": lambda record: record["sequence"],
    "order of warnings": lambda record: record["warnings"],
}
_REMAINS = ("cache", "files", "temporary", "artifacts", "left_running")


def _reported(record: Any) -> set[str]:
    return {nodeid for nodeid, test in record["tests"].items() if test["reports"]}


def _outcomes(record: Any) -> dict[str, Any]:
    return _reports(record, "when", "outcome", "wasxfail", "subtest")


def _pairs_of_records(
    plain: Any, other: Any, case: Case, in_order: bool
) -> Iterator[tuple[str, Any, Any]]:
    if plain is None or other is None:
        yield "a record was written", plain is not None, other is not None
        return
    if case.stops and not in_order:
        # Others may have run as well, and what was in flight may have reported nothing; those of
        # which both have reports have to agree.
        both = _reported(plain) & _reported(other)
        plain, other = (
            {**record, "tests": {nodeid: record["tests"][nodeid] for nodeid in both}}
            for record in (plain, other)
        )
        yield "outcomes", _outcomes(plain), _outcomes(other)
        return
    yield "outcomes", _outcomes(plain), _outcomes(other)
    if not case.outcomes_only:
        for aspect, view in {**_RECORD, **(_IN_ORDER if in_order else {})}.items():
            yield aspect, view(plain), view(other)


def _pairs(
    plain: Observation, other: Observation, case: Case, in_order: bool
) -> Iterator[tuple[str, Any, Any]]:
    """Aspects with their two values."""
    if in_order or not case.races:
        yield "exit code", plain["exit"], other["exit"]
    yield from _pairs_of_records(plain["record"], other["record"], case, in_order)
    if not (case.stops or case.races):
        yield "short summary", plain["summary"], other["summary"]
    if case.outcomes_only:
        yield "artifacts", plain["artifacts"], other["artifacts"]
        return
    if case.stops and not in_order:
        return
    if in_order:
        yield "junit", plain["junit"], other["junit"]
        yield "stdout", plain["stdout"], other["stdout"]
        yield "stderr", plain["stderr"], other["stderr"]
    else:
        yield "junit", without_order(plain["junit"]), without_order(other["junit"])
    for aspect in _REMAINS:
        # Tests that were in flight when the run stopped may have left files.
        if not (case.stops and aspect in {"files", "temporary"}):
            yield aspect, plain[aspect], other[aspect]


def differences(
    plain: Observation, other: Observation, case: Case, in_order: bool
) -> list[Difference]:
    """All that differs; ``in_order`` when the other run promised plain pytest's order."""
    return [
        Difference(aspect, left, right)
        for aspect, left, right in _pairs(plain, other, case, in_order)
        if left != right
    ]

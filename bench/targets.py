"""What the figures are compared to, and the arithmetic of paired runs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from measure import Run

# The runs of each contender, in rounds: the n-th runs of two contenders are a pair.
Rounds = Mapping[str, Sequence[Run]]


@dataclass(frozen=True)
class Target:
    """What a contender may be at the most, compared with another; ``metric`` is wall, cpu or memory.

    A median of ratios, or where ``unit`` is ``s`` of differences in seconds.
    """

    suite: str
    contender: str
    baseline: str
    metric: str
    at_most: float
    unit: str = ""


TARGETS = (
    Target("medium", "fleetest -n 2", "xdist -n 2", "wall", 0.58),
    Target("medium", "fleetest -n 2", "xdist -n 2", "cpu", 0.42),
    Target("large", "fleetest -n 2", "xdist -n 2", "wall", 0.48),
    Target("large", "fleetest -n 2", "xdist -n 2", "cpu", 0.34),
    Target("large", "fleetest -n 0", "pytest", "cpu", 1.02),
    Target("large", "fleetest -n 2", "pytest", "memory", 1.60),
)

# How much slower than plain pytest it may be, on any suite.
SLOWER_SECONDS = 0.030


def targets(suites: Sequence[str]) -> list[Target]:
    """All targets, if these suites are run."""
    never_slower = [
        Target(suite, "fleetest -n 2", "pytest", "wall", SLOWER_SECONDS, "s") for suite in suites
    ]
    return [*TARGETS, *never_slower]


# The ratios that are printed: contender, baseline, metrics.
COMPARISONS = (
    ("fleetest -n 2", "xdist -n 2", ("wall", "cpu", "memory")),
    ("fleetest -n 2", "pytest", ("wall", "cpu", "memory")),
    ("fleetest -n 0", "pytest", ("wall", "cpu", "memory")),
)


@dataclass(frozen=True)
class Ratio:
    """The median of the ratios of the pairs, and their quartiles."""

    median: float
    low: float
    high: float


def values(runs: Sequence[Run], metric: str) -> list[float]:
    """The figures of one kind; none if it was not measured."""
    found = [getattr(run, metric) for run in runs]
    return [value for value in found if value is not None]


def median(runs: Sequence[Run], metric: str) -> float | None:
    """The median of the figures of one kind; None if it was not measured."""
    found = values(runs, metric)
    return statistics.median(found) if found else None


def ratio(timed: Rounds, contender: str, baseline: str, metric: str) -> Ratio | None:
    """Compare two contenders pair by pair; None if there is nothing to compare."""
    over = values(timed.get(contender, ()), metric)
    under = values(timed.get(baseline, ()), metric)
    ratios = [a / b for a, b in zip(over, under)]
    if not ratios:
        return None
    if len(ratios) == 1:
        return Ratio(ratios[0], ratios[0], ratios[0])
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Ratio(middle, low, high)


def difference(timed: Rounds, contender: str, baseline: str, metric: str) -> float | None:
    """The median of the differences of the pairs; None if there is nothing to compare."""
    over = values(timed.get(contender, ()), metric)
    under = values(timed.get(baseline, ()), metric)
    found = [a - b for a, b in zip(over, under)]
    return statistics.median(found) if found else None

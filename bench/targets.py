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
    """A ratio of medians that may not be exceeded; ``metric`` is wall, cpu or memory."""

    suite: str
    contender: str
    baseline: str
    metric: str
    at_most: float


TARGETS = (
    Target("medium", "fleetest -n 2", "xdist -n 2", "wall", 0.70),
    Target("medium", "fleetest -n 2", "xdist -n 2", "cpu", 0.50),
    Target("large", "fleetest -n 2", "xdist -n 2", "wall", 0.70),
    Target("large", "fleetest -n 2", "xdist -n 2", "cpu", 0.50),
    Target("large", "fleetest -n 0", "pytest", "cpu", 1.02),
)

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

"""What the figures are compared to, and the arithmetic of paired runs."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from measure import Run
from suites import MODES

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
    Target("one", "fleetest warm", "pytest", "wall", 0.45),
    Target("small", "fleetest warm", "pytest", "wall", 0.55),
    Target("small", "fleetest snapshot", "pytest", "wall", 0.16),
    Target("medium", "fleetest snapshot", "pytest", "wall", 0.26),
    Target("large", "fleetest snapshot", "pytest", "wall", 0.23),
    *(
        Target(suite, "fleetest snapshot", "pytest-fast", "wall", 0.60)
        for suite in ("one", "small", "medium", "large")
    ),
    Target("medium", "fleetest -n 2", "xdist -n 2", "wall", 0.58),
    Target("medium", "fleetest -n 2", "xdist -n 2", "cpu", 0.42),
    Target("large", "fleetest -n 2", "xdist -n 2", "wall", 0.48),
    Target("large", "fleetest -n 2", "xdist -n 2", "cpu", 0.34),
    Target("large", "fleetest -n 0", "pytest", "cpu", 1.02),
    Target("large", "fleetest -n 2", "pytest", "memory", 1.60),
)

# Of each mode of --dist, to xdist's.
MODE_TARGETS = tuple(
    Target(suite, f"fleetest {mode}", f"xdist {mode}", metric, at_most)
    for mode in MODES
    for suite in ("medium", "large")
    for metric, at_most in (("wall", 0.60), ("cpu", 0.45))
)

# How much slower than plain pytest it may be, on any suite.
SLOWER_SECONDS = 0.030


def targets(suites: Sequence[str], contenders: Collection[str]) -> list[Target]:
    """All targets, if these suites are run by these contenders."""
    never_slower = [
        Target(suite, "fleetest -n 2", "pytest", "wall", SLOWER_SECONDS, "s") for suite in suites
    ]
    wanted = (*TARGETS, *MODE_TARGETS, *never_slower)
    return [target for target in wanted if {target.contender, target.baseline} <= {*contenders}]


_ALL = ("wall", "cpu", "memory")
_COMPARISONS = (
    ("fleetest -n 2", "xdist -n 2", _ALL),
    ("fleetest -n 2", "pytest", _ALL),
    ("fleetest -n 0", "pytest", _ALL),
    # What its runs cost is the daemon's children's, which nobody here waits for.
    ("fleetest warm", "pytest", ("wall",)),
    ("fleetest snapshot", "pytest", ("wall",)),
    ("fleetest snapshot", "pytest-fast", ("wall",)),
    *((f"fleetest {mode}", f"xdist {mode}", _ALL) for mode in MODES),
)


def comparisons(contenders: Collection[str]) -> list[tuple[str, str, tuple[str, ...]]]:
    """The ratios that are printed of these: contender, baseline, metrics."""
    return [found for found in _COMPARISONS if found[0] in contenders and found[1] in contenders]


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

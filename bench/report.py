"""Tables of what was measured, and the same for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from suites import Outcome
from targets import (
    Ratio,
    Rounds,
    Target,
    comparisons,
    difference,
    median,
    ratio,
    targets,
    values,
)

# Raised when a reader of the JSON would have to know.
JSON_VERSION = 1
METRICS = ("wall", "cpu", "memory")
HEADINGS = {"wall": "wall s", "cpu": "CPU s", "memory": "PSS MB"}


@dataclass(frozen=True)
class Result:
    """All figures of one suite."""

    suite: str
    outcome: Outcome
    versions: dict[str, str]
    timed: Rounds
    # Runs whose memory was looked at; their times are not for comparing.
    sampled: Rounds

    def rounds(self, metric: str) -> Rounds:
        """The runs that a metric is taken from."""
        return self.sampled if metric == "memory" else self.timed

    def ratio(self, contender: str, baseline: str, metric: str) -> Ratio | None:
        """Compare two contenders; None if this was not measured."""
        return ratio(self.rounds(metric), contender, baseline, metric)


def machine() -> dict[str, Any]:
    """What the figures depend on beside the software, as it is now."""
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "kernel": platform.release(),
        "architecture": platform.machine(),
    }


def heading(this: Mapping[str, Any], found: Mapping[str, str]) -> str:
    """One line on the machine and the versions."""
    software = ", ".join(f"{name} {version}" for name, version in found.items())
    return f"{this['cpus']} CPUs, load {this['load']}; {software}"


def _figure(number: float | None, metric: str) -> str:
    if number is None:
        return ""
    return f"{number:.1f}" if metric == "memory" else f"{number:.3f}"


def _spread(found: Ratio | None) -> str:
    return f"{found.median:.3f} ({found.low:.3f}-{found.high:.3f})" if found else ""


def _row(name: str, cells: Sequence[str], width: int) -> str:
    return f"  {name:40}{''.join(f'{cell:>{width}}' for cell in cells)}".rstrip()


def tables(result: Result) -> Iterator[str]:
    """The lines on one suite: medians, then ratios with their quartiles."""
    metrics = [metric for metric in METRICS if result.rounds(metric)]
    rounds = min(len(runs) for runs in result.timed.values())
    yield f"{result.suite}: {result.outcome}; {rounds} rounds"
    yield _row("median", [HEADINGS[metric] for metric in metrics], 12)
    for name in result.timed:
        figures = [_figure(median(result.rounds(m).get(name, ()), m), m) for m in metrics]
        yield _row(name, figures, 12)
    yield _row("ratio (quartiles)", [HEADINGS[metric].split()[0] for metric in metrics], 22)
    for contender, baseline, compared in comparisons(result.timed):
        cells = [
            _spread(result.ratio(contender, baseline, metric)) if metric in compared else ""
            for metric in metrics
        ]
        yield _row(f"{contender} / {baseline}", cells, 22)


@dataclass(frozen=True)
class Verdict:
    """A target and what was measured of it, if it was."""

    target: Target
    measured: float | None

    @property
    def missed(self) -> bool:
        """Measured, and above the target."""
        return self.measured is not None and self.measured > self.target.at_most

    def __str__(self) -> str:
        target = self.target
        name = f"{target.contender} / {target.baseline}"
        if self.measured is None:
            word, figure = "-", "not measured"
        else:
            word = "MISSED" if self.missed else "ok"
            figure = f"{self.measured:.3f}"
        limit = f"at most {target.at_most:.2f}" + (f" {target.unit} more" if target.unit else "")
        return f"  {word:8}{target.suite:16}{name:40}{target.metric:8}{limit}: {figure}"


def verdicts(results: Sequence[Result]) -> list[Verdict]:
    """Compare what was measured to the targets."""
    by_suite = {result.suite: result for result in results}
    contenders = {name for result in results for name in result.timed}
    return [
        Verdict(target, _measure(by_suite.get(target.suite), target))
        for target in targets(list(by_suite), contenders)
    ]


def _measure(result: Result | None, target: Target) -> float | None:
    if result is None:
        return None
    pair = target.contender, target.baseline, target.metric
    if target.unit:
        return difference(result.rounds(target.metric), *pair)
    found = result.ratio(*pair)
    return found.median if found else None


def _json_suite(result: Result) -> dict[str, Any]:
    contenders: dict[str, dict[str, list[float]]] = {}
    ratios = []
    for metric in METRICS:
        for name, runs in result.rounds(metric).items():
            contenders.setdefault(name, {})[metric] = values(runs, metric)
        for contender, baseline, compared in comparisons(result.timed):
            found = result.ratio(contender, baseline, metric) if metric in compared else None
            if found:
                names = {"contender": contender, "baseline": baseline, "metric": metric}
                ratios.append({**names, **asdict(found)})
    return {
        "exit_code": result.outcome.exit_code,
        "counts": dict(result.outcome.counts),
        "versions": result.versions,
        "contenders": contenders,
        "ratios": ratios,
    }


def as_json(this: Mapping[str, Any], results: Sequence[Result]) -> dict[str, Any]:
    """Everything, with the figures of each round in their order; memory is in MB.

    :param this: the machine as it was before the runs
    """
    return {
        "version": JSON_VERSION,
        "machine": dict(this),
        "suites": {result.suite: _json_suite(result) for result in results},
        "targets": [
            {**asdict(verdict.target), "measured": verdict.measured}
            for verdict in verdicts(results)
        ],
    }

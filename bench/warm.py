#!/usr/bin/env python3
"""What a user waits for with an editor in the other window, as shares of plain pytest's time.

Each scenario is a project, a command line, and what is done to the project before each run.  Plain pytest and
`fleetest -n 2` take turns, each in a copy of the project, after a run that nobody counts and the time that the daemon
needs to prepare.  Prints the medians of the ratios of paired runs, and what is aimed at.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import benchenv
from gen_suite import generate
from measure import become_reaper, measure
from suites import (
    CONTENDERS,
    REFERENCE,
    Place,
    Suite,
    order_daemon,
    prepare,
    wait_until_prepared,
)

HEAVY = ("numpy", "pandas", "sqlalchemy", "django")
"""What the project with heavy imports imports."""

SNAPSHOT = next(contender for contender in CONTENDERS if contender.collected)
Edit = Callable[[Path, int], None]


def write_heavy(folder: Path) -> None:
    """A project whose conftest imports an early module, heavy packages, and a late module."""
    imports = "".join(f"import {name}\n" for name in HEAVY)
    files = {
        "pytest.ini": "[pytest]\npythonpath = src\n",
        "src/app_early.py": "VALUE = 1\n",
        "src/app_late.py": "VALUE = 1\n",
        "tests/conftest.py": f"import app_early\n{imports}import django.db.models\nimport app_late\n",
        "tests/test_app.py": "import app_early, app_late\n"
        "def test_early(): assert app_early.VALUE\ndef test_late(): assert app_late.VALUE\n",
    }
    for number in range(20):
        text = "".join(f"def test_{test}(): assert {test} >= 0\n" for test in range(5))
        files[f"tests/test_more_{number:02}.py"] = f"import numpy, pandas\n{text}"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def leave(_folder: Path, _number: int) -> None:
    """Nothing changes."""


def editing(name: str, text: str) -> Edit:
    """A file is saved with other lines."""

    def edit(folder: Path, number: int) -> None:
        (folder / name).write_text(f"{text}# edit {number}\n", "utf-8")

    return edit


@dataclass(frozen=True)
class Scenario:
    """One of them."""

    name: str
    write: Callable[[Path], None]
    arguments: tuple[str, ...]
    at_most: float
    """Of plain pytest's wall time."""
    edit: Edit = leave
    heavy: bool = False


def _suite(files: int, tests: int) -> Callable[[Path], None]:
    return lambda folder: generate(folder, files, tests)


_TEST = "import app_late\ndef test_late(): assert app_late.VALUE\n"
_ONE = ("tests/test_app.py",)

SCENARIOS = (
    Scenario("one of 100", _suite(10, 10), ("tests/p000/test_f0.py::test_plain_0",), 0.08),
    Scenario("100", _suite(10, 10), (), 0.16),
    Scenario("2,000", _suite(100, 20), (), 0.26),
    Scenario("10,000", _suite(1000, 10), (), 0.23),
    Scenario("names of 10,000", _suite(1000, 10), ("--collect-only", "-q"), 0.05),
    Scenario("heavy: one test", write_heavy, (f"{_ONE[0]}::test_late",), 0.025, heavy=True),
    Scenario("heavy: test edited", write_heavy, _ONE, 0.03, editing(_ONE[0], _TEST), heavy=True),
    Scenario(
        "heavy: late module edited",
        write_heavy,
        _ONE,
        0.15,
        editing("src/app_late.py", "VALUE = 1\n"),
        heavy=True,
    ),
    Scenario(
        "heavy: early module edited",
        write_heavy,
        _ONE,
        1.05,
        editing("src/app_early.py", "VALUE = 1\n"),
        heavy=True,
    ),
)


def _run(place: Place, limit: float) -> float:
    run = measure(place.command, cwd=place.tree, env=place.env, output=place.output, limit=limit)
    if run.exit_code:
        text = place.output.read_text("utf-8", "replace")
        raise benchenv.MissingError(f"exit {run.exit_code}: {' '.join(place.command)}\n{text}")
    return run.wall


def _set_up(scenario: Scenario, folder: Path, commands: Mapping[str, Path]) -> list[Place]:
    suite = Suite(scenario.name, 0, writer=scenario.write, arguments=scenario.arguments)
    return [
        prepare(suite, contender, folder / str(number), commands)
        for number, contender in enumerate((REFERENCE, SNAPSHOT))
    ]


def ratios(
    scenario: Scenario, folder: Path, commands: Mapping[str, Path], rounds: int, limit: float
) -> list[tuple[float, float]]:
    """The wall times of paired runs: plain pytest's, fleetest's."""
    plain, ours = places = _set_up(scenario, folder, commands)
    found = []
    order_daemon(ours, "start")
    try:
        for number in range(rounds + 2):  # the first two write byte code, and are prepared for
            times = {}
            for place in places if number % 2 else reversed(places):
                if place is ours and number:
                    wait_until_prepared(ours)
                scenario.edit(place.tree, number)
                time.sleep(0.05)  # between saving and running: less than anybody needs
                times[place.tree] = _run(place, limit)
            if number > 1:
                found.append((times[plain.tree], times[ours.tree]))
        print(f"  {_header(ours)}")
    finally:
        order_daemon(ours, "stop")
    return found


def _header(place: Place) -> str:
    lines = place.output.read_text("utf-8", "replace").splitlines()
    return next((line for line in lines if line.startswith("fleetest: ")), "no header line")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and compare with what is aimed at."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="scenarios whose names begin so (default: all)")
    parser.add_argument("--venv", type=Path, help="pytest, xdist, fleetest and the heavy packages")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--limit", type=float, default=600, help="seconds for one run (600)")
    parser.add_argument("--check", action="store_true", help="fail if a target is missed")
    args = parser.parse_args(arguments)
    become_reaper()
    venv = benchenv.find(args.venv, None)
    commands = benchenv.commands(venv)
    has_heavy = set(HEAVY) <= benchenv.versions(venv, HEAVY).keys()
    missed = 0
    for scenario in SCENARIOS:
        if args.names and not scenario.name.startswith(tuple(args.names)):
            continue
        if scenario.heavy and not has_heavy:
            print(f"{scenario.name}: skipped, the environment lacks one of {', '.join(HEAVY)}")
            continue
        with tempfile.TemporaryDirectory(prefix="fleetest-bench-") as folder:
            found = ratios(scenario, Path(folder), commands, args.rounds, args.limit)
        shares = [ours / plain for plain, ours in found]
        share = statistics.median(shares)
        plain, ours = (statistics.median(times) for times in zip(*found))
        missed += share > scenario.at_most
        verdict = "met" if share <= scenario.at_most else "missed"
        print(
            f"{scenario.name:<28} {plain:.3f} s, {ours:.3f} s: {share:.3f} "
            f"({min(shares):.3f} to {max(shares):.3f}); at most {scenario.at_most}: {verdict}",
            flush=True,
        )
    return 1 if args.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())

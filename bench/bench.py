#!/usr/bin/env python3
"""Measure fleetest against pytest and pytest-xdist, whole processes in paired runs.

bench/README.md says what is measured and how to read it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import benchenv
import pytestfast
import report
from measure import MeasureError, Run, become_reaper, measure
from suites import (
    CORPUS,
    MODES,
    REFERENCE,
    SUITES,
    Contender,
    Outcome,
    Place,
    Suite,
    WrongOutcomeError,
    check_reference,
    contenders,
    corpus_suite,
    order_daemon,
    prepare,
    read_outcome,
    wait_until_prepared,
)

MEMORY_ROUNDS = 3
OUTPUT_LINES_SHOWN = 30
# With more load a CPU before the first run, others are at work.
BUSY = 0.25


class SuiteBench:
    """One suite and all contenders, ready to run."""

    def __init__(
        self,
        suite: Suite,
        venv: Path,
        commands: Mapping[str, Path],
        folder: Path,
        *,
        modes: Sequence[str],
        fast: Path | None,
    ) -> None:
        """Lay out a place for each contender under ``folder``; nothing runs yet.

        :param commands: the paths of ``pytest`` and ``fleetest``
        :param modes: those of ``--dist`` that are to be compared, if any
        :param fast: the environment of pytest-fast, if that is to be compared
        """
        self.suite = suite
        self.versions = benchenv.versions(venv)
        self._contenders = contenders(modes)
        # Paths of one length: they are part of what is imported, cached and printed.
        self._places: dict[Contender, Place] = {
            contender: prepare(suite, contender, folder / str(number), commands)
            for number, contender in enumerate(self._contenders)
        }
        if fast:
            contender = pytestfast.CONTENDER
            place = pytestfast.prepare(suite, folder / str(len(self._contenders)), fast)
            self._contenders = (*self._contenders, contender)
            self._places[contender] = place
            self.versions.update(pytestfast.versions(fast))
        self._expected: Outcome | None = None

    def _run(self, contender: Contender, limit: float, sample: bool = False) -> Run:
        """Run one contender once and compare its outcome.

        :raises WrongOutcomeError: it is not plain pytest's, or not complete
        """
        place = self._places[contender]
        try:
            run = measure(
                place.command,
                cwd=place.tree,
                env=place.env,
                output=place.output,
                limit=limit,
                sample=sample,
            )
            output = place.output.read_text("utf-8", "replace")
            fast = contender is pytestfast.CONTENDER
            read = pytestfast.read_outcome if fast else read_outcome
            outcome = read(run.exit_code, output)
            if self._expected is None and contender is REFERENCE:
                check_reference(self.suite, outcome)
                self._expected = outcome
            elif outcome != self._expected:
                raise WrongOutcomeError(f"{outcome}; plain pytest: {self._expected}")
        except (WrongOutcomeError, MeasureError) as error:
            lines = place.output.read_text("utf-8", "replace").splitlines()
            tail = "\n".join(f"    {line}" for line in lines[-OUTPUT_LINES_SHOWN:])
            name = f"{self.suite.name}, {contender.name}"
            raise WrongOutcomeError(f"{name}: {error}; its last lines:\n{tail}") from None
        return run

    def _rounds(self, count: int, limit: float, what: str, sample: bool) -> dict[str, list[Run]]:
        """Run every contender once a round, each round beginning with the next of them."""
        runs: dict[str, list[Run]] = {contender.name: [] for contender in self._contenders}
        for number in range(count):
            progress(f"{self.suite.name}: {what} {number + 1} of {count}")
            first = number % len(self._contenders)
            for contender in self._contenders[first:] + self._contenders[:first]:
                if not (sample and contender.warm):
                    if contender.collected:
                        wait_until_prepared(self._places[contender])
                    runs[contender.name].append(self._run(contender, limit, sample))
        return runs

    @contextmanager
    def _daemons(self, limit: float) -> Iterator[None]:
        """Have a daemon for each contender that needs one."""
        with ExitStack() as stack:
            for contender, place in self._places.items():
                if contender is pytestfast.CONTENDER:
                    stack.enter_context(pytestfast.serving(place, limit))
                elif contender.warm:
                    order_daemon(place, "start")
                    stack.callback(order_daemon, place, "stop")
            yield

    def run(self, rounds: int, memory_rounds: int, limit: float) -> report.Result:
        """Warm up, measure times, then memory.

        :raises WrongOutcomeError: a run ended with other outcomes than plain pytest
        """
        with self._daemons(limit):
            # The first round writes the byte code and caches, and tells what the outcomes are.
            self._rounds(1, limit, "warm-up", False)
            timed = self._rounds(rounds, limit, "round", False)
        sampled = self._rounds(memory_rounds, limit, "memory", True) if memory_rounds else {}
        progress("")
        assert self._expected is not None
        return report.Result(self.suite.name, self._expected, self.versions, timed, sampled)


def progress(text: str) -> None:
    """Show what is running, where there is a terminal to show it on."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def choose_suites(names: Sequence[str], corpus: Path | None) -> tuple[list[Suite], list[str]]:
    """The suites to run, and a line on each that cannot be."""
    ours = {suite.name: suite for suite in SUITES}
    chosen: list[Suite] = []
    skipped: list[str] = []
    for name in names or (*ours, *CORPUS):
        if name in ours:
            chosen.append(ours[name])
        elif corpus is None:
            skipped.append(f"{name}: skipped, it needs --corpus-dir")
        else:
            try:
                chosen.append(corpus_suite(corpus, name))
            except FileNotFoundError as error:
                skipped.append(f"{name}: skipped, {error}")
    return chosen, skipped


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="bench.py", description=__doc__.partition("\n")[0])
    names = ", ".join([suite.name for suite in SUITES] + list(CORPUS))
    found.add_argument(
        "suites",
        nargs="*",
        metavar="SUITE",
        help=f"{names}, or another folder of --corpus-dir (default: the ones named here)",
    )
    found.add_argument("--venv", type=Path, help="an environment with pytest, xdist and fleetest")
    found.add_argument("--fleetest", type=Path, help="the fleetest command, in an environment")
    found.add_argument("--corpus-dir", type=Path, help="projects: NAME/venv and NAME/src")
    found.add_argument(
        "--dist",
        action="append",
        default=[],
        choices=MODES,
        metavar="MODE",
        help=f"compare this mode with xdist's, and nothing else: {', '.join(MODES)} (repeatable)",
    )
    found.add_argument(
        "--pytest-fast",
        action="store_true",
        help="compare fleetest's snapshots with pytest-fast's server too, which is installed for it",
    )
    found.add_argument("--rounds", type=int, help="rounds of each suite (default: 9, 5 for long)")
    found.add_argument("--memory", action="store_true", help="afterwards, sample the memory")
    found.add_argument("--limit", type=float, default=600, help="seconds for one run (600)")
    found.add_argument("--work-dir", type=Path, help="where to write suites (default: temporary)")
    found.add_argument("--json", type=Path, help="write all figures to this file")
    found.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    return found


@contextmanager
def work_folder(parent: Path | None) -> Iterator[Path]:
    """A folder for suites, caches and temporary files that is removed at the end."""
    if parent:
        parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="fleetest-bench-", dir=parent)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check(results: Sequence[report.Result]) -> bool:
    """Print how the targets were met; true if none was missed and not all are unknown."""
    found = report.verdicts(results)
    print("targets")
    for verdict in found:
        print(verdict)
    return any(v.measured is not None for v in found) and not any(v.missed for v in found)


def run(args: argparse.Namespace) -> int:
    """Run what the command line asks for.

    :raises benchenv.MissingError: there is nothing to run it with
    """
    machine = report.machine()
    if machine["load"] > BUSY * machine["cpus"]:
        print(f"note: the load is {machine['load']}: wall times, and their ratios, are unreliable")
    suites, skipped = choose_suites(args.suites, args.corpus_dir)
    common: Path | None = None
    if any(suite.venv is None for suite in suites):
        common = benchenv.find(args.venv, args.fleetest)
    fast: Path | None = None
    if common and args.pytest_fast:
        fast = pytestfast.find(common)
    results: list[report.Result] = []
    with work_folder(args.work_dir) as work:
        for suite in suites:
            venv = suite.venv or common
            assert venv is not None
            # A project's own environment has a fleetest of its own.
            fleetest = None if suite.venv or not args.fleetest else args.fleetest.absolute()
            commands = benchenv.commands(venv, fleetest)
            beside = fast if pytestfast.can_run(suite) else None
            if args.pytest_fast and not beside:
                skipped.append(f"{suite.name}: without pytest-fast, which cannot run it")
            place = work / suite.name
            bench = SuiteBench(suite, venv, commands, place, modes=args.dist, fast=beside)
            if suite.venv or suite is suites[0]:
                print(report.heading(machine, bench.versions))
                for note in benchenv.check_versions(bench.versions):
                    print(f"note: {note}")
            rounds = args.rounds or suite.rounds
            memory_rounds = min(rounds, MEMORY_ROUNDS) if args.memory else 0
            results.append(bench.run(rounds, memory_rounds, args.limit))
            print(*report.tables(results[-1]), "", sep="\n", flush=True)
    for line in skipped:
        print(line)
    if args.json:
        text = json.dumps(report.as_json(machine, results), indent=2)
        args.json.write_text(f"{text}\n", "utf-8")
    if args.check and not check(results):
        return 1
    return 0 if results else 1


def main() -> int:
    """Run the benchmark; 0 if all runs ended rightly (and with --check met the targets)."""
    arguments = parser()
    args = arguments.parse_args()
    known = [suite.name for suite in SUITES] + list(CORPUS)
    for name in args.suites:
        if name not in known and not args.corpus_dir:
            arguments.error(f"no suite is called {name!r}, there are {', '.join(known)}")
    if args.dist and args.pytest_fast:
        arguments.error("--pytest-fast has nothing to compare with --dist")
    if args.rounds is not None and args.rounds < 1:
        arguments.error("--rounds must be at least 1")
    become_reaper()
    try:
        return run(args)
    except (WrongOutcomeError, benchenv.MissingError) as error:
        progress("")
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        progress("")
        return 130


if __name__ == "__main__":
    sys.exit(main())

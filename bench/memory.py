#!/usr/bin/env python3
"""What a snapshot takes of memory, with its checkpoints and the process that stands by.

Runs each suite from a snapshot a few times, and compares the PSS of the daemon's processes for it, page tables
included, with that of plain pytest when it has collected.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import benchenv
from gen_suite import generate
from measure import pss_kb
from suites import (
    REFERENCE,
    Place,
    Suite,
    daemon_status,
    order_daemon,
    prepare,
    wait_until_prepared,
)
from warm import HEAVY, SNAPSHOT, write_heavy

AT_MOST = 2.0
RUNS = 3
DEADLINE = 60.0

SUITES: dict[str, Callable[[Path], None]] = {
    "small": lambda folder: generate(folder, 10, 10),
    "medium": lambda folder: generate(folder, 100, 20),
    "large": lambda folder: generate(folder, 1000, 10),
    "heavy": write_heavy,
}

PLUGIN = """
def pytest_collection_finish():
    import sys
    sys.path.insert(0, {bench!r})
    from memory import held_kb
    with open({path!r}, "w") as file:
        file.write(str(held_kb("self")))
"""


def held_kb(pid: object) -> int:
    """The PSS of a process, and its page tables."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8", "replace").splitlines()
    return pss_kb(pid) + next(int(line.split()[1]) for line in lines if line.startswith("VmPTE:"))


def _plain_kb(place: Place, folder: Path) -> int:
    path = folder / "plain"
    text = PLUGIN.format(bench=str(Path(__file__).resolve().parent), path=str(path))
    (folder / "held.py").write_text(text, "utf-8")
    command = [*place.command, "-p", "held"]
    env = {**place.env, "PYTHONPATH": str(folder)}
    for _ in range(2):  # the first one writes byte code
        subprocess.run(command, cwd=place.tree, env=env, check=True, stdout=subprocess.DEVNULL)
    return int(path.read_text("utf-8"))


def _wait_for_standby(place: Place) -> None:
    """Wait until a process stands by, and has its pages: it waits for its order then."""
    deadline = time.monotonic() + DEADLINE
    while True:
        pids = [one["standby_pid"] for one in daemon_status(place)["parked"] if one["standby_pid"]]
        if pids and all(_is_asleep(pid) for pid in pids):
            return
        if time.monotonic() > deadline:
            sys.exit("memory.py: no process stands by: see fleetest daemon status")
        time.sleep(0.05)


def _is_asleep(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "S"


def _workers_of(pid: int, known: list[int]) -> list[int]:
    """The workers that stand by with a process: its children that the daemon does not know."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [child for child in map(int, text.split()) if child not in known]


def _snapshot_kb(place: Place) -> tuple[int, int]:
    """Of the snapshot and all that belongs to it; how many processes these are."""
    order_daemon(place, "start")
    try:
        for _ in range(RUNS):
            subprocess.run(
                place.command, cwd=place.tree, env=place.env, check=True, stdout=subprocess.DEVNULL
            )
            wait_until_prepared(place)
            _wait_for_standby(place)
        pids = [
            one[name]
            for one in daemon_status(place)["parked"]
            for name in ("pid", "standby_pid")
            if one[name] and one["state"] not in ("pytest imported", "plugins imported")
        ]
        pids += [worker for pid in pids for worker in _workers_of(pid, pids)]
        return sum(held_kb(pid) for pid in pids), len(pids)
    finally:
        order_daemon(place, "stop")


def _compare(name: str, folder: Path, commands: Mapping[str, Path]) -> float:
    suite = Suite(name, 0, writer=SUITES[name])
    plain, ours = (
        prepare(suite, contender, folder / str(number), commands)
        for number, contender in enumerate((REFERENCE, SNAPSHOT))
    )
    alone = _plain_kb(plain, folder)
    held, count = _snapshot_kb(ours)
    share = held / alone
    verdict = "met" if share <= AT_MOST else "missed"
    print(
        f"{name:<8} {alone / 1024:.1f} MB, {held / 1024:.1f} MB in {count} processes: {share:.2f}; "
        f"at most {AT_MOST}: {verdict}",
        flush=True,
    )
    return share


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and compare with what is aimed at."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SUITES)} (default: all)")
    parser.add_argument("--venv", type=Path, help="pytest, xdist, fleetest and the heavy packages")
    parser.add_argument("--check", action="store_true", help="fail if a target is missed")
    args = parser.parse_args(arguments)
    venv = benchenv.find(args.venv, None)
    commands = benchenv.commands(venv)
    has_heavy = set(HEAVY) <= benchenv.versions(venv, HEAVY).keys()
    shares = []
    for name in args.names or SUITES:
        if name == "heavy" and not has_heavy:
            print(f"heavy: skipped, the environment lacks one of {', '.join(HEAVY)}")
            continue
        with tempfile.TemporaryDirectory(prefix="fleetest-bench-") as folder:
            shares.append(_compare(name, Path(folder), commands))
    return 1 if args.check and max(shares, default=0) > AT_MOST else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Run pytest-xdist's own tests with fleetest in its place: xdist_suite.py PYTHON ... [-- ARGS].

Each PYTHON is an environment with fleetest, execnet and filelock, and without pytest-xdist.  What runs
is listed in xdist_black_box.txt and xdist_public_module.txt; what is known not to pass, and why, in
xdist_known.txt.  A test that is listed there and passes is an error too.  ARGS are pytest's.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from outcomes import run
from sources import unpacked

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build" / "suites"
RELEASE = "pytest-xdist==3.8.0"
LISTS = ("xdist_black_box.txt", "xdist_public_module.txt")


def known(line: str, mark: str = "") -> dict[str, str]:
    """Node id -> why it does not pass with this line of pytest (``8.4``, ``9``); those with a mark."""
    found = {}
    for text in (HERE / "xdist_known.txt").read_text("utf-8").splitlines():
        marked = "!" if text.startswith("!") else ""
        if text and not text.startswith("#") and marked == mark:
            where, _, why = text.removeprefix("!").partition(": ")
            nodeid, _, only = where.partition(" pytest ")
            if only in ("", line):
                found[nodeid] = why
    return found


def line_of(python: Path) -> str:
    """The line of the pytest that an environment has."""
    code = "import pytest; print(pytest.__version__)"
    version = subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    major, minor, *_ = version.split(".")
    return major if int(major) >= 9 else f"{major}.{minor}"


def run_listed(python: Path, project: Path, arguments: list[str]) -> dict[str, str]:
    """Run the listed tests with one environment."""
    left_out = [f"--deselect={nodeid}" for nodeid in known(line_of(python), "!")]
    lists = [f"@{HERE / name}" for name in LISTS]
    return run(python, project, [*arguments, *left_out, *lists], {"PYTEST_PLUGINS": "fleetest"})


def main() -> int:
    """Returns 1 if anything differs from what is known."""
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    pythons, arguments = [Path(word) for word in words[:at]], words[at + 1 :]
    project = unpacked(Path(sys.executable), RELEASE, BUILD)  # this Python has pip
    passed = failed = skipped = 0
    for python in pythons:
        line = line_of(python)
        reasons, found = known(line), run_listed(python, project, arguments)
        print(f"== pytest {line}")
        for nodeid, outcome in found.items():
            if outcome == "failed" and nodeid in reasons:
                print(f"known: {nodeid}: {reasons[nodeid]}")
                skipped += 1
            elif outcome == "failed":
                print(f"FAILED: {nodeid}")
                failed += 1
            elif outcome == "passed" and nodeid in reasons:
                print(f"PASSED, but is listed as known not to: {nodeid}")
                failed += 1
            else:
                passed += outcome == "passed"
                skipped += outcome == "skipped"
        if not found:
            failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

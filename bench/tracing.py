#!/usr/bin/env python3
"""What it costs to record what a session looks at on its way to its tests.

Has pytest collect the suite of 2,000 tests, and imports 300 small modules, in fresh processes: in turn without
the library that records, with it but switched off as in every run, and while it records.  Prints the medians of
their CPU time, and what is aimed at for the session.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from gen_suite import generate

FILES, TESTS = 100, 20
"""Of the suite: that many tests in each file."""

MODULES = 300
PACKAGES = 30
MOST = 0.03
"""Share of the CPU time that recording may cost."""

MODULE = "import os\n" + "".join(
    f"def f{number}(x, y={number}):\n    'doc'\n    return [x + y + k for k in range({number})]\n"
    for number in range(12)
)

MEASURED = f"""
import os, sys, time
import _pytest, fleetest, pluggy, pytest
from fleetest import _core
from fleetest.watching import LIBRARY, root, tools
way, what, folder = sys.argv[1:]
if way == "recording":
    assert _core.trace_start(LIBRARY, tools(), root("fleetest")), "the library is not loaded"
begin = time.process_time()
if what == "session":
    pytest.main(["--collect-only", "-qq", "--rootdir", folder, folder])
else:
    sys.path.insert(0, folder)
    for number in range({MODULES}):
        __import__(f"p{{number % {PACKAGES}}}.m{{number}}")
print(time.process_time() - begin, file=sys.stderr)
if way == "recording":
    missed, looks = _core.trace_stop()
    assert not missed and len(looks) > 100, (missed, len(looks))
"""


def write_modules(folder: Path) -> None:
    """What is to be imported."""
    for number in range(MODULES):
        package = folder / f"p{number % PACKAGES}"
        package.mkdir(exist_ok=True)
        (package / "__init__.py").touch()
        (package / f"m{number}.py").write_text(MODULE, "utf-8")


def cpu_ms(python: Path, way: str, what: str, folder: Path, env: Mapping[str, str]) -> float:
    """The CPU time of it.

    :raises subprocess.CalledProcessError: it fails
    """
    command = [str(python), "-c", MEASURED, way, what, str(folder)]
    done = subprocess.run(command, env=dict(env), check=True, capture_output=True, text=True)
    return float(done.stderr.split()[-1]) * 1000


def measure(python: Path, library: Path, what: str, folder: Path, rounds: int) -> float:
    """Print the medians; what recording costs, as a share."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    loaded = {**plain, "LD_PRELOAD": str(library)}
    ways = {"without": plain, "loaded": loaded, "recording": loaded}
    found: dict[str, list[float]] = {way: [] for way in ways}
    cpu_ms(python, "without", what, folder, plain)  # writes the byte code
    for _ in range(rounds):
        for way, env in ways.items():
            found[way].append(cpu_ms(python, way, what, folder, env))
    medians = {way: statistics.median(times) for way, times in found.items()}
    for way, median in medians.items():
        print(f"{what:<8} {way:<10} {median:.1f} ms, {median / medians['without'] - 1:+.1%}")
    return medians["recording"] / medians["without"] - 1


def main() -> int:
    """Measure, and compare with the target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fleetest", type=Path, required=True, help="a command beside its Python")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--check", action="store_true", help="fail if the target is missed")
    args = parser.parse_args()
    folder = args.fleetest.absolute().parent
    library = folder.parent / "lib" / "fleetest" / "fleetest_trace.so"
    if not library.exists():
        sys.exit(f"tracing.py: there is no {library}")
    with tempfile.TemporaryDirectory(prefix="fleetest-bench-") as name:
        suite, modules = Path(name) / "suite", Path(name) / "modules"
        modules.mkdir()
        write_modules(modules)
        generate(suite, FILES, TESTS)
        cost = measure(folder / "python", library, "session", suite, args.rounds)
        measure(folder / "python", library, "imports", modules, args.rounds)
    met = cost <= MOST
    print(f"target: at most {MOST:.0%} of a session: {'met' if met else 'missed'}")
    return 1 if args.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())

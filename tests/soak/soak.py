"""Many runs through the daemon, to see whether anything grows and every outcome is right.

    soak.py [--runs N] [--edits N] [--at-once N] PYTHON [PYTHON ...]

Makes four projects, runs each in turn with each Python (whose environment has fleetest) until there were
N runs (1000), then after so many edits (200), by turns of a test and of what it imports, then as many at once as
asked for (50).  After some runs to warm up it notes what the daemons have: processes, descriptors, memory, files; and
fails if there is more in the end.  The first look comes when each snapshot has served a run: who stands by for the next
copies the pages ahead that the last one has written to.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

WARM_UP = 40
"""Runs before the first look, and edits."""

MEMORY_KIB = 2048
"""What a daemon and its parked process may have more, all together, for reasons of the allocator's."""

DEADLINE = 120.0

SETTLE = 5.0
"""Seconds that processes of runs may take to end."""

PROJECTS = {
    "passing": ("def test_{0}(tmp_path): (tmp_path / 'x').write_text('x')", 12, 0),
    "failing": ("def test_{0}(): assert {0} % 4", 12, 1),
    "one": ("def test_{0}(): pass", 1, 0),
    "empty": ("", 0, 5),
}
"""Name -> text of a test, how many of them, the exit code."""


@dataclass
class Size:
    """What there is of something that must not grow."""

    left: int
    """Processes that the daemons do not keep."""
    kept: int
    descriptors: int
    files: int
    temporary: int
    memory: int

    def with_room_for(self, earlier: Size) -> Size:
        """The same, with the memory of an earlier look if it was more: a parked process that is new has less."""
        return replace(self, memory=max(self.memory, earlier.memory))


class Soak:
    """The daemons' folder, the projects, and the runs."""

    def __init__(self, root: Path, pythons: list[str]) -> None:
        self.runtime, self.temporary = root / "runtime", root / "temporary"
        self.projects = {name: root / name for name in PROJECTS}
        for folder in (self.runtime, self.temporary, *self.projects.values()):
            folder.mkdir(mode=0o700)
        for name, (text, count, _) in PROJECTS.items():
            source = "\n".join(text.format(number) for number in range(count))
            (self.projects[name] / "test_it.py").write_text(source + "\n", "utf-8")
            (self.projects[name] / "conftest.py").write_text("import helper\n", "utf-8")
            (self.projects[name] / "helper.py").write_text("", "utf-8")
        self.commands = [str(Path(python).absolute().with_name("fleetest")) for python in pythons]
        self.env = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(self.runtime),
            "TMPDIR": str(self.temporary),
            "PYTEST_DEBUG_TEMPROOT": str(root),
            "FLEETEST_DAEMON": "1",
        }

    def start(self, number: int) -> tuple[str, subprocess.Popen[str]]:
        """Start the run with this number; its project."""
        names, commands = list(PROJECTS), self.commands
        name = names[number % len(names)]
        command = commands[number // len(names) % len(commands)]
        process = subprocess.Popen(
            [command, "-n", str(number % 3), "-p", "no:cacheprovider"],
            cwd=self.projects[name],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return name, process

    def edit(self, number: int) -> None:
        """Save a file of one of the projects, with other lines than before."""
        folder = list(self.projects.values())[number // 2 % len(self.projects)]
        path = folder / ("helper.py" if number % 2 else "test_it.py")
        text, _, _ = path.read_text("utf-8").partition("# edit")
        path.write_text(f"{text}# edit {number}\n", "utf-8")

    def check(self, name: str, process: subprocess.Popen[str]) -> None:
        """Wait for a run's end, which has to be the right one.

        :raises SystemExit: it is not
        """
        output, _ = process.communicate(timeout=DEADLINE)
        if process.returncode != PROJECTS[name][2]:
            sys.exit(f"soak: {name}: exit code {process.returncode}\n{output}")

    def look(self) -> Size:
        """What the daemons have now."""
        size = Size(0, 0, 0, 0, 0, 0)
        for command in self.commands:
            words = [command, "daemon", "status", "--json"]
            shown = json.loads(subprocess.check_output(words, env=self.env, text=True))
            pids = [shown["pid"], *(parked["pid"] for parked in shown["parked"] if parked["pid"])]
            if shown["preparing"] or len(pids) <= len(shown["parked"]):
                size.left += 1
            ahead = [parked["standby_pid"] for parked in shown["parked"]]
            size.left += len(set(_members(shown["pid"])) - {*pids, *ahead})
            size.kept += len(pids)
            for pid in pids:
                try:
                    size.descriptors += len(os.listdir(f"/proc/{pid}/fd"))
                except FileNotFoundError:  # it has ended just now
                    size.left += 1
            size.memory += shown["own_kb"] + sum(parked["own_kb"] for parked in shown["parked"])
        size.files = len(list(self.runtime.rglob("*")))
        size.temporary = len(list(self.temporary.rglob("*")))
        return size

    def settle(self, before: Size | None = None) -> Size:
        """The same once all of the last runs is gone; what there was before says what that is."""
        deadline = time.monotonic() + SETTLE
        gone = False  # before this look: pages that a process shares are not counted
        while True:
            size = self.look()
            known = before or size
            if gone and size.left == 0 and size.descriptors <= known.descriptors:
                return size
            gone = size.left == 0
            if time.monotonic() > deadline:
                return size

    def stop(self) -> None:
        """End the daemons."""
        for command in self.commands:
            subprocess.run(
                [command, "daemon", "stop"], env=self.env, check=True, capture_output=True
            )


def _members(session: int) -> list[int]:
    """The processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            found.append(int(path.parent.name))
    return found


def soak(root: Path, options: argparse.Namespace) -> int:
    """Do the runs; the exit code."""
    here = Soak(root, options.python)
    try:
        for number in range(WARM_UP):
            here.check(*here.start(number))
        here.settle()  # snapshots that could not be made while one run came after the other
        first = WARM_UP + len(PROJECTS) * len(here.commands)
        for number in range(WARM_UP, first):
            here.check(*here.start(number))
        before = here.settle()
        print(f"after {first} runs:", before)
        for number in range(first, options.runs):
            here.check(*here.start(number))
        print(f"after {options.runs} runs:", here.settle(before))
        for number in range(options.edits):
            here.edit(number)
            here.check(*here.start(number // 2))
            if number == WARM_UP:
                before = here.settle().with_room_for(before)
        print(f"after {options.edits} edits:", here.settle(before))
        for name, process in [here.start(number) for number in range(options.at_once)]:
            here.check(name, process)
        after = here.settle(before)
        print(f"after {options.at_once} at once:", after)
    finally:
        here.stop()
    grown = [name for name, value in asdict(after).items() if value > asdict(before)[name]]
    if after.memory <= before.memory + MEMORY_KIB * len(here.commands):
        grown = [name for name in grown if name != "memory"]
    left = sorted(path.suffix for path in here.runtime.rglob("*") if path.suffix != ".log")
    print("grown:", ", ".join(grown) or "nothing", "- left:", ", ".join(left) or "the directory")
    return 1 if grown or left != [""] else 0


def main() -> int:
    """Read the arguments, and soak."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("python", nargs="+")
    with tempfile.TemporaryDirectory(prefix="fleetest-soak-") as folder:
        return soak(Path(folder), parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())

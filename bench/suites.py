"""What is run: the suites, and the contenders that run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gen_suite import generate

ROOT = Path(__file__).resolve().parent.parent
# Of a result line, what every runner must agree on.
OUTCOMES = ("passed", "failed", "errors", "skipped", "xfailed", "xpassed")
# Nothing of the caller's own settings may slow down or speed up a contender.
DROPPED = (
    *("CI", "BUILD_NUMBER", "COLUMNS", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "VIRTUAL_ENV"),
    *("COV", "FLEETEST_", "HYPOTHESIS_", "MAKE", "MFLAGS", "PIP_", "PYTEST", "PYTHON", "XDG_"),
)


class WrongOutcomeError(Exception):
    """A run did not end as it should have: its figures mean nothing."""


@dataclass(frozen=True)
class Contender:
    """A command that can run any suite: a name in the tables, and how it is started."""

    name: str
    command: str
    options: tuple[str, ...]
    # Runs come from a daemon that is there before.
    warm: bool = False
    # It has collected the suite's tests when a run begins.
    collected: bool = False


# Extensions are kept out of the contender that they are no part of: a user of plain pytest has
# neither xdist nor fleetest, a user of xdist has no fleetest, and fleetest keeps xdist out itself.
_NO_FLEETEST = ("-p", "no:fleetest-ini")
_NO_XDIST = ("-p", "no:xdist", "-p", "no:xdist.looponfail")

CONTENDERS = (
    Contender("pytest", "pytest", (*_NO_XDIST, *_NO_FLEETEST)),
    Contender("xdist -n 2", "pytest", (*_NO_FLEETEST, "-n", "2")),
    Contender("fleetest -n 2", "fleetest", ("-n", "2")),
    Contender("fleetest -n 0", "fleetest", ("-n", "0")),
    Contender("fleetest warm", "fleetest", (), warm=True),
    Contender("fleetest snapshot", "fleetest", ("-n", "2"), warm=True, collected=True),
)
# Its outcomes are the right ones.
REFERENCE = CONTENDERS[0]
MODES = ("load", "loadscope", "loadfile", "loadgroup", "worksteal")


def contenders(modes: Sequence[str]) -> tuple[Contender, ...]:
    """The usual ones; or, to compare modes of ``--dist``, fleetest and xdist in each of these."""
    found = [REFERENCE]
    for mode in modes:
        options = ("-n", "2", "--dist", mode)
        found.append(Contender(f"xdist {mode}", "pytest", (*_NO_FLEETEST, *options)))
        found.append(Contender(f"fleetest {mode}", "fleetest", options))
    return tuple(found) if modes else CONTENDERS


@dataclass(frozen=True)
class Suite:
    """A test suite, and how often each contender runs it."""

    name: str
    rounds: int
    # Modules and tests a module, if the suite is a synthetic one; else the tree that is copied.
    size: tuple[int, int] | None = None
    source: Path | None = None
    # Or else what writes it.
    writer: Callable[[Path], None] | None = None
    arguments: tuple[str, ...] = ()
    # The environment that the suite needs, if it is not the common one.
    venv: Path | None = None

    @property
    def tests(self) -> int | None:
        """The number of tests, where it is known beforehand."""
        return self.size[0] * self.size[1] if self.size else None

    def write(self, folder: Path) -> None:
        """Put a fresh copy of the suite's tree into ``folder``."""
        if self.size:
            generate(folder, *self.size)
        elif self.writer:
            self.writer(folder)
        elif self.source:
            leftovers = shutil.ignore_patterns("__pycache__", ".pytest_cache")
            shutil.copytree(self.source, folder, symlinks=True, ignore=leftovers)


SUITES = (
    Suite("one", 15, size=(1, 1)),
    Suite("small", 9, size=(10, 10)),
    Suite("medium", 9, size=(100, 20)),
    Suite("large", 5, size=(1000, 10)),
    Suite("shop", 5, source=ROOT / "examples" / "shop"),
)
CORPUS = ("click", "jinja2")
CORPUS_ROUNDS = 5


def corpus_suite(folder: Path, name: str) -> Suite:
    """A real project's suite: ``folder/NAME/venv`` and ``folder/NAME/src``.

    :raises FileNotFoundError: a part of it is not there
    """
    root = folder.resolve() / name
    parts = ("src", "venv/bin/python", "venv/bin/pytest", "venv/bin/fleetest")
    for part in parts:
        if not (root / part).exists():
            raise FileNotFoundError(f"{root / part} is not there")
    arguments = ("tests",) if (root / "src" / "tests").is_dir() else ()
    source, venv = root / "src", root / "venv"
    return Suite(name, CORPUS_ROUNDS, source=source, arguments=arguments, venv=venv)


@dataclass(frozen=True)
class Place:
    """Where one contender runs one suite: a copy of its own, with its own caches and home."""

    tree: Path
    temp: Path
    env: Mapping[str, str]
    command: tuple[str, ...]

    @property
    def output(self) -> Path:
        """The file that the last run wrote its output to."""
        return self.temp.parent / "output"


def prepare(
    suite: Suite, contender: Contender, folder: Path, commands: Mapping[str, Path]
) -> Place:
    """Lay out ``folder`` for the runs of one contender.

    :param commands: the paths of ``pytest`` and ``fleetest``
    """
    tree, temp, home, runtime = (folder / name for name in ("tree", "tmp", "home", "run"))
    suite.write(tree)
    temp.mkdir(parents=True)
    home.mkdir()
    runtime.mkdir(mode=0o700)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    command = commands[contender.command]
    search = f"{commands['pytest'].parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    env = {
        **kept,
        "PATH": search,
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(temp),
        "PYTEST_DEBUG_TEMPROOT": str(temp),
        "XDG_RUNTIME_DIR": str(runtime),
        "FLEETEST_DAEMON": "1" if contender.warm else "0",
        "FLEETEST_DAEMON_SNAPSHOTS": "1" if contender.collected else "0",
    }
    return Place(tree, temp, env, (str(command), *contender.options, *suite.arguments))


def order_daemon(place: Place, command: str) -> None:
    """Have the daemon of a place started or stopped."""
    words = [place.command[0], "daemon", command]
    subprocess.run(words, env=place.env, check=True, stdout=subprocess.DEVNULL)


def daemon_status(place: Place) -> dict[str, Any]:
    """What the daemon of a place says of itself."""
    words = [place.command[0], "daemon", "status", "--json"]
    found: dict[str, Any] = json.loads(subprocess.check_output(words, env=place.env))
    return found


def wait_until_prepared(place: Place) -> None:
    """Wait until its daemon has nothing more to prepare."""
    while daemon_status(place)["preparing"]:
        time.sleep(0.05)


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit code, and what its last line counts."""

    exit_code: int
    counts: Mapping[str, int]

    def __str__(self) -> str:
        counts = ", ".join(f"{number} {word}" for word, number in self.counts.items())
        return f"exit {self.exit_code}, {counts or 'no result line'}"


def read_outcome(exit_code: int, output: str) -> Outcome:
    """Read pytest's last line, such as ``== 1 failed, 99 passed in 0.50s ==``."""
    counts: dict[str, int] = {}
    lines = re.findall(r"^=+ (.+) in [\d.]+s\b.*=$", output, re.MULTILINE)
    if lines:
        for part in lines[-1].split(", "):
            number, _, word = part.partition(" ")
            word = "errors" if word == "error" else word
            if word in OUTCOMES and number.isdigit():
                counts[word] = int(number)
    return Outcome(exit_code, counts)


def check_reference(suite: Suite, outcome: Outcome) -> None:
    """Plain pytest itself must pass, with the number of tests that the suite has.

    :raises WrongOutcomeError: it did not
    """
    passed = outcome.counts.get("passed", 0)
    wanted = passed if suite.tests is None else suite.tests
    if outcome.exit_code or not passed or passed != wanted:
        raise WrongOutcomeError(f"plain pytest ended with {outcome}")

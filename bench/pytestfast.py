"""pytest-fast, another runner that keeps a server warm: its environment, its server, its result line.

It forks runs from a server that has collected the suite, as a snapshot of fleetest's daemon has. Its plugin would
make every other contender's sessions those of a foreign plugin, so it is installed beside them.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import benchenv
import suites
from measure import descendants, end
from suites import ROOT, Contender, Outcome, Place, Suite, WrongOutcomeError

VENV = ROOT / "build" / "bench-venv-pytest-fast"
REQUIREMENT = "pytest-fast==0.16.*"
OLDEST_PYTHON = (3, 11)
# Of these it gets what fleetest has, so that both call the same hooks.
SHARED = ("pytest", "pytest-asyncio")

CONTENDER = Contender("pytest-fast", "pytest-fast", ("--workers", "2"), warm=True)

_RESULTS = re.compile(r"^  results : (.+)  \(n=(\d+)/(\d+)\)$", re.MULTILINE)
_LOG_LINES_SHOWN = 20


def can_run(suite: Suite) -> bool:
    """Whether it can run a suite: it takes no arguments of pytest, and is in one environment only."""
    return not suite.arguments and suite.venv is None


def find(common: Path) -> Path:
    """Make VENV with the Python and the versions of the common environment, unless it is there.

    :raises MissingError: it cannot be installed
    """
    found = benchenv.versions(common, SHARED)
    if tuple(map(int, found["python"].split(".")[:2])) < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise benchenv.MissingError(f"pytest-fast needs Python {oldest}, not {found['python']}")
    python = common / "bin" / "python"
    packages = [f"{name}=={found[name]}" for name in SHARED if name in found] + [REQUIREMENT]
    wanted = {
        "python": [os.path.realpath(python), found["python"]],
        "requirements": packages,
    }
    try:
        return benchenv.make(VENV, python, packages, wanted)
    except benchenv.MissingError as error:
        errors = re.findall(r"^ERROR: (.+)", str(error), re.MULTILINE) or [str(error)]
        text = f"{REQUIREMENT} cannot be installed, is there a network? {errors[-1]}"
        raise benchenv.MissingError(text) from None


def versions(venv: Path) -> Mapping[str, str]:
    """Its version, for the heading and the JSON."""
    return {"pytest-fast": benchenv.versions(venv, ["pytest-fast"])["pytest-fast"]}


def prepare(suite: Suite, folder: Path, venv: Path) -> Place:
    """Lay out ``folder`` for its runs, as is done for the others; nothing runs yet."""
    commands = {name: venv / "bin" / name for name in ("pytest", "pytest-fast")}
    place = suites.prepare(suite, CONTENDER, folder, commands)
    address = Path(place.env["XDG_RUNTIME_DIR"], "pytest-fast.sock")
    return replace(place, command=(*place.command, "--address", str(address)))


def read_outcome(exit_code: int, output: str) -> Outcome:
    """Read its result line, such as ``results : 1 failed, 99 passed  (n=100/100)``.

    Its ``n`` is how many tests have a result, of how many that were collected.
    """
    counts: dict[str, int] = {}
    found = _RESULTS.search(output)
    if found:
        for part in found[1].split(", "):
            number, _, word = part.partition(" ")
            counts["errors" if word == "error" else word] = int(number)
        if found[2] != found[3]:
            counts["without a result"] = int(found[3]) - int(found[2])
    return Outcome(exit_code, counts)


def _wait_until_ready(
    server: subprocess.Popen[bytes], address: Path, log: Path, limit: float
) -> None:
    """Wait for its socket, which it makes when it has collected.

    :raises WrongOutcomeError: it ended before, or took too long
    """
    deadline = time.monotonic() + limit
    while not address.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            lines = log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES_SHOWN:]
            text = "\n".join(f"    {line}" for line in lines)
            raise WrongOutcomeError(
                f"pytest-fast's server did not come up; its last lines:\n{text}"
            )
        time.sleep(0.02)


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server and the process that it forks runs from; there is nothing that they should save."""
    below = [process.pid for process in descendants(server.pid)]
    end(server.pid)
    server.wait()
    for pid in below:
        with suppress(ChildProcessError):  # it may have ended before, and been waited for
            os.waitpid(pid, 0)


@contextmanager
def serving(place: Place, limit: float) -> Iterator[None]:
    """Have its server there, with the suite collected.

    It is the one that the client would start if there was none. If it left, or found files changed, the
    client would do so in a measured run, which fails then: it leaves a process behind.

    :param limit: seconds after which it must have collected
    :raises WrongOutcomeError: it did not come up
    """
    command: Sequence[str] = (*place.command, "--serve")
    log = place.temp.parent / "server.log"
    with log.open("wb") as file:
        server = subprocess.Popen(
            command,
            cwd=place.tree,
            env=place.env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = Path(place.command[-1])
    try:
        _wait_until_ready(server, address, log, limit)
        yield
    finally:
        _stop(server)
        address.unlink(missing_ok=True)

"""Runs for which the daemon prepares: what the tests of snapshots and of rewinding share."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any, Callable

from daemon_runs import WARM, daemon_log, start_of, status
from lab import Project, Result, wait_for
from meeting import children_of, state_of

AHEAD = {**WARM, "FLEETEST_DAEMON_SNAPSHOTS": "8", "FLEETEST_DAEMON_AHEAD": "0"}
"""Variables for such runs; whether the daemon has heard of a change before they come is a matter of luck."""

TEST = "def test_a(): pass\n"

SPENDS = (
    "import time\nuntil = time.process_time() + 0.17\nwhile time.process_time() < until: pass\n"
)
"""So much CPU time that a checkpoint pays; the name of the clock is harmless in an installed package."""


def settle(project: Project) -> None:
    """Wait until the daemon has nothing more to prepare."""
    wait_for(lambda: status(project)["preparing"] == 0, "the snapshots", 30)


def prepare(project: Project, *args: str, **options: Any) -> None:
    """Run once, and wait until that is prepared."""
    project.fleetest(*args, leaves=True, **options)
    settle(project)


def again(project: Project, *args: str, **options: Any) -> Result:
    """Run; the run has gone on from a snapshot."""
    result = project.fleetest(*args, leaves=True, **options)
    assert start_of(result) == "warm", (result.out, daemon_log(project))
    return result


def anew(project: Project, *args: str, **options: Any) -> Result:
    """Run; the run has not."""
    result = project.fleetest(*args, leaves=True, **options)
    assert "fleetest: warm;" not in result.out
    return result


def standbys(project: Project) -> list[int]:
    """The processes that stand by, or are about to."""
    return [one["standby_pid"] for one in status(project)["parked"] if one["standby_pid"]]


def standing_by(project: Project) -> tuple[int, list[int]]:
    """The process that stands by, and who does so with it, once it waits for its order: a worker, then the spare."""

    def ready() -> list[int]:
        return [pid for pid in standbys(project) if state_of(pid) == "S"]

    (pid,) = wait_for(ready, "a process that stands by")
    return pid, children_of(pid)


def waits(pipe: str) -> str:
    """What waits until somebody has opened a pipe, and closed it."""
    return f"import os\nfd = os.open({pipe!r}, os.O_RDONLY)\nos.read(fd, 1)\nos.close(fd)\n"


def writer_of(pipe: Path) -> int:
    """A descriptor for writing, as soon as somebody waits at the other end: he goes on when it is closed."""
    found: list[int] = []

    def is_open() -> bool:
        with contextlib.suppress(OSError):
            found.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(found)

    wait_for(is_open, "a reader")
    return found[0]


def feed_until(is_over: Callable[[], bool], *pipes: Path) -> None:
    """Let everybody go on who waits at one of them."""

    def feed() -> bool:
        for pipe in pipes:
            with contextlib.suppress(OSError):
                os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return is_over()

    wait_for(feed, "the end", 30)


def run_past(project: Project, pipes: tuple[Path, ...], *args: str) -> Result:
    """Run, where who is at one of these pipes goes on at once."""
    run = project.start_fleetest(*args)
    feed_until(lambda: run.process.poll() is not None, *pipes)
    return run.wait(leaves=True)


def prepare_past(project: Project, pipes: tuple[Path, ...], *args: str) -> Result:
    """Likewise, and wait until that is prepared."""
    result = run_past(project, pipes, *args)
    feed_until(lambda: status(project)["preparing"] == 0, *pipes)
    return result


def said(folder: Path) -> list[dict[str, Any]]:
    """What tests have written to "said" there, a line each, since this was called last."""
    path = folder / "said"
    lines = path.read_text("utf-8").splitlines()
    path.unlink()
    return [json.loads(line) for line in lines]

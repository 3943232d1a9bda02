"""Runs by way of a project's daemon, and what it says of itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import daemon_lab
from lab import Project, Result

WARM = {"FLEETEST_DAEMON": "1"}


def start_of(result: Result) -> str:
    """How a run says that it was started, and what the user should do about it."""
    (line,) = [line for line in result.out.splitlines() if line.startswith("fleetest: ")]
    return re.sub(r"; (no )?workers.*", "", line.removeprefix("fleetest: "))


def header(result: Result) -> str:
    """How a run says that it was started."""
    (line,) = [line for line in result.out.splitlines() if line.startswith("fleetest: ")]
    return line.partition("; ")[0].removeprefix("fleetest: ")


def run(project: Project, *args: str, **options: Any) -> str:
    """Run the project's one test; how the run was started."""
    return header(project.fleetest(*args, leaves=True, **options).check(0).counts(passed=1))


def command(project: Project, *args: str, **options: Any) -> Result:
    """Run ``fleetest daemon ARGS``."""
    return project.fleetest("daemon", *args, leaves=True, **options)


def status(project: Project) -> dict[str, Any]:
    """What the daemon says of itself."""
    found: dict[str, Any] = json.loads(command(project, "status", "--json").check(0).out)
    return found


def the_daemon(project: Project) -> int:
    """The pid of the project's one daemon."""
    (pid,) = daemon_lab.daemons(project.runtime)
    return pid


def files(project: Project) -> set[str]:
    """What daemons have in the runtime folder, by their kind."""
    folder = project.runtime / "fleetest"
    return {path.suffix for path in folder.iterdir()} if folder.exists() else set()


def parked(project: Project, state: str) -> list[int]:
    """The processes that the daemon has in this state."""
    return [one["pid"] for one in status(project)["parked"] if one["state"] == state]


def daemon_log(project: Project) -> str:
    """What daemons have written to their logs so far."""
    logs = (project.runtime / "fleetest").glob("*.log")
    return "".join(path.read_text("utf-8", "replace") for path in logs)


def watched_folders(project: Project) -> set[int]:
    """The inodes of folders of which the daemon hears."""
    found = set()
    for each in Path(f"/proc/{status(project)['pid']}/fdinfo").iterdir():
        try:
            text = each.read_text()
        except FileNotFoundError:  # of the client that has just asked
            continue
        inodes = re.findall(r"^inotify .* ino:(\w+)", text, re.MULTILINE)
        found |= {int(inode, 16) for inode in inodes}
    return found

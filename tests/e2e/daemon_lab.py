"""The daemon of a project under test, and the processes that come from it."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import NamedTuple


def _words(pid: str) -> list[str]:
    try:
        return (Path("/proc") / pid / "cmdline").read_text("utf-8", "replace").split("\0")
    except OSError:  # it is gone
        return []


def _pids() -> list[str]:
    return [path.name for path in Path("/proc").glob("[0-9]*")]


def is_daemon(pid: int) -> bool:
    """Whether a process is a daemon that a command has started."""
    return _words(str(pid))[1:3] == ["daemon", "serve"]


def daemons(runtime: Path) -> list[int]:
    """The living daemons whose files are in this runtime folder.

    :param runtime: what XDG_RUNTIME_DIR or else TMPDIR says
    """
    folders = {str(runtime / "fleetest"), str(runtime / f"fleetest-{os.getuid()}")}
    found = []
    for pid in _pids():
        words = _words(pid)
        background = words[1:3] == ["daemon", "serve"] and not folders.isdisjoint(words)
        if background or (
            "--foreground" in words and _variable(pid, "XDG_RUNTIME_DIR") == str(runtime)
        ):
            found.append(int(pid))
    return found


def _variable(pid: str, name: str) -> str:
    try:
        text = (Path("/proc") / pid / "environ").read_text("utf-8", "replace")
    except OSError:
        return ""
    return dict(line.partition("=")[::2] for line in text.split("\0")).get(name, "")


class _Place(NamedTuple):
    """Where a process is among the others; zeros: it is gone."""

    parent: int
    group: int
    session: int


def _place(pid: int | str) -> _Place:
    try:
        text = (Path("/proc") / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return _Place(0, 0, 0)
    fields = text.rpartition(")")[2].split()
    parent, group, session = map(int, fields[1:4])
    return _Place(parent, group, session if fields[0] != "Z" else 0)


def members(daemon: int) -> set[int]:
    """The living processes that have come from a daemon, itself included."""
    return {int(pid) for pid in _pids() if _place(pid).session == daemon}


def _name(pid: str) -> str:
    try:
        return (Path("/proc") / pid / "comm").read_text("utf-8", "replace").rstrip("\n")
    except OSError:
        return ""


def _is_kept(pid: str, daemon: int) -> bool:
    """Whether a process is one of those that a daemon has for later: a controller leads a group."""
    if _name(pid) == "snapshot":
        return True
    place = _place(pid)
    first = place.parent if place.parent != daemon else int(pid)
    return place.group == first and _place(first).parent == daemon and "parked" in _words(pid)


def descendants(daemon: int) -> dict[int, str]:
    """The living processes of a daemon's runs, with their command lines: not those that it keeps."""
    return {
        int(pid): " ".join(_words(pid)).strip()
        for pid in _pids()
        if _place(pid).session == daemon and int(pid) != daemon and not _is_kept(pid, daemon)
    }


def stop(runtime: Path) -> None:
    """Kill the daemons of a runtime folder, and all that has come from them."""
    for daemon in daemons(runtime):
        for pid in members(daemon):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

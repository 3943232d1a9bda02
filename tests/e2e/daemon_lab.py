"""The daemon of a project under test, and the processes that come from it."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


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

    :param runtime: what XDG_RUNTIME_DIR says
    """
    found = []
    for pid in _pids():
        words = _words(pid)
        background = words[1:3] == ["daemon", "serve"] and str(runtime / "fleetest") in words
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


def _parent_and_session(pid: str) -> tuple[int, int]:
    try:
        text = (Path("/proc") / pid / "stat").read_text("utf-8", "replace")
    except OSError:
        return 0, 0
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), int(fields[3]) if fields[0] != "Z" else 0


def members(daemon: int) -> set[int]:
    """The living processes that have come from a daemon, itself included."""
    return {int(pid) for pid in _pids() if _parent_and_session(pid)[1] == daemon}


def descendants(daemon: int) -> dict[int, str]:
    """The living processes of a daemon's runs, with their command lines: not those that it keeps."""
    found = {}
    for pid in _pids():
        parent, session = _parent_and_session(pid)
        words = _words(pid)
        if (
            session == daemon
            and int(pid) != daemon
            and not (parent == daemon and "parked" in words)
        ):
            found[int(pid)] = " ".join(words).strip()
    return found


def stop(runtime: Path) -> None:
    """Kill the daemons of a runtime folder, and all that has come from them."""
    for daemon in daemons(runtime):
        for pid in members(daemon):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

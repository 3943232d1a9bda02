"""Running one command so that nothing of it is left, whatever it does."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 60.0
# How long a process may take to go after its parent went.
GRACE = 2.0
_MARK = "PARITY_RUN"


@dataclass(frozen=True)
class Finished:
    """How a command ended: ``exit`` is None after a timeout, negative after a signal."""

    exit: int | None
    stdout: bytes
    stderr: bytes
    left_running: list[str]


def _command(pid: int) -> bytes:
    return (Path("/proc") / str(pid) / "cmdline").read_bytes()


def _is_kept(pid: int) -> bool:
    """Whether a process is one that the daemon has for later: a controller leads a group of its own."""
    if not _command(pid).endswith(b"\0parked\0"):
        return False
    if (Path("/proc") / str(pid) / "comm").read_text("utf-8", "replace") == "snapshot\n":
        return True
    stat = (Path("/proc") / str(pid) / "stat").read_text("utf-8", "replace")
    parent, group = map(int, stat.rpartition(")")[2].split()[1:3])
    return group == parent or b"\0daemon\0serve\0" in _command(parent)


def _marked(mark: bytes) -> dict[int, str]:
    """The living processes of a run, by their environment's mark, with their command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            pid = int(folder.name)
            if mark in (folder / "environ").read_bytes().split(b"\0") and not _is_kept(pid):
                command = _command(pid).replace(b"\0", b" ")
                found[pid] = command.decode(errors="replace").strip()
        except OSError:  # It is gone, or another user's.
            continue
    return found


def _clean_up(mark: bytes) -> list[str]:
    """Wait for the processes of a run, kill those that stay, and name them."""
    deadline = time.monotonic() + GRACE
    # Twice: a process has no environment for the moment in which it becomes another program.
    while (left := _marked(mark) or _marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return sorted(left.values())


def run(command: Sequence[str], cwd: Path, env: Mapping[str, str], scratch: Path) -> Finished:
    """Run ``command`` in a session of its own; its output goes through files in ``scratch``."""
    mark = secrets.token_hex(8)
    out, err = scratch / "stdout", scratch / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**env, _MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            code = None
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    left = _clean_up(f"{_MARK}={mark}".encode())
    return Finished(code, out.read_bytes(), err.read_bytes(), left)

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


def _marked(mark: bytes) -> dict[int, str]:
    """The living processes whose environment has the mark, with their command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = command.decode(errors="replace").strip()
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

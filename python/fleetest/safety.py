"""Whether a process can be forked as it is."""

from __future__ import annotations

import os
import threading
from os import listdir  # the library's: a project may have put another one there since
from typing import TYPE_CHECKING

from fleetest import carry

if TYPE_CHECKING:
    import pytest


def _tasks() -> int:
    """Native threads of this process."""
    return len(listdir("/proc/self/task"))


def unsafe_to_fork(config: pytest.Config) -> str:
    """Why this process cannot be forked as it is; empty if it can."""
    python_threads = [
        thread
        for thread in threading.enumerate()
        if thread is not threading.current_thread() and not carry.harmless_thread(config, thread)
    ]
    if python_threads:
        names = ", ".join(sorted(thread.name for thread in python_threads))
        return f"threads are running: {names}"
    left = native_threads()
    if left > 0:
        noun = "thread is" if left == 1 else "threads are"
        return f"{left} native {noun} running"
    return ""


def native_threads() -> int:
    """How many threads are running that Python does not know.

    They are counted after a trial fork through Python's fork handlers: those of some libraries,
    OpenBLAS for one, end their threads.
    """
    known = threading.active_count()
    if _tasks() > known:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    return max(_tasks() - known, 0)


def left_running(imported: str, threads: int) -> str:
    """Why nothing can be forked after an import.

    :param threads: how many it has left
    """
    return f"importing {imported} left {threads} thread{'s' if threads > 1 else ''} running"

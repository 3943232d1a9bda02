"""How the tests of a session are run: here or in workers, and how these are made."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from fleetest import carry
from fleetest.forking import Forker
from fleetest.history import expected_seconds
from fleetest.spawning import Spawner

if TYPE_CHECKING:
    from array import array

    import pytest

    from fleetest.record import Record

SMALL_SECONDS = 0.15
"""A run that took less than this in one process is not worth a fork."""

SMALL_COUNT = 2
"""So is one of fewer tests than this, if nothing is known of them."""

ORDERED_BATCH = 8
"""With --ordered small batches keep the reports that are held back few."""


@dataclass(frozen=True)
class Distribution:
    """How workers are made, and in which order they get tests."""

    maker: type[Forker | Spawner]
    where: str
    """For the header line: ``workers forked after collection``."""
    ordered: bool
    seconds: array[float]
    """What each test is expected to take; negative: unknown."""

    @property
    def batch_max(self) -> int:
        """Most tests that a worker is told of at once; 0: any number."""
        return ORDERED_BATCH if self.ordered else 0


def decide(
    config: pytest.Config,
    session: pytest.Session,
    explicit: bool,
    record: Record,
    barrier: Callable[[], str],
) -> Distribution | None:
    """Decide for a session that has collected; None: its tests run in its own process.

    :param explicit: the user asked for workers
    :param barrier: says why workers cannot share what this session has done; nothing if they can
    """
    if session.testsfailed and not config.option.continue_on_collection_errors:
        return None
    # What is only shown, pytest shows in the order of one process.
    only_shown = any(getattr(config.option, name, False) for name in ("setuponly", "setupplan"))
    if not session.items or config.option.collectonly or only_shown:
        return None
    if not explicit and len(session.items) < SMALL_COUNT:
        return None
    seconds = expected_seconds(record.folder, record.ids)
    if not explicit and min(seconds) >= 0 and sum(seconds) < SMALL_SECONDS:
        return None
    ordered = bool(config.option.ordered)
    method = config.option.start_method
    reason = ""
    if method == "auto":
        reason = barrier() or _unsafe_to_fork(config)
        method = "spawn" if reason else "fork"
    if method == "spawn":
        where = f"workers spawned ({reason or '--start-method spawn'})"
        return Distribution(Spawner, where, ordered, seconds)
    return Distribution(Forker, "workers forked after collection", ordered, seconds)


def _tasks() -> int:
    """Native threads of this process."""
    return len(os.listdir("/proc/self/task"))


def _unsafe_to_fork(config: pytest.Config) -> str:
    """Why this process cannot be forked as it is; empty if it can.

    Threads are counted after a trial fork through Python's fork handlers: those of some libraries,
    OpenBLAS for one, end their threads.
    """
    python_threads = [
        thread
        for thread in threading.enumerate()
        if thread is not threading.current_thread() and not carry.harmless_thread(config, thread)
    ]
    if python_threads:
        names = ", ".join(sorted(thread.name for thread in python_threads))
        return f"threads are running: {names}"
    known = threading.active_count()
    if _tasks() > known:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        left = _tasks() - known
        if left > 0:
            noun = "thread is" if left == 1 else "threads are"
            return f"{left} native {noun} running"
    return ""

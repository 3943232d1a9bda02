"""How the tests of a session are run: here or in workers, and how these are made."""

from __future__ import annotations

import os
import threading
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fleetest import carry
from fleetest.forking import Forker
from fleetest.history import expected_seconds
from fleetest.spawning import Spawner

if TYPE_CHECKING:
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
    """The decision."""

    workers: bool
    maker: Any
    """:class:`Forker` or :class:`Spawner`, if there are workers."""
    where: str
    """For the header line: ``workers forked after collection``."""
    ordered: bool
    batch_max: int
    seconds: array[float]
    """What each test is expected to take; negative: unknown."""


def decide(
    config: pytest.Config, session: pytest.Session, explicit: bool, record: Record, barrier: str
) -> Distribution:
    """Decide for a session that has collected.

    :param explicit: the user asked for workers
    :param barrier: why workers cannot share what this session has done; empty if they can
    """
    ordered = bool(config.option.ordered)
    batch_max = ORDERED_BATCH if ordered else 0
    seconds = array("f")

    def result(workers: bool, maker: Any, where: str) -> Distribution:
        return Distribution(workers, maker, where, ordered, batch_max, seconds)

    if session.testsfailed and not config.option.continue_on_collection_errors:
        return result(False, None, "")
    # What is only shown, pytest shows in the order of one process.
    only_shown = any(getattr(config.option, name, False) for name in ("setuponly", "setupplan"))
    if not session.items or config.option.collectonly or only_shown:
        return result(False, None, "")
    if explicit or len(session.items) >= SMALL_COUNT:
        seconds = expected_seconds(record.folder, record.ids)
    small = None if explicit else _too_small(session, seconds)
    if small is not None:
        return result(False, None, small)
    method = config.option.start_method
    reason = ""
    if method == "auto":
        reason = barrier or _unsafe_to_fork(config)
        method = "spawn" if reason else "fork"
    if method == "spawn":
        where = f"workers spawned ({reason or '--start-method spawn'})"
        return result(True, Spawner, where)
    return result(True, Forker, "workers forked after collection")


def _too_small(session: pytest.Session, seconds: array[float]) -> str | None:
    number = len(session.items)
    noun = "test" if number == 1 else "tests"
    if number < SMALL_COUNT:
        return f"no workers (1 {noun})"
    expected = sum(seconds)
    if expected >= SMALL_SECONDS or min(seconds) < 0:
        return None
    return f"no workers ({number} {noun} take about {expected:.2f} s)"


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

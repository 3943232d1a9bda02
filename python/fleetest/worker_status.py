"""xdist's line about the workers while they are made."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class WorkerStatus(enum.Enum):
    """How far a worker is."""

    Created = enum.auto()
    Initialized = enum.auto()
    ReadyForCollection = enum.auto()
    CollectionDone = enum.auto()


_STEPS = (
    (WorkerStatus.CollectionDone, "collecting"),
    (WorkerStatus.ReadyForCollection, "ready"),
    (WorkerStatus.Initialized, "initialized"),
    (WorkerStatus.Created, "created"),
)
"""The last step that any worker has done, and what it is called."""


def counted(number: int, noun: str) -> str:
    """``1 worker``, ``2 workers``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def get_workers_status_line(status_and_items: Sequence[tuple[WorkerStatus, int]]) -> str:
    """The line; empty if there are no workers.

    :param status_and_items: of each worker its status, and how many tests it has collected
    """
    statuses = [status for status, _ in status_and_items]
    workers = counted(len(statuses), "worker")
    if statuses and set(statuses) == {WorkerStatus.CollectionDone}:
        return f"{workers} [{counted(status_and_items[0][1], 'item')}]"
    for step, name in _STEPS:
        if step in statuses:
            return f"{name}: {statuses.count(step)}/{workers}"
    return ""

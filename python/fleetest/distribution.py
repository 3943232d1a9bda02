"""How the tests of a session are run: here or in workers, and how these are made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Callable

from fleetest.forking import Forker
from fleetest.history import expected_seconds
from fleetest.options import runs_no_tests
from fleetest.spawning import Spawner
from fleetest.specs import are_plain
from fleetest.stages import AFTER_COLLECTION, BEFORE, FORCED, SPAWNED, Stage

if TYPE_CHECKING:
    from array import array

    import pytest

    from fleetest.checkpoints import Checkpoints, Resumer
    from fleetest.record import Record
    from fleetest.run import Run

SMALL_SECONDS = 0.15
"""A run that took less than this in one process is not worth a fork."""

SMALL_COUNT = 2
"""So is one of fewer tests than this, if nothing is known of them."""

ORDERED_BATCH = 8
"""With --ordered small batches keep the reports that are held back few."""


@dataclass(frozen=True)
class Distribution:
    """How workers are made, and in which order they get tests."""

    maker: Callable[[Run], Forker | Spawner | Resumer]
    where: str
    """``forked after collection`` and the like."""
    reason: str
    """Why they are not made later in the session; empty if there is no later point."""
    best: str
    """How they should have been made; what is parked in the next run depends on it."""
    ordered: bool
    seconds: array[float]
    """What each test is expected to take; negative: unknown."""
    batch_max: int
    """Most tests that a worker is told of at once; 0: any number."""

    @property
    def forks(self) -> bool:
        """Whether workers are forked off the session that has collected."""
        return self.maker is Forker


def decide(
    session: pytest.Session,
    explicit: bool,
    record: Record,
    checkpoints: Checkpoints,
    left_open: set[int],
) -> Distribution | str:
    """Decide for a session that has collected; or say why its tests run in its own process.

    What is said is empty if there is nothing to run.

    :param explicit: the user asked for workers
    :param left_open: descriptors that the project has opened for writing
    """
    config = session.config
    if session.testsfailed and not config.option.continue_on_collection_errors:
        return ""
    # What is only shown, pytest shows in the order of one process.
    if not session.items or runs_no_tests(config.option):
        return ""
    if not explicit and len(session.items) < SMALL_COUNT:
        return "one test"
    seconds = expected_seconds(record.folder, record.ids)
    if not explicit and min(seconds) >= 0 and sum(seconds) < SMALL_SECONDS:
        return "short tests"
    ordered = bool(config.option.ordered)
    method = config.option.start_method
    limit, reason = FORCED.get(method, Stage.PLUGINS), f"--start-method {method}"
    if method == "auto":
        barrier = checkpoints.barrier(config, left_open)
        limit, reason = (Stage.PLUGINS, "") if barrier is None else barrier
    batches = (ORDERED_BATCH if ordered else 0, config.option.maxschedchunk or 0)
    made = partial(
        Distribution,
        ordered=ordered,
        seconds=seconds,
        batch_max=min(filter(None, batches), default=0),
    )
    if not are_plain(config):
        return made(Spawner, SPAWNED, "--tx asks for it", SPAWNED)
    if method == "fork" or not reason:
        return made(Forker, AFTER_COLLECTION, "", AFTER_COLLECTION)
    wanted = checkpoints.wanted(config, limit)
    best = SPAWNED if wanted is None else BEFORE[wanted]
    stage = None if wanted is None else checkpoints.latest(wanted)
    if stage is None:
        return made(Spawner, SPAWNED, reason, best)
    return made(checkpoints.maker(stage), BEFORE[stage], reason, best)

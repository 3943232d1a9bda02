"""The random state of workers: as fresh as a new process's, unless the project has seeded it.

CPython reseeds ``random`` in a forked child and numpy does not.  A project that seeded either while
it was imported counts on that state in every worker, as it has it under plain pytest; one that only
drew numbers must not get the same ones in all of them.
"""

from __future__ import annotations

import os
import random
import sys
from typing import Any

WORDS = 624
"""Of the Mersenne twister's state."""

TWISTS = 64
"""How many times 624 draws are told apart from a seed."""

PATIENT_TWISTS = 4096
"""Likewise where nobody waits for the answer."""

_initial: list[Any] = []
"""The state before the project's code was run, once it is known."""

_renewed: list[int] = []
"""The process that has renewed numpy's global generator."""

_numpy_made_of: list[Any] = []
"""The seed sequence of numpy's global generator where it is not the one that numpy made for itself."""


def renew() -> None:
    """In a process that was forked for a run: what was imported before it has not drawn its numbers.

    ``random`` has seeded itself.
    """
    numpy_random: Any = sys.modules.get("numpy.random")
    if numpy_random is None or _numpy_seeded(numpy_random):
        return
    sequence = numpy_random.SeedSequence()
    numpy_random.set_state(numpy_random.MT19937(sequence).state)
    _numpy_made_of[:] = [sequence]
    _renewed[:] = [os.getpid()]


def watch() -> None:
    """Remember the state before the project's code is run."""
    if not _initial:
        _initial.append(random.getstate())


def begin_again(state: Any) -> None:
    """In a process that was forked off a session, for a run that goes on from there.

    :param state: of :func:`capture`, in that session; of ``random.getstate()`` where this is the only such process
    """
    if state is None:
        _initial[:] = [random.getstate()]
    else:
        random.setstate(state)


def was_drawn() -> bool:
    """Whether the project has drawn numbers, but for those that come of a seed of its own."""
    drawn = bool(_initial) and random.getstate() != _initial[0] and not _seeded(PATIENT_TWISTS)
    numpy_random: Any = sys.modules.get("numpy.random")
    return drawn or (numpy_was_used() and not _numpy_seeded(numpy_random))


def _seeded(twists: int = TWISTS) -> bool:
    """Whether the state is none that comes of drawing numbers from the initial one."""
    if not _initial:
        return False
    now = random.getstate()[1][:WORDS]
    replay = random.Random()
    replay.setstate(_initial[0])
    for _ in range(twists):
        if replay.getstate()[1][:WORDS] == now:
            return False
        replay.getrandbits(32 * WORDS)
    return True


def capture() -> Any:
    """In the controller before the fork: the state that workers are to have; None for a fresh one."""
    return random.getstate() if _seeded() else None


def apply(state: Any) -> None:
    """In a worker: have the project's seed, or a state of its own."""
    if state is not None:
        random.setstate(state)
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is None or _renewed == [os.getpid()]:
        return
    if not _numpy_seeded(numpy_random):
        numpy_random.seed(int.from_bytes(os.urandom(4), "little"))


def numpy_was_used() -> bool:
    """Whether numbers were drawn from numpy's global generator, or it was given a seed."""
    numpy_random: Any = sys.modules.get("numpy.random")
    if numpy_random is None:
        return False
    try:
        fresh = numpy_random.MT19937(_numpy_origin(numpy_random)).state["state"]
        now = numpy_random.get_state(legacy=False)["state"]
        return bool(now["pos"] != fresh["pos"] or (now["key"] != fresh["key"]).any())
    except (AttributeError, KeyError, TypeError):
        return True


def _numpy_seeded(numpy_random: Any) -> bool:
    """Whether numpy's global generator is another than the one it made for itself."""
    try:
        generator = numpy_random.get_state(legacy=False)
        replay = numpy_random.MT19937(_numpy_origin(numpy_random))
        now = generator["state"]["key"]
        for draws in (1, *(WORDS for _ in range(TWISTS))):
            if (replay.state["state"]["key"] == now).all():
                return False
            replay.random_raw(draws)
    except (AttributeError, KeyError, TypeError):
        return True
    return True


def _numpy_origin(numpy_random: Any) -> Any:
    """The seed sequence that numpy's global generator was made of, unless somebody has seeded it."""
    own = numpy_random.mtrand._rand._bit_generator.seed_seq
    return _numpy_made_of[0] if _numpy_made_of else own

"""What a run makes anew that the modules of plugins drew when they were imported, which all runs share."""

from __future__ import annotations

import os
import random
import sys
from typing import TYPE_CHECKING, Any, Callable

from fleetest import randomness

if TYPE_CHECKING:
    from types import ModuleType


def _pytest_randomly(module: ModuleType) -> None:
    """The seed of a run without ``-p``, as the module draws it."""
    plugin: Any = module
    plugin.default_seed = random.Random().getrandbits(32)


def _trio(_: ModuleType) -> None:
    """What orders the tasks that are ready, which trio seeds when it is imported."""
    generator = getattr(sys.modules.get("trio._core._run"), "_r", None)
    if isinstance(generator, random.Random):
        generator.seed()


def _hypothesis(_: ModuleType) -> None:
    """What the seeds of examples are drawn from."""
    generator = getattr(sys.modules.get("hypothesis.internal.conjecture.engine"), "_random", None)
    if isinstance(generator, random.Random):
        generator.seed()
    core: Any = sys.modules.get("hypothesis.core")
    drawn_from: Any = getattr(core, "threadlocal", None)
    if isinstance(getattr(drawn_from, "_hypothesis_global_random", None), random.Random):
        drawn_from._hypothesis_global_random.seed()


RENEWED: dict[str, Callable[[ModuleType], None]] = {
    "hypothesis": _hypothesis,
    "pytest_randomly": _pytest_randomly,
    "trio": _trio,
}
"""Package of a plugin -> what makes its module's own state anew."""


def renew() -> None:
    """In a process that was forked for a run."""
    randomness.renew()
    for name, make_anew in RENEWED.items():
        module = sys.modules.get(name)
        if module is not None:
            make_anew(module)


class Numbers:
    """Of a session that has collected, for the processes that are forked off it: each has its own, once."""

    def __init__(self, state: Any, *, drawn: bool) -> None:
        """In the session.

        :param state: see :func:`fleetest.randomness.begin_again`
        :param drawn: the session has drawn some, and its only run goes on with them
        """
        self._state = state
        self._drawn = drawn
        self._process = os.getpid()

    def renew(self) -> None:
        """In a process that was forked, perhaps not for the first time."""
        if self._process == os.getpid():
            return
        self._process = os.getpid()
        randomness.begin_again(self._state)
        if not self._drawn:
            renew()

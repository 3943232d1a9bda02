"""Workers forked from the session that has collected, and the spare that replacements come from."""

from __future__ import annotations

import contextlib
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

from fleetest import _core
from fleetest.becoming import be_replacement, become
from fleetest.collecting import rare_garbage_collection
from fleetest.parking import Parked
from fleetest.plumbing import Plumbing
from fleetest.privates import private
from fleetest.process import INTERRUPTS
from fleetest.standby_worker import StandbyWorker
from fleetest.startup_hooks import implementations_of_others

if TYPE_CHECKING:
    import pytest

    from fleetest.node import Node
    from fleetest.run import Run
    from fleetest.standby_spare import StandbySpare

HOLES_MAX = 64 << 20
"""Bytes of freed memory between living objects that are taken up at most before the workers are made."""

MANY = 500
"""Tests below that number make too few objects for the holes to matter."""


class Forker:
    """Makes a run's workers by fork, all at once, and later ones from an idle spare.

    The spare is the session as it was before the first test; the controller itself has by then
    run hooks that a worker must not have run.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.spare: Parked | StandbySpare | None = None

    @property
    def is_cheap(self) -> bool:
        """Whether another worker costs little, even one that has nothing to do."""
        return self.spare is not None

    def make(self, nodes: list[Node]) -> None:
        """Fork a worker for each node, and the spare if one may be needed."""
        # An interrupt between a fork and what the child does next would make it a second controller.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
        try:
            self._make(nodes)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _make(self, nodes: list[Node]) -> None:
        if len(self.run.session.items) >= MANY:
            with rare_garbage_collection():
                _core.fill_holes(HOLES_MAX)
        made: list[Node] = []
        standby = self.run.start_of_command.standby
        for node in nodes:
            plumbing = Plumbing.make(self.run.config)
            pid = 0
            if isinstance(standby, StandbyWorker):
                pid = standby.take(node, plumbing, self.run.record.ids, len(nodes))
            if pid:
                adopt(node, pid, plumbing)
                self.run.begin_with(node)
            else:
                pid = os.fork()
                if pid == 0:
                    plumbing.close_controller_ends()
                    self._let_go(made)
                    become(self.run, node, plumbing, plumbing.channel(len(nodes)))
                adopt(node, pid, plumbing)
            made.append(node)
        if self.run.restarts_left and self._may_replace():
            self.spare = self._spare_ahead() or Parked.park(
                partial(be_replacement, self.run), partial(self._let_go, made)
            )

    def _spare_ahead(self) -> StandbySpare | None:
        """The spare that stands by, if what it will come to does not depend on what tests do meanwhile."""
        standby = self.run.start_of_command.standby
        if not isinstance(standby, StandbyWorker):
            return None
        spare = standby.give_spare()
        if spare is not None and private.looks_at_former_runs(self.run.config):
            self.run.killed += spare.kill()
            return None
        return spare

    def _let_go(self, made: list[Node]) -> None:
        """In another process than the controller: of the workers that were made before it."""
        standby = self.run.start_of_command.standby
        if isinstance(standby, StandbyWorker) and standby.spare is not None:
            standby.spare.forget()
        if any(node.number >= 0 for node in made):
            self.run.engine.close()
        for node in made:
            assert node.plumbing is not None
            if node.number < 0:
                node.plumbing.close_controller_ends()
            node.plumbing.close_shared()

    def _may_replace(self) -> bool:
        """Whether there may be work for another worker once one has crashed."""
        others = implementations_of_others(self.run.config, ("pytest_handlecrashitem",))
        return len(self.run.session.items) > 1 or any(others)

    def make_one(self, node: Node) -> None:
        """Have the spare make a worker for a node.

        :raises OSError: the spare is gone or does not answer
        """
        if self.spare is None:
            raise OSError("there is no spare process")
        fork_parked(self.spare, self.run.config, node)
        node.greeting = {
            "id": node.id,
            "workerinput": node.workerinput,
            "base_temp": None if node.base_temp is None else str(node.base_temp),
        }

    def close(self) -> None:
        """End the spare, which is reaped with the workers."""
        if self.spare is not None:
            self.run.killed += self.spare.kill()
            self.spare = None


def adopt(node: Node, pid: int, plumbing: Plumbing) -> None:
    """In the controller: a worker's process has been made."""
    with contextlib.suppress(OSError):  # the worker does the same; either may be first
        os.setpgid(pid, pid)
    plumbing.close_worker_ends()
    node.pid, node.plumbing = pid, plumbing


def fork_parked(parked: Parked | StandbySpare, config: pytest.Config, node: Node) -> None:
    """Have a parked process make the worker of a node.

    :raises OSError: it is gone or does not answer
    """
    plumbing = Plumbing.make(config)
    try:
        adopt(node, parked.fork(plumbing), plumbing)
    except OSError:
        plumbing.close_controller_ends()
        plumbing.close_worker_ends()
        plumbing.close_shared()
        raise

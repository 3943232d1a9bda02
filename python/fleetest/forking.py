"""Workers forked from the session that has collected, and the spare that replacements come from."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, NoReturn

from fleetest import _core
from fleetest.collecting import rare_garbage_collection
from fleetest.node import Node
from fleetest.parking import Parked
from fleetest.plumbing import Plumbing
from fleetest.process import INTERRUPTS
from fleetest.standby_worker import StandbyWorker, told_node
from fleetest.startup_hooks import implementations_of_others
from fleetest.worker import become_worker

if TYPE_CHECKING:
    import pytest

    from fleetest.run import Run

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
        self.spare: Parked | None = None

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
        made: list[Plumbing] = []
        standby = self.run.start_of_command.standby
        for node in nodes:
            plumbing = Plumbing.make(self.run.config)
            made.append(plumbing)
            pid = 0
            if isinstance(standby, StandbyWorker):
                pid = standby.take(node, plumbing, self.run.record.ids, len(nodes))
            pid = pid or os.fork()
            if pid == 0:
                for other in made:
                    other.close_controller_ends()
                    if other is not plumbing:
                        other.close_shared()
                self._become(node, plumbing, plumbing.channel(len(nodes)))
            adopt(node, pid, plumbing)
        if self.run.restarts_left and self._may_replace():

            def drop() -> None:
                for plumbing in made:
                    plumbing.close_controller_ends()
                    plumbing.close_shared()

            self.spare = Parked.park(self._be_replacement, drop)

    def _may_replace(self) -> bool:
        """Whether there may be work for another worker once one has crashed."""
        others = implementations_of_others(self.run.config, ("pytest_handlecrashitem",))
        return len(self.run.session.items) > 1 or any(others)

    def _become(self, node: Node, plumbing: Plumbing, channel: _core.Channel) -> NoReturn:
        run = self.run
        become_worker(
            run.session,
            node,
            plumbing,
            channel,
            random_state=run.random,
            left_open=run.left_open,
        )

    def _be_replacement(self, plumbing: Plumbing) -> NoReturn:
        """In a process forked off the spare: be the worker that the controller tells of."""
        channel = plumbing.channel()
        answer = channel.receive()
        if answer is None:
            os._exit(1)
        self._become(told_node(self.run, answer[1]), plumbing, channel)

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
        """End the spare."""
        if self.spare is not None:
            self.spare.close()
            self.spare = None


def adopt(node: Node, pid: int, plumbing: Plumbing) -> None:
    """In the controller: a worker's process has been made."""
    with contextlib.suppress(OSError):  # the worker does the same; either may be first
        os.setpgid(pid, pid)
    plumbing.close_worker_ends()
    node.pid, node.plumbing = pid, plumbing


def fork_parked(parked: Parked, config: pytest.Config, node: Node) -> None:
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

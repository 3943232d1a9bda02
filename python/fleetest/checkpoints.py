"""Checkpoints of a session on its way to its tests, from which workers can be made.

A worker that could tell that it shares the session's work is made from the latest checkpoint at which
it could not, and does the rest itself.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any, Callable, NoReturn

import pytest

from fleetest import _core, carry, forked, randomness
from fleetest.forking import fork_parked
from fleetest.history import last_workers
from fleetest.options import START_METHOD, preset, runs_no_tests
from fleetest.own_session import Declarations, OwnSession, greeting
from fleetest.parking import Parked
from fleetest.plumbing import Plumbing, captured_fds, flush_all, keep_streams
from fleetest.privates import private
from fleetest.process import INTERRUPTS, files_open_for_writing, flush_files
from fleetest.safety import unsafe_to_fork
from fleetest.spawning import Spawner
from fleetest.stages import AFTER_COLLECTION, BEFORE, FORCED, NO_WORKERS, Stage
from fleetest.worker import set_role_variables

if TYPE_CHECKING:
    from fleetest.node import Node
    from fleetest.run import Run
    from fleetest.standby import Standby
    from fleetest.standby_worker import StandbyWorker
    from fleetest.watching import Watcher


class Checkpoints:
    """The checkpoints that a session has parked: at most two."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher
        self._parked: dict[Stage, Parked] = {}
        self._wanted: frozenset[Stage] = frozenset()
        self.standby: StandbyWorker | None = None
        """A worker that stands by for the run: it is no obstacle."""

    # ---- parking ----

    def before_conftests(self, config: pytest.Config) -> None:
        """Plugins are imported, conftests are not."""
        self._wanted = _wanted(config)
        config.add_cleanup(self.close)
        self._reach(Stage.CONFTESTS, config)

    def before_configuration(self, config: pytest.Config) -> None:
        """The initial conftests are imported, nothing is configured."""
        self._reach(Stage.CONFIGURATION, config)

    def _reach(self, stage: Stage, config: pytest.Config) -> None:
        """Park a checkpoint at the beginning of a stage, if it may be of use."""
        if stage in self._wanted and carry.may_park(config, stage):
            left_open = files_open_for_writing() - captured_fds(config)
            if self.barrier(config, left_open) is None:
                flush_all()
                flush_files(left_open)
                self._parked[stage] = Parked.park(_become(stage, config), self._let_go)
        self.watcher.stage = stage

    def _let_go(self) -> None:
        """In a process that was just parked: others are the controller's."""
        for parked in self._parked.values():
            parked.forget()
        self._parked.clear()
        self.watcher.stop()

    # ---- using ----

    def barrier(self, config: pytest.Config, left_open: set[int]) -> tuple[Stage, str] | None:
        """What a session that has collected cannot share with workers, and when it was done.

        :param left_open: descriptors that the project has opened for writing
        """
        watcher = self.watcher
        watcher.look(left_open, self._own_processes())
        if not watcher.reason:
            watcher.bar(unsafe_to_fork(config))
        return (watcher.reason_stage, watcher.reason) if watcher.reason else None

    def _own_processes(self) -> list[Parked | Standby]:
        ahead = () if self.standby is None else (self.standby, self.standby.spare)
        return [*self._parked.values(), *(each for each in ahead if each is not None and each.pid)]

    def wanted(self, config: pytest.Config, limit: Stage) -> Stage | None:
        """The latest checkpoint not after `limit` that would do, be it parked or not."""
        return max(
            (stage for stage in BEFORE if stage <= limit and carry.may_park(config, stage)),
            default=None,
        )

    def latest(self, limit: Stage) -> Stage | None:
        """The latest of the parked ones that is not after `limit`."""
        return max((stage for stage in self._parked if stage <= limit), default=None)

    def maker(self, stage: Stage) -> Callable[[Run], Resumer]:
        """What makes workers from a checkpoint."""
        return lambda run: Resumer(run, self._parked.pop(stage))

    def close(self) -> None:
        """End those that are not in use."""
        while self._parked:
            self._parked.popitem()[1].close()


class Resumer:
    """Makes a run's workers from a checkpoint, or as new processes if that is gone."""

    is_cheap = False

    def __init__(self, run: Run, parked: Parked) -> None:
        self.run = run
        self._parked = parked
        self._instead: Spawner | None = None

    def make(self, nodes: list[Node]) -> None:
        """Make a worker for each node."""
        for node in nodes:
            self.make_one(node)

    def make_one(self, node: Node) -> None:
        """Make the worker of a node.

        :raises OSError: no process can be made
        """
        if self._instead is None:
            try:
                fork_parked(self._parked, self.run.config, node)
            except OSError:
                self._instead = Spawner(self.run)
            else:
                node.greeting = greeting(node, self.run.copies, self.run.start_of_command)
                return
        self._instead.make_one(node)

    def close(self) -> None:
        """End the checkpoint."""
        self._parked.close()


def _wanted(config: pytest.Config) -> frozenset[Stage]:
    """Where to park: where the last run's workers came from, or everywhere if that is not known."""
    known = config.known_args_namespace
    method = known.start_method or preset(config, START_METHOD)[0] or START_METHOD.default
    if runs_no_tests(known):
        return frozenset()
    if method != "auto":
        limit = FORCED.get(method)
        return frozenset(stage for stage in BEFORE if limit is not None and stage <= limit)
    last = last_workers(private.cache_folder(config))
    if last in (AFTER_COLLECTION, NO_WORKERS):
        return frozenset()
    return frozenset(stage for stage, name in BEFORE.items() if last == name) or frozenset(BEFORE)


# ---- in a worker that was forked off a checkpoint ----


def _told(pipes: Plumbing) -> tuple[_core.Channel, dict[str, Any]]:
    """Hear from the controller which worker this is, and have the environment that it has."""
    channel = pipes.channel()
    answer = channel.receive()
    if answer is None:
        os._exit(1)
    told: dict[str, Any] = answer[1]
    # As under pytest-xdist, whose workers are the controller's children.
    for name in os.environ.keys() - told["environ"].keys():
        del os.environ[name]
    os.environ.update(told["environ"])
    set_role_variables(told["workerinput"])  # conftests may ask while they are imported
    return channel, told


def _from_before_conftests(config: pytest.Config, pipes: Plumbing) -> None:
    """Run a session of its own inside the one that was begun, which is left as it is."""
    real = keep_streams()
    pipes.put_pipes()
    channel, told = _told(pipes)
    private.unconfigure(config)  # its import hook among other things
    session = OwnSession(channel, told, pipes, real)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
    pytest.main(told["args"], plugins=[Declarations(), session])
    session.finished()


def _from_before_configuration(config: pytest.Config, pipes: Plumbing) -> None:
    """Go on with the session that was begun, in a role of its own, to its end."""
    real = keep_streams()
    pipes.install(config, keep=True)
    channel, told = _told(pipes)
    session = OwnSession(channel, told, pipes, real)
    session.take_role(config)
    config.pluginmanager.register(session, "fleetest-own-session")
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
    try:
        config.hook.pytest_cmdline_main(config=config)
    finally:
        private.unconfigure(config)
    session.finished()


def _become(stage: Stage, config: pytest.Config) -> Callable[[Plumbing], NoReturn]:
    """What a worker does that is made from the point where this is called."""
    run = _from_before_conftests if stage == Stage.CONFTESTS else _from_before_configuration
    state = randomness.capture()

    def session(pipes: Plumbing) -> None:
        randomness.apply(state)
        run(config, pipes)

    return lambda pipes: forked.live_alone(lambda: session(pipes))

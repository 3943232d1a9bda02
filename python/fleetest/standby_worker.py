"""The worker that stands by: forked ahead beside the process that will be the next run's controller.

A worker that is forked when its tests are known makes the run wait for the fork, and for each page that it writes to
until it is ready.  This one hears of the same command as the controller, and takes the controller's steps by itself,
at the same time: it goes on from the same session with the same options, up to where workers are made.  Its standard
streams are stand-ins meanwhile, so nobody sees of it what the controller shows.  It is made only where nobody but
pytest and fleetest does anything on that way.  If it is not there in time, or the tests have become others than those
that were collected, it is ended, and the worker is forked as the others are.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NoReturn

import pytest

from fleetest import _core, carry, forked, randomness
from fleetest.cpus import allowed_cpus
from fleetest.digest import digest
from fleetest.node import Node
from fleetest.plumbing import Plumbing, flush_all, keep_streams, raise_fd
from fleetest.privates import private
from fleetest.specs import Spec
from fleetest.startup_hooks import HARMLESS, implementations_of_others
from fleetest.worker import ForkedWorker, apply_role

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from fleetest.run import Run
    from fleetest.stand_ins import StandIns

_ON_THE_WAY = (
    *("pytest_collection", "pytest_collection_modifyitems", "pytest_deselected"),
    *("pytest_collection_finish", "pytest_report_collectionfinish", "pytest_warning_recorded"),
    *("pytest_plugin_registered", "pytest_cmdline_main", "pytest_xdist_auto_num_workers"),
    *("pytest_xdist_setupnodes", "pytest_xdist_newgateway", "pytest_configure_node"),
    *("pytest_xdist_make_scheduler", "pytest_xdist_getremotemodule"),
    *("pytest_internalerror", "pytest_exception_interact", "pytest_keyboard_interrupt"),
)
"""Hooks that are called between the end of the collection and the making of workers."""

_COLLECTING = (
    *("pytest_collectstart", "pytest_make_collect_report", "pytest_collectreport"),
    *("pytest_collect_file", "pytest_collect_directory", "pytest_ignore_collect"),
    *("pytest_pycollect_makemodule", "pytest_pycollect_makeitem", "pytest_itemcollected"),
    *("pytest_generate_tests", "pytest_make_parametrize_id"),
)
"""Likewise, where runs collect what they were told by ids."""

PATIENCE_MS = 5
"""How long a controller waits for it: about what the worker costs that is forked instead."""


def is_of_use(config: pytest.Config, *, collects: bool) -> bool:
    """Whether a run that goes on from this session is to have one.

    :param collects: the run collects what it was told by ids
    """
    if len(allowed_cpus()) < 2:
        return False
    log = private.log_file_handler(config)
    if log is not None and getattr(log, "baseFilename", os.devnull) != os.devnull:
        return False
    if not private.has_own_reporter(config) or getattr(config.option, "usepdb", False):
        return False
    hooks = (*_ON_THE_WAY, *(_COLLECTING if collects else ()))
    found = implementations_of_others(config, hooks)
    known = all(each.module.partition(".")[0] in HARMLESS for each in found)
    return known and not carry.concerns(config)


def may_follow(arguments: Sequence[str]) -> bool:
    """Whether a run with these arguments has all that it collects from the session that it goes on from.

    A class that is named is collected in the run, by code of the project's.
    """
    return all(argument.partition("[")[0].count("::") < 2 for argument in arguments)


class StandbyWorker:
    """One, as its controller sees it."""

    def __init__(self, pid: int, fd: int) -> None:
        self.pid = pid
        """0: it has ended, or has become a worker."""
        self._fd = fd
        self._owner = os.getpid()

    def fileno(self) -> int:
        """The controller's descriptor for it."""
        return self._fd

    def tell(self, kind: int, payload: object, fds: list[int]) -> None:
        """Have it know what the controller was told."""
        if self.pid:
            try:
                _core.send_fds(self._fd, kind, payload, tuple(fds))
            except Exception:  # noqa: BLE001 (it has died, or cannot be told that; the run does without)
                self.close()

    def wake(self, kind: int, payload: object, fds: list[int]) -> None:
        """The same, which has it begin, on another processor than this process if it may have one.

        The kernel likes to put who is woken by a socket where the one who has written is, and leaves it there for a
        tick of 4 ms, although the controller goes on.
        """
        with _elsewhere(self.pid):
            self.tell(kind, payload, fds)

    def take(self, node: Node, plumbing: Plumbing, ids: Sequence[str], workers: int) -> int:
        """Have it be the worker of a node.

        :param ids: of the tests
        :param workers: how many are made
        :returns: its pid; 0: it cannot be, and has ended
        """
        if self.pid and self._is_ready(ids):
            numbers, fds = plumbing.worker_fds()
            base = None if node.base_temp is None else str(node.base_temp)
            told = {
                "id": node.id,
                "workerinput": node.workerinput,
                "base_temp": base,
                "workers": workers,
            }
            with open(os.memfd_create("fleetest told"), "wb", 0) as file:
                file.write(_core.packb(told))  # messages with descriptors have to be short
                self.tell(_core.MSG_FORK, numbers, [file.fileno(), *fds])
        else:
            self.close()
        pid, self.pid = self.pid, 0
        if pid:
            os.close(self._fd)
        return pid

    def _is_ready(self, ids: Sequence[str]) -> bool:
        try:
            is_there = _core.wait_here(self._fd, PATIENCE_MS)
            message = _core.receive_fds(self._fd) if is_there else None
        except OSError:
            return False
        return message is not None and message[1] in ("", digest(ids))

    def close(self) -> None:
        """End it, if it has not become a worker; in another process than its controller: nothing."""
        if self.pid and os.getpid() == self._owner:
            pid, self.pid = self.pid, 0
            os.close(self._fd)
            # Somebody may have reaped it, or ignore SIGCHLD, and then another process may have its number.
            with contextlib.suppress(ChildProcessError):
                if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


@contextlib.contextmanager
def _elsewhere(pid: int) -> Generator[None]:
    """Keep a process that waits off the processor that this one is on, until it has been woken."""
    try:
        allowed = os.sched_getaffinity(pid)
        others = allowed - {_core.current_cpu()}
        if others:
            os.sched_setaffinity(pid, others)
    except (AttributeError, OSError):  # it has died, or nobody may say where it is to run
        others = set()
    try:
        yield
    finally:
        if others:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(pid, allowed)


class Understudy:
    """The same in its own process, which ends when there is nothing for it to do."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._config: Any = None
        self._collects = False
        self._stand_ins: StandIns | None = None
        self._received: dict[int, int] = {}

    def wait(self) -> tuple[Any, list[int]]:
        """Wait for the order of a run: what the daemon says of it, and descriptors."""
        try:
            _core.copy_hot_pages(True)
            return self.hear(_core.MSG_START_RUN)
        except BaseException:  # noqa: BLE001 (it would be the session's)
            os._exit(0)

    def hear(self, kind: int) -> tuple[Any, list[int]]:
        """What the controller was told, and the descriptors that came with it."""
        message = _core.receive_fds(self._fd)
        if message is None or message[0] != kind:
            os._exit(0)
        return message[1], message[2]

    def begin(self, config: pytest.Config, *, collects: bool) -> None:
        """Take the controller's steps in this session.

        :param collects: it collects what it was told by ids
        """
        self._config, self._collects = config, collects
        config.pluginmanager.register(self, "fleetest-understudy")

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self) -> None:
        """The session would end otherwise than with a worker; the controller's does, too."""
        os._exit(0)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        """Likewise, before anybody writes a report."""
        self.pytest_internalerror()
        yield

    def keep(self, stand_ins: StandIns, received: dict[int, int]) -> None:
        """These descriptors are to take the place of the stand-ins when it becomes a worker."""
        stand_ins.renew()
        self._stand_ins, self._received = stand_ins, received

    def become(self, run: Run) -> NoReturn:
        """The controller is about to make workers: be one, if it wants this to be."""
        worker = ForkedWorker(run.session)

        def begin() -> Callable[[], None]:
            self._announce(run)
            worker.prepare()
            random_state = randomness.capture()
            node, plumbing, workers = self._wait_for_node(run)
            apply_role(run.config, node.workerinput)
            channel, real = plumbing.channel(workers), keep_streams()
            return lambda: worker.run(
                node,
                plumbing,
                channel,
                real=real,
                random_state=random_state,
                ready=_core.note_worker_pages,
            )

        forked.live(begin, left_open=set(), leaves=worker.leaves)

    def _announce(self, run: Run) -> None:
        """Tell the controller that it is there, and which tests it has if it has collected them."""
        if run.rearranged:
            os._exit(0)
        self._config.pluginmanager.unregister(self)
        flush_all()
        ids = digest([item.nodeid for item in run.session.items]) if self._collects else ""
        _core.send_fds(self._fd, _core.MSG_STANDS_BY, ids, ())

    def _wait_for_node(self, run: Run) -> tuple[Node, Plumbing, int]:
        """What it is to be, and how many workers there are."""
        assert self._stand_ins is not None
        with contextlib.suppress(OSError):  # a signal has come
            _core.wait_here(self._fd, -1)
        numbers, (file, *fds) = self.hear(_core.MSG_FORK)
        told = _core.unpackb(os.pread(file, os.fstat(file).st_size, 0))
        os.close(file)
        os.close(self._fd)
        self._stand_ins.replace(self._received)
        for fd in self._received.values():
            os.close(fd)
        return told_node(run, told), Plumbing.from_worker_fds(numbers, fds), told["workers"]


def told_node(run: Run, told: dict[str, Any]) -> Node:
    """The node that a controller tells a worker of."""
    spec = Spec("popen")
    spec.id = told["id"]
    node = Node(run.nodemanager, spec)
    node.workerinput = told["workerinput"]
    node.base_temp = None if told["base_temp"] is None else Path(told["base_temp"])
    return node


def fork() -> StandbyWorker | Understudy | None:
    """Make one.

    :returns: in the new process, an :class:`Understudy`; None: there can be none
    """
    ours, theirs = (raise_fd(end.detach()) for end in socket.socketpair())
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        os.close(ours)
        os.close(theirs)
        return None
    if pid:
        os.close(theirs)
        return StandbyWorker(pid, ours)
    os.close(ours)
    _core.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it has died before
        os._exit(0)
    return Understudy(theirs)

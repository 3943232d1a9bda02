"""Processes that stand by: forked ahead beside the one that will be the next run's controller, and parts of its run.

Who is forked when the tests are known makes the run wait for the fork, and for each page that is written to after it,
on both sides.  These hear of the same command as the controller, and take the controller's steps by themselves: they go
on from the same session with the same options, up to where workers are made.  Their standard streams are stand-ins
meanwhile, so nobody sees of them what the controller shows.  They are made only where nobody but pytest and fleetest
does anything on that way.
"""

from __future__ import annotations

import abc
import contextlib
import os
import signal
import socket
from typing import TYPE_CHECKING, Any, Callable, NoReturn

import pytest

from fleetest import _core, carry
from fleetest.cpus import allowed_cpus
from fleetest.digest import digest
from fleetest.hook_holder import HookHolder
from fleetest.plumbing import flush_all, raise_fd
from fleetest.privates import private
from fleetest.process import reap
from fleetest.startup_hooks import HARMLESS, implementations_of_others

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


def is_of_use(config: pytest.Config, *, collects: bool) -> bool:
    """Whether a run that goes on from this session is to have any.

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


class Standby:
    """One, as its controller sees it."""

    def __init__(self, pid: int, fd: int) -> None:
        self.pid = pid
        """0: it has ended, or is something else by now."""
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

    def forget(self) -> None:
        """In another process than its controller: let go of it."""
        if self.pid:
            self.pid = 0
            os.close(self._fd)

    def kill(self) -> list[int]:
        """Have it end, if it has not become something else; in another process than its controller: nothing.

        :returns: its pid if it is to be reaped
        """
        if not self.pid or os.getpid() != self._owner:
            return []
        pid, self.pid = self.pid, 0
        os.close(self._fd)
        # Somebody may have reaped it, or ignore SIGCHLD, and then another process may have its number.
        with contextlib.suppress(ChildProcessError):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                os.kill(pid, signal.SIGKILL)
            return [pid]
        return []

    def close(self) -> None:
        """End it, if it has not become something else; in another process than its controller: nothing."""
        reap(self.kill())


class Understudy(HookHolder, abc.ABC):
    """The same in its own process, which ends when there is nothing for it to do."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._config: Any = None
        self._collects = False
        self._stand_ins: StandIns | None = None
        self._received: dict[int, int] = {}

    def wait(self, ahead: Callable[[], None]) -> tuple[Any, list[int]]:
        """Wait for the order of a run: what the daemon says of it, and descriptors.

        :param ahead: what a run can do before
        """
        try:
            self.rest(ahead)
            return self.hear(_core.MSG_START_RUN)
        except BaseException:  # noqa: BLE001 (it would be the session's)
            os._exit(0)

    def rest(self, ahead: Callable[[], None]) -> None:
        """What there is to do before it listens: see :meth:`wait`."""

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
        """These descriptors are to take the place of the stand-ins when it is the controller's no more."""
        stand_ins.renew()
        self._stand_ins, self._received = stand_ins, received

    @abc.abstractmethod
    def become(self, run: Run) -> NoReturn:
        """The controller is about to make workers: be what this is for, if it wants this to be."""

    def _announce(self, run: Run) -> None:
        """Tell the controller that it is there, and which tests it has if it has collected them."""
        if run.rearranged:
            os._exit(0)
        self._config.pluginmanager.unregister(self)
        flush_all()
        ids = digest([item.nodeid for item in run.session.items]) if self._collects else ""
        _core.send_fds(self._fd, _core.MSG_STANDS_BY, ids, ())

    def _take_over(self) -> None:
        """Have the client's descriptors, as the controller has, and let go of the controller."""
        assert self._stand_ins is not None
        os.close(self._fd)
        self._stand_ins.replace(self._received)
        for fd in self._received.values():
            os.close(fd)


def fork() -> tuple[int, int] | None:
    """Fork a process that ends with this one.

    :returns: its pid, 0 in itself, and a descriptor for the other; None: there can be none
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
        return pid, ours
    os.close(ours)
    _core.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it has died before
        os._exit(0)
    return 0, theirs

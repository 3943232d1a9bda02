"""A process with pytest imported, and nothing of a project, that waits to be forked into controllers.

The daemon starts it.  Each fork takes a run over from the daemon's client (:mod:`fleetest.handover`),
imports the plugins of one kind of session and waits in turn (:mod:`fleetest.preparing`), or collects
the tests of one (:mod:`fleetest.snapshot`).
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pluggy

import fleetest.plugin  # noqa: F401 (each run imports it before it knows its arguments)
from fleetest import _core, byte_code, hookcalls
from fleetest.fork_server import STARTS, serve
from fleetest.handover import Handover
from fleetest.inputs import Inputs, was_customised
from fleetest.plumbing import raise_fd
from fleetest.preparing import Preparation
from fleetest.privates import private
from fleetest.process import open_descriptors
from fleetest.safety import left_running, native_threads
from fleetest.snapshot import SnapshotSession
from fleetest.well_formed import well_formed

if TYPE_CHECKING:
    from fleetest.recorded_variables import RecordedVariables


def wait(
    fd: int, variables: RecordedVariables, changes: dict[bytes, bytes | None]
) -> Handover | SnapshotSession:
    """Import what is left of pytest, and wait.  Returns in each child forked for a session.

    Ends the process with the daemon.

    :param fd: the socket to the daemon
    :param variables: knows those that were asked for so far
    :param changes: what the interpreter has set in the environment, or deleted (None)
    """
    _core.die_with_parent(signal.SIGKILL)
    start = time.process_time_ns()
    channel = _core.Channel(raise_fd(fd))
    private.import_own_plugins()
    byte_code.distrust()
    hookcalls.speed_up(pluggy.PluginManager("pytest"))  # and throw it away: what it takes is kept
    asked = variables.stop()
    if was_customised():
        asked.append(b"*")
    inputs = Inputs()
    seed = os.environ.get("PYTHONHASHSEED", "")
    _say_ready(channel, inputs.all(), asked, _unfit(channel.fileno()))
    while True:
        kind, state, fds, _ = serve(channel)
        if kind in STARTS:
            explains = kind == _core.MSG_START_EXPLAIN
            return Handover(fds, state, changes, seed, explains=explains)
        if kind == _core.MSG_START_COLLECT:
            return SnapshotSession(fds, changes, seed, start)
        preparation = Preparation(fds, changes)
        preparation.run()
        channel, changes = preparation.channel, preparation.changes
        unfit = preparation.effects.reason
        _say_ready(channel, inputs.more(preparation), preparation.variables, unfit)


def _say_ready(
    channel: _core.Channel, inputs: list[list[bytes]], asked: list[bytes], unfit: str
) -> None:
    """Tell the daemon that runs may come from here.

    :param unfit: why they may not; empty: they may
    """
    sys.stderr.flush()
    gc.collect()
    _core.note_finalizers()
    channel.send(_core.MSG_READY, [*inputs, asked, well_formed(unfit)])


def _unfit(fd: int) -> str:
    """Why controllers must not be forked off this process; empty if they may."""
    extra = native_threads()
    if extra:
        return left_running("pytest", extra)
    if open_descriptors() - {0, 1, 2, fd}:
        return "importing pytest left a file open"
    return ""

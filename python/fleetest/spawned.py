"""A spawned worker: a whole pytest session of its own, from the arguments of the controller's."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from fleetest import _core, shim
from fleetest.digest import digest
from fleetest.node import describe_interpreter
from fleetest.options import declare_ini, declare_options
from fleetest.plugin import NAME
from fleetest.plumbing import Plumbing, raise_fd
from fleetest.privates import private
from fleetest.process import shorten_exit
from fleetest.worker import WorkerPlugin, apply_role, send_reports_on, set_role_variables
from fleetest.worker_terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Generator


class _Loaded:
    """Stands where fleetest's own plugin is in a controller, so that it is not loaded."""


class SpawnedSession:
    """The plugin that makes a session a spawned worker's, from its very beginning."""

    def __init__(self, channel: _core.Channel, init: dict[str, Any]) -> None:
        self.channel = channel
        self.init = init
        # Before pytest's capturing puts something else behind 1 and 2.
        self.pipes = Plumbing(
            *(-1, -1, -1, channel.fileno()),
            raise_fd(os.dup(1)),
            raise_fd(os.dup(2)),
            init["captured"],
        )
        self.plugin: WorkerPlugin | None = None

    def pytest_addoption(
        self, parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager
    ) -> None:
        """Know the options that the controller's command line may have."""
        pluginmanager.register(_Loaded(), NAME)
        declare_ini(parser)
        declare_options(parser, client=False)
        shim.install(pluginmanager)

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """Take on the role before anybody configures."""
        apply_role(config, self.init["workerinput"])
        if self.init["base_temp"] is not None:
            private.set_base_temp(config, Path(self.init["base_temp"]))

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Become a worker once everything is configured."""
        terminal = Terminal(config, self.pipes, real=dict(zip((1, 2), self.init["real"])))
        terminal.channel = self.channel
        self.plugin = WorkerPlugin(config, self.channel, terminal)
        self.pipes.install_captured(config)
        self.plugin.muted = 1
        config.pluginmanager.register(self.plugin, "fleetest-worker")
        send_reports_on(config, self.plugin)
        private.wrap_pdb(terminal.borrow)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None]:
        """Say what was collected, then run what the controller says."""
        ids = [item.nodeid for item in session.items]
        self.channel.send(_core.MSG_COLLECTED, [digest(ids), None])
        answer = self.channel.receive()
        if answer is not None and answer[0] == _core.MSG_SEND_IDS:
            self.channel.send(_core.MSG_COLLECTED, [digest(ids), ids])
            answer = self.channel.receive()
        assert self.plugin is not None
        self.plugin.muted = 0
        self.plugin.registered = True
        if answer is not None and answer[0] == _core.MSG_SYNCED:
            self.channel.send(_core.MSG_HELLO, {"pid": os.getpid(), **describe_interpreter()})
        yield


def serve(fd: int) -> NoReturn:
    """Be the worker that the controller at the other end of `fd` asks for."""
    os.setpgid(0, 0)
    _core.die_with_parent(signal.SIGKILL)
    channel = _core.Channel(fd)
    told = channel.receive()
    if told is None:
        sys.exit(1)
    for inherited in (*told[1]["real"], *told[1]["captured"].values()):
        os.set_inheritable(inherited, False)
    set_role_variables(told[1]["workerinput"])  # conftests may ask while they are imported
    session = SpawnedSession(channel, told[1])
    pytest.main(told[1]["args"], plugins=[session])
    if session.plugin is not None:
        session.plugin.finished()
    shorten_exit()
    sys.exit(0)

"""A worker that configures and collects for itself, as each of pytest-xdist's does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fleetest import _core, carry, shim
from fleetest.digest import digest
from fleetest.elsewhere import rename
from fleetest.node import describe_interpreter
from fleetest.options import PLUGIN, declare_ini, declare_options
from fleetest.privates import private
from fleetest.privates.proxies import keep_proxies
from fleetest.worker import WorkerPlugin, apply_role, send_reports_on
from fleetest.worker_terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Generator

    from fleetest.elsewhere import Copies
    from fleetest.node import Node
    from fleetest.plumbing import Plumbing
    from fleetest.start import Start


def greeting(node: Node, copies: Copies, start: Start) -> dict[str, Any]:
    """What the controller tells such a worker first."""
    return {
        "tty_fd": start.tty_fd,
        "args": copies.arguments(node.gateway.spec),
        "prefixes": copies.prefixes(node.gateway.spec),
        "workerinput": node.workerinput,
        "base_temp": None if node.base_temp is None else str(node.base_temp),
        "environ": dict(os.environ),
    }


class _Loaded:
    """Stands where fleetest's own plugin is in a controller, so that it is not loaded."""


class Declarations:
    """The plugin by which a session knows the options that the controller's command line may have."""

    def pytest_addoption(
        self, parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager
    ) -> None:
        """Declare them."""
        pluginmanager.register(_Loaded(), PLUGIN)
        declare_ini(parser)
        declare_options(parser, client=False)
        shim.install(pluginmanager)


class OwnSession:
    """The plugin that makes a session, from before its configuration, a worker's."""

    def __init__(
        self, channel: _core.Channel, told: dict[str, Any], pipes: Plumbing, real: dict[int, int]
    ) -> None:
        """Know what the controller has told, and where output goes.

        :param told: :func:`greeting`
        :param real: 1, 2 -> descriptor of what is behind the controller's
        """
        self.channel = channel
        self.told = told
        self.pipes = pipes
        self.real = real
        self.plugin: WorkerPlugin | None = None

    def take_role(self, config: pytest.Config) -> None:
        """Before anybody configures."""
        apply_role(config, self.told["workerinput"])
        if self.told["base_temp"] is not None:
            private.set_base_temp(config, Path(self.told["base_temp"]))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> Generator[None]:
        """Plugins may begin their work here, and do not know yet that it is a worker's."""
        with carry.beginning_own_session(early_config):
            yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """Take on the role, if that was not done yet."""
        if not hasattr(config, "workerinput"):
            self.take_role(config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """As in a controller."""
        keep_proxies(session)

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Become a worker once everything is configured."""
        terminal = Terminal(config, self.pipes, self.real)
        self.plugin = WorkerPlugin(config)
        self.plugin.attach(self.channel, terminal)
        self.pipes.install_captured(config)
        self.plugin.muted = 1
        config.pluginmanager.register(self.plugin, "fleetest-worker")
        send_reports_on(config, self.plugin)
        private.wrap_pdb(terminal.borrow)
        if self.told["tty_fd"] >= 0:
            # A new process does not have it; there is one if it is standard input.
            fd = self.told["tty_fd"]
            terminal.borrow_to_read(fd if os.isatty(fd) else 0)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None]:
        """Say what was collected, then run what the controller says."""
        rename(session.items, self.told["prefixes"])
        ids = [item.nodeid for item in session.items]
        self.channel.send(_core.MSG_COLLECTED, [digest(ids), None])
        answer = self.channel.receive()
        if answer is not None and answer[0] == _core.MSG_SEND_IDS:
            self.channel.send(_core.MSG_COLLECTED, [digest(ids), ids])
            answer = self.channel.receive()
        assert self.plugin is not None
        carry.in_own_session(session.config)
        self.plugin.muted = 0
        self.plugin.registered = True
        if answer is not None and answer[0] == _core.MSG_SYNCED:
            self.channel.send(_core.MSG_HELLO, {"pid": os.getpid(), **describe_interpreter()})
        yield

    def finished(self) -> None:
        """Tell the controller that the session is over."""
        if self.plugin is not None:
            self.plugin.finished()

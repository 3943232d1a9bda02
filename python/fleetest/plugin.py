"""The pytest plugin: fleetest's options, and the decision whether and how a session is spread."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from fleetest import hookcalls, options, randomness, shim
from fleetest.checkpoints import Checkpoints
from fleetest.collecting import rare_garbage_collection
from fleetest.cpus import usable_cores
from fleetest.hook_holder import HookHolder
from fleetest.hookpoint import before_next_call
from fleetest.privates import locations, phases, private, quicker, untold
from fleetest.privates.proxies import keep_proxies
from fleetest.run import Run
from fleetest.screen import TerminalDistReporter, show_start
from fleetest.stages import Stage
from fleetest.standby import Understudy
from fleetest.standby_worker import StandbyWorker
from fleetest.start import Start
from fleetest.watching import Watcher

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator


class Command:
    """What the fleetest command registers: it asks for workers without being told how many."""

    def __init__(self, start: Start) -> None:
        """Remember how the command has started the session."""
        self.start = start

    def pytest_addoption(
        self, parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager
    ) -> None:
        """Load fleetest."""
        load(parser, pluginmanager, start=self.start)


def load(
    parser: pytest.Parser,
    pluginmanager: pytest.PytestPluginManager,
    *,
    start: Start | None = None,
) -> None:
    """Bring fleetest into the session that these belong to, once.

    :param start: how the fleetest command has started the session, so that ``-n auto`` is the
        default; None: it has not
    """
    if pluginmanager.hasplugin(options.PLUGIN):
        return
    randomness.watch()
    hookcalls.speed_up(pluginmanager)
    quicker.install()
    phases.install()
    locations.install()
    untold.prepare()
    options.declare_ini(parser)
    # A session that is prepared ahead has no client yet, but the same command line.
    client = start is not None and (start.client_fd >= 0 or start.trial is not None)
    options.declare_options(parser, client=client)
    if start is not None:
        private.set_program_name(parser, "fleetest")
    session = SessionPlugin(start)
    pluginmanager.register(session, options.PLUGIN)
    shim.install(pluginmanager)
    session.begin(pluginmanager)


class SessionPlugin:
    """fleetest's part in a session."""

    def __init__(self, start: Start | None) -> None:
        self.command = start is not None
        self.start = start or Start(-1, "cold (pytest -p fleetest)", "")
        self.explicit = False
        self.settled = False
        self.run: Run | None = None
        self.watcher = Watcher()
        self.checkpoints = Checkpoints(self.watcher)

    def begin(self, pluginmanager: pytest.PytestPluginManager) -> None:
        """Watch from here what the session does, until it is known that it has no workers."""
        config: Any = pluginmanager.get_plugin("pytestconfig")
        if config is None or hasattr(config, "workerinput"):
            return
        if self.start.trial is not None:
            self.start.trial.begin(config)
            return
        self.watcher.start(config)
        config.add_cleanup(self.watcher.stop)

        def before_conftests() -> None:
            if not self._may_have_workers(config):
                self.watcher.stop()
                return
            self.checkpoints.before_conftests(config)
            before_next_call(pluginmanager, "pytest_cmdline_main", before_configuration)

        def before_configuration() -> None:
            self.checkpoints.before_configuration(config)

        before_next_call(pluginmanager, "pytest_load_initial_conftests", before_conftests)

    def _may_have_workers(self, config: pytest.Config) -> bool:
        known = config.known_args_namespace
        dist = options.given(known.dist)
        if hasattr(config, "workerinput") or known.numprocesses == 0 or dist == "no":
            return False
        if known.numprocesses or known.tx or dist:
            return True
        text, _ = options.preset(config, options.NUMPROCESSES)
        return text != "0" if text else self.command

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """Settle the number of workers before anybody configures; once, whoever asks."""
        if hasattr(config, "workerinput") or self.settled:
            return
        self.settled = True
        options.resolve(config)
        option = config.option
        self.explicit = option.numprocesses is not None or bool(option.tx)
        if not self.explicit and self.command:
            option.numprocesses = "auto"
        if option.dist == "no":
            option.numprocesses = 0
        if option.numprocesses in ("auto", "logical"):
            option.numprocesses = _auto_number(config)
        if option.numprocesses and option.maxprocesses:
            option.numprocesses = min(option.numprocesses, option.maxprocesses)
        if option.numprocesses is not None:
            option.tx = ["popen"] * option.numprocesses
        # As under xdist, --dist without workers does not spread the tests of pytest -p fleetest, nor
        # do workers of --tx without it.
        spread = "load" if self.command or option.numprocesses else "no"
        option.dist = "no" if option.numprocesses == 0 else option.dist or spread

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Set up the distributed run, if this is one."""
        if self.run is None and self.settled and self._is_distributed(config):
            self._set_up(config)

    def _is_distributed(self, config: pytest.Config) -> bool:
        option = config.option
        return not (option.dist == "no" or not option.tx or option.collectonly)

    def _set_up(self, config: pytest.Config) -> None:
        self.run = Run(
            config,
            start=self.start,
            explicit=self.explicit,
            checkpoints=self.checkpoints,
        )
        _check_each(config.option, self.run.count)
        config.pluginmanager.register(self.run, "dsession")
        if config.pluginmanager.has_plugin("terminalreporter"):
            config.pluginmanager.register(TerminalDistReporter(config), TerminalDistReporter.NAME)

    def pause(self, config: pytest.Config) -> None:
        """Be no part of any run, in a session that was prepared ahead and has collected."""
        manager = config.pluginmanager
        for name in ("dsession", TerminalDistReporter.NAME) if self.run is not None else ():
            if manager.has_plugin(name):
                manager.unregister(name=name)
        self.run = None

    def go_on(self, config: pytest.Config, start: Start) -> None:
        """Be the part of another command in a session that has paused.

        Its options were set anew, as the command line has them.
        """
        self.start = start
        self.settled = False
        self.pytest_cmdline_main(config)
        self.watcher.stage = Stage.CONFIGURATION
        self.watcher.start(config)
        config.add_cleanup(self.watcher.stop)
        distributed = self._is_distributed(config)
        if isinstance(start.standby, StandbyWorker):
            if distributed:
                self.checkpoints.standby = start.standby
                config.add_cleanup(start.standby.close)
            else:
                start.standby.close()
        elif isinstance(start.standby, Understudy) and not distributed:
            os._exit(0)
        if distributed:
            self._set_up(config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Make what is done for each call of a hook cheaper."""
        keep_proxies(session)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> Generator[None]:
        """Collect; then get in front of every other plugin at the run-test loop."""
        with rare_garbage_collection():
            yield
        if self.run is None:
            self.watcher.stop()
            self.checkpoints.close()
            option = session.config.option
            if self.command and not options.runs_no_tests(option) and session.items:
                show_start(session.config, self.start, "no workers (-n 0)")
        else:
            session.config.pluginmanager.register(ForkPoint(self.run), "fleetest-fork-point")

    # Not in the run's own plugin: in a session that was prepared ahead, that of the run is too late for this call.
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None]:
        """Know the tests as they were collected."""
        if self.run is not None:
            self.run.collected = [*items]
        yield


class ForkPoint(HookHolder):
    """Registered last, so that its wrapper is outermost: nobody else's hook is on the stack."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None]:
        """Make the workers; in each of them this call does not return."""
        session.config.pluginmanager.unregister(self)
        self.run.start(session)
        yield


def _check_each(option: argparse.Namespace, workers: int) -> None:
    """What has no meaning where each worker runs all tests."""
    if option.dist == "each" and option.ordered and workers > 1:
        raise pytest.UsageError("--ordered: with --dist each there is no order to keep")


def _auto_number(config: pytest.Config) -> int:
    """What ``auto`` and ``logical`` mean: the hook, the environment, the machine."""
    hook = getattr(config.hook, "pytest_xdist_auto_num_workers", None)
    if hook is not None:
        number = hook(config=config)
        if number is not None:
            return int(number)
    return default_auto_number(config)


def default_auto_number(config: pytest.Config) -> int:
    """``PYTEST_XDIST_AUTO_NUM_WORKERS``, else the cores that may be used."""
    text = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS")
    if text:
        try:
            return int(text)
        except ValueError:
            warnings.warn(
                f"PYTEST_XDIST_AUTO_NUM_WORKERS is not a number: {text!r}. Ignoring it.",
                stacklevel=2,
            )
    return usable_cores(logical=config.option.numprocesses == "logical")

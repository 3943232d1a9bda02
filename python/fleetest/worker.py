"""A worker: a pytest session of its own that runs the items it is told to and sends their reports."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any, Callable

import pytest

from fleetest import _core, carry, randomness
from fleetest.hook_holder import HookHolder
from fleetest.plain import PlainReports, as_numbers, from_numbers
from fleetest.plumbing import Plumbing, flush_all
from fleetest.privates import private
from fleetest.privates.passing import silence
from fleetest.privates.untold import Onlookers, tell_without_reports
from fleetest.process import INTERRUPTS
from fleetest.reports import pack_report, pack_warning
from fleetest.screen import TerminalDistReporter
from fleetest.title import Title
from fleetest.worker_terminal import ForwardedFile, Terminal

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from fleetest.node import Node
    from fleetest.start import Start


class WorkerPlugin(HookHolder):
    """The hooks by which a worker's session is driven and heard."""

    channel: _core.Channel
    """To the controller, once it is attached."""
    terminal: Terminal

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.session: pytest.Session | None = None
        self.index = -1
        self.uncaptured = config.getoption("capture", "no") in ("no", "tee-sys")
        self.muted = 0
        self.plain = PlainReports(config)
        self.registered = False
        self.forwarded: ForwardedFile | None = None
        self.count: Callable[[Any, Sequence[float] | None], None] | None = None
        """Tells the worker's own terminal reporter of a report."""
        self.onlookers = Onlookers(config, self)
        self.marks: dict[str, str] = {}
        """What reports say of the worker."""

    def attach(self, channel: _core.Channel, terminal: Terminal) -> None:
        """The session is this worker's now, and has its role."""
        self.channel = terminal.channel = channel
        self.terminal = terminal
        terminal.settle = self._settle
        workerinput: dict[str, Any] = self.config.workerinput  # type: ignore[attr-defined]
        self.marks = {
            "worker_id": workerinput["workerid"],
            "testrun_uid": workerinput["testrunuid"],
        }

    # ---- sending ----

    def _settle(self) -> None:
        """Have the controller take in what was written to the pipes before the next message."""
        if self.forwarded is not None:
            self.forwarded.send()
        if self.terminal.pending_output():
            self.channel.send(_core.MSG_SYNC, None)
            self.channel.receive()

    def _send(self, kind: int, payload: object) -> None:
        self._settle()
        self.channel.send(kind, payload)

    def _post(self, kind: int, payload: object) -> None:
        """Send what may wait until the next test begins, if nothing has to be in order with it."""
        if self.uncaptured or (self.forwarded is not None and self.forwarded.waiting):
            self._send(kind, payload)
        else:
            self.channel.post(kind, payload)

    # ---- hooks ----

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run what the controller says, until it says that nothing follows."""
        self.session = session
        try:
            self._run_items(session)
        finally:
            # What the reporter's own wrapper of this hook writes is the controller's to write.
            self._settle()
            self.muted += 1
        return True

    def _run_items(self, session: pytest.Session) -> None:
        items, channel, title = session.items, self.channel, Title()
        self.plain.watch(session)
        while True:
            told = channel.next()
            if told is None:
                return
            index, following = told
            item = items[index]
            nextitem = None if following is None else items[following]
            self.index = index
            self.plain.begin(item)
            self._post(_core.MSG_START, index)
            title.show(self.plain.nodeid)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
            title.show(None)
            self._settle()
            if session.shouldfail or session.shouldstop:
                # Before the test is done: with --ordered nothing of the next one is to be shown.
                self._post(_core.MSG_ENDS, [index, self._ends(session)])
            self._post(_core.MSG_DONE, index)
            self.index = -1
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)

    @staticmethod
    def _ends(session: pytest.Session) -> dict[str, Any]:
        """Why a session ends, if it does."""
        return {"shouldfail": session.shouldfail, "shouldstop": session.shouldstop}

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> Generator[None]:
        """Send it on, and keep the worker's own terminal reporter quiet."""
        self.plain.begun(location)
        self._post(_core.MSG_LOGSTART, [self.index, nodeid, location])
        self.muted += 1
        yield
        self.muted -= 1

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> Generator[None]:
        """Send the report on before any other plugin of the worker changes it."""
        plain, numbers = self.plain.pack(report), None
        if plain is not None:
            kind, payload = _core.MSG_PASSED, [self.index, *plain]
            numbers = as_numbers(payload, 0)
        else:
            data = pack_report(self.config, report)
            data["item_index"] = self.index
            data.update(self.marks)
            kind, payload = _core.MSG_REPORT, [self.index, data]
        # A failure is news.
        (self._send if plain is None else self._post)(kind, payload)
        if self.count is not None:
            self.count(report, numbers)
        self.muted += 1
        yield
        self.muted -= 1
        if report.when == "call":
            self._stop_if_told()

    def phase_passed(self, item: pytest.Item, when: str, call: Any) -> Any:
        """Send on that a phase has passed, without a report.

        :returns: what stands for the report; None: there has to be one
        """
        if not self.plain.is_as_known(item):
            return None
        payload = [self.index, when, call.duration, call.start, call.stop]
        numbers = as_numbers(payload, 0)
        report = None if numbers is None else self.onlookers.passed(item, when)
        if report is not None:
            self._post(_core.MSG_PASSED, payload)
            if self.count is not None:
                self.count(report, numbers)
            if when == "call":
                self._stop_if_told()
        return report

    def _stop_if_told(self) -> None:
        session = self.session
        if session is not None and self.channel.stopped():
            # Have pytest tear everything down inside this test, as with -x in one process.
            session.shouldstop = session.shouldstop or "stopped by the controller"

    def make_report(self, numbers: Sequence[float]) -> pytest.TestReport:
        """A report that was kept as numbers."""
        assert self.session is not None
        return from_numbers(self.session.items, numbers)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> Generator[None]:
        """Send it on."""
        self.terminal.done_reading()
        self._post(_core.MSG_LOGFINISH, [self.index, nodeid, location])
        self.muted += 1
        yield
        self.muted -= 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(
        self, warning_message: Any, when: str, nodeid: str, location: Any
    ) -> None:
        """Send the warning on, but not those of before the fork, which pluggy repeats at once."""
        if not self.registered:
            return
        data = pack_warning(warning_message, when, nodeid, location)
        self._send(_core.MSG_WARNING, [self.index, data])

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> None:
        """Send the text on."""
        self._send(_core.MSG_INTERNAL, str(excrepr))
        self.muted += 1

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: Any) -> Generator[None]:
        """Tell the controller why this session ends."""
        if not isinstance(excinfo.value, pytest.Session.Interrupted):
            self._send(_core.MSG_INTERRUPT, [self.index, self._interrupt(excinfo)])
        self.muted += 1
        yield

    def _interrupt(self, excinfo: Any) -> dict[str, Any]:
        value = excinfo.value
        is_exit = isinstance(value, pytest.exit.Exception)
        report = pytest.CollectReport("", "failed", excinfo.getrepr(funcargs=True), [])
        return {
            "exit": is_exit,
            "message": value.msg if is_exit else str(value),
            "returncode": value.returncode if is_exit else None,
            "report": pack_report(self.config, report),
        }

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_exception_interact(self) -> Generator[None, Any]:
        """With --pdb this is where pdb is entered: borrow the terminal meanwhile."""
        if not self.config.getoption("usepdb", False):
            yield
            return
        self.terminal.borrow()
        outcome = yield
        if outcome.excinfo is None:
            self.terminal.give_back()
        # Else pdb was quit, which ends the run: no other worker is to get the terminal now.

    def pytest_leave_pdb(self) -> None:
        """Give back what :func:`private.wrap_pdb` borrowed."""
        self.terminal.give_back()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None]:
        """Fill in xdist's workeroutput; sent once the session is over."""
        output: dict[str, Any] = self.config.workeroutput  # type: ignore[attr-defined]
        output["exitstatus"] = int(exitstatus)
        output.update(self._ends(session))
        self._settle()
        self.muted += 1
        yield

    def finished(self) -> None:
        """Tell the controller that the session is over."""
        self.terminal.give_back()
        flush_all()
        self._send(_core.MSG_FINISHED, self.config.workeroutput)  # type: ignore[attr-defined]


class _ForwardedXml:
    """In a worker, in the place of the JUnit reporter: what tests tell it reaches the real one."""

    def __init__(self, plugin: WorkerPlugin) -> None:
        self._plugin = plugin

    def add_global_property(self, name: str, value: object) -> None:
        """``record_testsuite_property``."""
        self._plugin._send(_core.MSG_XML, [-1, None, "global", name, value])

    def node_reporter(self, report: Any) -> Any:
        """The reporter of one test, which ``record_xml_attribute`` adds attributes to."""
        plugin, nodeid = self._plugin, str(getattr(report, "nodeid", report))

        class _Node:
            def add_attribute(self, name: str, value: object) -> None:
                plugin._send(_core.MSG_XML, [plugin.index, nodeid, "attribute", name, value])

            def add_property(self, name: str, value: object) -> None:
                plugin._send(_core.MSG_XML, [plugin.index, nodeid, "property", name, value])

        return _Node()

    def __getattr__(self, name: str) -> Any:
        """The reporter's settings (``family`` and the like)."""
        return getattr(self._plugin.real_xml, name)  # type: ignore[attr-defined]


class _ForwardedLog:
    """In a worker, in the place of the ``--log-file`` stream."""

    def __init__(self, plugin: WorkerPlugin) -> None:
        self._plugin = plugin

    def write(self, text: str) -> None:
        """Have the controller write it."""
        self._plugin.channel.send(_core.MSG_LOGFILE, text)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """The file is the controller's."""


def apply_role(config: pytest.Config, workerinput: dict[str, Any]) -> None:
    """What makes a session a worker's, as under pytest-xdist."""
    config.workerinput = workerinput  # type: ignore[attr-defined]
    config.workeroutput = {}  # type: ignore[attr-defined]
    option = config.option
    option.numprocesses = option.maxprocesses = None
    option.dist = "no"
    option.tx = []
    set_role_variables(workerinput)


def set_role_variables(workerinput: dict[str, Any]) -> None:
    """The environment of a worker."""
    os.environ["PYTEST_XDIST_WORKER"] = workerinput["workerid"]
    os.environ["PYTEST_XDIST_WORKER_COUNT"] = str(workerinput["workercount"])
    os.environ["PYTEST_XDIST_TESTRUNUID"] = workerinput["testrunuid"]


def send_reports_on(config: pytest.Config, plugin: WorkerPlugin) -> None:
    """Send where the controller writes: JUnit, log file, terminal."""
    xml = private.junit(config) or private.new_junit(config)
    if xml is not None:
        plugin.real_xml = xml  # type: ignore[attr-defined]
        if config.pluginmanager.is_registered(xml):
            config.pluginmanager.unregister(xml)
        forwarded = _ForwardedXml(plugin)
        private.set_junit(config, forwarded)
        config.pluginmanager.register(forwarded)  # junitxml unregisters what it finds there
    handler = private.log_file_handler(config)
    if handler is not None and getattr(handler, "baseFilename", os.devnull) != os.devnull:
        handler.stream = _ForwardedLog(plugin)
    reporter = private.terminal(config)
    if reporter is not None:
        writer = private.writer(reporter)
        plugin.forwarded = ForwardedFile(plugin, writer)
        private.set_writer_file(writer, plugin.forwarded)
        plugin.count = silence(config, reporter, plugin.make_report)


def _run(session: pytest.Session) -> None:
    """The rest of ``_pytest.main.wrap_session`` for a session that has collected."""
    config = session.config
    session.exitstatus = pytest.ExitCode.OK
    try:
        config.hook.pytest_runtestloop(session=session)
        session.exitstatus = private.session_outcome(session)
    except session.Failed:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    except (KeyboardInterrupt, pytest.exit.Exception) as error:
        session.exitstatus = pytest.ExitCode.INTERRUPTED
        if isinstance(error, pytest.exit.Exception) and error.returncode is not None:
            session.exitstatus = error.returncode
        config.hook.pytest_keyboard_interrupt(excinfo=private.current_exception())
    except BaseException:  # noqa: BLE001 - as in wrap_session
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        private.notify_exception(config, private.current_exception())
    finally:
        os.chdir(session.startpath)
        try:
            config.hook.pytest_sessionfinish(session=session, exitstatus=session.exitstatus)
        finally:
            private.unconfigure(config)


class ForkedWorker:
    """The worker that a process becomes which was forked from the session that has collected."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self._start: Start | None = None
        self._plugin: WorkerPlugin

    def prepare(self) -> None:
        """Do all that does not depend on which worker it is."""
        config = self._session.config
        manager = config.pluginmanager
        self._start = getattr(manager.get_plugin("dsession"), "start_of_command", None)
        for name in ("dsession", TerminalDistReporter.NAME):
            if manager.has_plugin(name):
                manager.unregister(name=name)
        self._plugin = WorkerPlugin(config)
        manager.register(self._plugin, "fleetest-worker")
        self._plugin.registered = True
        send_reports_on(config, self._plugin)
        tell_without_reports(self._plugin.phase_passed)

    def run(
        self,
        node: Node,
        plumbing: Plumbing,
        channel: _core.Channel,
        *,
        real: dict[int, int],
        random_state: Any,
        ready: Callable[[], None] | None = None,
    ) -> None:
        """Be the worker of this node, whose role the session has.

        :param real: of :func:`fleetest.plumbing.keep_streams`
        :param random_state: of :func:`fleetest.randomness.capture`
        :param ready: called when it is
        """
        config = self._session.config
        terminal = Terminal(config, plumbing, real)
        plumbing.install(config)
        if node.base_temp is not None:
            private.set_base_temp(config, node.base_temp)
        self._plugin.attach(channel, terminal)
        private.wrap_pdb(terminal.borrow)
        if self._start is not None and self._start.tty_fd >= 0:
            terminal.borrow_to_read(self._start.tty_fd)
        carry.in_worker(config, self._session)
        randomness.apply(random_state)
        channel.send(_core.MSG_HELLO, {"pid": os.getpid()})
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
        if ready is not None:
            ready()
        _run(self._session)
        self._plugin.finished()

    def leaves(self) -> None:
        """Only the kernel's part of its end is left."""
        self._plugin.channel.send(_core.MSG_LEAVES, None)

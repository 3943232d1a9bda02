"""What workers report, passed on to the hooks of the controller's session: as it comes, or with
--ordered in the order of collection.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Callable

import pytest

from fleetest import _core
from fleetest.outputs import Outputs
from fleetest.plain import PHASES, as_numbers, from_numbers
from fleetest.privates import private
from fleetest.privates.passing import Bystanders
from fleetest.privates.subtests import set_failed_subtests
from fleetest.reports import unpack_report, unpack_warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetest.node import Node
    from fleetest.run import Run

OUTPUT, CRASHED, DONE = -1, -2, -3
"""Events that are no messages of the protocol."""


class Reporting:
    """Passes events on.  Each is (node, kind, payload)."""

    def __init__(self, run: Run) -> None:
        assert run.distribution is not None
        self.run = run
        self.config = run.config
        self.session = run.session
        self.outputs = Outputs(run)
        self.bystanders = Bystanders(self.config, run.record.ids, self._uncounted_report)
        self.ordered = run.distribution.ordered
        self.unheard = False
        """No plugin is told of a test that passes: known until anybody else's code runs."""
        self.turn = 0
        self.waiting: dict[int, deque[tuple[Node, int, Any]]] = {}
        self.over = False
        self.interrupt: dict[str, Any] | None = None
        self.interrupted_item = -1
        self.passing: dict[int, Callable[[Node, int | None, Any], None]] = {
            DONE: self._done,
            CRASHED: self._crashed,
            _core.MSG_REPORT: self._report,
            _core.MSG_PASSED: self._passed,
            _core.MSG_LOGSTART: self._log_start,
            _core.MSG_LOGFINISH: self._log_finish,
            _core.MSG_WARNING: self._warning,
            _core.MSG_TEXT: self._text,
            _core.MSG_XML: self._xml,
            _core.MSG_LOGFILE: self._log_file,
            _core.MSG_INTERRUPT: self._interrupted,
            _core.MSG_ENDS: self._ends,
        }

    # ---- in which order ----

    def event(self, node: Node, kind: int, payload: Any) -> None:
        """A message of the session came."""
        item = payload[0] if isinstance(payload, list) and payload else None
        if kind == _core.MSG_LOGFILE:
            item = node.item
        self._pass(node, item, kind, payload)

    def output(self, node: Node, stream: int, data: bytes) -> None:
        """A worker wrote to its standard output or error."""
        self._pass(node, node.item, OUTPUT, (stream, data))

    def done(self, node: Node, item: int) -> None:
        """All of a test's reports have come."""
        self._pass(node, item, DONE, None)

    def passed(self, node: Node, index: int, begun: Any, phases: tuple[Any, Any, Any]) -> bool:
        """A whole test has come, and it passed; False if it has to be passed on piece by piece."""
        bystanders = self.bystanders
        if not self.unheard:
            self.unheard = not self.ordered and bystanders.whole_test()
            if not self.unheard:
                return False
        setup, call, teardown = phases
        before, after = as_numbers(setup, node.number), as_numbers(teardown, node.number)
        called = as_numbers(call, node.number)
        in_order = (setup[1], call[1], teardown[1]) == PHASES
        if not in_order or before is None or called is None or after is None:
            return False
        screen = self.run.screen
        self.run.record.passed(index, node.id, setup[2], call[2], teardown[2])
        if screen.has_status:
            screen.before_output()
        bystanders.count(before)
        self._call_passed(node, index, _tuple(begun[2]), called)
        bystanders.count(after)
        self.outputs.finish_line(node)
        screen.progress.done += 1
        if screen.has_status:
            screen.after_output()
        self._check_stop()
        return True

    def crashed(self, node: Node, item: int, report: Any) -> None:
        """A test's worker died."""
        self._pass(node, item, CRASHED, report)
        self._pass(node, item, DONE, None)

    def worker_lost(self, report: Any) -> None:
        """A worker died that was running no test."""
        self._crash_report(report, self.config.hook)

    def flush_output(self, node: Node) -> None:
        """Write what a worker left of an unfinished line."""
        if not self.ordered:
            self.outputs.finish_line(node)

    def _pass(self, node: Node, item: int | None, kind: int, payload: Any) -> None:
        if not self.ordered:
            self._now(node, item, kind, payload)
            return
        if item is None or item < self.turn:
            item = self.turn
        if self.over:
            return
        if item != self.turn:
            self.waiting.setdefault(item, deque()).append((node, kind, payload))
            return
        self._now(node, item, kind, payload)
        while not self.over and self.waiting.get(self.turn):
            self._now_waiting()

    def _now_waiting(self) -> None:
        item = self.turn
        events = self.waiting[item]
        node, kind, payload = events.popleft()
        if not events:
            del self.waiting[item]
        self._now(node, item, kind, payload)

    def end(self) -> None:
        """Every worker is gone: report what was held back for tests that will not come."""
        for item in sorted(self.waiting):
            self.turn = item
            while not self.over and self.waiting.get(item):
                self._now_waiting()
        self.outputs.finish()

    # ---- passing on ----

    def _hook(self, item: int | None) -> Any:
        """The hooks as pytest calls them for a test: without the conftests of other folders."""
        if item is None or item < 0:
            return self.config.hook
        return self.session.items[item].ihook

    def _now(self, node: Node, item: int | None, kind: int, payload: Any) -> None:
        if kind == OUTPUT:
            self.outputs.write(node, *payload)
            return
        screen = self.run.screen
        if not screen.has_status:
            self.passing[kind](node, item, payload)
            return
        screen.before_output()
        self.passing[kind](node, item, payload)
        screen.after_output()

    def _done(self, node: Node, item: int | None, payload: Any) -> None:
        self.outputs.finish_line(node)
        if item == self.turn:
            self.turn += 1
        self.run.screen.progress.done += 1
        self._check_stop()

    def _ends(self, node: Node, item: int | None, payload: Any) -> None:
        self.run.adopt_stop(payload[1])
        self._check_stop(node)

    def _log_start(self, node: Node, item: int | None, payload: Any) -> None:
        index, nodeid, location = payload
        location = _tuple(location)
        node.rebuilder.begin(index, location)
        self.run.screen.progress.started(node, nodeid)
        if not self.bystanders.log_start():
            self._hook(item).pytest_runtest_logstart(nodeid=nodeid, location=location)

    def _log_finish(self, node: Node, item: int | None, payload: Any) -> None:
        _, nodeid, location = payload
        if not self.bystanders.log_finish():
            self._hook(item).pytest_runtest_logfinish(nodeid=nodeid, location=_tuple(location))

    def _warning(self, node: Node, item: int | None, payload: Any) -> None:
        hook = self._hook(item if payload[1]["when"] == "runtest" else None)
        hook.pytest_warning_recorded.call_historic(kwargs=unpack_warning(payload[1]))

    def _report(self, node: Node, item: int | None, payload: Any) -> None:
        data: dict[str, Any] = payload[1]
        report = unpack_report(self.config, data)
        if report is None:
            raise ValueError(f"no plugin knows the report {data!r}")
        self._log_report(node, item, report)

    def _passed(self, node: Node, item: int | None, payload: Any) -> None:
        index, when, duration, _, _ = payload
        numbers = as_numbers(payload, node.number)
        can_be_counted = self.bystanders.call if when == "call" else self.bystanders.phase
        if numbers is None or not can_be_counted():
            report = node.rebuilder.rebuild(self.session.items, payload)
            set_failed_subtests(self.config, report, 0)
            self._mark(report, node, index)
            self._log_report(node, item, report)
            return
        self.run.record.phase(index, node.id, when, duration)
        if when == "call":
            location = node.rebuilder.location(index, self.session.items)
            self._call_passed(node, index, location, numbers)
        else:
            self.bystanders.count(numbers)

    def _call_passed(self, node: Node, index: int, location: Any, numbers: list[float]) -> None:
        """Tell of a call that passed, where nobody would keep the report.

        The item is left alone: each touch would copy a page that is the workers' too.
        """
        report: Any = self.bystanders.passed(index, location, numbers)
        if not self.ordered:
            report.node = node
        self.config.hook.pytest_runtest_logreport(report=report)

    def _mark(self, report: Any, node: Node, index: int) -> None:
        """Give a report what it would have had if it had travelled whole."""
        report.item_index = index
        report.worker_id = node.id
        report.testrun_uid = self.run.nodemanager.testrunuid
        if not self.ordered:
            report.node = node

    def _uncounted_report(self, numbers: Sequence[float]) -> Any:
        """The report of a phase that nobody cared about when it came."""
        report = from_numbers(self.session.items, numbers)
        self._mark(report, self.run.nodes[int(numbers[4])], int(numbers[0]) // len(PHASES))
        return report

    def _log_report(self, node: Node, item: int | None, report: Any) -> None:
        if not self.ordered:
            report.node = node
        if report.outcome == "failed":
            self.run.screen.progress.reported(report)
        self.run.record.reported(item, node.id, report)
        self._hook(item).pytest_runtest_logreport(report=report)
        if not self.ordered:
            self._check_stop(node)

    def _crash_report(self, report: Any, hook: Any) -> None:
        self.run.screen.before_output()
        self.run.screen.progress.reported(report)
        hook.pytest_runtest_logreport(report=report)
        self._check_stop()

    def _check_stop(self, cause: Node | None = None) -> None:
        if self.session.shouldfail or self.session.shouldstop:
            self.over = self.ordered
            self.run.stop(cause)

    def _crashed(self, node: Node, item: int | None, payload: Any) -> None:
        self._crash_report(payload, self._hook(item))

    def _text(self, node: Node, item: int | None, payload: Any) -> None:
        _, text, line = payload
        reporter = private.terminal(self.config)
        if reporter is None:
            return
        writer = private.writer(reporter)
        file = private.writer_file(writer)
        file.write(text)
        file.flush()
        private.set_current_line(writer, line)

    def _xml(self, node: Node, item: int | None, payload: Any) -> None:
        _, nodeid, kind, name, value = payload
        xml = private.junit(self.config)
        if xml is None:
            return
        if kind == "global":
            xml.add_global_property(name, value)
            return
        # The reporter is looked up by node id and worker, as those of real reports are.
        report = pytest.CollectReport(str(nodeid), "passed", None, [])
        if not self.ordered:
            report.node = node  # type: ignore[attr-defined]
        reporter = xml.node_reporter(report)
        getattr(reporter, f"add_{kind}")(name, value)

    def _log_file(self, node: Node, item: int | None, text: Any) -> None:
        handler = private.log_file_handler(self.config)
        stream = getattr(handler, "stream", None)
        if stream is not None:
            stream.write(text)
            stream.flush()

    # ---- pytest.exit() and KeyboardInterrupt in a worker ----

    def _interrupted(self, node: Node, at: int | None, payload: Any) -> None:
        item, interrupt = payload
        if self.interrupt is None:
            self.over = self.ordered
            self.run.engine.refuse_terminal()
            self.run.stop()
        # Where a test was interrupted says more than where an idle worker was waiting; of two tests
        # that end the run, the one that pytest would have come to first counts.
        first = item >= 0 and not 0 <= self.interrupted_item < item
        if self.interrupt is None or first:
            self.interrupt, self.interrupted_item = interrupt, item

    def raise_interrupt(self) -> None:
        """Raise what ended a worker's session, if anything did."""
        if self.interrupt is None or self.run.interrupts:
            return
        if self.interrupt["exit"]:
            raise pytest.exit.Exception(self.interrupt["message"], self.interrupt["returncode"])
        raise KeyboardInterrupt(*filter(None, [self.interrupt["message"]]))

    def show_interrupt(self) -> None:
        """Have the summary show the worker's traceback."""
        reporter = private.terminal(self.config)
        if self.interrupt is None or reporter is None:
            return
        report = unpack_report(self.config, self.interrupt["report"])
        if hasattr(report.longrepr, "reprcrash"):
            private.set_interrupt_repr(reporter, report.longrepr)


def _tuple(location: Any) -> Any:
    return tuple(location) if isinstance(location, list) else location

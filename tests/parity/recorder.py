"""A pytest plugin that writes down everything that reaches the reporting side of a run.

Loaded with ``-p parity_recorder`` under plain pytest and under any runner that fires pytest's
reporting hooks in its controller. Depends on nothing but pytest and runs on every Python and
pytest that is supported. The record goes to the file named by ``PARITY_RECORD``, at the very end;
workers, who have ``config.workerinput``, write none.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict

import pytest


def _text(value):
    """``str(value)`` that survives any value, and that JSON and UTF-8 can carry."""
    try:
        text = str(value)
    except Exception as error:  # noqa: BLE001 - it is the project's own code
        text = f"<unprintable {type(value).__name__}: {type(error).__name__}>"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _longrepr(report):
    """The explanation of a report as text; a skip's location and reason as they are."""
    if report.longrepr is None:
        return None
    if isinstance(report.longrepr, tuple):
        return [_text(part) for part in report.longrepr]
    return _text(report.longreprtext)


def _sections(report):
    return [[_text(title), _text(content)] for title, content in report.sections]


def _subtest(report):
    """Message and arguments of a subtest's report."""
    context = getattr(report, "context", None)
    if context is None or not hasattr(context, "kwargs"):
        return None
    return [_text(context.msg), {name: repr(value) for name, value in context.kwargs.items()}]


class Recorder:
    """Collects the calls of the reporting hooks and writes them as one JSON file."""

    def __init__(self, path):
        self.path = path
        self.sequence = []
        self.tests = defaultdict(lambda: {"order": [], "reports": []})
        self.record = {
            "collected": [],
            "deselected": [],
            "collect_reports": [],
            "warnings": [],
            "interrupts": [],
            "stats": {},
            "exit": None,
        }

    def _step(self, nodeid, step):
        self.tests[_text(nodeid)]["order"].append(step)
        self.sequence.append([_text(nodeid), step])

    def pytest_collectreport(self, report):
        self.record["collect_reports"].append(
            [_text(report.nodeid), report.outcome, _longrepr(report), _sections(report)]
        )

    def pytest_deselected(self, items):
        self.record["deselected"] += [_text(item.nodeid) for item in items]

    def pytest_collection_finish(self, session):
        self.record["collected"] = [_text(item.nodeid) for item in session.items]

    def pytest_runtest_logstart(self, nodeid):
        self._step(nodeid, "start")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        self._step(report.nodeid, _text(report.when))
        self.tests[_text(report.nodeid)]["reports"].append(
            {
                "when": report.when,
                "outcome": report.outcome,
                "wasxfail": getattr(report, "wasxfail", None),
                "subtest": _subtest(report),
                "location": [_text(part) for part in report.location],
                "longrepr": _longrepr(report),
                "sections": _sections(report),
                "user_properties": [[_text(k), _text(v)] for k, v in report.user_properties],
                "timed": isinstance(report.duration, float) and report.duration >= 0,
            }
        )

    def pytest_runtest_logfinish(self, nodeid):
        self._step(nodeid, "finish")

    def pytest_warning_recorded(self, warning_message, when, nodeid, location):
        self.record["warnings"].append(
            {
                "category": _text(warning_message.category.__name__),
                "message": _text(warning_message.message),
                "filename": _text(warning_message.filename),
                "lineno": warning_message.lineno,
                "when": when,
                "nodeid": _text(nodeid),
                "location": [_text(part) for part in location] if location else None,
            }
        )

    def pytest_internalerror(self, excrepr):
        self.record["interrupts"].append(["internal error", _text(excrepr)])

    def pytest_keyboard_interrupt(self, excinfo):
        self.record["interrupts"].append([excinfo.typename, _text(excinfo.value)])

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config):
        if hasattr(config, "workerinput"):
            return
        self.record["tests"] = self.tests
        self.record["sequence"] = self.sequence
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            self.record["stats"] = {
                _text(category): sorted(_text(getattr(entry, "nodeid", "")) for entry in entries)
                for category, entries in reporter.stats.items()
                if entries
            }
            # What the session ends with after all hooks of pytest_sessionfinish.
            self.record["exit"] = int(getattr(reporter._session, "exitstatus", -1))
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.record, file)
        os.replace(self.path + ".new", self.path)


def pytest_configure(config):
    if os.environ.get("PARITY_RECORD"):
        config.pluginmanager.register(Recorder(os.environ["PARITY_RECORD"]), "parity-recorder")

"""Phases of tests that pass, without a report where nobody would look at one.

pytest makes a report of each phase, and asks all plugins about it twice.  Of most phases a worker sends
five numbers on, and nobody else does anything.  What pytest's own plugins do about such a report is
done here; as soon as anybody else has a say in it there is one.
"""

from __future__ import annotations

import ast
import functools
from types import FunctionType
from typing import Any, Callable

import _pytest.cacheprovider
import _pytest.logging
import _pytest.runner
import _pytest.skipping
import _pytest.terminal
import _pytest.tmpdir
import pytest

from fleetest.amended import amend, at_line
from fleetest.privates.passing import (
    QUIET_LOG,
    QuietReporter,
    is_original,
    is_pytests_module,
)
from fleetest.privates.phases import KNOWN
from fleetest.pytest_version import pytest_version

ARGUMENTS = ("item", "when", "log")

SHORTCUT = """
if call.excinfo is None and log:
    _fleetest_report = _fleetest_passed(item, when, call)
    if _fleetest_report is not None:
        return _fleetest_report
"""

_runner: Any = _pytest.runner

_NAMES = ("pytest_runtest_makereport", "pytest_runtest_logreport", "pytest_runtest_protocol")

_MAKERS = frozenset(("_pytest.runner", "_pytest.skipping", "_pytest.tmpdir", "_pytest.unittest"))
"""The modules that have a say in a report."""

_REPORT: Any = pytest.TestReport
_MAKES, _BEGINS = vars(_REPORT)["from_item_and_call"], _REPORT.__init__
_RUNS: Any = _pytest.runner.runtestprotocol
"""Whoever puts something in the place of these wants to see reports."""

_HAS_ID = pytest_version() >= (9, 2)
"""Nodes have an attribute ``id`` of pytest's."""

_TMP_PATH_RESULTS: Any = getattr(_pytest.tmpdir, "tmppath_result_key", None)
_XFAILED: Any = getattr(_pytest.skipping, "xfailed_key", None)

_PROGRESS = getattr(_pytest.terminal, "TerminalProgressPlugin", QuietReporter)
"""What it writes is the controller's to write."""


@functools.lru_cache(maxsize=1)
def prepare() -> tuple[FunctionType, FunctionType] | None:
    """Pytest's ``call_and_report``, and another one with the shortcut; None if it is not a known one."""
    original: Any = _pytest.runner.call_and_report
    known = KNOWN[0] <= pytest_version() <= KNOWN[1] and None not in (_TMP_PATH_RESULTS, _XFAILED)
    if not known or type(original) is not FunctionType or not is_original(original):
        return None
    made = amend(original, _add_shortcut, {"_fleetest_passed": lambda *_: None})
    return None if made is None else (original, made)


def tell_without_reports(passed: Callable[[Any, str, Any], Any]) -> None:
    """Have pytest's runner ask, before it makes the report of a phase that passed.

    :param passed: is given the item, the phase and pytest's ``CallInfo``; what stands for the report, or
        None: there is to be one
    """
    prepared, runner = prepare(), _pytest.runner
    if prepared is not None and runner.call_and_report in prepared:
        vars(runner)["_fleetest_passed"] = passed
        _, runner.call_and_report = prepared


def _add_shortcut(function: ast.FunctionDef) -> bool:
    """Put it after the call of the phase's hooks."""
    if tuple(argument.arg for argument in function.args.args) != ARGUMENTS:
        return False
    calls = [
        place
        for place, statement in enumerate(function.body)
        if ast.unparse(statement).startswith("call = CallInfo.from_call(")
    ]
    if len(calls) != 1:
        return False
    after = calls[0] + 1
    line = function.body[after].lineno
    shortcut = [at_line(line, statement) for statement in ast.parse(SHORTCUT).body]
    function.body[after:after] = shortcut
    return True


class Onlookers:
    """Knows when nobody but pytest and the worker would look at the report of a phase that passed."""

    def __init__(self, config: pytest.Config, worker: Any) -> None:
        """Know the hooks of this configuration.

        :param worker: the plugin that sends reports on
        """
        hook = config.hook
        self._manager: Any = config.pluginmanager
        self._exec = self._manager._inner_hookexec
        self._callers: list[Any] = [getattr(hook, name) for name in _NAMES]
        self._worker = worker
        self._known: list[Any] = [None] * len(_NAMES)
        self._nobody = False
        prepared = prepare()
        self._reports = None if prepared is None else prepared[1]
        self._last_failed: Any = None
        self._stand_in = {
            when: pytest.TestReport("", ("", None, ""), {}, "passed", None, when)
            for when in ("setup", "call", "teardown")
        }

    def passed(self, item: Any, when: str) -> pytest.TestReport | None:
        """Do what pytest's plugins do about the report of a phase that passed.

        :returns: what stands for the report; None: nothing was done, since somebody has to be asked
        """
        makes, logs, protocol = self._callers
        known = self._known
        if (
            makes._hookimpls != known[0]
            or logs._hookimpls != known[1]
            or protocol._hookimpls != known[2]
        ):
            self._look()
        stash = item.stash
        if (
            not self._nobody
            or _runner.TestReport is not _REPORT
            or vars(_REPORT)["from_item_and_call"] is not _MAKES
            or _REPORT.__init__ is not _BEGINS
            or _runner.runtestprotocol is not _RUNS
            or _runner.call_and_report is not self._reports
            or self._manager._inner_hookexec is not self._exec
            or item._report_sections
            or item.user_properties
            or stash.get(_XFAILED, None)
            or getattr(item, "_excinfo", None)
        ):
            return None
        results = stash.get(_TMP_PATH_RESULTS, None)
        if results is None:
            results = stash[_TMP_PATH_RESULTS] = {}
        results[when] = True
        if when == "call" and self._last_failed:
            self._last_failed.pop(item.id if _HAS_ID else item.nodeid, None)
        return self._stand_in[when]

    def _look(self) -> None:
        """See who would be asked now."""
        self._known = [[*caller._hookimpls] for caller in self._callers]
        makes, logs, protocol = self._known
        self._nobody = (
            all(map(is_original, (_MAKES.__func__, _BEGINS, _RUNS)))
            and getattr(self._exec, "__name__", "") == "_multicall"
            and all(is_original(impl.function) for impl in (*makes, *logs))
            and all(getattr(impl.plugin, "__name__", "") in _MAKERS for impl in makes)
            and all(self._does_nothing(impl.plugin) for impl in logs)
            and all(
                impl.hookwrapper or impl.wrapper or is_pytests_module(impl.plugin)
                for impl in protocol
            )
        )
        plugin = self._manager.get_plugin("lfplugin")
        self._last_failed = getattr(plugin, "lastfailed", None)

    def _does_nothing(self, plugin: Any) -> bool:
        kind = type(plugin)
        if kind is _pytest.logging.LoggingPlugin:
            return type(plugin.log_cli_handler) is QUIET_LOG
        if kind is QuietReporter:
            return not plugin.changed
        known = (pytest.Session, _pytest.cacheprovider.LFPlugin, _PROGRESS)
        return plugin is self._worker or kind in known

"""What pytest's own plugins do about a test that passes, so that not each has to be asked each time.

Most tests pass, and most of what is called about them does nothing.  As soon as anybody else has a say
in it, everybody is asked.
"""

from __future__ import annotations

from array import array
from itertools import islice
from typing import TYPE_CHECKING, Any, Callable

import _pytest.cacheprovider
import _pytest.logging
import _pytest.stepwise
import _pytest.terminal
import pytest

from fleetest.privates.reported import ReportedTests, keep_marks
from fleetest.privates.subtests import counts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class PassedPhases:
    """Reports of phases that passed, as five numbers each."""

    SIZE = 5

    def __init__(self, make: Callable[[Sequence[float]], Any]) -> None:
        """Have nothing yet.

        :param make: gives the report for what :meth:`add` was given
        """
        self._make = make
        self._numbers = array("d")

    def __len__(self) -> int:
        return len(self._numbers) // self.SIZE

    def add(self, numbers: Sequence[float]) -> None:
        """Keep what a report can be made of again, as five numbers."""
        self._numbers.extend(numbers)

    def take(self) -> list[Any]:
        """All reports, in the order in which they were added; nothing is kept."""
        starts = range(0, len(self._numbers), self.SIZE)
        reports = [self._make(self._numbers[start : start + self.SIZE]) for start in starts]
        del self._numbers[:]
        return reports


class LazyStats(dict[str, list[Any]]):
    """The terminal reporter's counts; the reports of tests that passed are made on demand.

    Those of calls are under 'passed', those of set-ups and tear-downs under ''.  Whether a key is
    there, and where, can be seen without.
    """

    def __init__(self, stats: dict[str, list[Any]], make: Callable[[Sequence[float]], Any]) -> None:
        """Take over what was counted so far.

        :param make: as for :class:`PassedPhases`
        """
        super().__init__(stats)
        self._lazy = {category: PassedPhases(make) for category in ("", "passed")}

    def count(self, category: str, numbers: Sequence[float]) -> None:
        """Count a report that is to be made of these."""
        lazy = self._lazy[category]
        if not lazy:
            super().setdefault(category, [])
        lazy.add(numbers)

    def lengths(self, category: str) -> tuple[list[Any], int]:
        """The reports of a category that were made, and how many more there are."""
        lazy = self._lazy.get(category)
        return super().get(category, []), len(lazy) if lazy else 0

    def _settle(self, category: str) -> None:
        lazy = self._lazy.get(category)
        if lazy:
            reports = lazy.take()
            super().setdefault(category, []).extend(reports)

    # This alone keeps dict() and the like from looking past these methods.
    def __iter__(self) -> Iterator[str]:
        return super().__iter__()


def _settled(name: str) -> Callable[..., Any]:
    method = getattr(dict, name)

    def settled(self: LazyStats, *args: Any, **kwargs: Any) -> Any:
        for category in self._lazy:
            self._settle(category)
        return method(self, *args, **kwargs)

    return settled


def _settled_for_key(name: str) -> Callable[..., Any]:
    method = getattr(dict, name)

    def settled(self: LazyStats, category: str, *args: Any) -> Any:
        self._settle(category)
        return method(self, category, *args)

    return settled


for _name in (
    "values",
    "items",
    "popitem",
    "copy",
    "__eq__",
    "__ne__",
    "__repr__",
    "__or__",
    "__ror__",
    "__ior__",
    "__reversed__",
    "clear",
    "update",
):
    setattr(LazyStats, _name, _settled(_name))
for _name in ("__getitem__", "__setitem__", "__delitem__", "get", "setdefault", "pop"):
    setattr(LazyStats, _name, _settled_for_key(_name))


class QuietReporter(_pytest.terminal.TerminalReporter):  # type: ignore[misc]
    """A terminal reporter that counts reports when somebody asks for the counts."""

    uncounted: list[Any]
    """Reports, how many come next in :attr:`passed`, and what :meth:`_add_stats` was given."""
    passed: PassedPhases
    changed: bool
    """Whether somebody may change reports after they were seen here."""

    def _add_stats(self, category: str, items: Any) -> None:
        self.uncounted.append((category, list(items)))

    def keep(self, report: Any, numbers: Sequence[float] | None) -> None:
        """Count a report later.

        :param numbers: what it can be made of again; None: it is kept as it is
        """
        uncounted = self.uncounted
        if numbers is None or self.changed:
            uncounted.append(report)
            return
        if uncounted and type(uncounted[-1]) is int:
            uncounted[-1] += 1
        else:
            uncounted.append(1)
        self.passed.add(numbers)

    @property
    def stats(self) -> dict[str, list[Any]]:
        """Category -> reports."""
        self._settle()
        known: dict[str, list[Any]] = self.__dict__["stats"]
        return known

    @stats.setter
    def stats(self, value: dict[str, list[Any]]) -> None:
        self._settle()  # what came so far is the old ones'
        self.__dict__["stats"] = value

    def _settle(self) -> None:
        """Count what came so far."""
        known: dict[str, list[Any]] = self.__dict__["stats"]
        if self.uncounted:
            entries, self.uncounted[:] = self.uncounted[:], []
            passed = iter(self.passed.take())
            self._tests_ran = True
            for entry in entries:
                if isinstance(entry, tuple):
                    category, items = entry
                    known.setdefault(category, []).extend(items)
                    continue
                for report in islice(passed, entry) if type(entry) is int else (entry,):
                    known.setdefault(self._category(report), []).append(report)

    def _category(self, report: Any) -> str:
        hook = self.config.hook
        return str(hook.pytest_report_teststatus(report=report, config=self.config)[0])


QUIET_LOG = getattr(_pytest.logging, "_LiveLoggingNullHandler", None)

_NEVER_MOVED = (
    pytest.Session,
    _pytest.cacheprovider.LFPlugin,
    _pytest.stepwise.StepwisePlugin,
    getattr(_pytest.terminal, "TerminalProgressPlugin", pytest.Session),
)
"""By the report of a set-up or teardown that passed, but to count it."""


class Bystanders:
    """Knows when nobody would do anything about the log of a test that passes."""

    def __init__(
        self, config: pytest.Config, ids: Sequence[str], make: Callable[[Sequence[float]], Any]
    ) -> None:
        """Know the hooks of this configuration.

        :param ids: the node ids of the tests, in the order of collection
        :param make: makes the report for what :meth:`count` was given
        """
        self._hook = config.hook
        self._reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        self._stats: LazyStats | None = None
        self._known: dict[str, tuple[list[Any], bool]] = {}
        self._make = make
        self._passed = pytest.TestReport("", ("", None, ""), {}, "passed", None, "call")
        self._numbers: Sequence[float] = ()
        self._failed_subtests = counts_of(config)
        self._ids = ids
        self._reported: ReportedTests | None = None
        if _is_as_made(self._reporter):
            self._stats = LazyStats(self._reporter.stats, make)
            vars(self._reporter).update(
                stats=self._stats,
                _add_stats=self._add_stats,
                _get_reports_to_display=self._reports_to_display,
            )
            self._reported = keep_marks(self._reporter, ids)

    def _all(self, name: str, harmless: Callable[[Any], bool]) -> bool:
        """Whether all implementations of a hook are harmless, as they are now."""
        impls = getattr(self._hook, name).get_hookimpls()
        known = self._known.get(name)
        if known is None or known[0] != impls:
            verdict = all(
                not impl.hookwrapper and is_original(impl.function) and harmless(impl.plugin)
                for impl in impls
            )
            known = self._known[name] = (impls, verdict)
        return known[1]

    def log_start(self) -> bool:
        """Whether ``pytest_runtest_logstart`` would do nothing."""
        return self._all("pytest_runtest_logstart", self._shows_no_start)

    def phase(self) -> bool:
        """Whether nobody would keep the report of a phase that passed; the reporter counts it.

        That of a set-up or teardown would only be counted, as ''.
        """
        if self._reporter is not None and self._reporter.stats is not self._stats:
            return False
        if self._failed_subtests:
            return False  # a report may be made to fail, so each has to be one of its own
        return self._all("pytest_runtest_logreport", self._shows_no_phase) and self._all(
            "pytest_report_teststatus", is_pytests_module
        )

    def call(self) -> bool:
        """Whether :meth:`passed` will do as the report of a call that passed."""
        # With the style "times" the reporter looks at the other reports each time.
        return self.phase() and getattr(self._reporter, "_show_progress_info", "") != "times"

    def whole_test(self) -> bool:
        """Whether, of all that is called about a test that passes, only its call has to be told."""
        return self.call() and self.log_start() and self.log_finish()

    def count(self, numbers: Sequence[float]) -> None:
        """Have the reporter count what :meth:`phase` was asked for."""
        if self._stats is not None:
            self._reporter._tests_ran = True
            self._stats.count("", numbers)

    def passed(self, index: int, location: Any, numbers: Sequence[float]) -> pytest.TestReport:
        """The report of a call that passed, for the hook, where :meth:`call` allows it.

        It is one and the same for all tests.

        :param index: the test's place in the order of collection
        :param numbers: what the reporter's own is to be made of, if somebody looks
        """
        report = self._passed
        report.nodeid, report.location = self._ids[index], location
        if self._reported is not None:
            self._reported.expect(getattr(report, "id", report.nodeid), index)
        _, report.duration, report.start, report.stop, _ = self._numbers = numbers
        return report

    def _add_stats(self, category: str, items: Sequence[Any]) -> None:
        """``TerminalReporter._add_stats``."""
        reporter, stats, passed = self._reporter, self._stats, self._passed
        is_passed = len(items) == 1 and items[0] is passed
        if not is_passed or stats is None or reporter.stats is not stats:
            type(reporter)._add_stats(reporter, category, items)
        elif category == "passed":
            is_new = category not in stats
            stats.count(category, self._numbers)
            if is_new:
                reporter._set_main_color()
        else:
            type(reporter)._add_stats(reporter, category, [self._make(self._numbers)])

    def _reports_to_display(self, key: str) -> list[Any]:
        """``TerminalReporter._get_reports_to_display``, for the number of passed tests alone."""
        reporter, stats = self._reporter, self._stats
        if key != "passed" or stats is None or reporter.stats is not stats:
            return list(type(reporter)._get_reports_to_display(reporter, key))
        made, more = stats.lengths(key)
        counted = [report for report in made if getattr(report, "count_towards_summary", True)]
        return counted + [self._passed] * more

    def _shows_no_start(self, plugin: Any) -> bool:
        if plugin is self._reporter:
            return not plugin.showlongtestinfo and not plugin.showfspath
        return _logs_nothing(plugin)

    def _shows_no_phase(self, plugin: Any) -> bool:
        return plugin is self._reporter or type(plugin) in _NEVER_MOVED or _logs_nothing(plugin)

    def log_finish(self) -> bool:
        """Whether ``pytest_runtest_logfinish`` would do nothing."""
        return self._all("pytest_runtest_logfinish", _logs_nothing)


def _logs_nothing(plugin: Any) -> bool:
    return (
        type(plugin) is _pytest.logging.LoggingPlugin and type(plugin.log_cli_handler) is QUIET_LOG
    )


def _is_own(module: Any) -> bool:
    """Whether a module of this name is pytest's or fleetest's."""
    return str(module).partition(".")[0] in ("_pytest", "fleetest")


def is_original(function: Any) -> bool:
    """Whether a function is not one that somebody has put in the place of pytest's."""
    return _is_own(getattr(function, "__module__", ""))


def _is_as_made(reporter: Any) -> bool:
    """Whether a terminal reporter is pytest's, and nobody has changed how it counts."""
    cls = _pytest.terminal.TerminalReporter
    return (
        type(reporter) is cls
        and type(reporter.stats) is dict
        and not {"_add_stats", "_get_reports_to_display"} & vars(reporter).keys()
        and is_original(cls._add_stats)
        and is_original(cls._get_reports_to_display)
    )


def is_pytests_module(plugin: Any) -> bool:
    """Whether a plugin is a module of pytest's."""
    return str(getattr(plugin, "__name__", "")).startswith("_pytest.")


def silence(
    config: pytest.Config, reporter: Any, make: Callable[[Sequence[float]], Any]
) -> Callable[[Any, Sequence[float] | None], None] | None:
    """In a worker: have the reporter count reports only when somebody looks, and show none.

    :param make: as for :class:`PassedPhases`
    :returns: what it is to be told of each report (:meth:`QuietReporter.keep`); None for a reporter
        of another class, which goes on as it is
    """
    if type(reporter) is not _pytest.terminal.TerminalReporter:
        return None
    for name in ("start", "report", "finish"):
        for impl in _of(config, f"pytest_runtest_log{name}", reporter):
            impl.function = _nothing
            impl.argnames = ()
    # Its summary is the controller's; pytest_terminal_summary is not called in xdist's workers.
    for name in ("pytest_sessionfinish", "pytest_terminal_summary"):
        impls = getattr(config.hook, name)._hookimpls
        impls[:] = [impl for impl in impls if impl.plugin is not reporter]
    others = config.hook.pytest_runtest_logreport.get_hookimpls()
    quiet: Any = reporter
    quiet.__class__ = QuietReporter
    quiet.uncounted, quiet.passed = [], PassedPhases(make)
    quiet.changed = not all(_is_pytests_or_ours(impl.plugin) for impl in others)
    keep: Callable[[Any, Sequence[float] | None], None] = quiet.keep
    return keep


def _is_pytests_or_ours(plugin: Any) -> bool:
    return _is_own(getattr(plugin, "__name__", type(plugin).__module__))


def _of(config: pytest.Config, name: str, plugin: Any) -> Iterable[Any]:
    """A plugin's implementations of a hook."""
    return (impl for impl in getattr(config.hook, name).get_hookimpls() if impl.plugin is plugin)


def _nothing() -> None:
    """Stands in for a hook implementation."""

"""What the terminal reporter of a session that is prepared ahead shows later, in the run that goes on from there."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, Callable

import pluggy

from fleetest.plumbing import flush_all
from fleetest.privates import private
from fleetest.startup_hooks import implementations_of_others
from fleetest.watching import is_installed_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from fleetest.stand_ins import StandIns


class Deferred:
    """The header and what is shown while tests are collected, and what others print in between."""

    def __init__(self, config: pytest.Config, stand_ins: StandIns) -> None:
        """Have the reporter, which is there, show nothing."""
        self._stand_ins = stand_ins
        self._config = config
        self._manager: Any = config.pluginmanager
        self._reporter = private.terminal(config)
        self._events: list[tuple[tuple[int, int], Callable[[], object]]] = []
        self._undo: list[Callable[[], None]] = []
        self._printed: dict[int, bytes] = {}
        self._shown: list[int] = [0, 0]
        """Of standard output and error, in the run."""
        self.options_read: set[str] = set()
        """Those that decide whether a project's hooks are called for the header."""
        self._reason = ""
        self._aloud = True
        if self._reporter is not None:
            self._put("pytest_sessionstart", self._later(begin=True))
            self._put("pytest_collection", self._later(begin=False))
            self._put("pytest_collectreport", self._without_terminal)

    def _put(self, hook: str, wrapped: Callable[[Any], Any]) -> None:
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            if implementation.plugin is self._reporter:
                original = implementation.function
                implementation.function = wrapped(original)
                self._undo.append(_restorer(implementation, original))

    def _later(self, *, begin: bool) -> Callable[[Any], Any]:
        def wrap(original: Any) -> Any:
            def show_later(*args: Any) -> None:
                show = original
                written = self._stand_ins.written()
                if begin:
                    private.set_session(self._reporter, *args)
                    show = self._with_header_of_now(original)
                self._events.append((written, lambda: show(*args)))

            return show_later

        return wrap

    def _with_header_of_now(self, show_header: Any) -> Any:
        """Later, have the lines that the project adds to the header now, and no others than those of plugins of now.

        The hooks of installed plugins are called later, with the options of then.
        """
        config = self._config
        for own in self._manager.hook.pytest_report_header.get_hookimpls():
            # It reads what all plugins' packages say of themselves.
            if own.plugin is self._reporter:
                self._call_now(own, private.lines_of_header)
        for found in implementations_of_others(config, ("pytest_report_header",)):
            if not is_installed_file(found.file):
                self.options_read |= {"no_header", "verbose"}
                if private.calls_header_hooks(self._reporter):
                    self._call_now(found.object)
        present, version = self._manager.get_plugins(), pluggy.__version__

        def show(*args: Any) -> None:
            hooks = self._manager.hook
            everybody = hooks.pytest_report_header
            later = self._manager.get_plugins() - present
            if not self._aloud:
                others = implementations_of_others(config, (everybody.name,))
                later |= {found.object.plugin for found in others}
            hooks.pytest_report_header = self._manager.subset_hook_caller(everybody.name, later)
            try:
                with _known_version(version):
                    show_header(*args)
            finally:
                hooks.pytest_report_header = everybody

        return show

    def _call_now(
        self,
        implementation: Any,
        later: Callable[[pytest.Config, Any], Any] = lambda _, lines: lines,
    ) -> None:
        """Call it, and have it give the same later, and print the same.

        :param later: makes of its lines what they are then
        """
        if implementation.hookwrapper or getattr(implementation, "wrapper", False):
            self._reason = "a conftest has a wrapper around the hooks of the header"
            return
        arguments = private.header_arguments(self._config, self._reporter)
        original, before = implementation.function, self._stand_ins.written()
        result = original(*(arguments[name] for name in implementation.argnames))
        behind = self._stand_ins.written()

        def repeat(*_: Any) -> Any:
            implementation.function = original
            self._print(before, behind)
            return later(self._config, result)

        implementation.function = repeat

    def _without_terminal(self, original: Any) -> Any:
        def count(*args: Any) -> None:
            reporter: Any = self._reporter
            isatty = reporter.isatty
            reporter.isatty = type(isatty)(False)
            try:
                original(*args)
            finally:
                reporter.isatty = isatty

        return count

    def end(self) -> str:
        """Everything is collected: the reporter is as it was.

        :returns: why nobody can go on from here; empty: they can
        """
        while self._undo:
            self._undo.pop()()
        last = self._stand_ins.written()
        marks = [(0, 0), *(mark for mark, _ in self._events), last]
        self._printed = self._stand_ins.take_printed()
        if self._reason:
            return self._reason
        for (out, err), (next_out, next_err) in zip(marks, marks[1:]):
            if out < next_out and err < next_err:
                return "it prints to standard output and standard error before its tests"
        return ""

    def show(self, *, aloud: bool = True) -> None:
        """In a run: show it all, in its order.

        :param aloud: False: nobody sees it, and plugins are not asked for their lines
        """
        self._aloud = aloud
        begin = (0, 0)
        for mark, action in self._events:
            self._print(begin, mark)
            action()
            begin = mark
        sizes = [len(self._printed.get(number, b"")) for number in (1, 2)]
        self._print(begin, (sizes[0], sizes[1]))

    def _print(self, begin: tuple[int, int], end: tuple[int, int]) -> None:
        """Print what was printed then, but for what was printed again by now."""
        for number, start, behind in zip((1, 2), begin, end):
            first = max(start, self._shown[number - 1])
            if first < behind:
                flush_all()
                text = self._printed[number][first:behind]
                self._shown[number - 1] = behind
                with contextlib.suppress(BrokenPipeError):  # as who has printed it would be told
                    while text:
                        text = text[os.write(number, text) :]


@contextlib.contextmanager
def _known_version(version: str) -> Iterator[None]:
    """Meanwhile the version of pluggy, which is part of the header, is not looked up in its package: since 1.6."""
    if "__version__" in vars(pluggy):
        yield
        return
    pluggy.__version__ = version
    try:
        yield
    finally:
        del pluggy.__version__


def _restorer(implementation: Any, original: Any) -> Callable[[], None]:
    def restore() -> None:
        implementation.function = original

    return restore

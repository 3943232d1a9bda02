"""Sessions for tests that are named by their ids (``test_a.py::test_one``), prepared for all tests of these files.

pytest collects the files, and looks what is meant by the names only then.  Up to there a session does the same
whichever names are given, so it waits there for runs: each goes on with its own names.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable

import pytest

from fleetest.privates import private
from fleetest.startup_hooks import implementations_of_others

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fleetest.watching import Watcher

_ON_THE_STACK = ("pytest_make_collect_report",)
"""Hooks in whose call such a session waits: of others than pytest nobody may be in there."""


def files_of(arguments: Sequence[str], folder: str) -> tuple[str, ...]:
    """The files of such arguments, in their order; nothing if they are others, or if it matters which names are given.

    It does if a class of one file is collected before another file is, or if pytest takes the files in another order,
    as it drops arguments that later ones include.  So only the last file may have names within classes, and the
    arguments of a file have to stand together.

    :param folder: from which relative paths lead on
    """
    files: list[str] = []
    depth = 0
    for argument in arguments:
        name, *within = argument.partition("[")[0].split("::")
        path = os.path.abspath(os.path.join(folder, name))
        if not within or os.path.basename(path) == "__init__.py":
            return ()
        if path not in files:
            if depth > 1:
                return ()
            files.append(path)
        elif path != files[-1]:
            return ()
        depth = max(depth, len(within))
    return tuple(files)


def files_of_values(values: dict[str, Any], unknown: Sequence[str], folder: str) -> tuple[str, ...]:
    """Likewise of a command line that was parsed with some of the options that there will be.

    :param values: destination of an option -> its value
    :param unknown: what is none of these options; without an equals sign it may have a value among the arguments
    """
    whole = all(each.startswith("--") and "=" in each for each in unknown)
    return files_of(values["file_or_dir"], folder) if whole and not values["pyargs"] else ()


class ByIds:
    """The plugin that leads a session through its files, and stops there."""

    NAME = "fleetest-by-ids"

    def __init__(self, config: pytest.Config, arrive: Callable[[], None], watcher: Watcher) -> None:
        """Register it.

        :param arrive: waits; returns in each run
        :param watcher: is told if nobody but a run of the same arguments can go on
        """
        self._config: Any = config
        self._arrive = arrive
        self._watcher = watcher
        self._args: list[str] = []
        self._has_reported = False
        config.pluginmanager.register(self, self.NAME)

    def pytest_load_initial_conftests(self, args: list[str]) -> None:
        """The arguments are complete."""
        self._args = [*args]

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        """If it is the session, have it go through the files first."""
        if not isinstance(collector, pytest.Session):
            return
        if self._is_by_ids(collector):
            parts = private.initial_parts(collector)
            lead = self._lead(collector, parts)
            private.set_present_parts(collector, _Parts(parts, lead))
        else:
            self._config.pluginmanager.unregister(self)

    def pytest_collectreport(self) -> None:
        """A file could not be collected, or wants to be skipped; some pytest says so once more for another name."""
        self._has_reported = True

    def _is_by_ids(self, session: pytest.Session) -> bool:
        """Whether it looks for tests by their ids, and for those that it was given."""
        config = self._config
        given = private.parse_all(config, self._args)
        files = files_of_values(given, (), str(config.invocation_params.dir))
        # Somebody may have changed them, or collect in another way; the variable shows each argument.
        if not files or config.args != given["file_or_dir"] or os.environ.get("PYTEST_DEBUG"):
            return False
        try:
            return private.initial_parts(session) == private.present_parts(session)
        except pytest.UsageError:
            return False

    def _lead(self, session: pytest.Session, given: list[Any]) -> Iterator[Any]:
        """What pytest goes through: each file, with a name that nothing has, then what is really meant.

        :param given: what was meant when this was prepared
        """
        trace: Any = session.trace.root
        depth = trace.indent
        yield from private.without_names(given)
        trace.indent = depth
        may_wait = self._may_wait(private.take_not_found(session))
        self._config.pluginmanager.unregister(self)
        if may_wait:
            self._arrive()
            given = private.initial_parts(session)
        else:
            self._watcher.command_line_read = True
        private.set_present_parts(session, given)
        yield from given

    def _may_wait(self, not_found: list[tuple[str, Sequence[Any]]]) -> bool:
        """Whether runs of other names can go on from here.

        :param not_found: the arguments, and where nothing of such a name was
        """
        if self._has_reported or not all(collectors for _, collectors in not_found):
            return False
        hooks = (*_ON_THE_STACK, *private.hooks_of_each_argument())
        return not any(implementations_of_others(self._config, hooks))


class _Parts(list):  # type: ignore[type-arg]
    """A session's arguments; who goes through them for the first time is led."""

    def __init__(self, parts: list[Any], lead: Iterator[Any]) -> None:
        super().__init__(parts)
        self._lead: Iterator[Any] | None = lead

    def __iter__(self) -> Iterator[Any]:
        lead, self._lead = self._lead, None
        return super().__iter__() if lead is None else lead

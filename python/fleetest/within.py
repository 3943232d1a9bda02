"""With ``--wide``: what the arguments of a run select within a session that has collected the whole project.

pytest's own code goes through the arguments, but what it would collect for them is taken from what was collected, so
that no hook is called twice.  It ends as a session that was given these arguments would: with the same tests in the
same order, and with the reports of what was collected on the way to them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from fleetest.privates import private

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EARLY = frozenset(
    (
        *("pytest_addhooks", "pytest_addoption", "pytest_cmdline_main", "pytest_collection"),
        *("pytest_collectstart", "pytest_configure", "pytest_make_collect_report"),
        *("pytest_plugin_registered", "pytest_report_header", "pytest_sessionstart"),
    )
)
"""Hooks that a conftest misses, or gets later, if it is not loaded before the session starts."""


class NotWithinError(Exception):
    """The session is not one that would be right for these arguments."""


@dataclass
class Selection:
    """What the arguments select."""

    arguments: list[str]
    parts: list[Any]
    """As pytest understands them."""
    items: list[pytest.Item]
    reports: list[pytest.CollectReport]
    """What pytest would have reported."""

    def apply(self, config: pytest.Config, reports: Sequence[pytest.CollectReport]) -> None:
        """Have the session have collected that.

        :param reports: what was reported so far
        """
        private.set_arguments(config, self.arguments)
        session = _session(config)
        private.set_collected(session, self.parts, self.items)
        private.report_anew(config, reports, self.reports)


def _session(config: pytest.Config) -> Any:
    return config.pluginmanager.get_plugin("session")


def select(config: pytest.Config, args: Sequence[str]) -> Selection:
    """What a command line selects; for a process that does nothing else if that fails.

    :param args: with what the environment and the ini file add to it
    :raises NotWithinError: the session is not one for these arguments
    """
    before = [*config.args]
    session = _session(config)
    arguments = private.parse_all(config, args)["file_or_dir"]
    private.set_arguments(config, arguments)
    try:
        parts = private.initial_parts(session)
    except pytest.UsageError as error:
        raise NotWithinError(str(error)) from None
    paths = [private.path_of(part) for part in parts]
    _check_paths(config, paths, [bool(private.names_of(part)) for part in parts])
    _check_conftests(config, before, arguments)
    private.set_present_parts(session, parts)
    try:
        items, reports = private.collect_again(session)
    except LookupError as error:
        raise NotWithinError(f"{error.args[0]} is not collected with the whole project") from None
    not_found = private.take_not_found(session)
    if not_found:
        folder = str(config.invocation_params.dir)
        name = not_found[0][0].replace(folder + os.sep, "", 1)
        raise NotWithinError(f"{name} is not in the whole project")
    return Selection(arguments, parts, items, reports)


def _check_paths(config: pytest.Config, paths: Sequence[Path], have_names: Sequence[bool]) -> None:
    """Whether what is in these paths does not depend on whether they were named.

    :raises NotWithinError: it does
    """
    for number, path in enumerate(paths):
        if path.is_file() and not private.is_test_file(config, path):
            raise NotWithinError(f"{path.name} is collected only if it is named")
        for other, has_names in zip(paths[:number], have_names):
            same = path == other
            if same and has_names and have_names[number]:
                continue
            if same or path in other.parents or other in path.parents:
                raise NotWithinError("arguments overlap")


def _check_conftests(
    config: pytest.Config, before: Sequence[str], arguments: Sequence[str]
) -> None:
    """Whether no conftest would be loaded before the session starts that can tell.

    :param before: the session's arguments
    :raises NotWithinError: one would
    """
    there = private.initial_conftests(config, before)
    for path in sorted(private.initial_conftests(config, arguments) - there):
        name = private.name_in_session(config, path)
        conftest: Any = config.pluginmanager.get_plugin(str(path))
        if conftest is None:
            raise NotWithinError(f"{name} is not loaded with the whole project")
        callers = config.pluginmanager.get_hookcallers(conftest) or ()
        hooks = sorted(EARLY.intersection(caller.name for caller in callers))
        if hooks:
            raise NotWithinError(f"{name} has a {hooks[0]}")

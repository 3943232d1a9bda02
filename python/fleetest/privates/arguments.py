"""pytest's privates that have to do with its arguments: what they name, and selecting within what was collected."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _pytest.config.findpaths
import _pytest.main
import _pytest.pathlib
import _pytest.python
import pytest

from fleetest.pytest_version import pytest_version

if TYPE_CHECKING:
    from collections.abc import Sequence


class _CollectionHooks:
    """Those that are called while tests are collected: nobody's, as it was done before."""

    def __init__(self, reports: list[pytest.CollectReport]) -> None:
        self._reports = reports

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember it."""
        self._reports.append(report)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """They know it."""


class Arguments:
    """The privates of pytest that have to do with its arguments, from 7.4 on."""

    # ---- what they name ----

    def set_arguments(self, config: pytest.Config, arguments: list[str]) -> None:
        """Have been given these files, folders and ids."""
        changed: Any = config
        changed.args = list(arguments)
        changed.args_source = type(config.args_source).ARGS
        for namespace in (config.option, config.known_args_namespace):
            namespace.file_or_dir = list(arguments)

    def lines_of_header(self, config: pytest.Config, lines: Any) -> Any:
        """The reporter's own lines of the header, without that of folders which are not what was asked for."""
        source = config.args_source
        if not isinstance(lines, list) or source is type(source).TESTPATHS:
            return lines
        return [line for line in lines if not line.startswith("testpaths: ")]

    def place_of(self, config: pytest.Config, values: dict[str, Any]) -> tuple[Path, Path | None]:
        """The root folder and the ini file that a command line leads to, since pytest 8.

        :param values: what its options are, by destination
        """
        wanted = {
            "inifile": values["inifilename"],
            "override_ini": values["override_ini"],
            "args": values["file_or_dir"],
            "rootdir_cmd_arg": values["rootdir"] or None,
            "invocation_dir": config.invocation_params.dir,
        }
        determine: Any = _pytest.config.findpaths.determine_setup
        names = inspect.signature(determine).parameters
        found = determine(**{name: wanted[name] for name in names})
        return found[0], found[1]

    def initial_parts(self, session: pytest.Session) -> list[Any]:
        """What the session makes of its arguments, as ``Session.perform_collect`` does."""
        config: Any = session.config
        main: Any = _pytest.main
        folder, in_packages = config.invocation_params.dir, config.option.pyargs
        if not hasattr(main, "normalize_collection_arguments"):  # since pytest 9
            resolve = main.resolve_collection_argument
            return [resolve(folder, each, as_pypath=in_packages) for each in config.args]
        parts = [
            main.resolve_collection_argument(
                folder,
                each,
                number,
                as_pypath=in_packages,
                consider_namespace_packages=config.getini("consider_namespace_packages"),
            )
            for number, each in enumerate(config.args)
        ]
        if config.getoption("keepduplicates"):
            return parts
        normal: list[Any] = main.normalize_collection_arguments(parts)
        return normal

    def present_parts(self, session: pytest.Session) -> list[Any]:
        """What it has made of them."""
        parts: list[Any] = session._initial_parts
        return parts

    def set_present_parts(self, session: pytest.Session, parts: list[Any]) -> None:
        """Have the session look for these."""
        session._initial_parts = parts

    def without_names(self, parts: Sequence[Any]) -> list[Any]:
        """For each file of these one that has a name which nothing has."""
        nothing = ["\0"]
        found: dict[Path, Any] = {}
        for part in parts:
            if isinstance(part, tuple):  # until pytest 8.1
                found.setdefault(part[0], (part[0], nothing))
                continue
            changes: dict[str, Any] = {"parts": nothing}
            if hasattr(part, "parametrization"):  # since pytest 9
                changes["parametrization"] = None
            found.setdefault(part.path, dataclasses.replace(part, **changes))
        return [*found.values()]

    def take_not_found(self, session: pytest.Session) -> list[tuple[str, Sequence[Any]]]:
        """The arguments for which there was nothing, and where it was looked; they are forgotten."""
        found = [*session._notfound]
        session._notfound.clear()
        return found

    def hooks_of_each_argument(self) -> tuple[str, ...]:
        """Hooks that are called for a file's packages as often as an argument names the file."""
        if pytest_version() >= (8, 0):
            return ()
        return "pytest_collect_file", "pytest_ignore_collect", "pytest_pycollect_makemodule"

    # ---- selecting within what was collected, since pytest 8 ----

    def can_select_again(self) -> bool:
        """Whether a session that has collected can look for other arguments in what it has."""
        return pytest_version() >= (8, 0)

    def path_of(self, part: Any) -> Path:
        """Where an argument leads to."""
        path: Path = part[0] if isinstance(part, tuple) else part.path  # until pytest 8.1
        return path

    def names_of(self, part: Any) -> Sequence[str]:
        """What is looked for there."""
        names: Sequence[str] = part[1] if isinstance(part, tuple) else part.parts
        return names

    def is_test_file(self, config: pytest.Config, path: Path) -> bool:
        """Whether the file is collected by its name, and not only if it is an argument."""
        patterns = config.getini("python_files")
        named = any(_pytest.pathlib.fnmatch_ex(pattern, path) for pattern in patterns)
        return path.suffix == ".py" and named

    def name_in_session(self, config: pytest.Config, path: Path) -> str:
        """A path as it is shown to people."""
        return _pytest.pathlib.bestrelpath(config.invocation_params.dir, path)

    def initial_conftests(self, config: pytest.Config, arguments: Sequence[str]) -> set[Path]:
        """The conftests that are loaded before the session starts, as ``_set_initial_conftests`` does."""
        manager: Any = config.pluginmanager
        if manager._noconftest:
            return set()
        folder = config.invocation_params.dir
        named = [_pytest.pathlib.absolutepath(folder / each.split("::")[0]) for each in arguments]
        anchors = [path for path in named if _pytest.pathlib.safe_exists(path)] or [folder]
        for anchor in [*anchors]:
            if anchor.is_dir():
                anchors.extend(path for path in anchor.glob("test*") if path.is_dir())
        folders = {path if path.is_dir() else path.parent for path in anchors}
        folders |= {parent for path in folders for parent in path.parents}
        files = [path / "conftest.py" for path in folders if manager._is_in_confcutdir(path)]
        return {path for path in files if path.is_file()}

    def collect_again(self, session: Any) -> tuple[list[pytest.Item], list[pytest.CollectReport]]:
        """What :func:`Session.perform_collect` comes to with other parts, from what was collected.

        :returns: the tests, and what would be reported
        :raises LookupError: something was not collected
        """
        known: dict[Any, Any] = session._collection_cache
        roots: dict[Path, list[Any]] = {}
        for node in known:
            top = node.listchain()[1]
            if top not in roots.setdefault(top.path, []):
                roots[top.path].append(top)
        seen = set()
        reports: list[pytest.CollectReport] = []

        def collect_path(path: Path, path_cache: Any) -> Sequence[Any]:
            if path not in roots:
                raise LookupError(str(path))
            return roots[path]

        def collect_one_node(node: Any, handle_dupes: bool = True) -> tuple[Any, bool]:
            if node not in known:
                raise LookupError(node.nodeid)
            is_duplicate = handle_dupes and node in seen
            seen.add(node)
            return known[node], is_duplicate

        before = dict(vars(session))
        session._collect_path, session._collect_one_node = collect_path, collect_one_node
        hooks = _CollectionHooks(reports)
        session.gethookproxy = lambda _: hooks
        try:
            result = [*session.collect()]
            reports.append(pytest.CollectReport(session.nodeid, "passed", None, result))
            items = [item for node in result for item in session.genitems(node)]
        finally:
            for name in ("_collect_path", "_collect_one_node", "gethookproxy"):
                del vars(session)[name]
                if name in before:
                    vars(session)[name] = before[name]
        return items, reports

    def set_collected(self, session: Any, parts: list[Any], items: list[pytest.Item]) -> None:
        """Have the session have these arguments, and be about to tell everybody of these tests."""
        paths = [self.path_of(part) for part in parts]
        session._initial_parts = parts
        session._initialpaths = frozenset(paths)
        above = [parent for path in paths for parent in path.parents]
        session._initialpaths_with_parents = frozenset([*paths, *above])
        session.items[:] = items

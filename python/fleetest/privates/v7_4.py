"""pytest 7.4, and what has not changed since."""

from __future__ import annotations

import argparse
import contextlib
import copy
import fnmatch
import functools
import importlib
import io
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import _pytest._io
import _pytest.assertion.rewrite
import _pytest.cacheprovider
import _pytest.config.findpaths
import _pytest.debugging
import _pytest.doctest
import _pytest.faulthandler
import _pytest.fixtures
import _pytest.junitxml
import _pytest.main
import _pytest.mark.structures
import _pytest.pathlib
import _pytest.terminal
import _pytest.tmpdir
import pluggy
import pytest
from _pytest._code.code import ExceptionChainRepr, ReprTracebackNative
from _pytest.config import (
    builtin_plugins,
    create_terminal_writer,
    default_plugins,
    get_config,
)

from fleetest.privates.arguments import Arguments
from fleetest.pytest_version import pytest_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Pytest74(Arguments):
    """The privates of pytest 7.4 under names of our own.  One object, without state."""

    # ---- plugins ----

    def import_own_plugins(self) -> None:
        """Import the plugins that pytest itself brings, as each session does that does not block them."""
        for name in default_plugins:
            importlib.import_module(f"_pytest.{name}")

    def prepare_base_temp(self) -> None:
        """Have what pytest needs for the folder for temporary files, which a run with workers makes at once."""
        for name in ("getpass", "pwd"):
            importlib.import_module(name)
        re.compile(fnmatch.translate("garbage-*"))  # it is kept, and looks for what older ones left

    def is_own_plugin(self, name: str) -> bool:
        """Whether pytest itself brings the plugin of this name."""
        return name in builtin_plugins

    def plugin_arguments(self, args: Sequence[str]) -> list[str]:
        """What the ``-p`` of a command line name, as the plugin manager finds them."""
        found = []
        rest = iter(args)
        for argument in rest:
            if argument == "-p":
                found.append(next(rest, "").strip())
            elif argument.startswith("-p"):
                found.append(argument[2:].strip())
        return found

    def keep_rewrite_hook(self, hook: Any) -> None:
        """Have the next session that rewrites assertions do so with this import hook.

        It is the loader of modules that are imported, and knows which others are to be rewritten.
        """
        rewrite: Any = _pytest.assertion.rewrite
        cls = rewrite.AssertionRewritingHook
        known = frozenset(hook._must_rewrite)

        def mark_rewrite(*names: str) -> None:
            # Those that were marked in time are imported by now, which is no reason for a warning.
            cls.mark_rewrite(hook, *(name for name in names if name not in known))

        hook.mark_rewrite = mark_rewrite

        def install_again(config: pytest.Config) -> Any:
            rewrite.AssertionRewritingHook = cls
            kept = ("_must_rewrite", "_rewritten_names")
            vars(hook).update({k: v for k, v in vars(cls(config)).items() if k not in kept})
            return hook

        rewrite.AssertionRewritingHook = install_again

    # ---- configuration ----

    def new_config(self, args: Sequence[str]) -> pytest.Config:
        """A configuration with pytest's own plugins, for which nothing was parsed yet."""
        return get_config(list(args))

    def set_version_variable(self) -> None:
        """Have the variable by which plugins see that pytest runs; its console script sets it since 8.2."""
        if pytest_version() >= (8, 2):
            os.environ["PYTEST_VERSION"] = pytest.__version__

    def before_import_filters(
        self, config: pytest.Config, action: Callable[[list[str]], None]
    ) -> None:
        """Call `action` with the filters of warnings that pytest applies while plugins are imported.

        It does so since 9.2, and imports the categories that they name.
        """
        original = getattr(config, "_capture_plugin_import_warnings", None)
        if original is None:
            return

        def capture() -> Any:
            action(self.import_filters(config))
            return original()

        changed: Any = config
        changed._capture_plugin_import_warnings = capture

    def import_filters(self, config: pytest.Config) -> list[str]:
        """These filters: those of the ini file, then those of the command line."""
        if not hasattr(config, "_capture_plugin_import_warnings"):
            return []
        if config.pluginmanager.is_blocked("warnings"):
            return []
        return [
            *config.getini("filterwarnings"),
            *(config.known_args_namespace.pythonwarnings or ()),
        ]

    def parse_known(
        self, config: pytest.Config, args: Sequence[str]
    ) -> tuple[dict[str, Any], list[str]]:
        """What the options that are declared so far are given, by destination; what is none of them."""
        defaults = copy.copy(config.option)
        known, unknown = config._parser.parse_known_and_unknown_args(list(args), defaults)
        return vars(known), unknown

    def parse_all(self, config: pytest.Config, args: Sequence[str]) -> dict[str, Any]:
        """What the options are by this command line alone, by destination.

        :param args: with what the environment and the ini file add to it
        """
        found = config._parser.parse_known_and_unknown_args(list(args), argparse.Namespace())[0]
        return vars(found)

    def set_command_line(self, config: pytest.Config, args: Sequence[str]) -> None:
        """Have been given these arguments."""
        was = config.invocation_params
        changed: Any = config
        changed.invocation_params = type(was)(args=tuple(args), plugins=was.plugins, dir=was.dir)

    # ---- capture ----

    def capture_ends(self, config: pytest.Config) -> Iterator[tuple[int, Any]]:
        """The global capturing's parts: (0, 1 or 2, capture object); nothing with ``-s``."""
        manager = config.pluginmanager.getplugin("capturemanager")
        capturing = getattr(manager, "_global_capturing", None)
        for number, name in enumerate(("in_", "out", "err")):
            part = getattr(capturing, name, None)
            if part is not None:
                yield number, part

    def captures_descriptors(self, part: Any) -> bool:
        """Whether this part of the capturing redirects a file descriptor."""
        return hasattr(part, "targetfd_save")

    def is_capturing_now(self, part: Any) -> bool:
        """Whether the part is neither suspended nor done."""
        return bool(part._state == "started")

    # ---- terminal ----

    def terminal(self, config: pytest.Config) -> Any:
        """The terminal reporter, or None with ``-p no:terminal``."""
        return config.pluginmanager.getplugin("terminalreporter")

    def looks_at_former_runs(self, config: pytest.Config) -> bool:
        """Whether options have tests chosen or sorted by what was run before."""
        names = ("lf", "failedfirst", "newfirst", "stepwise")
        return any(getattr(config.option, name, False) for name in names)

    def has_own_reporter(self, config: pytest.Config) -> bool:
        """Whether the terminal reporter is pytest's own, or there is none, and nobody has put anything into it."""
        reporter = self.terminal(config)
        if reporter is None:
            return True
        parts = (
            (reporter, _pytest.terminal.TerminalReporter),
            (reporter._tw, _pytest._io.TerminalWriter),
            (reporter._tw._file, io.TextIOWrapper),
        )
        return all(
            type(part) is kind
            and not any(
                callable(getattr(kind, name, None)) for name in getattr(part, "__dict__", ())
            )
            for part, kind in parts
        )

    def writer(self, reporter: Any) -> Any:
        """The terminal reporter's writer."""
        return reporter._tw

    def writer_file(self, writer: Any) -> Any:
        """Where the writer writes to."""
        return writer._file

    def set_writer_file(self, writer: Any, file: Any) -> None:
        """Make the writer write to another file."""
        writer._file = file

    def current_line(self, writer: Any) -> str:
        """What the writer believes to be on the line of the cursor."""
        return str(writer._current_line)

    def set_current_line(self, writer: Any, line: str) -> None:
        """Tell the writer what is on the line of the cursor."""
        writer._current_line = line

    def hide_file_paths(self, reporter: Any) -> None:
        """Do not begin a line with the path of each file: results come from many at once."""
        reporter.showfspath = False

    def name_groups(self, reporter: Any, groups: dict[str, str]) -> None:
        """With -v end the lines of tests in ``@`` and the name of their group.

        :param groups: node id -> name
        """
        if not groups:
            return
        original = reporter._locationline

        def locationline(nodeid: Any, *location: Any) -> str:
            line: str = original(nodeid, *location)
            group = groups.get(str(nodeid))
            if group is None:
                return line
            name, arrow, path = line[:-1].partition(" <- ")
            return f"{name}@{group}{arrow}{path} "

        reporter._locationline = locationline

    def set_session(self, reporter: Any, session: pytest.Session) -> None:
        """Tell the reporter of the session, as its header does."""
        reporter._session = session

    def calls_header_hooks(self, reporter: Any) -> bool:
        """Whether the reporter asks for lines of the header."""
        return bool(reporter.showheader and not reporter.no_header)

    def header_arguments(self, config: pytest.Config, reporter: Any) -> dict[str, Any]:
        """What the reporter gives to the hooks that it asks for lines of the header."""
        folder = reporter.startpath
        arguments = {"config": config, "start_path": folder}
        if config.pluginmanager.hasplugin("legacypath"):
            arguments["startdir"] = _pytest.compat.legacy_path(folder)
        return arguments

    def reporter_settings(self, config: pytest.Config, reporter: Any) -> dict[str, Any]:
        """What the reporter takes over from the options when it is made."""
        fresh = create_terminal_writer(config, reporter._tw._file)
        settings = {
            "_tw.code_highlight": fresh.code_highlight,
            "reportchars": _pytest.terminal.getreportopt(config),
            "_show_progress_info": reporter._determine_show_progress_info(),
            "_showfspath": None,
        }
        if hasattr(reporter, "foldskipped"):
            settings["foldskipped"] = config.option.fold_skipped
        return settings

    def renew_reporter(self, reporter: Any, before: dict[str, Any], now: dict[str, Any]) -> None:
        """Have the reporter be as the options say now, where it was as they said before.

        :param before: its settings by the options of then, :meth:`reporter_settings`
        :param now: by those of now
        """
        for name, value in now.items():
            owner = reporter._tw if name.startswith("_tw.") else reporter
            attribute = name.rpartition(".")[2]
            if getattr(owner, attribute) == before[name]:
                setattr(owner, attribute, value)

    def set_interrupt_repr(self, reporter: Any, shown: Any) -> None:
        """Have the summary show this in place of the interrupt's own traceback."""
        reporter._keyboardinterrupt_memo = shown

    # ---- nodes ----

    def keywords(self, node: Any) -> dict[str, int]:
        """What a report of the node has as its keywords: ``{name: 1 for name in node.keywords}``."""
        return dict.fromkeys(node.keywords, 1)

    def rename_item(self, item: Any, nodeid: str, location: tuple[str, int | None, str]) -> None:
        """Give a collected test another node id and location."""
        if hasattr(item, "_id"):  # since 9.2
            item._id = type(item._id).parse(nodeid)
        else:
            item._nodeid = nodeid
        item.location = location

    def watch_keywords(self, session: pytest.Session, changed: set[Any]) -> None:
        """Gather the nodes of a session that are given a keyword or marker from now on.

        Those of sessions inside its tests are left alone, or they would never be freed.
        """

        def watched(original: Callable[..., None]) -> Callable[..., None]:
            def change(keywords: Any, *args: Any, **kwargs: Any) -> None:
                if keywords.node.session is session:
                    changed.add(keywords.node)
                original(keywords, *args, **kwargs)

            return change

        cls: Any = _pytest.mark.structures.NodeKeywords
        cls.__setitem__, cls.update = watched(cls.__setitem__), watched(cls.update)

    # ---- the session ----

    def session_outcome(self, session: pytest.Session) -> pytest.ExitCode:
        """The exit code of a session whose tests ran to the end, as in ``_pytest.main._main``."""
        if session.testsfailed:
            return pytest.ExitCode.TESTS_FAILED
        if session.testscollected == 0:
            return pytest.ExitCode.NO_TESTS_COLLECTED
        return pytest.ExitCode.OK

    def unconfigure(self, config: pytest.Config) -> None:
        """End the configuration: ``pytest_unconfigure`` and the clean-ups."""
        config._ensure_unconfigure()

    def cleanup_modules(self, config: pytest.Config) -> set[str]:
        """The modules of what is called when the configuration ends, but for hooks."""
        stack = getattr(config, "_cleanup_stack", None)  # since pytest 8.4
        functions = [stack.close] if stack is not None else config._cleanup  # type: ignore[attr-defined]
        return {module for function in functions for module in _modules_of(function)}

    def notify_exception(self, config: pytest.Config, excinfo: Any) -> None:
        """Report an INTERNALERROR."""
        config.notify_exception(excinfo, config.option)

    def raise_internal_error(self, excrepr: Any, text: str) -> None:
        """Make the representation of an INTERNALERROR show `text`."""
        if isinstance(excrepr, ExceptionChainRepr):
            native = ReprTracebackNative([text])
            excrepr.chain = [(native, excrepr.reprcrash, None)]
            excrepr.reprtraceback = native

    def distribution_facade(self, dist: Any) -> Any:
        """A distribution as the plugin manager lists it."""
        facade: Any = vars(pluggy._manager)["DistFacade"]
        return facade(dist)

    def show_group_first(self, parser: pytest.Parser, group: Any) -> None:
        """Make --help show an option group before pytest's own."""
        groups = parser._groups
        first = 1 if groups[0].name == "_anonymous" else 0
        groups.insert(first, groups.pop(groups.index(group)))
        shown = getattr(getattr(parser, "optparser", None), "_action_groups", None)
        if shown is not None:  # since pytest 9 argparse has the groups from the beginning
            shown.insert(first, shown.pop(shown.index(group._arggroup)))

    def set_program_name(self, parser: pytest.Parser, name: str) -> None:
        """The name in usage messages."""
        parser.prog = name
        optparser = getattr(parser, "optparser", None)
        if optparser is not None:
            optparser.prog = name

    # ---- the cache ----

    def cache_folder(self, config: pytest.Config) -> Path | None:
        """The folder that :func:`config.cache.mkdir("fleetest")` gives, also before there is a cache.

        None with ``-p no:cacheprovider``.
        """
        try:
            folder = _pytest.cacheprovider.Cache.cache_dir_from_config(config, _ispytest=True)
        except (KeyError, ValueError):
            return None
        return Path(folder) / "d" / "fleetest"

    def last_failed_file(self, config: pytest.Config) -> str:
        """The file of the cache that says which tests have failed last; empty with ``-p no:cacheprovider``."""
        folder = self.cache_folder(config)
        return "" if folder is None else str(folder.parent.parent / "v" / "cache" / "lastfailed")

    # ---- state that a run makes anew ----

    def renew_last_failed(self, config: pytest.Config, reports: Sequence[Any]) -> None:
        """Have the plugins of --ff, --nf and --stepwise know what the cache says now.

        With --lf that has decided what was collected, so it says what it said then.

        :param reports: those of what was collected since they were made
        """
        manager = config.pluginmanager
        last_failed: Any = manager.getplugin("lfplugin")
        if last_failed is not None and not config.getoption("lf"):
            last_failed.__init__(config)
            for report in reports:
                last_failed.pytest_collectreport(report)
        new_first: Any = manager.getplugin("nfplugin")
        if new_first is not None:
            new_first.__init__(config)
        stepwise: Any = manager.getplugin("stepwiseplugin")
        if stepwise is not None:
            session = stepwise.session
            stepwise.__init__(config)
            stepwise.pytest_sessionstart(session)

    def report_anew(
        self, config: pytest.Config, before: Sequence[Any], now: Sequence[pytest.CollectReport]
    ) -> None:
        """Have the reporters know of these reports of what was collected, in the place of those before."""
        kept = [id(report) for report in before]
        reporter = self.terminal(config)
        if reporter is not None:
            for category in ("error", "skipped"):
                found = [each for each in reporter.stats.pop(category, ()) if id(each) not in kept]
                found += [each for each in now if each.outcome == category]
                if found:
                    reporter._add_stats(category, found)
            tests = (isinstance(node, pytest.Item) for each in now for node in each.result)
            reporter._numcollected = sum(tests)
        xml = self.junit(config)
        if xml is not None:
            xml.node_reporters.clear()
            xml.node_reporters_ordered.clear()
            xml.stats = dict.fromkeys(xml.stats, 0)
            for report in now:
                xml.pytest_collectreport(report)

    def renew_junit(self, config: pytest.Config) -> None:
        """Have the JUnit report begin now."""
        xml = self.junit(config)
        if xml is not None:
            xml.pytest_sessionstart()

    # ---- state that a worker makes anew ----

    def base_temp(self, config: pytest.Config) -> Path | None:
        """The run's base temporary folder, made if need be; None with ``-p no:tmpdir``."""
        factory = getattr(config, "_tmp_path_factory", None)
        return None if factory is None else Path(factory.getbasetemp())

    def set_base_temp(self, config: pytest.Config, path: Path) -> None:
        """Make `path` the base temporary folder."""
        config.option.basetemp = str(path)
        factory = getattr(config, "_tmp_path_factory", None)
        if factory is not None:
            factory._given_basetemp = path
            factory._basetemp = None
            if hasattr(factory, "_exit_stack"):  # since 9.2; the clean-up of the run's folder
                factory._exit_stack = contextlib.ExitStack()

    def faulthandler_fd(self, config: pytest.Config) -> int | None:
        """The descriptor that faulthandler writes to."""
        key = _pytest.faulthandler.fault_handler_stderr_fd_key
        return config.stash.get(key, None)

    def log_file_handler(self, config: pytest.Config) -> Any:
        """The handler of ``--log-file``, or None."""
        plugin = config.pluginmanager.getplugin("logging-plugin")
        return getattr(plugin, "log_file_handler", None)

    def junit(self, config: pytest.Config) -> Any:
        """The JUnit reporter, or None."""
        return config.stash.get(_pytest.junitxml.xml_key, None)

    def new_junit(self, config: pytest.Config) -> Any:
        """The JUnit reporter that a worker's session is not given; None without ``--junitxml``."""
        path = getattr(config.option, "xmlpath", None)
        if not path:
            return None
        names = ("suite_name", "logging", "duration_report", "family", "log_passing_tests")
        settings = [config.getini(f"junit_{name}") for name in names]
        return _pytest.junitxml.LogXML(path, config.option.junitprefix, *settings)

    def set_junit(self, config: pytest.Config, xml: Any) -> None:
        """Put another object in the place of the JUnit reporter."""
        config.stash[_pytest.junitxml.xml_key] = xml

    # ---- the debugger ----

    def wrap_pdb(self, before: Callable[[], None]) -> None:
        """Call `before` whenever pytest is about to start pdb in this process."""
        cls: Any = _pytest.debugging.pytestPDB
        original = cls._init_pdb.__func__

        def init_pdb(cls: Any, method: str, *args: Any, **kwargs: Any) -> Any:
            before()
            return original(cls, method, *args, **kwargs)

        cls._init_pdb = classmethod(init_pdb)

    # ---- reports ----

    def pack_longrepr(self, longrepr: Any) -> list[Any] | None:
        """What pytest's own serialisation would reduce to its text, as plain data; else None."""
        if isinstance(longrepr, _pytest.fixtures.FixtureLookupErrorRepr):
            return [
                "fixture",
                str(longrepr.filename),
                longrepr.firstlineno,
                list(longrepr.tblines),
                longrepr.errorstring,
                longrepr.argname,
            ]
        if isinstance(longrepr, _pytest.doctest.ReprFailDoctest):
            return [
                "doctest",
                [
                    [[place.path, place.lineno, place.message], list(lines)]
                    for place, lines in longrepr.reprlocation_lines
                ],
            ]
        return None

    def unpack_longrepr(self, packed: list[Any]) -> Any:
        """The object that :meth:`pack_longrepr` was given."""
        from _pytest._code.code import ReprFileLocation

        kind, *rest = packed
        if kind == "fixture":
            return _pytest.fixtures.FixtureLookupErrorRepr(*rest)
        return _pytest.doctest.ReprFailDoctest(
            [(ReprFileLocation(*place), lines) for place, lines in rest[0]]
        )

    def orphaned_subtest(self, data: dict[str, Any]) -> Any:
        """The report of a subtest that was packed without the plugin of subtests; None: it is another.

        With ``-p no:subtests`` (pytest 9) unittest still makes them, and nobody could read them.
        """
        if data.get("$report_type") != "SubtestReport":
            return None
        fields = {name: value for name, value in data.items() if name != "$report_type"}
        return sys.modules["_pytest.subtests"].SubtestReport._from_json(fields)

    def restore_subtest(self, report: Any, data: dict[str, Any]) -> None:
        """Undo what a journey does to a subtest's report (pytest 9): its arguments become their repr.

        :param data: the report's serialised form
        """
        packed = data.get("_subtest.context")
        if type(report).__module__ != "_pytest.subtests" or not packed:
            return
        object.__setattr__(report.context, "kwargs", dict(packed["kwargs"]))

    def current_exception(self) -> Any:
        """The ExceptionInfo of the exception being handled."""
        return pytest.ExceptionInfo.from_exc_info(sys.exc_info())  # type: ignore[arg-type]


def _modules_of(function: Any) -> Iterator[str]:
    """Where a function comes from, or those that a stack calls."""
    stack = getattr(function, "__self__", None)
    if isinstance(stack, contextlib.ExitStack):
        for _, callback in stack._exit_callbacks:  # type: ignore[attr-defined]
            yield from _modules_of(getattr(callback, "__wrapped__", callback))
    elif isinstance(function, functools.partial):
        yield from _modules_of(function.func)
    else:
        yield str(getattr(function, "__module__", ""))

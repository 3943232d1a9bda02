"""Preparing a parked process for one kind of session: its plugins are imported, nothing else is done.

The process was forked off one that has imported pytest.  pytest's own code reads the configuration and
finds the plugins, in a session that is given up right before it would see code of a project.
"""

from __future__ import annotations

import importlib.metadata
import os
import signal
import sys
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from fleetest import _core, options, shim
from fleetest.by_id import files_of_values
from fleetest.console_script import pose
from fleetest.import_effects import ImportEffects, is_installed
from fleetest.looked_at import LookedAt
from fleetest.option_kinds import choices, configuration
from fleetest.plumbing import raise_fd
from fleetest.privates import private
from fleetest.recorded_variables import RecordedVariables
from fleetest.request import Request
from fleetest.well_formed import well_formed
from fleetest.whole import Whole, whole_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest


class _GiveUp(BaseException):
    """The session has come as far as it shall."""


class Preparation:
    """One session on its way to its plugins, in a process of its own."""

    def __init__(self, fds: list[int], changes: dict[bytes, bytes | None]) -> None:
        """Read the request.

        :param fds: the request, and the socket to the daemon
        :param changes: what the interpreter has set in the environment, or deleted (None)
        """
        _core.die_with_parent(signal.SIGKILL)
        self._request = Request.read(fds[0])
        self.channel = _core.Channel(raise_fd(fds[1]))
        self._looked = LookedAt()
        self.effects = ImportEffects()
        self.variables: list[bytes] = []
        """Names of those that were read."""
        self.changes = changes
        """With what plugins have set in the environment, or deleted."""
        self.folders: list[str] = []
        """Where the modules of the project are looked for, before those of plugins."""

    def run(self) -> None:
        """Import the plugins; ends the process if there are none, or if the daemon does not need it."""
        request = self._request
        os.umask(request.umask)
        request.apply_variables(self.changes)
        pose(request.command, request.arguments)
        private.set_version_variable()
        self._looked.start()
        self._recorded = RecordedVariables.start()
        try:
            os.chdir(request.folder)
            config = private.new_config(request.arguments)
            private.before_import_filters(config, self._check_filters)
            manager: Any = config.pluginmanager
            manager.register(_Declarations())
            self._stop_at_plugins(config)
            manager.hook.pytest_cmdline_parse(pluginmanager=manager, args=list(request.arguments))
        except _GiveUp:
            private.unconfigure(config)
        except BaseException as error:  # noqa: BLE001 (a run will come to the same, and tell the user)
            sys.stderr.write(f"nothing to prepare for: {type(error).__name__}: {error}\n")
            self._leave()
        os.chdir("/")

    def _leave(self) -> NoReturn:
        """There is nothing to prepare: the session does not get to its plugins, or has none."""
        self._tell("", "", "", [], Whole())
        os._exit(0)

    def _check_filters(self, filters: list[str]) -> None:
        """Go no further if pytest is about to import modules of the project for them."""
        categories = (text.split(":")[2].strip() for text in filters if text.count(":") > 1)
        if any("." in name and not is_installed(name) for name in categories):
            self._leave()

    def _tell(
        self, plugins: str, kind: str, label: str, options: list[bytes], whole: Whole
    ) -> None:
        """Say what the session is like, and what that was read from.

        :param plugins: the same for all sessions that import the same plugins in the same way
        :param kind: the same for all sessions of the same configuration
        :param label: of the configuration, for people
        :param options: what those are that are no part of it
        :param whole: the session that it may select within
        """
        keys = [plugins.encode("utf-8", "surrogateescape"), kind.encode("utf-8", "surrogateescape")]
        read = [*self._looked.stop(), self._recorded.asked()]
        wide = [
            whole.kind.encode("utf-8", "surrogateescape"),
            [*map(os.fsencode, whole.arguments)],
            well_formed(whole.why_not),
        ]
        self.channel.send(
            _core.MSG_CONFIGURED, [os.getpid(), *keys, well_formed(label), *read, options, *wide]
        )

    # ---- the session ----

    def _stop_at_plugins(self, config: pytest.Config) -> None:
        """Have the session import its plugins in our way, and be given up then."""
        manager: Any = config.pluginmanager
        consider = manager.consider_preparse

        def consider_preparse(args: Sequence[str], *, exclude_only: bool = False) -> None:
            if exclude_only:
                consider(args, exclude_only=True)
                return
            manager.consider_preparse = consider
            found = _Session(config, args)
            keys = found.keys(self._request)
            self._tell(*keys)
            if not keys[0]:
                os._exit(0)
            answer = _core.receive_fds(self.channel.fileno())
            if answer is None or answer[0] != _core.MSG_IMPORT:
                os._exit(0)
            self._import(found)
            raise _GiveUp

        manager.consider_preparse = consider_preparse

    def _import(self, found: _Session) -> None:
        before = self._recorded.asked()
        self._recorded.forget_changes()
        self.effects.start()
        try:
            found.import_plugins(self.effects)
        except BaseException as error:  # noqa: BLE001 (it is the plugins')
            self.effects.bar(f"importing plugins failed with {type(error).__name__}")
        finally:
            self.effects.stop()
            changes = self._recorded.changes()
            self.variables = self._recorded.stop()
            self.effects.saw_variables(self.variables, changes, before)
            self.changes = {**self.changes, **changes}
            self.folders = found.python_path
            found.keep_hook(self.effects)
            if found.first_left:
                sys.stderr.write(f"plugins are imported up to the project's {found.first_left}\n")


class _Session:
    """A session that is about to import its plugins."""

    def __init__(self, config: pytest.Config, args: Sequence[str]) -> None:
        """Look at what pytest has found.

        :param args: the command line, with what is added to it by the environment and the ini file
        """
        self._config = config
        self._args = args
        self._manager: Any = config.pluginmanager
        known = config.known_args_namespace
        self._autoload = not os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") and not getattr(
            known, "disable_plugin_autoload", False
        )
        named = [name for name in private.plugin_arguments(args) if not name.startswith("no:")]
        self._named = [*named, *os.environ.get("PYTEST_PLUGINS", "").split(",")]
        self.first_left = ""
        """The first plugin that is not imported since it is a part of a project."""
        self.python_path = [str(path) for path in config.getini("pythonpath")]

    def has_plugins(self) -> bool:
        """Whether it would import any."""
        return any(self._named) or (self._autoload and any(True for _ in self._entry_points()))

    def _entry_points(self) -> Iterator[importlib.metadata.EntryPoint]:
        """Those of plugins that are loaded without being named."""
        manager = self._manager
        for distribution in importlib.metadata.distributions():
            for entry in distribution.entry_points:
                if entry.group != "pytest11" or entry.value.startswith("fleetest."):
                    continue
                if not manager.get_plugin(entry.name) and not manager.is_blocked(entry.name):
                    yield entry

    def keys(self, request: Request) -> tuple[str, str, str, list[bytes], Whole]:
        """What tells its plugins, and its configuration, from those of other sessions.

        :returns: also a label of the latter, what the other options are, and what it may select within
        """
        config, known = self._config, self._config.known_args_namespace
        plugins = (
            *(request.folder, request.umask, request.command, sys.path),
            *(private.plugin_arguments(self._args), os.environ.get("PYTEST_PLUGINS")),
            *(self._autoload, getattr(known, "assertmode", "")),
            config.getini("python_files"),
            config.getini("enable_assertion_pass_hook"),
            private.import_filters(config),
        )
        defaults = vars(config.option)
        values, unknown = private.parse_known(config, self._args)
        chosen = configuration(values, defaults)
        given = chosen.pop("file_or_dir", [])

        def kind(found: dict[str, Any]) -> str:
            files = files_of_values(found, unknown, os.getcwd()) or found.get("file_or_dir", [])
            return repr(
                (plugins, config.rootpath, config.inipath, sorted(chosen.items()), unknown, files)
            )

        whole = whole_of(config, self._args, request.arguments)
        if whole.values:
            whole = replace(whole, kind=kind(whole.values))
        label = f"{config.rootpath}"
        if given:
            label += ": " + " ".join(given)
        if chosen:
            label += f" ({', '.join(chosen)})"
        key = repr(plugins) if self.has_plugins() else ""
        return key, kind(values), label, choices(values), whole

    def import_plugins(self, effects: ImportEffects) -> None:
        """Import them as pytest does, but call none of their hooks.

        The first that is a part of a project, and what comes after it, is left to each run.
        """
        manager = self._manager
        load, import_plugin = importlib.metadata.EntryPoint.load, manager.import_plugin

        def load_if_installed(entry: importlib.metadata.EntryPoint) -> Any:
            if entry.group == "pytest11":
                self._check(entry.value.partition(":")[0].strip(), entry.name)
            return load(entry)

        def import_if_installed(modname: str, consider_entry_points: bool = False) -> None:
            if not any(entry.name == modname for entry in self._entry_points()):
                self._check(modname, modname)
            import_plugin(modname, consider_entry_points=consider_entry_points)

        def register(plugin: Any, name: str | None = None) -> str | None:
            manager._name2plugin[name] = plugin
            if isinstance(plugin, ModuleType):
                manager.consider_module(plugin)
            return name

        self._config.issue_config_time_warning = lambda *_, **__: effects.bar(  # type: ignore[method-assign]
            "pytest warns of the import of plugins"
        )
        path = list(sys.path)
        entry_point: Any = importlib.metadata.EntryPoint
        entry_point.load = load_if_installed
        manager.import_plugin, manager.register = import_if_installed, register
        try:
            manager.consider_preparse(self._args)
            if self._autoload:
                manager.load_setuptools_entrypoints("pytest11")
            manager.consider_env()
        except _GiveUp:
            pass
        finally:
            entry_point.load = load
        if self.python_path and sys.path != path:
            effects.bar("plugins change the path of modules when they are imported")

    def _check(self, module: str, name: str) -> None:
        if not private.is_own_plugin(module) and not is_installed(module):
            self.first_left = name
            raise _GiveUp

    def keep_hook(self, effects: ImportEffects) -> None:
        """Have the next session go on with the import hook, which the plugins' modules know."""
        hook = self._manager.rewrite_hook
        if hook not in sys.meta_path:
            return
        if sys.meta_path[0] is not hook:
            effects.bar("plugins change how modules are found when they are imported")
        private.keep_rewrite_hook(hook)


class _Declarations:
    """What fleetest brings into the session before its plugins are imported."""

    def pytest_addoption(
        self, parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager
    ) -> None:
        """Declare the options, and answer for xdist."""
        pluginmanager.register(
            object(), options.PLUGIN
        )  # or the answer for xdist declares them, too
        options.declare_ini(parser)
        options.declare_options(parser, client=True)
        shim.install(pluginmanager)

"""What a session does before its tests that a worker cannot share: asking for its role or identity,
and leaving something behind outside.

Watched from before pytest's plugins are imported to the fork.  Only what the project and unknown plugins do
counts; plugins that are known to work in a forked worker are in :mod:`fleetest.carry`.
"""

from __future__ import annotations

import fnmatch
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from fleetest import _core, carry, listening, recorded_variables
from fleetest.lookalike import stand_in
from fleetest.process import children, descriptors
from fleetest.stages import Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from types import FrameType

    import pytest

    from fleetest.parking import Parked
    from fleetest.recorded_variables import RecordedVariables
    from fleetest.standby import Standby

ROLE_VARIABLES = (b"PYTEST_XDIST_WORKER", b"PYTEST_XDIST_WORKER_COUNT", b"PYTEST_XDIST_TESTRUNUID")
ROLE_ATTRIBUTES = ("workerinput", "workeroutput", "slaveinput", "slaveoutput")
ROLE_OPTIONS = ("numprocesses", "maxprocesses", "dist", "tx")
OF_WORKERS = frozenset({"dsession", "terminaldistreporter"})
"""Plugins that only a session with workers has."""
DECIDE_WORKERS = ("numprocesses", "dist", "tx", "collectonly")
"""Options that decide whether it has."""

BOUND_TO_PROCESS = frozenset({"filelock"})
"""Packages whose objects refuse to be used in another process than they were made in."""

ASK_FOR_OTHERS = {
    "os.getpid": ("process.py",),
    "os.urandom": ("uuid.py", "secrets.py", "random.py"),
}
"""Modules of the library by which a project asks."""

FOR_RUNS = (
    *("os.fstat", "threading.get_native_id"),
    *("time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns"),
    *("time.process_time", "time.process_time_ns", "time.thread_time", "time.thread_time_ns"),
    *("time.clock_gettime", "time.clock_gettime_ns", "os.times"),
)
"""What counts only for other runs, and if the project asks for it itself."""

DRAWS = frozenset({"os.getrandom"})
"""Likewise, but one other run may have what was answered."""

NOT_THE_PROJECTS = ("__pycache__", ".pytest_cache", ".hypothesis", ".coverage")
"""Parts of paths that tools write, whose every session may write them too."""


_LISTENERS = (
    __file__,
    recorded_variables.__file__,
    listening.__file__,
    *(
        os.path.join(os.path.dirname(__file__), name)
        for name in ("trial.py", "rewinding.py", "restraint.py")
    ),
)
"""Modules that are called instead of what is watched."""

LIBRARY = os.path.dirname(os.__file__) + os.sep
"""Where the standard library is."""


def is_installed_file(name: str) -> bool:
    """Whether a file is that of an installed package."""
    return f"{os.sep}site-packages{os.sep}" in name or f"{os.sep}dist-packages{os.sep}" in name


def root(module: str) -> str:
    """The folder of a module or package, with a separator behind."""
    found = sys.modules.get(module)
    return os.path.dirname(getattr(found, "__file__", None) or "/nowhere/x") + os.sep


def tools() -> tuple[str, ...]:
    """Where pytest is, and what calls its hooks."""
    return root("pytest"), root("_pytest"), root("pluggy")


@dataclass(frozen=True)
class Finding:
    """Something that a session did which not everybody can share."""

    stage: Stage
    """What the session was doing."""
    what: str
    """For people: ``conftest.py:12 asked for PYTEST_XDIST_WORKER``."""
    role: bool
    """Only workers cannot share it: controllers have the same role."""


class Watcher:
    """Knows the first thing that a session did which its workers cannot share."""

    def __init__(self, *, thorough: bool = False, options: Collection[str] = ()) -> None:
        """Have seen nothing.

        :param thorough: go on after the first thing
        :param options: also see who reads these
        """
        self.options_read: set[str] = set()
        """Those of them that somebody has read."""
        self.command_line_read = False
        """Somebody has looked at the arguments."""
        self._options = options
        self.found: list[Finding] = []
        """All such things; only the first unless it is thorough."""
        self.found_for_runs: list[str] = []
        """What only other runs cannot share, if it is thorough."""
        self.drawn: list[str] = []
        """What one other run can have, and not two, likewise: random numbers."""
        self._thorough = thorough
        self.stage = Stage.PLUGINS
        """What the session is doing."""
        self.reason = ""
        """For the header: ``conftest.py:12 asked for PYTEST_XDIST_WORKER``; empty: nothing."""
        self.reason_stage = Stage.CONFIGURATION
        """What the session was doing when it did that."""
        self._made: dict[str, str] = {}
        self._undo: list[Callable[[], object]] = []
        """What ends the watch; empty while there is none."""

    # ---- beginning and end ----

    def start(self, config: pytest.Config, variables: RecordedVariables | None = None) -> None:
        """Begin to watch what the session of this configuration does.

        :param variables: what stands for the environment already, and tells by :meth:`asked`
        """
        self._tools = tools()
        self._own = root("fleetest")
        self._config = config
        self._outside = self._caller_of_pytest()
        self._targets = {_target(fd) for fd in descriptors()}
        if variables is None:
            self._watch_variables()
        members: dict[str, Any] = {"__getattr__": self._missing(type(config).__name__)}
        options: dict[str, Any] = {name: self._option(name, self.asked) for name in ROLE_OPTIONS}
        if self._options:
            for name in ("args", "invocation_params"):
                members[name] = self._property(name, self.saw_command_line)
            options = {
                "file_or_dir": self._property("file_or_dir", self.saw_command_line),
                **{name: self._option(name, self._read_option) for name in self._options},
                **options,
                "__dict__": property(self._all_options),
            }
            self._watch_plugins(config)
        self._watch_class(config, members)
        self._watch_class(config.option, options)
        if self._thorough:
            self._watch_fork_handlers()
        _core.watch(self._happened, False, self._thorough)
        self._undo.append(lambda: _core.watch(None))

    def know(self, fd: int) -> None:
        """What is behind a descriptor is not the project's."""
        self._targets.add(_target(fd))

    def stop(self) -> None:
        """Everything is as it was."""
        while self._undo:
            self._undo.pop()()
        self._outside = None

    def _caller_of_pytest(self) -> FrameType | None:
        """The frame that this session was begun from; it and those around it are not the session."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and self._is_machinery(frame.f_code.co_filename):
            frame = frame.f_back
        return frame

    def _is_machinery(self, name: str) -> bool:
        return name.startswith((*self._tools, self._own, LIBRARY, "<frozen "))

    def _watch_variables(self) -> None:
        environ: Any = os.environ
        data = environ._data
        environ._data = _WatchedVariables(self, data)

        def undo() -> None:
            data.clear()
            data.update(environ._data)
            environ._data = data

        self._undo.append(undo)

    def _watch_fork_handlers(self) -> None:
        """Those of the project would be called once more, when a run is forked."""
        register = os.register_at_fork

        def register_at_fork(**handlers: Any) -> None:
            frame, in_project = self._asker()
            if frame is not None and in_project:
                self._bar_runs(f"{self._place(frame)} has a function called at forks")
            register(**handlers)

        os.register_at_fork = register_at_fork

        def undo() -> None:
            if os.register_at_fork is register_at_fork:
                os.register_at_fork = register

        self._undo.append(undo)

    def _watch_plugins(self, config: pytest.Config) -> None:
        """See who looks whether the session has workers."""
        manager: Any = config.pluginmanager
        get_plugin = manager.get_plugin

        def get_watched(name: str) -> Any:
            if name in OF_WORKERS and self._undo and self._asker()[0] is not None:
                self.options_read.update(DECIDE_WORKERS)
            return get_plugin(name)

        manager.get_plugin = get_watched
        self._undo.append(lambda: vars(manager).pop("get_plugin", None))

    def _watch_class(self, watched: Any, members: dict[str, Any]) -> None:
        """Give an object a class with these members in addition, which goes by the same name."""
        cls = type(watched)
        watched.__class__ = watching = stand_in((cls.__module__, cls.__qualname__), cls, members)

        def undo() -> None:
            # pytest keeps a copy of the options.
            for each in (watched, getattr(self._config, "known_args_namespace", None)):
                if type(each) is watching:
                    each.__class__ = cls

        self._undo.append(undo)

    def _missing(self, class_name: str) -> Callable[[Any, str], Any]:
        """A ``__getattr__`` that tells who asks for the role's attributes."""

        def missing(config: Any, name: str) -> Any:
            if name in ROLE_ATTRIBUTES:
                self.asked(f"config.{name}")
            raise AttributeError(f"{class_name!r} object has no attribute {name!r}")

        return missing

    def _option(self, name: str, tell: Callable[[str], None]) -> property:
        """A property that tells who asks for an option, and is otherwise a plain attribute."""
        return self._property(name, lambda: tell(f"the option {name}"))

    def _property(self, name: str, tell: Callable[[], None]) -> property:
        def read(owner: Any) -> Any:
            tell()
            try:
                return _members(owner)[name]
            except KeyError:
                raise AttributeError(name) from None

        def write(owner: Any, value: Any) -> None:
            self._write_option(name)
            _members(owner)[name] = value

        return property(read, write)

    # ---- what happens ----

    def asked(self, what: str) -> None:
        """Somebody asked for the role."""
        if self._undo and not self._is_done():
            frame, _ = self._asker()
            if frame is not None and not carry.is_known(frame.f_globals.get("__name__", "")):
                self.bar(f"{self._place(frame)} asked for {what}", role=True)

    def _read_option(self, what: str) -> None:
        if self._undo and self._asker()[0] is not None:
            self.options_read.add(what.rpartition(" ")[2])

    def _write_option(self, name: str) -> None:
        if self._undo and name in self._options:
            frame, _ = self._asker()
            if frame is not None:
                self._bar_runs(f"{self._place(frame)} sets the option {name}")

    def _all_options(self, options: Any) -> Any:
        """The attribute ``__dict__`` of the options, by which somebody may read or write them all."""
        if self._undo and self._asker()[0] is not None:
            self.options_read.update(self._options)
            self.command_line_read = True  # the arguments are among them
        return _members(options)

    def saw_command_line(self) -> None:
        """Somebody looked at the arguments."""
        if self._undo and self._asker()[0] is not None:
            self.command_line_read = True

    def _is_done(self) -> bool:
        return bool(self.reason) and not self._thorough

    def _bar_runs(self, reason: str) -> None:
        """No other run can share what the session has done, for this reason."""
        if self._thorough and reason not in self.found_for_runs:
            self.found_for_runs.append(reason)

    def saw_draw(self, reason: str) -> None:
        """No two runs can share what the session has done, for this reason."""
        if self._thorough and reason not in self.drawn:
            self.drawn.append(reason)

    def bar(self, reason: str, *, role: bool = False) -> None:
        """Nobody can share what the session has done by now, for this reason; if it is empty they can.

        :param role: only workers cannot
        """
        if not reason or self._is_done():
            return
        if not self.reason:
            self.reason, self.reason_stage = reason, self.stage
        finding = Finding(self.stage, reason, role)
        if finding not in self.found:
            self.found.append(finding)

    def _happened(self, event: str, detail: Any) -> None:
        if self._is_done():
            return
        frame, in_project = self._asker()
        if frame is None:
            return
        if event == "os.getpid" and _package(frame) in BOUND_TO_PROCESS:
            self.bar(f"{_package(frame)} made something that only one process may use")
        if not in_project:
            return
        if event in FOR_RUNS or event in DRAWS:
            if sys._getframe(1) is frame:  # else the library asks for its own purposes
                tell = self.saw_draw if event in DRAWS else self._bar_runs
                tell(f"{self._place(frame)} asked for {event}()")
        elif event in ASK_FOR_OTHERS:
            self._asked_for_identity(event, sys._getframe(1), frame)
        elif isinstance(detail, (str, bytes, os.PathLike)) and _is_a_sessions_own(frame):
            path = os.path.abspath(os.fsdecode(detail))
            if event == "open" and os.path.isdir(path):  # a file without a name in there
                return
            self._made.setdefault(path, self._place(frame))

    def _asked_for_identity(self, event: str, caller: FrameType, frame: FrameType) -> None:
        """The project, at `frame`, asked for what names a process; by way of `caller`."""
        via = os.path.basename(caller.f_code.co_filename)
        if caller is not frame and via not in ASK_FOR_OTHERS[event]:
            return  # the library's own business
        if event == "os.urandom" and self._is_test_module(frame):
            # Data of tests, as a rule, and often in their ids.
            self.saw_draw(f"{self._place(frame)} asked for {event}()")
            return
        self.bar(f"{self._place(frame)} asked for {event}()")

    def who(self) -> str:
        """The place of whoever did it; empty: pytest, fleetest or the library."""
        frame, _ = self._asker()
        return "" if frame is None else self._place(frame)

    def _asker(self) -> tuple[FrameType | None, bool]:
        """Who did it, and whether that is the project: pytest, fleetest and the library are nobody."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename in _LISTENERS:
            frame = frame.f_back
        while frame is not None and frame is not self._outside:
            name = frame.f_code.co_filename
            if name.startswith(self._own):
                return None, False
            if name.startswith(self._tools):
                pass
            elif is_installed_file(name):
                return frame, False
            elif name.startswith(LIBRARY):
                if frame.f_code.co_name == "<module>":
                    return None, False
            elif not name.startswith(("<frozen ", "<string>")):
                return frame, True
            frame = frame.f_back
        return None, False

    def _is_test_module(self, frame: FrameType) -> bool:
        name = os.path.basename(frame.f_code.co_filename)
        patterns = self._config.getini("python_files")
        return any(fnmatch.fnmatch(name, os.path.basename(pattern)) for pattern in patterns)

    def _place(self, frame: FrameType) -> str:
        path = Path(frame.f_code.co_filename)
        try:
            shown = path.relative_to(Path.cwd())
        except (ValueError, OSError):
            shown = path
        return f"{shown}:{frame.f_lineno}"

    # ---- what is left ----

    def look(self, open_files: set[int], own: Collection[Parked | Standby]) -> None:
        """See what is there outside that was not there before.

        :param open_files: descriptors of the project's that are open for writing
        :param own: processes of ours
        """
        if self._is_done():
            return
        for reason in self._left_behind(open_files, own):
            self.bar(reason)
            if not self._thorough:
                break

    def _left_behind(
        self, open_files: set[int], own: Collection[Parked | Standby]
    ) -> Iterator[str]:
        known = {process.pid for process in own}
        for child in children():
            if child not in known:
                yield f"process {child} was started"
        known = {process.fileno() for process in own}
        sockets = [fd for fd in descriptors() if fd not in known and _is_socket(fd)]
        if any(_target(fd) not in self._targets for fd in sockets):
            yield "a socket is open"
        for fd in sorted(open_files):
            if _target(fd) not in self._targets:
                yield f"{os.path.basename(_target(fd))} is open for writing"
        for path, place in self._made.items():
            if not any(part in path for part in NOT_THE_PROJECTS) and os.path.lexists(path):
                yield f"{place} made {os.path.basename(path)}"


def _members(owner: Any) -> dict[str, Any]:
    """What an object has, also if its class has another ``__dict__``."""
    base: Any = next(cls for cls in type(owner).__mro__[1:] if "__dict__" in vars(cls))
    members: dict[str, Any] = vars(base)["__dict__"].__get__(owner)
    return members


class _WatchedVariables(dict):  # type: ignore[type-arg]
    """The data behind ``os.environ``, which tells who asks for the role."""

    def __init__(self, watcher: Watcher, data: dict[Any, Any]) -> None:
        super().__init__(data)
        self._watcher = watcher

    def __getitem__(self, key: Any) -> Any:
        if key in ROLE_VARIABLES:
            self._watcher.asked(os.fsdecode(key))
        return super().__getitem__(key)


def _is_a_sessions_own(asker: FrameType) -> bool:
    """Whether a path that is being made is one that every session makes for itself.

    It is if its name is made up by tempfile, or if a hook makes it, since another one will remove it.
    What a module makes under a fixed name, all sessions share in any case, and a worker that is
    forked does not remove it at exit.
    """
    if name_is_made_up(sys._getframe(1), asker):
        return True
    frame: FrameType | None = asker
    while frame is not None:
        if (
            frame.f_code.co_name.startswith("pytest_")
            and frame.f_code.co_name != "pytest_collection"
        ):
            return True
        if frame.f_code.co_name == "<module>":
            return False
        frame = frame.f_back
    return False


def name_is_made_up(frame: FrameType | None, asker: FrameType | None = None) -> bool:
    """Whether tempfile is among the callers, and so has made up the name of what is made.

    :param frame: the first of them
    :param asker: the first that does not count; None: all do
    """
    while frame is not None and frame is not asker:
        if frame.f_code.co_filename == tempfile.__file__:
            return True
        frame = frame.f_back
    return False


def _target(fd: int) -> str:
    """What is behind a descriptor: a path, or the number of a pipe or socket."""
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:  # it was the listing's own
        return ""


def _is_socket(fd: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]

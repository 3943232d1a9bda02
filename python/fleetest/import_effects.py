"""What an import leaves behind that a process forked off later, for a run, must not share.

The counterpart of :mod:`fleetest.watching` for what all runs of a user share; it is stricter, since
nothing here is lost but time.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, Callable

import _pytest
import pluggy

import fleetest
from fleetest import _core
from fleetest.plumbing import raise_fd
from fleetest.process import open_descriptors
from fleetest.renewal import RENEWED
from fleetest.safety import native_threads
from fleetest.watching import LIBRARY, ROLE_VARIABLES, is_installed_file

if TYPE_CHECKING:
    from types import FrameType, ModuleType

HARMLESS_PROGRAMS = frozenset({"ldconfig", "uname"})
"""What they answer changes with the system only."""

_STREAMS = ("stdin", "stdout", "stderr")


def _folder(module: ModuleType) -> str:
    return os.path.dirname(module.__file__ or "") + os.sep


_OWN = _folder(fleetest)
_TOOLS = (_folder(_pytest), _folder(pluggy), _OWN, "<frozen ")
_ASK_FOR_OTHERS = ("random.py", "secrets.py", "uuid.py")
"""Modules of the library by which somebody asks for an identity; others ask for themselves."""


class ImportEffects:
    """Watches from :meth:`start` to :meth:`stop`."""

    def __init__(self) -> None:
        self.reason = ""
        """Why nobody may share it: ``importing foo left a thread running``; empty: all may."""
        self.read: set[str] = set()
        """Files that were opened for reading."""
        self.listed: set[str] = set()
        """Folders whose names were asked for."""
        self.variables: dict[bytes, bytes | None] = {}
        """What was set, or deleted (None), in the environment."""
        self._made: dict[str, str] = {}

    def start(self) -> None:
        """Begin to watch."""
        self._printed = raise_fd(os.memfd_create("fleetest output", os.MFD_CLOEXEC))
        self._kept = [raise_fd(os.dup(number)) for number in (1, 2)]
        for number in (1, 2):
            os.dup2(self._printed, number)
        self._open = open_descriptors()
        self._threads = threading.active_count()
        self._cwd, self._umask = os.getcwd(), _umask()
        self._environ = _variables()
        self._argv = sys.argv
        sys.argv = _Arguments(sys.argv, self)
        self._references = [sys.getrefcount(getattr(sys, name)) for name in _STREAMS]
        for name in _STREAMS:
            stream = getattr(sys, name)
            for method in ("isatty", "fileno"):
                setattr(stream, method, self._telling(getattr(type(stream), method), stream, name))
        self._seed = random.Random.seed
        random.Random.seed = self._watched_seed()  # type: ignore[method-assign]
        self._showwarning = warnings.showwarning
        warnings.showwarning = self._warned
        _core.watch(self._happened, True)

    def stop(self) -> None:
        """Everything is as it was, but for what the import did itself; see what that is."""
        _core.watch(None)
        warnings.showwarning = self._showwarning
        random.Random.seed = self._seed  # type: ignore[method-assign]
        for name in _STREAMS:
            for method in ("isatty", "fileno"):
                delattr(getattr(sys, f"__{name}__"), method)
        argv: Any = sys.argv
        if type(argv) is _Arguments:
            sys.argv = self._argv
        else:
            self.bar("a plugin replaced the command line")
        print(end="", file=sys.__stdout__, flush=True)
        print(end="", file=sys.__stderr__, flush=True)
        self._look()
        for number, kept in zip((1, 2), self._kept):
            os.dup2(kept, number)
            os.close(kept)
        os.close(self._printed)

    def _look(self) -> None:
        """What is left of it."""
        threads = threading.active_count() - self._threads + native_threads()
        if threads > 0:
            self.bar(f"importing plugins left {threads} thread{'s' if threads > 1 else ''} running")
        for name, before in zip(_STREAMS, self._references):
            if getattr(sys, name) is not getattr(sys, f"__{name}__"):
                self.bar(f"a plugin replaced sys.{name}")
            elif sys.getrefcount(getattr(sys, name)) > before:
                self.bar(f"a plugin keeps sys.{name}")
        if os.fstat(self._printed).st_size:
            self.bar("importing plugins printed something")
        if open_descriptors() - self._open:
            self.bar("importing plugins left a file open")
        if os.getcwd() != self._cwd or _umask() != self._umask:
            self.bar("importing plugins changed the folder or the umask")
        for path, who in self._made.items():
            if os.path.lexists(path):
                self.bar(f"importing {who} made {path}")
        now = _variables()
        self.variables = {name: now[name] for name in now if self._environ.get(name) != now[name]}
        self.variables.update(dict.fromkeys(self._environ.keys() - now.keys()))

    # ---- what happens ----

    def bar(self, reason: str) -> None:
        """Nobody can share it, for this reason."""
        if not self.reason:
            self.reason = reason

    def asked(self, what: str) -> None:
        """Somebody asked for what is another in each run."""
        who = _who()
        if who and who not in RENEWED:
            self.bar(f"{who} asks for {what} when it is imported")

    def asked_for_variables(self, names: list[bytes]) -> None:
        """The import has read these variables of the environment."""
        if any(name in ROLE_VARIABLES for name in names):
            self.bar("a plugin asks whether it is in a worker when it is imported")

    def _telling(self, method: Callable[[Any], Any], stream: Any, name: str) -> Callable[[], Any]:
        def tell() -> Any:
            self.asked(f"sys.{name}.{method.__name__}()")
            return method(stream)

        return tell

    def _watched_seed(self) -> Callable[..., None]:
        original = self._seed

        def seed(generator: random.Random, a: Any = None, *args: Any, **kwargs: Any) -> None:
            if a is None:
                self.asked("random numbers")
            original(generator, a, *args, **kwargs)

        return seed

    def _warned(self, message: Any, category: type[Warning], *_: Any, **__: Any) -> None:
        self.bar(f"importing plugins warns ({category.__name__})")

    def _happened(self, event: str, detail: Any) -> None:
        if event in ("os.getpid", "os.urandom", "os.isatty"):
            frame = sys._getframe(1)
            path = frame.f_code.co_filename
            by_library = path.startswith(LIBRARY) and not is_installed_file(path)
            if not by_library or os.path.basename(path) in _ASK_FOR_OTHERS:
                self.asked(f"{event}()")
        elif event == "process":
            program = os.path.basename(os.fsdecode(detail or b"")) if _is_path(detail) else ""
            if program not in HARMLESS_PROGRAMS:
                self.bar(f"importing {_who() or 'plugins'} started {program or 'a process'}")
        elif not _is_path(detail):
            pass  # a descriptor: its path was seen
        else:
            self._touched(event, os.path.abspath(os.fsdecode(detail)))

    def _touched(self, event: str, path: str) -> None:
        if f"{os.sep}__pycache__" in path:  # byte code is what its source is
            return
        if event == "read":
            self.read.add(path)
        elif event == "list":
            self.listed.add(path)
        elif path != os.devnull:
            self._made.setdefault(path, _who() or "plugins")


class _Arguments(list):  # type: ignore[type-arg]
    """The command line, which tells who reads it."""

    def __init__(self, argv: list[str], effects: ImportEffects) -> None:
        super().__init__(argv)
        self._effects = effects

    def __getitem__(self, index: Any) -> Any:
        if index != 0:  # that is the command, which is the same
            self._effects.asked("the command line")
        return super().__getitem__(index)

    def __iter__(self) -> Any:
        self._effects.asked("the command line")
        return super().__iter__()

    def __contains__(self, value: Any) -> bool:
        self._effects.asked("the command line")
        return super().__contains__(value)

    def __len__(self) -> int:
        self._effects.asked("the command line")
        return super().__len__()


def _who() -> str:
    """The package that did it; empty: pytest, fleetest or the library, for themselves."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    if frame is not None and frame.f_code.co_filename.startswith(_TOOLS):
        return ""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_OWN):
            break
        in_library = name.startswith(LIBRARY) and not is_installed_file(name)
        if not in_library and not name.startswith(_TOOLS):
            return str(frame.f_globals.get("__name__", "")).partition(".")[0]
        frame = frame.f_back
    return ""


def _is_path(detail: Any) -> bool:
    return isinstance(detail, (str, bytes, os.PathLike))


def _variables() -> dict[bytes, bytes]:
    """The environment, without anybody noticing that it was read."""
    environ: Any = os.environ
    return dict(dict.items(environ._data))


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def is_installed(module: str) -> bool:
    """Whether a module is a part of Python's installation, and not of somebody's project.

    :param module: its name; the top-level package decides
    """
    spec = None
    with contextlib.suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(module.partition(".")[0])
    if spec is None:
        return False
    places = [spec.origin, *(spec.submodule_search_locations or ())]
    return any(
        place and (is_installed_file(place) or place.startswith(LIBRARY)) for place in places
    )

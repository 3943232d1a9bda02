"""What an import leaves behind that a process forked off later, for a run, must not share.

The counterpart of :mod:`fleetest.watching` for what all runs of a user share; it is stricter, since
nothing here is lost but time.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import resource
import signal
import sys
import uuid
import warnings
from typing import TYPE_CHECKING, Any, Callable

import _pytest
import pluggy

import fleetest
from fleetest import _core, listening
from fleetest.inputs import source_of
from fleetest.listening import ListeningArguments
from fleetest.plumbing import raise_fd
from fleetest.process_snapshot import Snapshot
from fleetest.renewal import RENEWED
from fleetest.watching import LIBRARY, ROLE_VARIABLES, is_installed_file

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import FrameType, ModuleType

HARMLESS_PROGRAMS = frozenset({"ldconfig", "uname"})
"""What they answer changes with the system only."""

_STREAM_METHODS = {
    "stdin": ("isatty", "fileno", "read", "readline", "readlines"),
    "stdout": ("isatty", "fileno"),
    "stderr": ("isatty", "fileno"),
}

_CACHE = f"{os.sep}__pycache__{os.sep}"


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
        """Files that were read."""
        self.listed: set[str] = set()
        """Folders whose names were asked for."""
        self._made: dict[str, str] = {}
        self._undo: list[Callable[[], object]] = []

    def start(self) -> None:
        """Begin to watch."""
        self._printed = raise_fd(os.memfd_create("fleetest output", os.MFD_CLOEXEC))
        self._kept = [raise_fd(os.dup(number)) for number in (1, 2)]
        for number in (1, 2):
            os.dup2(self._printed, number)
        self._arguments = [sys.argv, getattr(sys, "orig_argv", None)]
        self._snapshot = Snapshot()
        sys.argv = ListeningArguments(sys.argv, self._read_arguments)
        if self._arguments[1] is not None:
            sys.orig_argv = ListeningArguments(sys.orig_argv, self._read_arguments)
        self._references = sys.getrefcount(sys.argv)
        for name, methods in _STREAM_METHODS.items():
            stream = getattr(sys, name)
            for method in methods:
                self._replace(stream, method, self._telling(method, type(stream), name))
        self._replace(random.Random, "seed", self._watched_seed())
        for module, name in (
            (uuid, "_generate_time_safe"),
            (os, "register_at_fork"),
            (resource, "getrlimit"),
            (signal, "getsignal"),
        ):
            self._replace(module, name, self._asking(module, name))
        self._replace(warnings, "showwarning", self._warned)
        _core.watch(self._happened, True)

    def _replace(self, owner: Any, name: str, value: Any) -> None:
        """Have another attribute while we watch."""
        had = name in vars(owner)
        before = getattr(owner, name)

        def undo() -> None:
            if vars(owner).get(name) is not value:
                self.bar(f"a plugin replaced {name}")
            elif had:
                setattr(owner, name, before)
            else:
                delattr(owner, name)

        setattr(owner, name, value)
        self._undo.append(undo)

    def stop(self) -> None:
        """Everything is as it was, but for what the import did itself; see what that is."""
        _core.watch(None)
        self._restore_arguments()
        print(end="", file=sys.__stdout__, flush=True)
        print(end="", file=sys.__stderr__, flush=True)
        while self._undo:
            self._undo.pop()()
        for reason in self._snapshot.changes():
            self.bar(reason)
        if os.fstat(self._printed).st_size:
            self.bar("importing plugins printed something")
        for path, who in self._made.items():
            if os.path.lexists(path):
                self.bar(f"importing {who} made {path}")
        for number, fd in zip((1, 2), self._kept):
            os.dup2(fd, number)
            os.close(fd)
        os.close(self._printed)

    def _restore_arguments(self) -> None:
        if type(sys.argv) is not ListeningArguments:
            self.bar("a plugin replaced the command line")
        elif sys.getrefcount(sys.argv) > self._references:
            self.bar("a plugin keeps sys.argv")
        sys.argv = self._arguments[0]  # type: ignore[assignment]
        if self._arguments[1] is not None:
            sys.orig_argv = self._arguments[1]

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

    def _read_arguments(self) -> None:
        self.asked("the command line")

    def saw_variables(
        self, asked: Collection[bytes], changed: Collection[bytes], before: Collection[bytes]
    ) -> None:
        """What the import has read and changed in the environment.

        :param before: what the session had read by then, which each run reads before it has plugins
        """
        if any(name in ROLE_VARIABLES for name in asked):
            self.bar("a plugin asks whether it is in a worker when it is imported")
        for name in changed:
            if name in before or name.startswith(b"PYTEST_"):
                self.bar(f"a plugin changes {os.fsdecode(name)} when it is imported")

    def _telling(self, method: str, cls: Any, name: str) -> Callable[..., Any]:
        original = getattr(cls, method)

        def tell(*args: Any) -> Any:
            self.asked(f"sys.{name}.{method}()")
            return original(getattr(sys, f"__{name}__"), *args)

        return tell

    def _asking(self, module: ModuleType, name: str) -> Any:
        """The function, which tells who asks for it; None if there is none."""
        original = getattr(module, name)
        if original is None:
            return None

        def ask(*args: Any, **kwargs: Any) -> Any:
            if not _is_for_itself(sys._getframe(1)):
                self.asked(f"{module.__name__}.{name.strip('_')}()")
            return original(*args, **kwargs)

        return ask

    def _watched_seed(self) -> Callable[..., None]:
        original = random.Random.seed

        def seed(generator: random.Random, a: Any = None, *args: Any, **kwargs: Any) -> None:
            if a is None:
                self.asked("random numbers")
            original(generator, a, *args, **kwargs)

        return seed

    def _warned(self, message: Any, category: type[Warning], *_: Any, **__: Any) -> None:
        self.bar(f"importing plugins warns ({category.__name__})")

    def _happened(self, event: str, detail: Any) -> None:
        if event.startswith("os.get") or event in ("os.urandom", "os.isatty"):
            if not _is_for_itself(sys._getframe(1)):
                self.asked(f"{event}()")
        elif event == "process":
            program = os.path.basename(os.fsdecode(detail or b"")) if _is_path(detail) else ""
            if program not in HARMLESS_PROGRAMS:
                self.bar(f"importing {_who() or 'plugins'} started {program or 'a process'}")
        elif event == "renamed":
            self._renamed(*detail[:2])
        elif _is_path(detail):  # else it is a descriptor: its path was seen
            self._touched(event, os.path.abspath(os.fsdecode(detail)))

    def _renamed(self, source: Any, target: Any) -> None:
        old, new = (os.path.abspath(os.fsdecode(path)) for path in (source, target))
        if _CACHE in new:
            return
        if self._made.pop(old, None) is None:
            self.bar(f"importing {_who() or 'plugins'} renamed {old}")
        self._made[new] = _who() or "plugins"

    def _touched(self, event: str, path: str) -> None:
        if event == "read":
            self.read.add(source_of(path))
        elif _CACHE in path or path.endswith(f"{os.sep}__pycache__"):
            return
        elif event == "list":
            self.listed.add(path)
        elif event == "changed":
            if self._made.pop(path, None) is None:
                self.bar(f"importing {_who() or 'plugins'} removed or changed {path}")
        elif path != os.devnull:
            self._made.setdefault(path, _who() or "plugins")


def _is_library(frame: FrameType) -> bool:
    """Whether code of the standard library is run there."""
    path = frame.f_code.co_filename
    return path.startswith(LIBRARY) and not is_installed_file(path)


def _is_for_itself(frame: FrameType) -> bool:
    """Whether code there asks for the library's own purposes."""
    name = os.path.basename(frame.f_code.co_filename)
    return _is_library(frame) and name not in _ASK_FOR_OTHERS


_LISTENERS = (__file__, listening.__file__)
"""Modules that are called instead of what is watched."""


def _who() -> str:
    """The package that did it; empty: pytest, fleetest or the library, for themselves."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename in _LISTENERS:
        frame = frame.f_back
    if frame is not None and frame.f_code.co_filename.startswith(_TOOLS):
        return ""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_OWN):
            break
        if not _is_library(frame) and not name.startswith(_TOOLS):
            return str(frame.f_globals.get("__name__", "")).partition(".")[0]
        frame = frame.f_back
    return ""


def _is_path(detail: Any) -> bool:
    return isinstance(detail, (str, bytes, os.PathLike))


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

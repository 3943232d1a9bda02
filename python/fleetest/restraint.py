"""Keeping a session that is prepared ahead from doing anything outside.

Nobody has asked for it: what it changed, a run that comes next would find, and what it started would run twice.  So it
is given up before it does such a thing.
"""

from __future__ import annotations

import errno
import importlib.machinery
import os
import stat
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any, Callable

import _pytest.assertion.rewrite

from fleetest import _core
from fleetest.inputs import is_byte_code
from fleetest.observed import reason_against
from fleetest.options import RESUMABLE
from fleetest.trial import Look
from fleetest.watching import name_is_made_up

if TYPE_CHECKING:
    import pytest

    from fleetest.watching import Watcher

_PROGRAMS = {"os.fork": "fork", "os.forkpty": "forkpty", "pty.spawn": "pty.spawn"}
"""What is started -> how it is shown, where there is no path."""

_STARTS = ("subprocess.Popen", "os.posix_spawn", "os.exec", "os.system")

_NEED_NOTHING = ("os.mkdir", "os.symlink", "os.link")
"""What fails where there is something already."""

_FOLDERS = {
    "os.mkdir": (2,),
    "os.remove": (1,),
    "os.rmdir": (1,),
    "os.rename": (2, 3),
    "os.link": (2, 3),
    "os.symlink": (2,),
    "os.chmod": (2,),
    "os.chown": (3,),
    "os.utime": (3,),
}
"""Which arguments are descriptors of the folders to which the paths are relative."""


_MAKE_CACHES = (
    importlib.machinery.SourceFileLoader.set_data.__code__,
    _pytest.assertion.rewrite.try_makedirs.__code__,
)
"""Who makes folders for byte code."""


class Restraint:
    """Ends the session before it does something outside, unless that is known to be harmless."""

    def __init__(self, watcher: Watcher, give_up: Callable[[str], object]) -> None:
        """Do nothing yet.

        :param give_up: ends the session, for the reason that it is given; does not return
        """
        self._watcher = watcher
        self._give_up = give_up
        self._config: pytest.Config | None = None
        self._is_given_up = False
        self._own: set[str] = set()
        """Paths that it has made for itself alone."""

    def begin(self, config: pytest.Config) -> None:
        """From now on."""
        self._config = config
        _core.before_changes(self._before)

    def forbid(self) -> None:
        """The session is given up: what it does at its end fails."""
        self._is_given_up = True

    def stop(self) -> None:
        """No more."""
        _core.before_changes(None)

    def _before(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.mkdir" and _would_bring_back(arguments[0], sys._getframe(1)):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), arguments[0])
        who = self._watcher.who()
        if who:
            _core.trace_hold(True)  # what is looked at here is not the session's
            try:
                self._restrain(event, arguments, who)
            finally:
                _core.trace_hold(False)

    def _restrain(self, event: str, arguments: tuple[Any, ...], who: str) -> None:
        for look in _looks(event, arguments, who):
            if look.kind == _core.TRACE_CHANGE and self._is_its_own(look.path):
                continue
            reason = self._reason(look)
            if not reason:
                continue
            if self._is_given_up:  # what the session does at its end
                raise PermissionError(f"fleetest prepares ahead: {reason}")
            self._give_up(reason)

    def _is_its_own(self, path: str) -> bool:
        """Whether nobody else knows the path: the library has made up a name."""
        if is_byte_code(path):
            return True
        if any(path == own or path.startswith(own + os.sep) for own in self._own):
            return True
        made_up = name_is_made_up(sys._getframe(1))
        if made_up and not os.path.lexists(path):
            self._own.add(path)
        return made_up

    def _reason(self, look: Look) -> str:
        config = self._config
        assert config is not None
        return reason_against(look, config.getini(RESUMABLE), str(config.rootpath))


def _would_bring_back(path: Any, caller: FrameType | None) -> bool:
    """Whether a folder is made since its module has left it: byte code makes all those that it lies in.

    :param caller: who makes the folder
    """
    if sys.pycache_prefix is not None or os.path.basename(os.fspath(path)) == "__pycache__":
        return False
    while caller is not None and caller.f_code.co_name == "makedirs":
        caller = caller.f_back
    return caller is not None and caller.f_code in _MAKE_CACHES


def _looks(event: str, arguments: tuple[Any, ...], who: str) -> list[Look]:
    """What would have been seen of it, if it succeeds and changes something."""
    if event in _PROGRAMS:
        return [Look(_core.TRACE_PROGRAM, 0, 0, _PROGRAMS[event], who)]
    if event in _STARTS:
        return [Look(_core.TRACE_PROGRAM, 0, 0, _program(event, arguments), who)]
    if event.startswith("socket."):
        return [Look(_core.TRACE_SOCKET, 0, 0, _address(arguments), who)]
    paths = _paths(event, arguments)
    if not paths or _is_in_vain(event, paths, arguments):
        return []
    return [Look(_core.TRACE_CHANGE, 0, 0, path, who) for path in paths if not _is_device(path)]


def _paths(event: str, arguments: tuple[Any, ...]) -> list[str]:
    """Those that are changed, absolute; nothing where they are descriptors or no files."""
    given = arguments[1:2] if event == "os.symlink" else arguments[:1]
    if event in ("os.rename", "os.link"):
        given = arguments[:2]
    folders = [arguments[at] for at in _FOLDERS.get(event, ()) if at < len(arguments)]
    found = []
    for number, path in enumerate(given):
        try:
            text = os.fsdecode(path)
        except TypeError:
            return []
        if event == "sqlite3.connect" and (not text or text.startswith((":memory:", "file:"))):
            return []
        folder = folders[number] if number < len(folders) else -1
        start = f"/proc/self/fd/{folder}" if isinstance(folder, int) and folder >= 0 else ""
        found.append(os.path.abspath(os.path.join(os.readlink(start) if start else "", text)))
    return found


def _is_in_vain(event: str, paths: list[str], arguments: tuple[Any, ...]) -> bool:
    """Whether it fails, or changes nothing."""
    there = os.path.lexists(paths[-1])
    if event == "open":
        exclusive = os.O_CREAT | os.O_EXCL
        return arguments[2] & exclusive == exclusive and there
    if event == "sqlite3.connect" or event in _NEED_NOTHING:
        return there
    return not os.path.lexists(paths[0])


def _is_device(path: str) -> bool:
    try:
        return stat.S_ISCHR(os.stat(path).st_mode)
    except OSError:
        return False


def _address(arguments: tuple[Any, ...]) -> str:
    """Of a socket, as people write it."""
    address = arguments[1] if len(arguments) > 1 else ""
    if isinstance(address, (str, bytes)):
        return f"unix {os.fsdecode(address)}"
    return " ".join(map(str, address[:2])) if isinstance(address, tuple) else str(address)


def _program(event: str, arguments: tuple[Any, ...]) -> str:
    """What is started; a path, wherever it may be found."""
    name = arguments[0]
    if event == "os.system":
        return f"/bin/sh -c {os.fsdecode(name)}"
    shown = os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else str(name)
    return shown if os.sep in shown else os.sep + shown

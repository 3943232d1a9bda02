"""A process with pytest imported, and nothing of a project, that waits to be forked into controllers.

The daemon starts it.  Each fork takes a run over from the daemon's client: :mod:`fleetest.handover`.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import site
import sys
from typing import TYPE_CHECKING

import pluggy

import fleetest.plugin  # noqa: F401 (each run imports it before it knows its arguments)
from fleetest import _core, hookcalls
from fleetest.handover import Handover
from fleetest.plumbing import raise_fd
from fleetest.privates import private
from fleetest.process import descriptors
from fleetest.safety import native_threads

if TYPE_CHECKING:
    from fleetest.recorded_variables import RecordedVariables

HARMLESS_PATH_FILES = (
    "distutils-precedence.pth",
    "_virtualenv.pth",
    "__editable__",
    "a1_coverage.pth",
    "pytest-cov.pth",
)
"""What the names of ``.pth`` files with code begin with whose variables are known to the daemon, or that
read none: see ``src/daemon/environ.c``."""


def wait(fd: int, variables: RecordedVariables) -> Handover:
    """Import what is left of pytest, and wait.  Returns in each forked child, with what it takes over.

    Ends the process with the daemon.

    :param fd: the socket to the daemon
    :param variables: knows those that were asked for so far
    """
    _core.die_with_parent(signal.SIGKILL)
    fd = raise_fd(fd)
    private.import_own_plugins()
    hookcalls.speed_up(pluggy.PluginManager("pytest"))  # and throw it away: what it takes is kept
    asked = variables.stop()
    if _was_customised():
        asked.append(b"*")
    _tidy_up()
    channel = _core.Channel(fd)
    channel.send(_core.MSG_READY, [_inputs(), asked, _unfit(fd)])
    return _serve(channel)


def _tidy_up() -> None:
    """What the importing left is nobody's garbage."""
    sys.stderr.flush()
    gc.collect()


def _site_folders() -> list[str]:
    return [*site.getsitepackages(), site.getusersitepackages()]


def _path_files() -> list[str]:
    """The ``.pth`` files that the interpreter has read at its start."""
    found = []
    for folder in _site_folders():
        with contextlib.suppress(OSError):
            names = os.listdir(folder)
            found += [os.path.join(folder, name) for name in names if name.endswith(".pth")]
    return found


def _was_customised() -> bool:
    """Whether code of somebody's was run before we could watch, which may have read any variable."""
    if "sitecustomize" in sys.modules or "usercustomize" in sys.modules:
        return True
    for path in _path_files():
        if os.path.basename(path).startswith(HARMLESS_PATH_FILES):
            continue
        with contextlib.suppress(OSError), open(path, "rb") as file:
            if any(line.startswith((b"import ", b"import\t")) for line in file):
                return True
    return False


def _inputs() -> list[bytes]:
    """The files that were read so far, and the folders in which modules were looked for."""
    paths = {sys.executable, *sys.path, *_site_folders(), *_path_files()}
    home = os.path.dirname(sys.executable)
    paths |= {os.path.join(folder, "pyvenv.cfg") for folder in (home, os.path.dirname(home))}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            paths.add(file)
    return sorted(os.fsencode(path) for path in paths if os.path.isabs(path))


def _unfit(fd: int) -> str:
    """Why controllers must not be forked off this process; empty if they may."""
    extra = native_threads()
    if extra:
        return f"importing pytest left {extra} thread{'s' if extra > 1 else ''} running"
    if any(
        number > 2 and number != fd and os.path.exists(f"/proc/self/fd/{number}")
        for number in descriptors()
    ):
        return "importing pytest left a file open"
    return ""


def _serve(channel: _core.Channel) -> Handover:
    """Fork whenever the daemon says so, and tell it of the children's end."""
    fd = channel.fileno()
    children: dict[int, int] = {}
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready != fd:
                poll.unregister(ready)
                os.close(ready)
                channel.send(_core.MSG_CHILD_ENDED, list(os.waitpid(children.pop(ready), 0)))
                continue
            message = _core.receive_fds(fd)
            if message is None:
                os._exit(0)
            _, (number, warm), fds = message
            try:
                pid = os.fork()
            except OSError as error:
                channel.send(_core.MSG_STARTED, [number, -(error.errno or 1)])
            else:
                if pid == 0:
                    for other in (fd, *children):
                        os.close(other)
                    return Handover(fds, warm=warm)
                channel.send(_core.MSG_STARTED, [number, pid])
                watch = raise_fd(os.pidfd_open(pid))
                children[watch] = pid
                poll.register(watch, select.POLLIN)
            for each in fds:
                os.close(each)

"""What a forked process does about the exit handlers of the one it came from, and about its own."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import logging
import os
import signal
import stat
import sys
import threading
import traceback
import weakref
from os import listdir  # the library's: a project may have put another one there since
from typing import TYPE_CHECKING, Any

from fleetest import _core
from fleetest.ending import be_last_handler

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPTS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
"""Blocked from before a fork until the child is ready for them."""


def drop_inherited_exit_handlers() -> None:
    """Forget what the parent registered: one may delete a folder that other workers use."""
    atexit._clear()
    be_last_handler()
    registry: Any = getattr(weakref.finalize, "_registry", {})
    for info in registry.values():
        info.atexit = False
    vars_of_finalize: Any = weakref.finalize
    vars_of_finalize._registered_with_atexit = False
    atexit.register(logging.shutdown)
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util._finalizer_registry.clear()
        atexit.register(util._exit_function)


def renew_main_thread() -> None:
    """Have ``threading.main_thread()`` know the number that the kernel has given to the thread of a forked process.

    Python leaves it at that of the parent's.
    """
    main: Any = threading.main_thread()
    if hasattr(main, "_set_native_id"):
        main._set_native_id()


def adopt_finalizers() -> None:
    """Have the finalizers of multiprocessing called at the end of this process, as of that it was forked from."""
    util: Any = sys.modules.get("multiprocessing.util")
    for finalizer in util._finalizer_registry.values() if util is not None else ():
        finalizer._pid = os.getpid()


def run_exit_handlers() -> None:
    """What the interpreter does at exit: wait for threads, then run this process's handlers.

    Pools of threads end theirs only when they are told that the interpreter ends, which the wait begins with.
    """
    try:
        threading._shutdown()  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001 (as the interpreter, which goes on with the handlers)
        sys.stderr.write(f"Exception ignored in: {threading!r}\n{traceback.format_exc()}")
    atexit._run_exitfuncs()


def let_output_go() -> None:
    """Nobody reads standard output any more: keep the interpreter from failing again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def children() -> list[int]:
    """The processes that this one's main thread has started, ended ones included."""
    path = f"/proc/self/task/{os.getpid()}/children"
    with open(path, encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def descriptors() -> list[int]:
    """The descriptors of this process; the listing's own, which is closed by now, may be among them."""
    return [int(name) for name in listdir("/proc/self/fd")]


def open_descriptors() -> set[int]:
    """The descriptors of this process."""
    return {number for number in descriptors() if os.path.exists(f"/proc/self/fd/{number}")}


def _files() -> Iterator[tuple[int, os.stat_result, bool]]:
    """The descriptors of this process but 0 to 2, what they lead to, and whether that is the null device."""
    null = os.stat(os.devnull).st_rdev
    for fd in descriptors():
        with contextlib.suppress(OSError):
            if fd > 2:
                status = os.fstat(fd)
                yield fd, status, status.st_rdev == null


def files_open_for_writing() -> set[int]:
    """The descriptors of this process that a file object may hold back output for.

    Those of sockets, of the null device and 0 to 2 are left out.
    """
    found = set()
    for fd, status, is_null in _files():
        if is_null or stat.S_ISSOCK(status.st_mode):
            continue
        with contextlib.suppress(OSError):
            if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
                found.add(fd)
    return found


def what_is_behind(fds: set[int]) -> set[tuple[int, int, int, str]]:
    """Each descriptor with the file that it leads to: a number may be another file's later, and so may an inode."""
    found = set()
    for fd in fds:
        with contextlib.suppress(OSError):
            status = os.fstat(fd)
            found.add((fd, status.st_dev, status.st_ino, os.readlink(f"/proc/self/fd/{fd}")))
    return found


def null_descriptors() -> set[int]:
    """The descriptors of this process, but 0 to 2, that lead to the null device, and may lead to a file later."""
    return {fd for fd, _, is_null in _files() if is_null}


def reap(pids: list[int]) -> None:
    """Wait for children that end, and take them off the list."""
    while pids:
        with contextlib.suppress(ChildProcessError):  # somebody else has reaped it
            os.waitpid(pids.pop(), 0)


def flush_files(fds: set[int], *, young: bool = False) -> None:
    """Write what Python's file objects on these descriptors hold back, as the interpreter's end does.

    :param young: none of these objects were there when this process was forked
    """
    if not fds:
        return
    for candidate in _core.file_objects(young):
        with contextlib.suppress(Exception):
            if candidate.fileno() in fds and candidate.writable():
                candidate.flush()

"""The end of a process: with less of the interpreter's work where nobody can tell.

At its end the interpreter looks for garbage several times and takes every object apart, which copies each page that is
shared with the process that this one was forked off.  The last exit handler ends the process before that, if no
object does anything when it is taken apart.

This module has to be imported before any that has exit handlers: what was registered first is called last.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import warnings
from typing import NoReturn

from fleetest import _core

_planned: dict[int, int] = {}
"""The exit code of the process that was told to end."""


def leave(code: int) -> NoReturn:
    """End the interpreter."""
    plan(code)
    sys.exit(code)


def plan(code: int) -> None:
    """The interpreter is about to end with this code, and what ends then is the run."""
    _planned[os.getpid()] = code


def be_last_handler() -> None:
    """Register the handler, where nothing else is registered yet."""
    if atexit._ncallbacks() == 0:
        atexit.register(_end)


def _end() -> None:
    code = _planned.get(os.getpid())
    if code is None:
        return
    _end_at_once(code)
    gc.get_freeze_count()  # thaws what a fork has frozen: it is garbage like all else


def _end_at_once(code: int) -> None:
    """Returns if somebody could tell."""
    from fleetest.process import files_open_for_writing, flush_files

    if not _warns_of_open_files() and not any(_core.finalizers()):
        flush_files(files_open_for_writing())
        if _flush_streams():
            _core.end(code)


def _warns_of_open_files() -> bool:
    return any(
        action != "ignore" and issubclass(ResourceWarning, category)
        for action, _, category, *_ in warnings.filters
    )


def _flush_streams() -> bool:
    """False: the interpreter will say what went wrong."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except BaseException:  # noqa: BLE001
        return False
    return True


be_last_handler()

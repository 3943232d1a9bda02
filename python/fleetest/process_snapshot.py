"""What a process is like, as far as it can be compared before and after plugins are imported."""

from __future__ import annotations

import logging
import os
import random
import resource
import signal
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from fleetest.process import open_descriptors
from fleetest.randomness import numpy_was_used
from fleetest.request import LIMITS
from fleetest.safety import left_running, native_threads

if TYPE_CHECKING:
    from collections.abc import Iterator

_STREAMS = ("stdin", "stdout", "stderr")

TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_STREAM_SETTINGS = ("encoding", "errors", "line_buffering", "write_through")


class Snapshot:
    """Taken before; :meth:`changes` says what is another way since."""

    def __init__(self) -> None:
        self._open = open_descriptors()
        self._threads = threading.active_count()
        self._streams = [id(getattr(sys, name)) for name in _STREAMS]
        self._references = _references()
        self._settings = _stream_settings()
        self._attributes = _attributes()
        self._random = random.getstate()
        self._filters = list(warnings.filters)

    def changes(self) -> Iterator[str]:
        """Reasons why the process must not be shared, the most telling first."""
        threads = threading.active_count() - self._threads + native_threads()
        if threads > 0:
            yield left_running("plugins", threads)
        for name, before in zip(_STREAMS, self._streams):
            if id(getattr(sys, name)) != before:
                yield f"a plugin replaced sys.{name}"
        now = _references()
        yield from (
            f"a plugin keeps {name}" for name, n in now.items() if n > self._references[name]
        )
        if _stream_settings() != self._settings:
            yield "a plugin changed how the standard streams work"
        if open_descriptors() - self._open:
            yield "importing plugins left a file open"
        if random.getstate() != self._random or numpy_was_used():
            yield "plugins draw random numbers, or fix their seed, when they are imported"
        if list(warnings.filters) != self._filters:
            yield "a plugin changes the filters of warnings when it is imported"
        for name, value in _attributes().items():
            if value != self._attributes[name]:
                yield f"importing plugins changed the {name}"


def _references() -> dict[str, int]:
    """How often something is referred to that a run has anew."""
    found = {}
    for name in _STREAMS:
        stream = getattr(sys, f"__{name}__")
        found[f"sys.{name}"] = sys.getrefcount(stream)
        found[f"sys.{name}.buffer"] = sys.getrefcount(stream.buffer)
        found[f"sys.{name}.buffer.raw"] = sys.getrefcount(
            getattr(stream.buffer, "raw", stream.buffer)
        )
    return found


def _stream_settings() -> list[Any]:
    streams = [getattr(sys, f"__{name}__") for name in _STREAMS]
    return [getattr(stream, name) for stream in streams for name in _STREAM_SETTINGS]


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _attributes() -> dict[str, Any]:
    """What a run takes over from the client, or a fork does not."""
    logs: Any = logging
    return {
        "current folder": os.getcwd(),
        "umask": _umask(),
        "resource limits": [resource.getrlimit(number) for number in range(LIMITS)],
        "nice value": os.getpriority(os.PRIO_PROCESS, 0),
        "process group": os.getpgrp(),
        "blocked signals": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "timers": [
            signal.getitimer(timer)[1] or signal.getitimer(timer)[0] > 0 for timer in TIMERS
        ],
        "way in which warnings are shown": (logs._warnings_showwarning, warnings.showwarning),
    }

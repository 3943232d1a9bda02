"""What pytest does around each phase of each test, in fewer steps.

Most phases write nothing, log nothing and begin and end in the same state.  As in :mod:`quicker`, each
replacement gives what the original gives, and leaves what is not common to it.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from typing import Any, Callable

import _pytest.capture
import _pytest.logging
import _pytest.runner
import pytest

from fleetest.pytest_version import pytest_version

KNOWN = ((8, 4), (9, 2))
"""The pytest versions from and to which the originals are known; with others nothing is replaced."""


@functools.lru_cache(maxsize=1)
def install() -> None:
    """Replace what is known, for the whole process."""
    if not KNOWN[0] <= pytest_version() <= KNOWN[1]:
        return
    capture: Any = _pytest.capture.MultiCapture
    capture.suspend_capturing = _suspend(capture.suspend_capturing)
    capture.resume_capturing = _resume(capture.resume_capturing)
    capture.readouterr = _read(capture.readouterr)
    manager: Any = _pytest.capture.CaptureManager
    manager.item_capture = item_capture
    log: Any = _pytest.logging.LoggingPlugin
    log._runtest_for = _log(log._runtest_for)
    runner: Any = _pytest.runner
    runner._update_current_test_var = _tell_current_test(runner._update_current_test_var)


# ---- capturing ----

_capture: Any = _pytest.capture
"""Its ``os`` is the real one where that of other modules is made a fake: pyfakefs knows of it."""

_END = os.SEEK_END

_ADDS_SECTION = pytest.Item.add_report_section
"""It adds nothing that is empty."""

_NOTHING = _pytest.capture.CaptureResult("", "")

_FD = _pytest.capture.FDCapture
_SYS = _pytest.capture.SysCapture


class ItemCapture:
    """What captures the output of a phase, without a generator."""

    __slots__ = ("_item", "_manager", "_when")

    def __init__(self, manager: Any, when: str, item: pytest.Item) -> None:
        self._manager, self._when, self._item = manager, when, item

    def __enter__(self) -> None:
        manager = self._manager
        capture = manager._global_capturing
        if capture is not None:
            capture.resume_capturing()
        if manager._capture_fixture:
            manager.activate_fixture()

    def __exit__(self, *raised: object) -> None:
        manager, item, when = self._manager, self._item, self._when
        if manager._capture_fixture:
            manager.deactivate_fixture()
        capture = manager._global_capturing
        if capture is not None:
            capture.suspend_capturing(in_=False)
        captured = manager.read_global_capture() if capture is None else capture.readouterr()
        if captured is _NOTHING and type(item).add_report_section is _ADDS_SECTION:
            return
        out, err = captured
        item.add_report_section(when, "stdout", out)
        item.add_report_section(when, "stderr", err)


def item_capture(manager: Any, when: str, item: pytest.Item) -> ItemCapture:
    """``CaptureManager.item_capture``."""
    return ItemCapture(manager, when, item)


def _both(capture: Any, state: str) -> bool:
    """Whether both streams are captured as usual, and in this state."""
    out, err = capture.out, capture.err
    return (
        type(out) is _FD is type(err)
        and out._state == state == err._state
        and type(out.syscapture) is _SYS is type(err.syscapture)
        and out.syscapture._state == state == err.syscapture._state
    )


def _suspend(original: Callable[..., None]) -> Callable[..., None]:
    """``MultiCapture.suspend_capturing``, with nothing asked twice."""

    def suspend(self: Any, in_: bool = False) -> None:
        if in_ or not _both(self, "started"):
            original(self, in_=in_)
            return
        self._state = "suspended"
        for part in (self.out, self.err):
            stream = part.syscapture
            setattr(sys, stream.name, stream._old)
            _capture.os.dup2(part.targetfd_save, part.targetfd)
            stream._state = part._state = "suspended"

    return suspend


def _resume(original: Callable[..., None]) -> Callable[..., None]:
    """``MultiCapture.resume_capturing``, in the same way."""

    def resume(self: Any) -> None:
        if self._in_suspended or not _both(self, "suspended"):
            original(self)
            return
        self._state = "started"
        for part in (self.out, self.err):
            stream = part.syscapture
            setattr(sys, stream.name, stream.tmpfile)
            _capture.os.dup2(part.tmpfile.fileno(), part.targetfd)
            stream._state = part._state = "started"

    return resume


def _read(original: Callable[..., Any]) -> Callable[..., Any]:
    """``MultiCapture.readouterr``, where nothing was written."""
    seek = os.lseek  # not a test's, whatever that puts in its place

    def read(self: Any) -> Any:
        if _both(self, "suspended"):
            out, err = self.out.tmpfile.fileno(), self.err.tmpfile.fileno()
            if not (seek(out, 0, _END) or seek(err, 0, _END)):
                return _NOTHING
        return original(self)

    return read


# ---- logging ----

_ADDS_HANDLER, _REMOVES_HANDLER = logging.Logger.addHandler, logging.Logger.removeHandler
_GETS_LOGGER = logging.getLogger

_ATTACHES = "attached_loggers" in getattr(_pytest.logging.catching_logs, "__slots__", ())
"""Whether handlers are also put at loggers that do not propagate: since pytest 9.1."""


def _is_usual(root: Any) -> bool:
    """Whether it is a root as logging makes it, whose handlers come and go by logging's own methods."""
    cls = type(root)
    own = vars(root)
    return (
        cls is logging.RootLogger
        and type(own.get("handlers")) is list
        and cls.addHandler is _ADDS_HANDLER
        and cls.removeHandler is _REMOVES_HANDLER
        and "addHandler" not in own
        and "removeHandler" not in own
    )


def _apart(root: logging.Logger) -> list[logging.Logger]:
    """Loggers whose records do not reach the root."""
    return [
        logger
        for logger in root.manager.loggerDict.values()
        if isinstance(logger, logging.Logger) and not logger.propagate and logger is not root
    ]


class ItemLog:
    """What catches the log of a phase: both handlers are put in place and taken away at once."""

    __slots__ = ("_apart", "_item", "_plugin", "_root", "_when")

    def __init__(self, plugin: Any, item: pytest.Item, when: str) -> None:
        self._plugin, self._item, self._when = plugin, item, when

    def __enter__(self) -> None:
        caplog, report = self._plugin.caplog_handler, self._plugin.report_handler
        root, stash = logging.root, self._item.stash
        self._root = root
        self._apart = _apart(root) if _ATTACHES else []
        with logging._lock:  # type: ignore[attr-defined]
            root.handlers += (caplog, report)
        for logger in self._apart:
            logger.addHandler(caplog)
            logger.addHandler(report)
        try:
            caplog.reset()
            report.reset()
            stash[_pytest.logging.caplog_records_key][self._when] = caplog.records
            stash[_pytest.logging.caplog_handler_key] = caplog
        except BaseException:
            self._detach()
            raise

    def __exit__(self, *raised: object) -> None:
        try:
            log = self._plugin.report_handler.stream.getvalue().strip()
            self._item.add_report_section(self._when, "log", log)
        finally:
            self._detach()

    def _detach(self) -> None:
        caplog, report = self._plugin.caplog_handler, self._plugin.report_handler
        # By then a test may have another one.
        root: Any = self._root if _ATTACHES else logging.getLogger()
        with logging._lock:  # type: ignore[attr-defined]
            handlers = root.handlers if _is_usual(root) else []
            are_last = len(handlers) > 1 and handlers[-1] is report and handlers[-2] is caplog
            if are_last:
                del handlers[-2:]
        if not are_last:
            root.removeHandler(report)
            root.removeHandler(caplog)
        for logger in self._apart:
            logger.removeHandler(report)
            logger.removeHandler(caplog)


def _log(original: Callable[..., Any]) -> Callable[..., Any]:
    """``LoggingPlugin._runtest_for``."""

    def runtest_for(self: Any, item: pytest.Item, when: str) -> Any:
        root = logging.root
        if (
            self.log_level is not None
            or logging.getLogger is not _GETS_LOGGER
            or not _is_usual(root)
            or self.caplog_handler in root.handlers
            or self.report_handler in root.handlers
        ):
            return original(self, item, when)
        return ItemLog(self, item, when)

    return runtest_for


# ---- the name of the current test ----

_NAME = "PYTEST_CURRENT_TEST"
_KEY: Any = os.environ.encodekey(_NAME)
_ENVIRON: Any = type(os.environ)
_SETS = _ENVIRON.__setitem__


def _tell_current_test(original: Callable[..., None]) -> Callable[..., None]:
    """``_update_current_test_var``, past ``os.environ`` to what it does."""

    def update(item: pytest.Item, when: str | None) -> None:
        environ: Any = os.environ
        if when is None or type(environ) is not _ENVIRON or _ENVIRON.__setitem__ is not _SETS:
            original(item, when)
            return
        value = environ.encodevalue(f"{item.nodeid} ({when})".replace("\x00", "(null)"))
        os.putenv(_KEY, value)
        environ._data[_KEY] = value

    return update

"""A session's base folder for temporary files, where another process may have to make it than cleans it up.

pytest makes it when somebody asks for it first.  Here that is answered by what its processes share
(``fleetest.base_temp``), once, and from then on by pytest's own factory again.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import os
import tempfile
import threading
from typing import TYPE_CHECKING, Any, Callable

import _pytest.pathlib
import _pytest.tmpdir
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_VARIABLES = (
    *("PYTEST_DEBUG_TEMPROOT", "TMPDIR", "TEMP", "TMP"),
    *("LOGNAME", "USER", "LNAME", "USERNAME"),
)
"""Where the folder is depends on these, which a test that needs it may have set for itself."""

_ASK = "getbasetemp"

_CREATE: Any = pytest.TempPathFactory.getbasetemp


class Place:
    """Where a session's folder is to be."""

    def __init__(self) -> None:
        self._variables = {name: os.environ.get(name) for name in _VARIABLES}
        self._default = tempfile.tempdir

    @contextlib.contextmanager
    def restored(self) -> Generator[None]:
        """Have it be there, whatever has changed since."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tempfile, "tempdir", self._default)
            for name, value in self._variables.items():
                if value is None:
                    patch.delenv(name, raising=False)
                elif os.environ.get(name) != value:
                    patch.setenv(name, value)
            yield


class _Options(argparse.Namespace):
    """The options of a worker, in which the name of its folder is not known yet."""

    @property
    def basetemp(self) -> str | None:
        config = _unknown.get(id(self))
        if config is not None:
            _factory(config).getbasetemp()
        return vars(self).get("basetemp")

    @basetemp.setter
    def basetemp(self, value: str | None) -> None:
        vars(self)["basetemp"] = value


_unknown: dict[int, pytest.Config] = {}
"""The sessions of these options."""


def _factory(config: pytest.Config) -> Any:
    return getattr(config, "_tmp_path_factory", None)


def can_be_late(config: pytest.Config) -> bool:
    """Whether pytest alone decides about the folder, and has not made it yet."""
    factory = _factory(config)
    return (
        type(factory) is pytest.TempPathFactory
        and factory._given_basetemp is None
        and factory._basetemp is None
        and _ASK not in vars(factory)
        and type(config.option) is argparse.Namespace
    )


def answer(config: pytest.Config, find: Callable[[], None], *, by_option: bool = False) -> None:
    """Have the factory call this before it tells for the first time where the folder is.

    :param find: gives the factory what it is to go on with
    :param by_option: whoever looks at the option asks, too
    """
    factory, lock = _factory(config), threading.RLock()

    def ask() -> Path:
        __tracebackhide__ = True
        with lock:
            if vars(factory).get(_ASK) is ask:
                find()
                answer_no_more(config)
            return _CREATE(factory)  # type: ignore[no-any-return]

    factory.getbasetemp = ask
    if by_option:
        _unknown[id(config.option)] = config
        config.option.__class__ = _Options


def answer_no_more(config: pytest.Config) -> None:
    """The factory and the option are as pytest has them."""
    vars(_factory(config)).pop(_ASK, None)
    if _unknown.pop(id(config.option), None) is not None:
        config.option.__class__ = argparse.Namespace


def make(config: pytest.Config, place: Place) -> Path:
    """Make the folder as the factory does; this process will not clean it up, and the factory does not know it."""
    __tracebackhide__ = True
    factory = _factory(config)
    with place.restored(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pytest.pathlib, "register_cleanup_lock_removal", _do_nothing)
        patch.setattr(_pytest.pathlib, "atexit", _Never, raising=False)
        path: Path = _CREATE(factory)
    factory._basetemp = None
    if hasattr(factory, "_exit_stack"):  # since 9.2
        atexit.unregister(factory._exit_stack.close)
        factory._exit_stack.pop_all()
    return path


def adopt(config: pytest.Config, path: Path, place: Place) -> None:
    """Have the factory take a folder that was made so for its own, and clean it up."""
    with place.restored(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pytest.pathlib, "make_numbered_dir", lambda *_, **__: path)
        patch.setattr(_pytest.pathlib, "create_cleanup_lock", _pytest.pathlib.get_lock_path)
        _CREATE(_factory(config))


def _do_nothing(*_: object, **__: object) -> None:
    pass


class _Never:
    """In the place of ``atexit``."""

    register = staticmethod(_do_nothing)

"""Byte code of modules is used only if it is known to be younger than the source.

Python compares the time of the last change, in seconds, and the size: an edit of the same size within a
second, or one that keeps the time, goes unseen.
"""

from __future__ import annotations

import importlib._bootstrap_external
import os
from typing import Any

import _pytest.assertion.rewrite

from fleetest.inputs import source_of
from fleetest.watching import LIBRARY, is_installed_file

TICK = 20_000_000
"""Two changes within it, in ns, may have the same time."""


def _is_trusted(byte_code: Any) -> bool:
    """Whether a file of byte code was written after its source was changed in any way.

    That of what is installed is: nobody edits that, and compiling it anew might warn.
    """
    path = os.fspath(byte_code)
    source = source_of(path)
    if source.startswith(LIBRARY) or is_installed_file(source):
        return True
    try:
        return os.stat(source).st_ctime_ns + TICK < os.stat(path).st_ctime_ns
    except OSError:
        return False


def distrust() -> None:
    """From now on, in this process."""
    external: Any = importlib._bootstrap_external
    rewrite: Any = _pytest.assertion.rewrite
    if getattr(external, "_fleetest_distrusts", False):
        return
    external._fleetest_distrusts = True
    validate, read = external._validate_timestamp_pyc, rewrite._read_pyc

    def validate_timestamp_pyc(
        data: Any, mtime: Any, size: Any, name: str, exc_details: dict[str, Any]
    ) -> None:
        validate(data, mtime, size, name, exc_details)
        if not _is_trusted(exc_details["path"]):
            raise ImportError(f"bytecode may be older than the source of {name!r}", **exc_details)

    def read_pyc(source: Any, pyc: Any, *args: Any) -> Any:
        return read(source, pyc, *args) if _is_trusted(pyc) else None

    external._validate_timestamp_pyc = validate_timestamp_pyc
    rewrite._read_pyc = read_pyc

"""Where tests are: the file, line and name of each, worked out in fewer steps.

pytest asks the file system and takes several paths apart for each test, though a file has many.
"""

from __future__ import annotations

import functools
import os
import types
from pathlib import Path
from typing import Any, Callable

import _pytest.nodes
import _pytest.python

from fleetest.privates.passing import is_original
from fleetest.privates.quicker import KNOWN, USUAL_ATTRIBUTES
from fleetest.pytest_version import pytest_version

_FAMILY: Any = _pytest.python.PyobjMixin
_REPORTINFO, _GETMODPATH = _FAMILY.reportinfo, _FAMILY.getmodpath
"""As they were when this was imported; another one is asked."""

_paths: dict[str, Path] = {}
"""The path of each file that code has come from."""


@functools.lru_cache(maxsize=1)
def install() -> None:
    """Replace what is known, for the whole process."""
    item: Any = _pytest.nodes.Item
    original = vars(item).get("location")
    if pytest_version() > KNOWN or type(original) is not functools.cached_property:
        return
    if not is_original(original.func):
        return
    item.location = functools.cached_property(_locate(original.func))
    item.location.__set_name__(item, "location")


def _locate(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``Item.location``, for an ordinary function or method."""

    def location(item: Any) -> Any:
        cls = type(item)
        if (
            getattr(cls, "reportinfo", None) is not _REPORTINFO
            or cls.getmodpath is not _GETMODPATH
            or "reportinfo" in vars(item)
        ):
            return original(item)
        test = item.obj
        function = test.__func__ if type(test) is types.MethodType else test
        if type(function) is not types.FunctionType or not USUAL_ATTRIBUTES.issuperset(
            vars(function)
        ):
            return original(item)
        code = function.__code__
        path = _paths.get(code.co_filename)
        if path is None:
            if not os.path.isabs(code.co_filename):
                return original(item)
            path = _paths[code.co_filename] = Path(os.path.normpath(code.co_filename))
        relative = item.session._node_location_to_relpath(path)
        return relative, code.co_firstlineno - 1, item.getmodpath()

    return location

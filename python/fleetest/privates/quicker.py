"""What pytest does for each test, attribute or report, in the common case done in fewer steps.

Each replacement gives what the original gives, and leaves what is not common to it.
"""

from __future__ import annotations

import functools
import inspect
import types
from typing import TYPE_CHECKING, Any, Callable

import _pytest.compat
import _pytest.fixtures
import _pytest.mark.structures
import _pytest.nodes
import _pytest.python
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.nodes import Node

KNOWN = (9, 2)
"""The newest pytest whose originals are known; with a newer one nothing is replaced."""

_USUAL_ATTRIBUTES = frozenset({"pytestmark"})
"""Of a test function.  None of them has a say in its signature, or leads to what it wraps."""

_ARGUMENTS = frozenset({"name", "cls"})
"""Of ``getfuncargnames``, as it is asked since pytest 8."""

_BARE = frozenset(
    {
        type(None),
        bool,
        int,
        str,
        tuple,
        list,
        dict,
        types.BuiltinFunctionType,
        types.GetSetDescriptorType,
        types.MemberDescriptorType,
        types.MethodDescriptorType,
        types.WrapperDescriptorType,
        types.ClassMethodDescriptorType,
    }
)
"""Types whose objects have no attributes of their own and do not wrap anything."""


@functools.lru_cache(maxsize=1)
def install() -> None:
    """Replace what is known, for the whole process."""
    if tuple(int(part) for part in pytest.__version__.split(".")[:2]) > KNOWN:
        return
    _pytest.mark.structures.NodeKeywords.__iter__ = iterate_keywords  # type: ignore[method-assign]
    node: Any = _pytest.nodes.Node
    node.iter_markers_with_node = iterate_markers
    if hasattr(node, "iter_parents"):
        node.getparent = find_parent
    for module in (_pytest.compat, _pytest.fixtures, _pytest.python):
        if vars(module).get("getfuncargnames") is _getfuncargnames:
            vars(module)["getfuncargnames"] = getfuncargnames
    manager: Any = _pytest.fixtures.FixtureManager
    if hasattr(manager, "_find_wrapped_fixture_def"):
        manager._find_wrapped_fixture_def = _find_wrapped(manager._find_wrapped_fixture_def)


def iterate_keywords(own: _pytest.mark.structures.NodeKeywords) -> Iterator[str]:
    """``NodeKeywords.__iter__``, without a generator for each parent."""
    found = dict(own._markers)
    parent = own.parent
    while parent is not None:
        keywords: Any = parent.keywords
        if type(keywords) is not _pytest.mark.structures.NodeKeywords:
            found.update(dict.fromkeys(keywords))
            break
        found.update(keywords._markers)
        parent = keywords.parent
    return iter(found)


def iterate_markers(node: Node, name: str | None = None) -> Iterator[tuple[Node, pytest.Mark]]:
    """``Node.iter_markers_with_node``, without a generator of its parents."""
    at: Node | None = node
    while at is not None:
        for mark in at.own_markers:
            if name is None or getattr(mark, "name", None) == name:
                yield at, mark
        at = at.parent


def find_parent(node: Node, cls: type) -> Node | None:
    """``Node.getparent``, without a generator of its parents."""
    at: Node | None = node
    while at is not None and not isinstance(at, cls):
        at = at.parent
    return at


_getfuncargnames = _pytest.compat.getfuncargnames


def getfuncargnames(function: Callable[..., Any], *args: Any, **named: Any) -> tuple[str, ...]:
    """``_pytest.compat.getfuncargnames``, for a plain function from its code object."""
    if (
        args
        or not _ARGUMENTS.issuperset(named)
        or type(function) is not types.FunctionType
        or not _USUAL_ATTRIBUTES.issuperset(vars(function))
        or function.__code__.co_posonlyargcount
        or getattr(function, "__annotate__", None) is not None  # asked for the signature, may raise
    ):
        return _getfuncargnames(function, *args, **named)
    code = function.__code__
    positional = code.co_argcount - len(function.__defaults__ or ())
    names = code.co_varnames[:positional]
    if code.co_kwonlyargcount:
        defaults = function.__kwdefaults__ or {}
        only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        names += tuple(keyword for keyword in only if keyword not in defaults)
    cls = named.get("cls")
    if cls is not None:
        found = inspect.getattr_static(cls, named.get("name") or function.__name__, None)
        if found is None or not cls:
            return _getfuncargnames(function, **named)
        if not isinstance(found, staticmethod):
            names = names[1:]
    return names


def _find_wrapped(original: Callable[[Any, object], Any]) -> Callable[[Any, object], Any]:
    """``FixtureManager._find_wrapped_fixture_def``, but for what cannot wrap a fixture."""

    @functools.wraps(original)
    def find(self: Any, obj: object) -> Any:
        kind = type(obj)
        if kind in _BARE or (kind is types.FunctionType and not vars(obj)):
            return None
        return original(self, obj)

    return find

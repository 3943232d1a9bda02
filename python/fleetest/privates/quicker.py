"""What pytest does for each test, attribute or report, in the common case done in fewer steps.

Each replacement gives what the original gives, and leaves what is not common to it.
"""

from __future__ import annotations

import _abc  # type: ignore[import-not-found]
import abc
import functools
import inspect
import json
import os
import types
from typing import TYPE_CHECKING, Any, Callable

import _pytest.cacheprovider
import _pytest.compat
import _pytest.fixtures
import _pytest.mark.structures
import _pytest.nodes
import _pytest.python
import pytest

from fleetest.pytest_version import pytest_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.nodes import Node

KNOWN = (9, 2)
"""The newest pytest whose originals are known; with a newer one nothing is replaced."""

USUAL_ATTRIBUTES = frozenset({"pytestmark"})
"""Of a test function.  None of them has a say in its signature, or leads to what it wraps."""

_ARGUMENTS = frozenset({"name", "cls"})
"""Of ``getfuncargnames``, as it is asked since pytest 8."""

_BARE = frozenset(
    id(kind)
    for kind in (
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
    )
)
"""Types whose objects have no attributes of their own and do not wrap anything: not every class can be hashed."""


@functools.lru_cache(maxsize=1)
def install() -> None:
    """Replace what is known, for the whole process."""
    if pytest_version() > KNOWN:
        return
    _pytest.mark.structures.NodeKeywords.__iter__ = iterate_keywords  # type: ignore[method-assign]
    _check_instances_directly(_pytest.nodes.Node)
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
    if hasattr(manager, "_lookup_in_type_dict"):
        manager._lookup_in_type_dict = look_up_in_type
    fixtures: Any = _pytest.fixtures
    if hasattr(fixtures, "get_param_argkeys"):
        fixtures.get_param_argkeys = _param_keys(fixtures.get_param_argkeys)
    if hasattr(fixtures, "reorder_items"):
        fixtures.reorder_items = _reorder(fixtures.reorder_items)
    known: Any = _pytest.cacheprovider.NFPlugin
    known.pytest_sessionfinish = _save_ids(known.pytest_sessionfinish)


def _check_instances_directly(node: type) -> None:
    """Have ``isinstance`` of nodes look at base classes only, until there are others.

    The metaclass of nodes is ``ABCMeta``, which asks for classes that were registered as virtual
    subclasses, and for hooks, too.  Nodes have neither, as a rule.
    """
    meta: Any = type(node)
    if not issubclass(meta, abc.ABCMeta) or not _is_plain_family(node):
        return

    def ask_abc() -> None:
        for name in ("__instancecheck__", "__init__", "register"):
            if name in vars(meta):
                delattr(meta, name)

    def made(cls: Any, name: str, bases: tuple[type, ...], names: Any, **options: Any) -> None:
        if "__subclasshook__" in names or not all(_is_plain(base) for base in bases):
            ask_abc()
        abc.ABCMeta.__init__(cls, name, bases, names, **options)

    def register(cls: Any, subclass: type) -> type:
        ask_abc()
        return abc.ABCMeta.register(cls, subclass)

    meta.__init__ = made
    meta.register = register
    meta.__instancecheck__ = type.__instancecheck__


def _is_plain(cls: type) -> bool:
    """Whether a class has no say in what its instances are."""
    return not any("__subclasshook__" in vars(base) for base in cls.__mro__[:-1])


def _is_plain_family(cls: type) -> bool:
    """The same of all classes derived from it, and that none has a virtual subclass yet."""
    registry = _abc._get_dump(cls)[0]
    return not registry and _is_plain(cls) and all(map(_is_plain_family, cls.__subclasses__()))


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
        or not USUAL_ATTRIBUTES.issuperset(vars(function))
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
        if id(kind) in _BARE or (kind is types.FunctionType and not vars(obj)):
            return None
        return original(self, obj)

    return find


_NOTHING = object()

_FUNCTION = getattr(getattr(_pytest.fixtures, "Scope", None), "Function", _NOTHING)
"""The scope of a parameter that each test has for itself, since pytest 7."""


def look_up_in_type(manager: Any, owner: Any, name: str) -> Any:
    """``FixtureManager._lookup_in_type_dict``, without an exception for each base that lacks the name."""
    if isinstance(owner, types.ModuleType):
        return owner.__dict__.get(name)
    for base in owner.__mro__:
        found = base.__dict__.get(name, _NOTHING)
        if found is not _NOTHING:
            return found
    return None


def _param_keys(original: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """``get_param_argkeys``, for an item without parameters."""

    def keys(item: Any, scope: Any) -> Iterator[Any]:
        if getattr(item, "callspec", _NOTHING) is _NOTHING:
            return iter(())
        return original(item, scope)

    return keys


def _reorder(original: Callable[[Any], list[Any]]) -> Callable[[Any], list[Any]]:
    """``reorder_items``, where no parameter is shared by tests: they stay where they are."""

    @functools.wraps(original)
    def reorder(items: Any) -> list[Any]:
        if not all(map(_shares_no_parameter, items)):
            return original(items)
        return [*items] if _are_different(items) else [*dict.fromkeys(items)]

    return reorder


def _shares_no_parameter(item: Any) -> bool:
    """Whether an item has no parameter of a wider scope than a test's own."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return True
    scopes = getattr(callspec, "_arg2scope", None)
    return scopes is not None and all(scope is _FUNCTION for scope in scopes.values())


def _are_different(items: Any) -> bool:
    """Whether no item is equal to another."""
    kinds: Any = {type(item) for item in items}
    identical = all(kind.__eq__ is object.__eq__ for kind in kinds)
    return identical and len({id(item) for item in items}) == len(items)


_CACHE: Any = _pytest.cacheprovider.Cache
_CACHE_SET = _CACHE.set


def _save_ids(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """``NFPlugin.pytest_sessionfinish``, but where the file has these ids: to replace it waits for the disk."""

    @functools.wraps(original)
    def pytest_sessionfinish(self: Any) -> None:
        if not _has_saved(self):
            original(self)

    return pytest_sessionfinish


def _has_saved(plugin: Any) -> bool:
    cache = plugin.config.cache
    if type(cache) is not _CACHE or _CACHE.set is not _CACHE_SET or "set" in vars(cache):
        return False
    path = cache._getvaluepath("cache/nodeids")
    if not os.access(path, os.W_OK):  # which pytest warns of
        return False
    try:
        saved = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return bool(saved == sorted(map(str, plugin.cached_nodeids)))

"""Which tests belong together: those of a file where that is free, those of a group always."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

GROUP_MARK = "xdist_group"


class Groups:
    """A scope for each item, as the scheduler wants it, and whether all of the scope go to one worker.

    :param single: names of fixtures that can exist only once.  Tests that use one of them, directly
        or through other fixtures, make up one group; so do those of two that a test uses together.
    :param dist: the mode of ``--dist``, which may make groups of its own
    """

    def __init__(self, items: Sequence[pytest.Item], single: Sequence[str], dist: str) -> None:
        self.scopes = array("I")
        self.tied = bytearray(len(items))
        self.sizes: dict[str, int] = dict.fromkeys(single, 0)
        keys = [self._keys(item, dist) for item in items] if single or dist in GROUPING else []
        root = _join(keys)
        numbers: dict[_Key, int] = {}
        number, path = -1, None
        for index, item in enumerate(items):
            if keys and keys[index]:
                self.tied[index] = 1
                self.scopes.append(numbers.setdefault(root[keys[index][0]], index))
                path = None
                continue
            if item.path != path:
                number, path = index, item.path
            self.scopes.append(number)

    def _keys(self, item: pytest.Item, dist: str) -> list[_Key]:
        """The groups that a test is of."""
        keys = [("fixture", name) for name in self._uses(item)]
        group = _GROUPS[dist](item) if dist in GROUPING else None
        return keys if group is None else [*keys, (dist, group)]

    def _uses(self, item: pytest.Item) -> list[str]:
        names = set(getattr(item, "fixturenames", ()))
        used = [name for name in self.sizes if name in names]
        for name in used:
            self.sizes[name] += 1
        return used


_Key = tuple[str, str]


def _file_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _scope_of(item: pytest.Item) -> str:
    """The class or module: all of the node id but the test's name, which may have '::' itself."""
    parent = item.parent.nodeid if item.parent is not None else ""
    if parent and item.nodeid.startswith(f"{parent}::"):
        return parent
    return item.nodeid.rpartition("::")[0] or item.nodeid


def named_groups(items: Sequence[pytest.Item], dist: str) -> dict[str, str]:
    """Node id -> name of the group; empty in other modes than loadgroup."""
    if dist != "loadgroup":
        return {}
    return {item.nodeid: group for item in items if (group := _group_of(item)) is not None}


def names_for_schedulers(items: Sequence[pytest.Item], dist: str) -> list[str]:
    """Node ids; with loadgroup followed by '@' and the group, as xdist's scheduler knows tests."""
    groups = named_groups(items, dist)
    ids = [item.nodeid for item in items]
    return [f"{nodeid}@{groups[nodeid]}" if nodeid in groups else nodeid for nodeid in ids]


def _group_of(item: pytest.Item) -> str | None:
    names = {_group_name(mark) for mark in item.iter_markers(GROUP_MARK)}
    return "_".join(sorted(names)) if names else None


def _group_name(mark: Any) -> str:
    return str(mark.args[0] if mark.args else mark.kwargs.get("name", "default"))


_GROUPS: dict[str, Callable[[Any], str | None]] = {
    "loadfile": _file_of,
    "loadscope": _scope_of,
    "loadgroup": _group_of,
}

GROUPING = frozenset(_GROUPS)
"""Modes in which all tests of a group go to one worker."""


def _join(keys: Sequence[Sequence[_Key]]) -> dict[_Key, _Key]:
    """Key -> the key that stands for it and all that an item has together with it."""
    root: dict[_Key, _Key] = {}

    def find(key: _Key) -> _Key:
        while root.setdefault(key, key) != key:
            key = root[key]
        return key

    for together in keys:
        for other in together[1:]:
            root[find(other)] = find(together[0])
        if together:
            find(together[0])
    return {key: find(key) for key in root}

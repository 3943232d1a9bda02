"""Which tests belong together: those of a file where that is free, those of a single fixture always."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


class Groups:
    """A scope for each item, as the scheduler wants it.

    :param single: names of fixtures that can exist only once.  Tests that use one of them, directly
        or through other fixtures, make up one scope; so do those of two that a test uses together.
    """

    def __init__(self, items: Sequence[pytest.Item], single: Sequence[str]) -> None:
        self.scopes = array("I")
        self.tied = bytearray(len(items))
        self.sizes: dict[str, int] = dict.fromkeys(single, 0)
        uses = [self._uses(item) for item in items] if single else []
        root = _join(single, uses)
        tied_scopes: dict[str, int] = {}
        number, count, path = -1, 0, None
        for index, item in enumerate(items):
            if uses and uses[index]:
                path = None
                scope = tied_scopes.setdefault(root[uses[index][0]], count)
                self.tied[index] = 1
            elif item.path != path:
                number, path = count, item.path
                scope = number
            else:
                scope = number
            count = max(count, scope + 1)
            self.scopes.append(scope)

    def _uses(self, item: pytest.Item) -> list[str]:
        names = set(getattr(item, "fixturenames", ()))
        used = [name for name in self.sizes if name in names]
        for name in used:
            self.sizes[name] += 1
        return used


def _join(names: Sequence[str], uses: Sequence[Sequence[str]]) -> dict[str, str]:
    """Name -> the name that stands for it and all that are used together with it."""
    root = {name: name for name in names}

    def find(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    for used in uses:
        for other in used[1:]:
            root[find(other)] = find(used[0])
    return {name: find(name) for name in names}

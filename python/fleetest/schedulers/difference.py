"""How the collections of two workers differ."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def report_collection_diff(
    from_collection: Sequence[str], to_collection: Sequence[str], from_id: str, to_id: str
) -> str | None:
    """A message that shows how two collections of node ids differ; None if they do not.

    :param from_id: the worker of the first one
    :param to_id: that of the other one
    """
    if list(from_collection) == list(to_collection):
        return None
    diff = unified_diff(from_collection, to_collection, fromfile=from_id, tofile=to_id)
    lines = [
        f"Different tests were collected between {from_id} and {to_id}. The difference is:",
        *(line.rstrip() for line in diff),
        "To see why this happens see 'Known limitations' in documentation for pytest-xdist",
    ]
    return "\n".join(lines)

"""Classes that go by the name of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def stand_in(name: Sequence[str], base: Any, members: dict[str, Any]) -> Any:
    """A subclass of `base` that goes by that module and qualified name."""
    module, qualified = name
    members = {**members, "__module__": module, "__qualname__": qualified}
    return type(qualified.rpartition(".")[2], (base,), members)

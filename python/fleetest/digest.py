"""What two collections are compared by."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def digest(ids: Sequence[str]) -> str:
    """The same for the same node ids in the same order."""
    return hashlib.sha256("\0".join(ids).encode("utf-8", "surrogatepass")).hexdigest()

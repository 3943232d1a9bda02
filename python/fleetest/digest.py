"""What two collections are compared by."""

from __future__ import annotations

import hashlib


def digest(ids: list[str]) -> str:
    """The same for the same node ids in the same order."""
    return hashlib.sha256("\0".join(ids).encode("utf-8", "surrogatepass")).hexdigest()

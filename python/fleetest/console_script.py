"""Looking to user code as if pytest's console script had started the process."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_on_path: set[str] = set()
"""Folders of commands that were put on ``sys.path``: one, as a rule."""


def pose(command: str, arguments: Sequence[str]) -> None:
    """Have ``sys.argv``, ``sys.path[0]`` and ``__main__`` as they are there.

    A second time for the same command, the path stays as it has become since.

    :param command: path of the native command
    """
    sys.argv = [command, *arguments]
    folder = os.path.dirname(command)
    if not getattr(sys.flags, "safe_path", False) and folder not in _on_path:
        _on_path.add(folder)
        sys.path.insert(0, folder)
    main = sys.modules["__main__"]
    main.__file__ = os.path.join(os.path.dirname(__file__), "launch.py")

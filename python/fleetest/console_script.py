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


def pose_for_run(command: str, arguments: Sequence[str], state: str) -> None:
    """The same in a process that the daemon has parked.

    :param state: how the run starts
    """
    pose(command, arguments)
    if sys.version_info >= (3, 10):
        sys.orig_argv[-1:] = [state, "", *arguments]


def change_arguments(before: Sequence[str], arguments: Sequence[str], state: str) -> None:
    """Have other arguments, in the lists that somebody may have kept since."""
    if sys.argv[1:] == [*before]:
        sys.argv[1:] = arguments
    if sys.version_info >= (3, 10):
        sys.orig_argv[-len(before) - 2 :] = [state, "", *arguments]

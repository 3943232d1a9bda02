"""What tests took in earlier runs, from the records of these."""

from __future__ import annotations

import json
import os
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOOKED_AT = 3
"""How many records are looked into, newest first."""

COMPARED = 2
"""How many of them are compared: what kept a test waiting in one run did not in another."""

UNKNOWN = -1.0

RECORDS = "runs"
"""The folder of the records, below fleetest's in pytest's cache."""

HEAD_MAX = 4096
"""Bytes that the first line of a record may have."""


def record_names(folder: Path) -> list[str]:
    """The names of the records in a folder, oldest first.

    :raises OSError: it is none, or cannot be read
    """
    return sorted(name for name in os.listdir(folder) if name.endswith(".jsonl"))


def expected_seconds(folder: Path | None, ids: Sequence[str]) -> array[float]:
    """What each test took, the least of its last runs; :data:`UNKNOWN` where no record says.

    :param folder: of the records; None if there is none
    """
    found = array("f", [UNKNOWN]) * len(ids)
    if folder is None:
        return found
    try:
        names = record_names(folder)[: -LOOKED_AT - 1 : -1]
    except OSError:
        return found
    looked_at = 0
    for name in names:
        if looked_at >= COMPARED and min(found, default=0) >= 0:
            break
        known = _read(folder / name)
        if known is None:
            continue
        _add(found, ids, *known, compare=looked_at < COMPARED)
        looked_at += 1
    return found


def _add(
    found: array[float],
    ids: Sequence[str],
    tests: Sequence[str],
    seconds: Sequence[float | None],
    *,
    compare: bool,
) -> None:
    """Add what a record says of tests of which nothing is known, or all if they are to be compared."""
    if tests != ids:
        by_id = dict(zip(tests, seconds))
        seconds = [by_id.get(nodeid) for nodeid in ids]
    for index, value in enumerate(seconds):
        if value is not None and (found[index] < 0 or (compare and value < found[index])):
            found[index] = value


def last_workers(folder: Path | None) -> str:
    """How the workers of the last run were made; empty if that is not known.

    :param folder: fleetest's in pytest's cache; None if there is none
    """
    if folder is None:
        return ""
    try:
        names = record_names(folder / RECORDS)
        newest = folder / RECORDS / names[-1]
        if not newest.is_file():
            return ""
        with newest.open("rb") as file:
            return str(json.loads(file.readline(HEAD_MAX))["workers"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return ""


def _read(path: Path) -> tuple[list[str], list[float | None]] | None:
    """The tests of a record and what they took; None if it is damaged or has no end."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            file.readline(HEAD_MAX)
            tests = json.loads(file.readline().decode("utf-8", "surrogatepass"))["tests"]
            seconds = json.loads(_last_line(file.fileno()))["seconds"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    good = (
        isinstance(tests, list)
        and isinstance(seconds, list)
        and len(tests) == len(seconds)
        and all(isinstance(nodeid, str) for nodeid in tests)
        and all(value is None or isinstance(value, (int, float)) for value in seconds)
    )
    return (tests, seconds) if good else None


def _last_line(fd: int) -> bytes:
    """The last line of a file of lines."""
    size, length = os.fstat(fd).st_size, 4096
    while True:
        length = min(length, size)
        tail = os.pread(fd, length, size - length).rstrip(b"\n")
        if b"\n" in tail or length == size:
            return tail.rpartition(b"\n")[2]
        length *= 16

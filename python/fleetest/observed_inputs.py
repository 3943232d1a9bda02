"""What a session that was watched has read, as inputs for the daemon to check."""

from __future__ import annotations

import datetime
import errno
import os
import time
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from fleetest import _core
from fleetest.inputs import source_of
from fleetest.observed import DATE, is_no_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fleetest.trial import Findings, Look

_VENV = ("/pyvenv.cfg", "/conda-meta/history")
"""By which pytest knows a virtual environment."""

_OF_LINKS = (_core.INPUT_LINK, _core.INPUT_LSTATUS)


class Input(NamedTuple):
    """What has to be the same."""

    kind: int
    """See ``src/prep/inputs.h``."""
    path: bytes
    seen: bytes
    """What was there at first; empty: nobody knows."""
    look: int
    """Which look was the first."""


def inputs_of(
    looks: Sequence[Look],
    own: str,
    *,
    lists_all: bool,
    known: int = 0,
    checkpoints: Sequence[int] = (),
) -> list[Input]:
    """What has to be the same, in the order in which it was looked at.

    :param own: the folder of pytest's cache, in which each run reads anew what its plugins keep
    :param lists_all: somebody may collect files of any name
    :param known: how many looks the daemon knows already, by the checkpoint from which this goes on; what was
        there then may have been another
    :param checkpoints: how many looks there were at each; what had to be the same there is not left out
        for the sake of what was looked at later
    """
    seen: dict[tuple[bool, str], bytes] = {}
    for look in looks[known:]:
        if look.seen:
            seen.setdefault((look.kind == _core.TRACE_LINK, look.path), look.seen)
    for look in looks:  # what the session itself has changed is another now
        if look.kind == _core.TRACE_CHANGE and not look.failed:
            seen.pop((True, look.path), None)
            seen.pop((False, look.path), None)
    stretches = _Stretches(checkpoints)
    found: dict[tuple[int, str], int] = {}
    for number, kind, path in _inputs(looks, own, stretches, lists_all=lists_all):
        found.setdefault((kind, path), number)
    whole = (_core.INPUT_CONTENT, _core.INPUT_STATUS)
    looked = {path: first for (kind, path), first in reversed(found.items()) if kind in whole}
    return [
        Input(kind, os.fsencode(path), seen.get((kind in _OF_LINKS, path), b""), number)
        for (kind, path), number in found.items()
        if kind != _core.INPUT_PRESENCE or not stretches.has(looked, path, number)
    ]


class _Stretches:
    """Those between checkpoints, of looks."""

    def __init__(self, checkpoints: Sequence[int]) -> None:
        self._checkpoints = checkpoints

    def has(self, first: Mapping[str, int], path: str, look: int) -> bool:
        """Whether a path was looked at in another way, by the first checkpoint behind a look.

        :param first: path -> the first look of that kind
        """
        other = first.get(path)
        return other is not None and (
            other <= look
            or bisect_right(self._checkpoints, other) == bisect_right(self._checkpoints, look)
        )


def _inputs(
    looks: Sequence[Look], own: str, stretches: _Stretches, *, lists_all: bool
) -> Iterator[tuple[int, int, str]]:
    """Number of the look, kind and path."""
    listings = {
        _core.ASPECT_MODULES: _core.INPUT_MODULES,
        _core.ASPECT_COLLECT: _core.INPUT_ALL_NAMES if lists_all else _core.INPUT_TESTS,
    }
    collected = {
        look.path: number
        for number, look in reversed([*enumerate(looks)])
        if look.kind == _core.TRACE_LIST and look.aspect == _core.ASPECT_COLLECT
    }
    for number, look in enumerate(looks):
        if _is_told_by_listing(look) and stretches.has(
            collected, os.path.dirname(look.path), number
        ):
            continue
        path = source_of(look.path)
        if _is_of_no_environment(look) or _is_left_out(look, path, own):
            continue
        full = look.aspect == _core.ASPECT_FULL
        if look.kind == _core.TRACE_READ:
            yield number, _core.INPUT_CONTENT, path
            if path != look.path and _is_never_checked(look.path):
                yield number, _core.INPUT_CONTENT, look.path
        elif look.kind == _core.TRACE_CHANGE:  # it depends on what there was, even if it has failed
            if look.who and path == look.path:
                yield number, _core.INPUT_LINK, path
        elif look.kind == _core.TRACE_STATUS:
            yield number, _core.INPUT_STATUS if full else _core.INPUT_PRESENCE, path
        elif look.kind == _core.TRACE_LINK:
            yield number, _core.INPUT_LSTATUS if full else _core.INPUT_LINK, path
        elif look.kind == _core.TRACE_LIST:
            yield number, listings.get(look.aspect, _core.INPUT_ALL_NAMES), path


def _is_left_out(look: Look, path: str, own: str) -> bool:
    """Whether it is no file, or one that each run reads anew."""
    if is_no_file(path) or os.path.basename(path) == "__pycache__":
        return True
    return not look.who and bool(own) and _is_of_cache(look, own)


def _is_of_cache(look: Look, folder: str) -> bool:
    """Whether pytest looks at its cache, which may be in a folder that has other things, too."""
    if look.path == folder:
        return look.kind == _core.TRACE_STATUS
    return look.path.startswith(tuple(f"{folder}{os.sep}{name}{os.sep}" for name in ("v", "d")))


def _is_of_no_environment(look: Look) -> bool:
    """Whether pytest has asked what is beside a file, as if that were a virtual environment."""
    asked = look.kind == _core.TRACE_STATUS and look.aspect == _core.ASPECT_COLLECT
    return asked and look.failed == errno.ENOTDIR and look.path.endswith(_VENV)


def _is_told_by_listing(look: Look) -> bool:
    """Whether pytest has asked for it only since it was listed, as for each file when it collects.

    It is not known here what it would collect in the folder.
    """
    return (
        look.kind == _core.TRACE_STATUS
        and look.aspect == _core.ASPECT_COLLECT
        and not look.failed
        and not os.path.isdir(look.path)
        and not os.path.islink(look.path)  # what is behind it may change
    )


def _is_never_checked(byte_code: str) -> bool:
    """Whether byte code says of itself that its source is not to be looked at."""
    try:
        with open(byte_code, "rb") as file:
            flags = int.from_bytes(file.read(8)[4:], "little")
    except OSError:
        return False
    return flags & 0b11 == 0b01  # PEP 552: by its hash, which is not checked


def expiry_of(looks: Iterable[Look], since: int) -> int:
    """Until when it holds what they have seen, in ns since 1970; 0: for ever.

    :param since: when they began to look, likewise
    """
    if not any(look.kind == _core.TRACE_MOMENT and look.who.endswith(DATE) for look in looks):
        return 0
    today = datetime.datetime.fromtimestamp(since // 10**9).date()
    tomorrow = datetime.datetime.combine(today + datetime.timedelta(days=1), datetime.time())
    return int(tomorrow.timestamp()) * 10**9


def variables_of(findings: Findings) -> list[bytes]:
    """The names of the variables that were asked for, by whatever way."""
    names = {os.fsencode(name) for name in findings.variables}
    names |= {
        os.fsencode(look.path) for look in findings.looks if look.kind == _core.TRACE_VARIABLE
    }
    return sorted(names)


class Progress:
    """How far a preparation has come: by way of which checkpoints, and what it has looked at since when."""

    def __init__(self) -> None:
        """Begin now."""
        self._since = [(0, time.time_ns())]
        """From which look on: when the process began that has looked."""
        self._known = 0
        """How many looks the daemon knows, by the checkpoint that this has gone on from."""
        self._parked: list[int] = []
        """How many looks there were at each that was parked since."""

    def park(self, looks: int) -> None:
        """A checkpoint was parked after so many looks."""
        self._parked.append(looks)

    def go_on(self, looks: int) -> None:
        """The process goes on from such a one, which the daemon knows."""
        self._since.append((looks, time.time_ns()))
        self._known, self._parked = looks, []

    @property
    def begun(self) -> int:
        """When the first process began, in ns since 1970."""
        return self._since[0][1]

    def inputs(self, looks: Sequence[Look], own: str, *, lists_all: bool) -> list[Input]:
        """What the daemon does not know yet, in order; the other arguments as of :func:`inputs_of`."""
        found = inputs_of(
            looks,
            own,
            lists_all=lists_all,
            known=self._known,
            checkpoints=[*(first for first, _ in self._since[1:]), *self._parked],
        )
        # A folder that was listed before may have counted by some of its names.
        anew = _core.INPUT_ALL_NAMES if lists_all else -1
        new = [each for each in found if each.look >= self._known or each.kind == anew]
        return sorted(new, key=lambda each: max(each.look, self._known))

    def describe(self, inputs: Sequence[Input]) -> tuple[bytes, list[int], bytes | None]:
        """As the daemon understands it.

        :returns: that, how many of them each checkpoint has that was parked since, and what has changed meanwhile
        """
        counts = [
            sum(max(each.look, self._known) < looks for each in inputs) for looks in self._parked
        ]
        described, changed = _core.take_inputs(
            [(each.kind, each.path, each.seen, self._begun_at(each.look)) for each in inputs]
        )
        return described, counts, changed

    def _begun_at(self, look: int) -> int:
        return next(since for first, since in reversed(self._since) if look >= first)

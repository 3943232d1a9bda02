"""What a session that is watched reads, as inputs for the daemon to check."""

from __future__ import annotations

import datetime
import errno
import os
import stat
import struct
from typing import TYPE_CHECKING, NamedTuple

from fleetest import _core
from fleetest.inputs import source_of
from fleetest.observed import DATE, is_no_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fleetest.edited import Edited
    from fleetest.trial import Findings, Look

_VENV = ("/pyvenv.cfg", "/conda-meta/history")
"""By which pytest knows a virtual environment."""

_OF_LINKS = (_core.INPUT_LINK, _core.INPUT_LSTATUS)

_SEEN = struct.Struct("=IIQQQqq")
"""As ``struct ft_trace_seen``: it is known, the mode, device, inode, size and times."""


class Cache(NamedTuple):
    """pytest's cache, in which each run reads anew what its plugins keep."""

    folder: str
    """Its path; empty: there is none."""
    counts: str = ""
    """The path of what is in it, and decides what is collected."""


class Input(NamedTuple):
    """What has to be the same."""

    kind: int
    """See ``src/prep/inputs.h``."""
    path: bytes
    seen: bytes
    """What was there at first; empty: nobody knows."""
    look: int
    """Which look was the first."""


_COLLECTED = -1
"""In place of a kind: a folder was listed to collect what is in it, by names that are known only at the end."""


class ObservedInputs:
    """What has to be the same, one stretch of looks after the other.

    A stretch ends where a checkpoint is parked: what had to be the same there is not left out for the sake of what
    was looked at later.
    """

    def __init__(self) -> None:
        """Know of no looks."""
        self._looks = 0
        """How many there were so far."""
        self._found: dict[tuple[int, str], int] = {}
        """Kind and path -> the number of the first look, in this order."""
        self._folders: set[str] = set()
        """Those that were listed to collect what is in them."""
        self._whole: dict[str, int] = {}
        """Paths of which more has to be the same than that something is there, and the last look that says so."""
        self._seen: dict[tuple[bool, str], tuple[int, bytes]] = {}
        """Whether links count, and path -> the number of the look that saw what was there at first."""
        self._changed: set[str] = set()
        """What the session itself has changed, and is another now."""
        self._another: dict[str, int] = {}
        """What was another when it was looked at again, and the number of the look."""

    def end_stretch(self, looks: Sequence[Look], cache: Cache, known: int) -> None:
        """These were made since the last stretch.

        :param known: how many looks the daemon knows already, by the checkpoint from which this goes on; what was
            there then may have been another, so that what is looked at once more is another input
        """
        first = self._looks
        self._looks += len(looks)
        for number, look in enumerate(looks, first):
            if look.kind == _core.TRACE_LIST and look.aspect == _core.ASPECT_COLLECT:
                self._folders.add(look.path)
            if look.kind == _core.TRACE_CHANGE and not look.failed:
                self._changed.add(look.path)
            if look.kind == _core.TRACE_ANOTHER:
                self._another[look.path] = number
            if look.seen:
                self._note_seen(number, look, known)
        found = [*self._inputs(looks, first, cache)]
        whole = (_core.INPUT_CONTENT, _core.INPUT_STATUS)
        self._whole.update((path, number) for number, kind, path in found if kind in whole)
        for number, kind, path in found:
            if kind == _core.INPUT_PRESENCE and self._whole.get(path, -1) >= known:
                continue
            if self._found.get((kind, path), known) < known:
                # It is looked at once more, and the order is that of the looks.
                del self._found[kind, path]
            self._found.setdefault((kind, path), number)

    def _note_seen(self, number: int, look: Look, known: int) -> None:
        key = (look.kind == _core.TRACE_LINK, look.path)
        before, seen = self._seen.get(key, (-1, b""))
        if before < known:
            self._seen[key] = (number, look.seen)
        elif not _is_same(seen, look.seen):
            self._another[look.path] = number

    def since(self, known: int, *, lists_all: bool) -> list[Input]:
        """What has to be the same since so many looks, in this order.

        :param lists_all: somebody may collect files of any name; it is told of folders that were listed before, too,
            which may have counted by some of their names
        """
        listing = _core.INPUT_ALL_NAMES if lists_all else _core.INPUT_TESTS
        numbers: dict[tuple[int, str], int] = {}
        if lists_all:
            before = ((*key, number) for key, number in self._found.items() if number < known)
            numbers = {
                (listing, path): number for kind, path, number in before if kind == _COLLECTED
            }
        new = []
        for key, number in reversed(self._found.items()):
            if number < known:
                break
            new.append((key, number))
        for (kind, path), number in reversed(new):
            numbers.setdefault((listing if kind == _COLLECTED else kind, path), number)
        return [
            Input(kind, os.fsencode(path), self._seen_at(kind, path, known), number)
            for (kind, path), number in numbers.items()
        ]

    def inconstant(self, known: int) -> set[bytes]:
        """What was another when it was looked at again, since so many looks, and the session has not changed it.

        At the end it may be what it was at first: it was away for a moment, or a folder or link on the way to it was
        another.
        """
        return {
            os.fsencode(path)
            for path, number in self._another.items()
            if number >= known and not self._has_made(path)
        }

    def _has_made(self, path: str) -> bool:
        """Whether the session has changed it, or a folder that it is in."""
        while path not in self._changed:
            path, below = os.path.dirname(path), path
            if path == below:
                return False
        return True

    def _seen_at(self, kind: int, path: str, known: int) -> bytes:
        number, seen = self._seen.get((kind in _OF_LINKS, path), (-1, b""))
        return b"" if number < known or path in self._changed else seen

    def _inputs(
        self, looks: Sequence[Look], first: int, cache: Cache
    ) -> Iterator[tuple[int, int, str]]:
        """Number of the look, kind and path."""
        listings = {_core.ASPECT_MODULES: _core.INPUT_MODULES, _core.ASPECT_COLLECT: _COLLECTED}
        for number, look in enumerate(looks, first):
            if _is_told_by_listing(look) and os.path.dirname(look.path) in self._folders:
                continue
            path = source_of(look.path)
            if _is_of_no_environment(look) or _is_left_out(look, path, cache):
                continue
            full = look.aspect == _core.ASPECT_FULL
            if look.kind == _core.TRACE_READ:
                yield number, _core.INPUT_CONTENT, path
                if path != look.path and _is_never_checked(look.path):
                    yield number, _core.INPUT_CONTENT, look.path
            elif look.kind == _core.TRACE_CHANGE:
                # It depends on what there was, even if it has failed.
                if look.who and path == look.path:
                    yield number, _core.INPUT_LINK, path
            elif look.kind == _core.TRACE_STATUS:
                yield number, _core.INPUT_STATUS if full else _core.INPUT_PRESENCE, path
            elif look.kind == _core.TRACE_LINK:
                yield number, _core.INPUT_LSTATUS if full else _core.INPUT_LINK, path
            elif look.kind == _core.TRACE_LIST:
                every = _core.INPUT_ORDER if look.who else _core.INPUT_ALL_NAMES
                yield number, listings.get(look.aspect, every), path


def _is_same(a: bytes, b: bytes) -> bool:
    """Whether two looks have seen the same; what is made in a folder does not make it another."""
    if a == b:
        return True
    _, mode, device, inode, *_ = before = _SEEN.unpack(a)
    now = _SEEN.unpack(b)
    if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
        return (stat.S_IFMT(mode), device, inode) == (stat.S_IFMT(now[1]), *now[2:4])
    return before == now


def _is_left_out(look: Look, path: str, cache: Cache) -> bool:
    """Whether it is no file, or one that each run reads anew."""
    # What tools keep there they know by name; a project that lists it may go by any.
    listed = look.kind == _core.TRACE_LIST and look.who
    if is_no_file(path) or (os.path.basename(path) == "__pycache__" and not listed):
        return True
    return not look.who and bool(cache.folder) and _is_of_cache(look, cache)


def _is_of_cache(look: Look, cache: Cache) -> bool:
    """Whether pytest looks at its cache, which may be in a folder that has other things, too."""
    folder = cache.folder
    if look.path == folder:
        return look.kind == _core.TRACE_STATUS
    if look.path == cache.counts:
        return False
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
        self._since = [(0, _core.file_clock())]
        """From which look on: when the process began that has looked, by the clock of files."""
        self._known = 0
        """How many looks the daemon knows, by the checkpoint that this has gone on from."""
        self._parked: list[int] = []
        """How many looks there were at each that was parked since."""
        self._inputs = ObservedInputs()

    def end_stretch(self, looks: Sequence[Look], cache: Cache) -> None:
        """These were made since the last time: a checkpoint is about to be parked, or the preparation ends."""
        self._inputs.end_stretch(looks, cache, self._known)

    def park(self, looks: int) -> None:
        """A checkpoint was parked after so many looks."""
        self._parked.append(looks)

    def go_on(self, looks: int) -> None:
        """The process goes on from such a one, which the daemon knows."""
        self._since.append((looks, _core.file_clock()))
        self._known, self._parked = looks, []

    @property
    def begun(self) -> int:
        """When the first process began, in ns since 1970."""
        return self._since[0][1]

    def inputs(self, *, lists_all: bool) -> list[Input]:
        """What the daemon does not know yet, in order; as :meth:`ObservedInputs.since`."""
        return self._inputs.since(self._known, lists_all=lists_all)

    def describe(self, inputs: Sequence[Input], edited: Edited) -> tuple[bytes, list[int], int]:
        """As the daemon understands it.

        :param edited: may be younger than others
        :returns: that, how many of them each checkpoint has that was parked since, and how many come before the
            first that has changed after it was read; -1: that was before the checkpoint that this has gone on from
        """
        counts = [
            sum(max(each.look, self._known) < looks for each in inputs) for looks in self._parked
        ]
        described, unchanged = _core.take_inputs(
            [
                (
                    each.kind,
                    each.path,
                    each.seen,
                    self._begun_at(each.look) + edited.allows(each.path, each.kind),
                )
                for each in inputs
            ]
        )
        other = os.fsencode(edited.changed())
        if other:
            place = next((at for at, each in enumerate(inputs) if each.path == other), 0)
            unchanged = min(unchanged, place)
        inconstant = self._inputs.inconstant(self._known)
        if inconstant:
            places = (at for at, each in enumerate(inputs[:unchanged]) if each.path in inconstant)
            unchanged = next(places, unchanged)
        if unchanged < len(inputs) and inputs[unchanged].look < self._known:
            unchanged = -1
        return described, counts, unchanged

    def _begun_at(self, look: int) -> int:
        return next(since for first, since in reversed(self._since) if look >= first)

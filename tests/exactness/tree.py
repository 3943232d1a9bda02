"""What a folder holds, so that it can be put back as it was: touching nothing that is still so."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from parity_junit import parse_junit
from parity_text import normalise, normalise_all, normalise_output

_GENERATED = {"__pycache__", ".pytest_cache"}
_WORKER = re.compile(r"popen-gw\d+")
"""A worker's folder for temporary ones."""
_MEMORY = ("lastfailed", "nodeids", "stepwise")
"""What plugins of pytest remember from run to run."""


class Entry(NamedTuple):
    """A file, folder or link as it was."""

    mode: int
    mtime: int
    inode: int
    content: bytes | str | None
    """Bytes of a file, target of a link, nothing of a folder."""

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)


def _entry(path: Path) -> Entry:
    found = path.lstat()
    content: bytes | str | None = None
    if stat.S_ISLNK(found.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(found.st_mode):
        content = path.read_bytes()
    return Entry(found.st_mode, found.st_mtime_ns, found.st_ino, content)


def _walk(folder: Path) -> Iterator[Path]:
    """All that is below; what cannot be listed is empty."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        path = folder / name
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def _remove(path: Path) -> None:
    """Also if a session that the daemon prepares meanwhile writes byte code into it."""
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    for attempts in reversed(range(9)):
        try:
            shutil.rmtree(path)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or not attempts:
                raise
        else:
            return


class Tree:
    """All that some folders hold."""

    def __init__(self, *folders: Path) -> None:
        """Read it."""
        self.folders = folders
        self.entries: dict[Path, Entry] = {}
        for path in (path for folder in folders for path in (folder, *_walk(folder))):
            # A preparation may be writing byte code, which has another name until it is whole.
            with contextlib.suppress(FileNotFoundError):
                self.entries[path] = _entry(path)

    def put_back(self) -> None:
        """Make the folders hold this again, with the modification times that were.

        But for byte code: written now, it would pass for younger than a source that it is older than.
        """
        for folder in self.folders:
            for path in list(_walk(folder)):
                if os.path.lexists(path) and path not in self.entries:
                    _remove(path)
        made: dict[int, Path] = {}
        for path, entry in self.entries.items():
            if entry.is_file and path.parent.name == "__pycache__":
                if os.path.lexists(path) and _entry(path) != entry:
                    path.unlink()
                continue
            if not os.path.lexists(path) or _entry(path) != entry:
                self._make(path, entry, made.get(entry.inode))
            if entry.is_file:
                made[entry.inode] = path
        # What was done inside a folder has changed its time.
        for path, entry in reversed(self.entries.items()):
            if os.path.lexists(path) and path.lstat().st_mtime_ns != entry.mtime:
                os.utime(path, ns=(entry.mtime, entry.mtime), follow_symlinks=False)

    def _make(self, path: Path, entry: Entry, other: Path | None) -> None:
        there = os.path.lexists(path)
        if there and stat.S_IFMT(path.lstat().st_mode) != stat.S_IFMT(entry.mode):
            _remove(path)
            there = False
        if isinstance(entry.content, str):
            if there:
                path.unlink()
            path.symlink_to(entry.content)
            return
        if entry.is_folder:
            path.mkdir(exist_ok=True)
        elif entry.content is not None:
            if not there and other is not None:
                os.link(other, path)
            elif not there or path.read_bytes() != entry.content:
                path.write_bytes(entry.content)
        path.chmod(stat.S_IMODE(entry.mode))

    def shown(
        self, root: Path, folders: Sequence[Path], work: str, ignored: frozenset[str]
    ) -> dict[str, Any]:
        """What a run has left in folders, by name, without what any run may change.

        :param work: the folder that all paths in texts begin with
        :param ignored: names of files that are not shown
        """
        shown: dict[str, Any] = {}
        for path, entry in self.entries.items():
            if path.name in ignored or not any(map(path.is_relative_to, folders)):
                continue
            name = path.relative_to(root)
            memory = path.parent.name == "cache" and path.name in _MEMORY
            if _GENERATED.isdisjoint(name.parts) and not _WORKER.fullmatch(path.name):
                shown[normalise(str(name), work)] = self._content(path, entry, work)
            elif memory and isinstance(entry.content, bytes):
                shown[str(name)] = _remembered(entry.content)
        return shown

    @staticmethod
    def _content(path: Path, entry: Entry, work: str) -> Any:
        if not isinstance(entry.content, bytes):
            return normalise(entry.content, work) if entry.content else None
        if path.suffix == ".xml":
            return normalise_all(parse_junit(entry.content), work)
        return normalise_output(entry.content.decode("utf-8", "backslashreplace"), work)


def _remembered(content: bytes) -> Any:
    text = re.sub(r'"last_cache_date_str": "[^"]*"', "", content.decode())
    try:
        value = json.loads(text)
    except ValueError:
        return text
    # An order of sets.
    return sorted(value) if isinstance(value, list) else value

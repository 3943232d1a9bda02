"""The path that was saved a moment ago: what is known of it when a session goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fleetest import _core
from fleetest.edited import LARGEST, Edited


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that has just been saved."""
    saved = tmp_path / "saved.py"
    saved.write_text("VALUE = 1\n")
    return saved


def test_another_change_would_have_another_time(path: Path) -> None:
    Edited(str(path))
    assert _core.file_clock() >= _core.time_past(path.stat().st_ctime_ns)


def test_a_link_counts_as_well(path: Path, tmp_path: Path) -> None:
    """Even where it leads nowhere."""
    for target in (path, tmp_path / "missing"):
        link = tmp_path / f"link to {target.name}"
        link.symlink_to(target)
        Edited(str(link))
        assert _core.file_clock() >= _core.time_past(link.lstat().st_ctime_ns)


def test_other_content_is_a_change_whatever_its_time(path: Path) -> None:
    edited = Edited(str(path))
    assert not edited.changed()
    path.write_text("VALUE = 2\n")
    assert edited.changed() == str(path)
    path.write_text("VALUE = 1\n")
    assert not edited.changed()
    path.unlink()
    assert edited.changed() == str(path)


def test_another_name_beside_it_is_a_change(path: Path) -> None:
    """It may have been read from there, and the folder may be as young as the file."""
    edited = Edited(str(path))
    other = path.with_name("another.py")
    other.touch()
    assert edited.changed() == str(path.parent)
    other.unlink()
    path.with_name("__pycache__").mkdir()
    assert not edited.changed()


def test_it_may_be_younger_than_others(path: Path) -> None:
    """It has been waited for."""
    edited = Edited(str(path))
    since, look = _core.file_clock(), (_core.INPUT_CONTENT, os.fsencode(path), b"")
    allowed = edited.allows(os.fsencode(path), _core.INPUT_CONTENT)
    assert allowed > 0
    assert edited.allows(os.fsencode(path.parent), _core.INPUT_CONTENT) == 0
    assert edited.allows(os.fsencode(path.parent), _core.INPUT_MODULES) == allowed
    assert _core.take_inputs([(*look, since)])[1] == 0
    assert _core.take_inputs([(*look, since + allowed)])[1] == 1


@pytest.mark.parametrize("kind", ["folder", "missing", "large"])
def test_where_the_content_is_not_known(tmp_path: Path, kind: str) -> None:
    """It may not be younger, so that more is waited."""
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "large":
        path.write_bytes(b" " * (LARGEST + 1))
    edited = Edited(str(path))
    assert edited.allows(os.fsencode(path), _core.INPUT_CONTENT) == 0
    assert not edited.changed()
    if path.exists():
        past = _core.time_past(path.stat().st_ctime_ns) + _core.CLOCK_SKEW
        assert _core.file_clock() >= past


def test_none() -> None:
    """A run has used up the last one."""
    edited = Edited("")
    assert edited.allows(b"", _core.INPUT_CONTENT) == 0
    assert not edited.changed()

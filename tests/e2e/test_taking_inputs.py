"""What a session has looked at is described for the daemon."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from fleetest import _core

KINDS = [
    _core.INPUT_PRESENCE,
    _core.INPUT_CONTENT,
    _core.INPUT_STATUS,
    _core.INPUT_LINK,
    _core.INPUT_LSTATUS,
    _core.INPUT_MODULES,
    _core.INPUT_TESTS,
    _core.INPUT_ALL_NAMES,
    _core.INPUT_ORDER,
]
LATE = 1 << 62
"""No file is changed so late."""


def test_each_kind_describes_what_is_there(tmp_path: Path) -> None:
    """Kind and path come first, and what is not there has no more."""
    there, missing = bytes(tmp_path), bytes(tmp_path / "missing")
    described, unchanged = _core.take_inputs(
        [(kind, path, b"", LATE) for kind in KINDS for path in (there, missing)]
    )
    inputs = _core.unpackb(described)
    assert [tuple(one[:2]) for one in inputs] == [
        (kind, path) for kind in KINDS for path in (there, missing)
    ]
    assert [len(one) for one in inputs] == [12, 2] * len(KINDS)
    assert all(one[3] == os.stat(there).st_mode for one in inputs[::2])
    assert unchanged == 2 * len(KINDS)


def test_it_is_told_how_many_come_before_what_has_changed(tmp_path: Path) -> None:
    """A description may be newer than what was read."""
    since = _core.file_clock()
    for name in ("one", "two"):
        (tmp_path / name).write_text("")
    looks = [
        (kind, bytes(tmp_path / name), b"")
        for kind in (_core.INPUT_PRESENCE, _core.INPUT_CONTENT)
        for name in ("missing", "two", "one")
    ]
    assert _core.take_inputs([(*look, since) for look in looks])[1] == 4
    assert _core.take_inputs([(*look, LATE) for look in looks])[1] == len(looks)


def test_nothing_may_have_been_looked_at() -> None:
    """A session without inputs is one, too."""
    assert _core.take_inputs([]) == (_core.packb([]), 0)


@pytest.mark.parametrize(
    ("look", "error"),
    [
        ((0, b"/", b"", 0), ValueError),
        ((-1, b"/", b"", 0), ValueError),
        ((99, b"/", b"", 0), ValueError),
        ((5, b"", b"", 0), ValueError),
        ((5, b"relative", b"", 0), ValueError),
        ((5, b"/with\0nul", b"", 0), ValueError),
        ((5, b"/", b"seen", 0), ValueError),
        ((5, "/text", b"", 0), TypeError),
        ((5, b"/", b""), TypeError),
        ([5, b"/", b"", 0], TypeError),
    ],
)
def test_what_is_no_look_is_refused(look: Any, error: type[Exception]) -> None:
    """The daemon would refuse it, too."""
    with pytest.raises(error):
        _core.take_inputs([(_core.INPUT_CONTENT, b"/", b"", 0), look])

"""What a session has looked at becomes inputs, one stretch between checkpoints after the other."""

from __future__ import annotations

import stat
import struct

from fleetest import _core
from fleetest.observed_inputs import Cache, Input, ObservedInputs
from fleetest.trial import Look

NO_CACHE = Cache("")


def look(kind: str, path: str, aspect: str = "NONE", **other: object) -> Look:
    """One, by the names of its kind and aspect."""
    numbers = (getattr(_core, f"TRACE_{kind}"), getattr(_core, f"ASPECT_{aspect}"))
    values = {"failed": 0, "who": "conftest.py:1", "seen": b"", **other}
    return Look(*numbers, path=path, **values)  # type: ignore[arg-type]


def told(inputs: list[Input]) -> list[tuple[str, str]]:
    """Their kinds, by name, and paths."""
    names = {number: name for name, number in vars(_core).items() if name.startswith("INPUT_")}
    return [(names[each.kind].removeprefix("INPUT_"), each.path.decode()) for each in inputs]


def test_whether_it_is_there_is_part_of_what_it_holds() -> None:
    """In one stretch, in whatever order; who looks no further than to a checkpoint needs to know, too."""
    found = ObservedInputs()
    found.end_stretch([look("STATUS", "/p/a", "PRESENCE"), look("READ", "/p/a")], NO_CACHE, 0)
    found.end_stretch([look("STATUS", "/p/b", "PRESENCE")], NO_CACHE, 0)
    found.end_stretch([look("READ", "/p/b"), look("STATUS", "/p/a", "FULL")], NO_CACHE, 0)
    inputs = found.since(0, lists_all=False)
    assert told(inputs) == [
        ("CONTENT", "/p/a"),
        ("PRESENCE", "/p/b"),
        ("CONTENT", "/p/b"),
        ("STATUS", "/p/a"),
    ]
    assert [each.look for each in inputs] == [1, 2, 3, 4]


def test_what_is_known_is_not_told_again() -> None:
    """A process that goes on from a checkpoint tells what was looked at since, and sees it anew."""
    found = ObservedInputs()
    found.end_stretch([look("STATUS", "/p/a", "FULL", seen=b"before")], NO_CACHE, 0)
    found.end_stretch([look("READ", "/p/a", seen=b"now"), look("READ", "/p/b")], NO_CACHE, 1)
    (first, second) = found.since(1, lists_all=False)
    assert (first.path, first.seen, first.look) == (b"/p/a", b"now", 1)
    assert (second.path, second.seen, second.look) == (b"/p/b", b"", 2)
    assert found.since(3, lists_all=False) == []


def test_what_was_seen_before_the_checkpoint_does_not_count() -> None:
    """It may have become something else since, for which the session has gone back."""
    found = ObservedInputs()
    found.end_stretch([look("STATUS", "/p/a", "FULL", seen=b"before")], NO_CACHE, 0)
    found.end_stretch([look("READ", "/p/a")], NO_CACHE, 1)
    assert [each.seen for each in found.since(1, lists_all=False)] == [b""]


def test_what_the_session_has_changed_is_another_now() -> None:
    """Whenever it has."""
    found = ObservedInputs()
    found.end_stretch([look("READ", "/p/a", seen=b"before")], NO_CACHE, 0)
    found.end_stretch([look("CHANGE", "/p/a"), look("CHANGE", "/p/b", failed=13)], NO_CACHE, 0)
    (content, *links) = found.since(0, lists_all=False)
    assert (content.kind, content.seen) == (_core.INPUT_CONTENT, b"")
    assert told(links) == [("LINK", "/p/a"), ("LINK", "/p/b")]


def test_files_of_any_name_may_be_collected() -> None:
    """That is known only at the end, and then all names in folders count that were listed before."""
    found = ObservedInputs()
    found.end_stretch([look("LIST", "/p", "COLLECT"), look("READ", "/p/a")], NO_CACHE, 0)
    found.end_stretch([look("LIST", "/p/tests", "COLLECT")], NO_CACHE, 2)
    assert told(found.since(2, lists_all=False)) == [("TESTS", "/p/tests")]
    inputs = found.since(2, lists_all=True)
    assert told(inputs) == [("ALL_NAMES", "/p"), ("ALL_NAMES", "/p/tests")]
    assert [each.look for each in inputs] == [0, 2]


def seen(mode: int, inode: int = 0, changed: int = 0) -> bytes:
    """What a look has seen."""
    return struct.pack("=IIQQQqq", 1, mode, 1, inode, 0, changed, changed)


def test_what_is_another_when_it_is_looked_at_again() -> None:
    """In the same way or in another, unless the session has made it."""
    absent, file, other = seen(0), seen(stat.S_IFREG, 1), seen(stat.S_IFREG, 2)
    folder = [seen(stat.S_IFDIR, 3, time) for time in range(2)]
    pairs = {
        "came": (absent, file),
        "went": (file, absent),
        "other": (file, other),
        "same": (file, file),
        "folder": folder,
        "replaced": (file, folder[0]),
        "mine": (absent, file),
        "made/it": (absent, file),
    }
    first = [look("STATUS", f"/p/{name}", seen=pair[0]) for name, pair in pairs.items()]
    later = [look("READ", f"/p/{name}", seen=pair[1]) for name, pair in pairs.items()]
    links = [look("STATUS", "/p/dangling", seen=absent), look("LINK", "/p/dangling", seen=file)]
    told_by_library = [
        look("ANOTHER", "/p/twice"),
        look("CHANGE", "/p/mine"),
        look("CHANGE", "/p/made"),
    ]
    found = ObservedInputs()
    found.end_stretch([*first, *links, *told_by_library, *later], NO_CACHE, 0)
    wanted = ("came", "went", "other", "replaced", "twice")
    assert found.inconstant(0) == {f"/p/{name}".encode() for name in wanted}


def test_what_was_seen_before_the_checkpoint_may_have_been_another() -> None:
    """The session has gone back for the sake of it."""
    found = ObservedInputs()
    found.end_stretch([look("STATUS", "/p/a", seen=seen(0))], NO_CACHE, 0)
    found.end_stretch([look("STATUS", "/p/a", seen=seen(stat.S_IFREG, 1))], NO_CACHE, 1)
    assert found.inconstant(1) == set()

"""What a session has looked at becomes inputs, one stretch between checkpoints after the other."""

from __future__ import annotations

import errno

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


def test_what_was_looked_for_in_vain_may_come() -> None:
    """Whoever looks again, in another way or in the same, unless it is the session's own."""
    found = ObservedInputs()
    vain = {"failed": errno.ENOENT}
    looks = [
        look("STATUS", f"/p/{name}", "PRESENCE", **vain) for name in ("a", "b", "c", "d/e", "f")
    ]
    looks += [look("READ", "/p/a"), look("CAME", "/p/b"), look("LINK", "/p/c", "FULL")]
    looks += [look("CHANGE", "/p/d"), look("READ", "/p/d/e"), look("READ", "/p/f", **vain)]
    found.end_stretch(looks, NO_CACHE, 0)
    assert found.came(0) == {b"/p/a", b"/p/b"}
    found.end_stretch([look("READ", "/p/f")], NO_CACHE, len(looks))
    assert found.came(len(looks)) == set()

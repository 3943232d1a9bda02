"""Tests that an option or a plugin has put in another order are given out in it, whatever takes long."""

from __future__ import annotations

import pytest
from ahead_runs import AHEAD, again, prepare, settle
from lab import Project
from meeting import meet


@pytest.fixture
def reversing(project: Project) -> Project:
    """A project whose conftest turns the order around; what takes long would be first otherwise."""
    meet(project)
    project.file(
        "conftest.py", "import meet\ndef pytest_collection_modifyitems(items): items.reverse()"
    )
    for name, seconds in (("a", 0.4), ("b", 0), ("c", 0)):
        project.file(
            f"test_{name}.py",
            f"""
            import time
            from meet import log

            def test_it():
                log({name!r}, "../order")
                time.sleep({seconds})
            """,
        )
    return project


def order(project: Project) -> str:
    """In which the tests have run, since this was asked last."""
    lines = project.logged("../order")
    (project.path / "../order").unlink()
    return "".join(lines)


def test_from_nothing(reversing: Project) -> None:
    for _ in range(2):  # the second one knows what takes long
        reversing.fleetest("-n1", "--cold").check(0)
        assert order(reversing) == "cba"


def test_from_a_snapshot(reversing: Project) -> None:
    reversing.env.update(AHEAD)
    prepare(reversing, "-n1")
    assert order(reversing) == "cba"
    again(reversing, "-n1").check(0)
    assert order(reversing) == "cba"


def test_failed_first_from_a_snapshot(project: Project) -> None:
    """pytest's own option changes the order behind everybody else."""
    meet(project)
    project.env.update(AHEAD)
    for name, seconds in (("a", 0.4), ("b", 0), ("c", 0)):
        project.file(
            f"test_{name}.py",
            f"""
            import time
            from meet import log

            def test_it():
                log({name!r}, "../order")
                time.sleep({seconds})
                assert {name!r} != "b"
            """,
        )
    prepare(project, "-n1")
    order(project)
    for _ in range(2):
        project.fleetest("-n1", "--ff", leaves=True).check(1)
        assert order(project) == "bac"
        settle(project)

"""Tests that an option or a plugin has put in another order are given out in it, whatever takes long."""

from __future__ import annotations

import pytest
from ahead_runs import AHEAD, again, prepare, settle
from lab import Project
from meeting import meet


def write_tests(project: Project, *more: str) -> None:
    """Three files with a test each, the first of which takes long.

    :param more: a line with which each test ends
    """
    meet(project)
    for name, seconds in (("a", 0.4), ("b", 0), ("c", 0)):
        lines = ["import time", "from meet import log", f"NAME = {name!r}", "def test_it():"]
        body = ['log(NAME, "../order")', f"time.sleep({seconds})", *more]
        project.file(f"test_{name}.py", "\n".join([*lines, *(f"    {line}" for line in body)]))


@pytest.fixture
def reversing(project: Project) -> Project:
    """A project whose conftest turns the order around; what takes long would be first otherwise."""
    write_tests(project)
    project.file(
        "conftest.py", "import meet\ndef pytest_collection_modifyitems(items): items.reverse()"
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
    project.env.update(AHEAD)
    write_tests(project, 'assert NAME != "b"')
    prepare(project, "-n1")
    order(project)
    for _ in range(2):
        project.fleetest("-n1", "--ff", leaves=True).check(1)
        assert order(project) == "bac"
        settle(project)

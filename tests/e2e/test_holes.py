"""Memory between living objects is taken up before workers are made."""

from __future__ import annotations

import sysconfig

import pytest
from lab import Project

pytestmark = pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="objects do not come from pools"
)

PAGES = """
    from fleetest import _core

    PAGE = 4096

    class Small:
        __slots__ = ("one", "two")

    def pages(objects):
        return {id(thing) // PAGE for thing in objects}

    def with_holes(make):
        objects = [make() for _ in range(20000)]
        del objects[::2]
        return objects
"""


def test_new_objects_lie_elsewhere(project: Project) -> None:
    """Objects that are made later share no page with those that live, but for a few."""
    project.file(
        "test_it.py",
        PAGES
        + """
    def test_objects():
        living = with_holes(Small)
        assert _core.fill_holes(64 << 20) >= 10000 * 32
        fresh = [Small() for _ in range(5000)]
        assert len(pages(living) & pages(fresh)) < 5

    def test_tuples():
        living = with_holes(lambda: tuple([object()] * 3))
        _core.fill_holes(64 << 20)
        fresh = [tuple([None] * 3) for _ in range(1500)]
        assert len(pages(living) & pages(fresh)) < 5

    def test_filled_once():
        living = with_holes(Small)
        _core.fill_holes(64 << 20)
        assert _core.fill_holes(64 << 20) < 1 << 20

    def test_limit():
        living = with_holes(Small)
        assert _core.fill_holes(0) == 0
        assert _core.fill_holes(-1) == 0
        assert _core.fill_holes(1000) <= 1000
    """,
    )
    project.fleetest("-n", "0").check(0).counts(passed=4)


def test_an_allocator_of_another_kind(project: Project) -> None:
    """Nothing is taken where objects do not come from pools, or where each is counted."""
    project.file(
        "test_it.py", PAGES + "\n    def test_none(): assert _core.fill_holes(1 << 20) == 0\n"
    )
    project.fleetest("-n", "0", env={"PYTHONMALLOC": "malloc"}).check(0).counts(passed=1)
    project.fleetest("-n", "0", env={"PYTHONMALLOC": "debug"}).check(0).counts(passed=1)
    project.fleetest("-n", "0", env={"PYTHONTRACEMALLOC": "1"}).check(0).counts(passed=1)

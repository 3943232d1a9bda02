"""Which worker gets which tests, and in which order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lab import Project

RUNS = ".pytest_cache/d/fleetest/runs"

FILES = 6


def write_files(project: Project) -> None:
    """Files of quick tests, and a slow one in the last of them."""
    project.file("conftest.py", "import pytest\n")
    for number in range(FILES):
        slow = "time.sleep(0.3)" if number == FILES - 1 else "pass"
        project.file(
            f"test_{number}.py",
            f"""
            import time
            import pytest

            @pytest.mark.parametrize("n", range(10))
            def test_quick(n):
                pass

            def test_last():
                {slow}
            """,
        )


def order(project: Project) -> dict[str, list[str]]:
    """Worker -> the tests that it ran in the last run, in this order."""
    path = max((project.path / RUNS).glob("*.jsonl"))
    first, *entries = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    ran: dict[str, list[str]] = {}
    for entry in entries:
        if "end" in entry:
            ran.setdefault(entry["worker"], []).append(first["tests"][entry["end"]])
    return ran


def place_of(tests: dict[str, list[str]], name: str) -> int:
    """How many tests its worker ran before this one."""
    return next(ran.index(name) for ran in tests.values() if name in ran)


SLOW = f"test_{FILES - 1}.py::test_last"


def test_what_took_long_starts_early(project: Project) -> None:
    """As soon as a run has told what takes long; within a file the order is the file's."""
    write_files(project)
    project.fleetest("-n", "2").check(0)
    assert place_of(order(project), SLOW) >= 10
    project.fleetest("-n", "2").check(0)
    again = order(project)
    assert place_of(again, SLOW) <= 10
    for ran in again.values():
        for number in range(FILES):
            own = [name for name in ran if name.startswith(f"test_{number}.py")]
            assert own == sorted(own, key=lambda name: (name.endswith("test_last"), name))


REORDER = """
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.nodeid, reverse=True)
    items.append(items.pop(0))
"""


@pytest.mark.parametrize("args", [("--ordered",), ("--ff",), ("plugin",)])
def test_an_order_that_somebody_wants_is_kept(project: Project, args: tuple[str, ...]) -> None:
    """--ordered, an option of pytest or a plugin: what took long has to wait its turn."""
    write_files(project)
    if args == ("plugin",):
        project.file("conftest.py", REORDER)
        args = ()
    elif args == ("--ff",):
        project.file("test_3.py", "def test_failing():\n    assert 0\n")
    code = 1 if args == ("--ff",) else 0
    project.fleetest("-n", "2").check(code)
    project.fleetest("-n", "2", *args).check(code)
    path = max((project.path / RUNS).glob("*.jsonl"))
    plan: list[str] = json.loads(path.read_text("utf-8").splitlines()[0])["tests"]
    for ran in order(project).values():
        assert ran == sorted(ran, key=plan.index)


def test_durations_of_parts_are_put_together(project: Project) -> None:
    """A run of one file knows what it took in the run of all, and the other way round."""
    write_files(project)
    project.fleetest("-n", "2").check(0)
    project.fleetest("-n", "2", "test_0.py", "test_1.py").check(0)
    project.fleetest("-n", "2").check(0)
    assert place_of(order(project), SLOW) <= 10


def seconds(project: Project) -> list[Any]:
    """What the last record says that each test took."""
    path = max((project.path / RUNS).glob("*.jsonl"))
    found: list[Any] = json.loads(path.read_text("utf-8").splitlines()[-1])["seconds"]
    return found


def test_what_was_not_run_has_no_duration(project: Project) -> None:
    """Nor does a test that crashed."""
    project.file(
        "test_a.py",
        "import os\n\ndef test_0(): pass\ndef test_1(): os._exit(1)\ndef test_2(): pass\n",
    )
    project.fleetest("-n", "1").check(1)
    assert [value is None for value in seconds(project)] == [False, True, False]

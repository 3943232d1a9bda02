"""Conftests of several folders: each is asked about its own tests only, as in pytest."""

from __future__ import annotations

import pytest
from lab import Project
from observing import NOTE, notes

CONFTEST = """
    import os
    from note import note

    NAME = os.path.basename(os.path.dirname(__file__))

    def pytest_runtest_setup(item):
        note([NAME, "setup", item.nodeid])

    def pytest_runtest_logreport(report):
        if "PYTEST_XDIST_WORKER" not in os.environ and report.when == "call":
            note([NAME, "report", report.nodeid])

    def pytest_pycollect_makeitem(collector, name, obj):
        if name.startswith("test_") and "PYTEST_XDIST_WORKER" not in os.environ:
            note([NAME, "collect", collector.nodeid, name])
"""

TESTS = """
    def test_one(): pass
    def test_two(): pass
"""


def fill(project: Project) -> None:
    """Conftests beside, above and below each other."""
    project.file("note.py", NOTE)
    project.file("pytest.ini", "[pytest]\npythonpath = .\n")
    for folder in ("left", "left/deep", "right", "bare"):
        name = folder.replace("/", "_")
        project.file(f"{folder}/test_{name}.py", TESTS)
        if folder != "bare":
            project.file(f"{folder}/conftest.py", CONFTEST)


@pytest.mark.parametrize(
    "args", [("-n", "0"), ("-n", "2"), ("-n", "2", "--ordered"), ("-n", "1", "right", "left")]
)
def test_as_in_pytest(project: Project, args: tuple[str, ...]) -> None:
    """Who is asked about what."""
    fill(project)
    project.pytest(*[arg for arg in args if arg in ("left", "right")]).check(0)
    plain = notes(project)
    project.fleetest("--start-method=fork", *args).check(0)
    assert notes(project) == plain
    assert ["right", "setup", "left/test_left.py::test_one"] not in plain
    assert ["left", "setup", "left/deep/test_left_deep.py::test_one"] in plain

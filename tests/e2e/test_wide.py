"""``--wide`` by way of the daemon: what it prepares, says and does when runs decline.

That such a run is pytest's own is shown in ``tests/exactness/test_wide.py``.
"""

from __future__ import annotations

import pytest
from ahead_runs import AHEAD, prepare, settle
from daemon_runs import header, parked, status
from lab import Project, wait_for

WIDE = "warm, selected within the whole project (--wide)"


@pytest.fixture
def wide(project: Project) -> Project:
    """A project with two files of tests."""
    project.env.update(AHEAD)
    project.file("test_a.py", "def test_a(): pass\n")
    project.file("test_b.py", "def test_b(): pass\n\ndef test_other(): pass\n")
    return project


def how(project: Project, *args: str) -> str:
    """How a wide run says that it was started."""
    return header(project.fleetest("--wide", *args, leaves=True).check(0))


def test_first_run_says_so(wide: Project) -> None:
    """The whole project is prepared for its sake, and serves each file."""
    assert how(wide, "test_a.py").endswith(", not wide (the whole project has no snapshot for it)")
    settle(wide)
    assert how(wide, "test_a.py") == WIDE
    assert how(wide, "test_b.py::test_other") == WIDE
    assert status(wide)["last_run"] == WIDE
    settle(wide)
    assert len(parked(wide, "tests collected")) == 1


def test_declined_run_has_its_own_next_time(wide: Project) -> None:
    """It is asked again, and goes on from its own."""
    wide.file("named.py", "def test_n(): pass\n")
    prepare(wide, "--wide")
    why = "not wide (named.py is collected only if it is named)"
    assert how(wide, "named.py") == f"warm start, {why}"
    settle(wide)
    assert how(wide, "named.py") == f"warm, {why}"
    assert how(wide, "test_a.py") == WIDE


def test_run_that_dies_while_it_selects(wide: Project) -> None:
    """It has not begun yet: it begins elsewhere, and so do others."""
    wide.file(
        "conftest.py",
        """
        import os, sys

        def mine(text):
            if "test_a" in sys.modules:
                os._exit(3)
            return text

        def pytest_addoption(parser): parser.addoption("--mine", type=mine)
        """,
    )
    prepare(wide, "--wide", "--mine=x")
    assert "not wide (" in how(wide, "--mine=x", "test_b.py")
    settle(wide)
    assert "not wide (" in how(wide, "--mine=x", "test_b.py")


def test_unfit_whole_project(wide: Project) -> None:
    """The run has its own snapshot, if that can be had."""
    wide.file("test_b.py", "import os\n\nPID = os.getpid()\n\ndef test_b(): pass\n")
    prepare(wide, "--wide", "test_a.py")
    why = "not wide (test_b.py:3 asked for os.getpid(), while it was configured or collected)"
    assert how(wide, "test_a.py") == f"warm start, {why}"
    settle(wide)
    assert how(wide, "test_a.py") == f"warm, {why}"


def test_prepared_again_after_a_save(wide: Project) -> None:
    """Although nobody has run the whole project."""
    wide.env["FLEETEST_DAEMON_AHEAD"] = "3"
    prepare(wide, "--wide", "test_a.py")
    assert how(wide, "test_a.py") == WIDE
    before = parked(wide, "tests collected")
    wide.file("test_b.py", "def test_new(): pass\n")
    wait_for(
        lambda: (
            parked(wide, "tests collected") not in ([], before) and not status(wide)["preparing"]
        ),
        "another snapshot",
    )
    assert how(wide, "test_b.py::test_new") == WIDE


def test_rewound(wide: Project) -> None:
    """A change is seen: what was imported before it is not imported again."""
    prepare(wide, "--wide", "test_a.py")
    wide.file("test_b.py", "def test_new(): pass\n")
    said = how(wide, "test_b.py::test_new")
    assert said.startswith("rewound to ")
    assert said.endswith(WIDE.removeprefix("warm"))

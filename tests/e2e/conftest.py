"""The fixture of all end-to-end tests: a project to run commands in.

The command under test is the ``fleetest`` beside the Python that runs these tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ahead_runs import AHEAD, TEST
from daemon_runs import WARM
from lab import FLEETEST, Project


def pytest_addoption(parser: pytest.Parser) -> None:
    """By which two processes can do half of it each."""
    help_text = "run every second three tests: 0 or 1"
    parser.addoption("--half", type=int, choices=(0, 1), help=help_text)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what is the other half's: threes, since what takes long often comes in pairs."""
    half = config.getoption("--half")
    if half is None:
        return
    halves = [[item for at, item in enumerate(items) if at // 3 % 2 == which] for which in (0, 1)]
    items[:] = halves[half]
    config.hook.pytest_deselected(items=halves[1 - half])


def pytest_sessionstart() -> None:
    """There is nothing to test without the command."""
    if not Path(FLEETEST).exists():
        raise pytest.UsageError(f"no command {FLEETEST}: install fleetest beside this Python")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Where a module says ``BOTH_WAYS = True``, its runs come once from the command, once from the daemon."""
    if "project" in metafunc.fixturenames and getattr(metafunc.module, "BOTH_WAYS", False):
        metafunc.parametrize("project", ["command", "daemon"], indirect=True)


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    """An empty project; what is still running afterwards is killed."""
    made = Project(tmp_path, through_daemon=getattr(request, "param", "") == "daemon")
    yield made
    made.clean_up()


@pytest.fixture
def one(project: Project) -> Project:
    """A project with one test, whose runs ask the daemon."""
    project.file("test_a.py", "def test_a(): pass")
    project.env.update(WARM)
    return project


@pytest.fixture
def ahead(project: Project) -> Project:
    """A project whose runs go on from snapshots, if they can."""
    project.env.update(AHEAD)
    project.file("test_a.py", TEST)
    return project

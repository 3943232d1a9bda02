"""Workers for which there is no work: they are not made where nobody can tell."""

from __future__ import annotations

import pytest
from lab import Project

COUNT = """
import os
LOG = {log!r}

def forked():
    with open(LOG, "a") as log:
        log.write("forked\\n")

def pytest_collection_finish():
    os.register_at_fork(after_in_parent=forked)

"""
"""A conftest that notes each fork of the controller."""

TEST = """
import os
import pytest

@pytest.mark.parametrize("number", range({tests}))
def test_it(number):
    assert os.environ["PYTEST_XDIST_WORKER_COUNT"] == "4"
"""


def made(project: Project, tests: int, *args: str, conftest: str = "") -> int:
    """How many processes the controller forks off the session that has collected."""
    log = project.path.parent / "forks"
    project.file("conftest.py", COUNT.format(log=str(log)) + conftest)
    project.file("test_it.py", TEST.format(tests=tests))
    result = project.fleetest("-n4", *args).check(0).counts(passed=tests)
    result.lines("*4/4 workers*")
    return len(log.read_text().splitlines())


def test_one_test(project: Project) -> None:
    assert made(project, 1) == 1


def test_two_tests(project: Project) -> None:
    """And the spare."""
    assert made(project, 2) == 3


def test_one_group(project: Project) -> None:
    assert made(project, 8, "--dist=loadfile") == 2


def test_enough_tests(project: Project) -> None:
    assert made(project, 8) == 5


@pytest.mark.parametrize(
    "conftest",
    [
        "def pytest_sessionfinish(): pass",
        "def pytest_unconfigure(): pass",
        "def pytest_testnodeready(): pass",
        "def pytest_testnodedown(): pass",
        "def pytest_configure_node(node): pass",
        "def pytest_configure(config): config.add_cleanup(lambda: None)",
        """
import functools
def f(): pass
def pytest_configure(config): config.add_cleanup(functools.partial(f))
""",
        """
import contextlib
stack = contextlib.ExitStack()
stack.callback(lambda: None)
def pytest_configure(config): config.add_cleanup(stack.close)
""",
    ],
)
def test_somebody_could_tell(project: Project, conftest: str) -> None:
    """Each worker's session ends, and plugins hear of each of them."""
    assert made(project, 1, conftest=conftest) == 4


def test_somebody_mends_crashes(project: Project) -> None:
    """A test may be run once more: there is the spare."""
    assert made(project, 1, conftest="def pytest_handlecrashitem(): pass") == 5


def test_the_only_test_crashes(project: Project) -> None:
    project.file("test_it.py", "import os\ndef test_it(): os.abort()")
    result = project.fleetest("-n2").check(1).counts(failed=1)
    result.lines("*worker 'gw0' crashed while running 'test_it.py::test_it'*")
    assert "replac" not in result.out


def test_names_of_replacements(project: Project) -> None:
    """Those that were not made have their names."""
    project.file(
        "test_it.py",
        """
        import os

        def test_a():
            os.abort()

        def test_b(worker_id):
            assert worker_id == "gw4"
        """,
    )
    project.fleetest("-n4", "--dist=loadfile").check(1).counts(failed=1, passed=1)

"""The modes of ``--dist``: which tests come to one worker, and in which order."""

from __future__ import annotations

import pytest
from lab import Project
from observing import ran

CLASSES = """
import pytest

{marks}

class TestOne:
    @pytest.mark.parametrize("n", range(6))
    def test(self, n): pass

class TestTwo:
    @pytest.mark.parametrize("n", ["a::b", "c[d", "e@f", "g"])
    def test(self, n): pass

@pytest.mark.parametrize("n", range(5))
def test_function(n): pass
"""


def workers_of(project: Project, prefix: str) -> set[str]:
    """The workers that ran tests whose node id begins so."""
    found = {
        worker
        for worker, tests in ran(project).items()
        if any(test.startswith(prefix) for test in tests)
    }
    assert found, prefix
    return found


def write(project: Project, marks: str = "") -> None:
    """Four files of 15 tests."""
    for number in range(4):
        project.file(f"test_{number}.py", CLASSES.format(marks=marks))


def test_loadfile(project: Project) -> None:
    """The tests of a file come to one worker, and several workers have some."""
    write(project)
    project.fleetest("-n", "3", "--dist=loadfile").check(0).counts(passed=60)
    for number in range(4):
        assert len(workers_of(project, f"test_{number}.py")) == 1
    assert len(ran(project)) > 1


def test_loadscope(project: Project) -> None:
    """The tests of a class, or of a module outside of classes, come to one worker."""
    write(project)
    project.fleetest("-n", "3", "--dist", "loadscope").check(0).counts(passed=60)
    for number in range(4):
        for scope in ("::TestOne::", "::TestTwo::", "::test_function["):
            assert len(workers_of(project, f"test_{number}.py{scope}")) == 1
    assert len(ran(project)) > 1


@pytest.mark.parametrize(
    "mark",
    ['"one"', 'name="one"', "", 'name="name@with::signs"'],
    ids=["args", "name", "none", "signs"],
)
def test_loadgroup(project: Project, mark: str) -> None:
    """The tests of a group come to one worker, wherever they are; the rest is spread."""
    write(project)
    project.file("test_0.py", CLASSES.format(marks=f"pytestmark = pytest.mark.xdist_group({mark})"))
    project.file("test_2.py", CLASSES.format(marks=f"pytestmark = pytest.mark.xdist_group({mark})"))
    result = project.fleetest("-n", "3", "--dist=loadgroup", "-v").check(0).counts(passed=60)
    assert len(workers_of(project, "test_0.py") | workers_of(project, "test_2.py")) == 1
    assert len(ran(project)) > 1
    result.lines("scheduling tests via LoadGroupScheduling")
    name = {"": "default", '"one"': "one", 'name="one"': "one"}.get(mark, "name@with::signs")
    assert f"PASSED test_0.py::TestOne::test[0]@{name} " in result.out
    assert "PASSED test_1.py::TestOne::test[0] " in result.out


def test_node_ids_stay_as_they_are(project: Project) -> None:
    """Only the lines of tests name the group: what fails is found again."""
    project.file(
        "test_it.py", "import pytest\n@pytest.mark.xdist_group('a')\ndef test_it(): assert 0"
    )
    project.fleetest("-n", "2", "--dist=loadgroup", "-vv").check(1).lines(
        "* FAILED test_it.py::test_it@a*", "FAILED test_it.py::test_it - *"
    )
    project.pytest("--lf").check(1).lines("run-last-failure: rerun previous 1 *")


def test_several_groups(project: Project) -> None:
    """Who has two groups is of a third one."""
    project.file(
        "test_it.py",
        """
        import pytest

        @pytest.mark.xdist_group("a")
        class TestGroup:
            @pytest.mark.xdist_group("b")
            @pytest.mark.parametrize("n", range(5))
            def test_both(self, n): pass

        @pytest.mark.xdist_group("b")
        @pytest.mark.xdist_group("a")
        @pytest.mark.parametrize("n", range(5))
        def test_both(n): pass
        """,
    )
    project.fleetest("-n", "2", "--dist=loadgroup").check(0).counts(passed=10)
    assert len(ran(project)) == 1


def test_groups_and_single_fixtures(project: Project) -> None:
    """A file that has one test with a fixture that can exist only once goes where that goes."""
    project.file("pytest.ini", "[pytest]\nfleetest_single_fixtures = port\n")
    project.file("conftest.py", "import pytest\n\n@pytest.fixture\ndef port(): pass\n")
    write(project)
    for number in (1, 3):
        project.file(
            f"test_{number}.py", CLASSES.format(marks="") + "\ndef test_port(port): pass\n"
        )
    project.fleetest("-n", "3", "--dist=loadfile").check(0).counts(passed=62)
    assert len(workers_of(project, "test_1.py") | workers_of(project, "test_3.py")) == 1
    assert len(ran(project)) > 1


@pytest.mark.parametrize(
    ("flags", "first"), [((), "test_1.py"), (("--no-loadscope-reorder",), "test_0.py")]
)
def test_order_of_groups(project: Project, flags: tuple[str, ...], first: str) -> None:
    """The largest group is begun first, unless collection order is to be kept."""
    for number, tests in enumerate([2, 40, 2, 2]):
        body = "\n".join(f"def test_{test}(): pass" for test in range(tests))
        project.file(f"test_{number}.py", body + "\n")
    project.fleetest("-n", "1", "--dist=loadfile", *flags).check(0).counts(passed=46)
    assert ran(project)["gw0"][0].startswith(first)


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        (("-d",), "LoadScheduling"),
        (("--dist=load",), "LoadScheduling"),
        (("--dist=worksteal",), "WorkStealingScheduling"),
        (("--dist=loadfile",), "LoadFileScheduling"),
        (("--dist=loadscope",), "LoadScopeScheduling"),
    ],
)
def test_names(project: Project, mode: tuple[str, ...], name: str) -> None:
    """The scheduler's name is xdist's."""
    write(project)
    result = project.fleetest("-n", "2", "-v", *mode).check(0).counts(passed=60)
    result.lines(f"scheduling tests via {name}")


def test_plugins_see_the_mode(project: Project) -> None:
    """``config.option.dist`` is what was asked for, in workers 'no'."""
    project.file(
        "conftest.py",
        """
        import os

        def pytest_collection_finish(session):
            option = session.config.option
            open(f"seen-{os.environ.get('PYTEST_XDIST_WORKER', 'controller')}", "w").write(option.dist)
        """,
    )
    write(project)
    project.fleetest("-n", "2", "--dist=loadfile", "--start-method=spawn").check(0)
    seen = {path.name: path.read_text() for path in project.path.glob("seen-*")}
    assert seen == {"seen-controller": "loadfile", "seen-gw0": "no", "seen-gw1": "no"}


def test_a_crash_in_a_group(project: Project) -> None:
    """What is left of the group comes to the replacement, all of it."""
    project.file(
        "test_it.py",
        "import os, pytest\n\n@pytest.mark.parametrize('n', range(8))\n"
        "def test_it(n):\n    if n == 3: os._exit(1)\n",
    )
    write(project)
    project.fleetest("-n", "2", "--dist=loadfile").check(1).counts(passed=67, failed=1)
    assert len(workers_of(project, "test_it.py")) == 2


def test_chunks(project: Project) -> None:
    """``--maxschedchunk`` takes a positive number."""
    write(project)
    project.fleetest("-n", "2", "--maxschedchunk=1").check(0).counts(passed=60)
    result = project.fleetest("-n", "2", "--maxschedchunk=0").check(4)
    assert "0 is not positive" in result.err


def test_identifier_of_the_run(project: Project) -> None:
    """``--testrunuid`` is what workers and fixtures see."""
    project.file(
        "test_it.py",
        """
        import os

        def test_it(testrun_uid):
            assert testrun_uid == os.environ["PYTEST_XDIST_TESTRUNUID"] == "mine"
        """,
    )
    project.fleetest("-n", "1", "--testrunuid", "mine").check(0).counts(passed=1)

"""Runs that end before their last test: by -x, --stepwise, pytest.exit()."""

from __future__ import annotations

import pytest
from lab import Project
from meeting import meet


@pytest.mark.parametrize("line", ["-x", "--maxfail=2"])
def test_stopping_without_order(project: Project, line: str) -> None:
    """Dispatching stops at once; tests in flight are reported, the others never run."""
    project.file(
        "test_a.py",
        "import pytest\n\n@pytest.mark.parametrize('n', range(200))\n"
        "def test_n(n):\n    open('log', 'a').write(f'{n}\\n')\n    assert n < 2\n",
    )
    result = project.fleetest("-n", "2", line).check(1)
    result.lines("*! stopping after * failures !*")
    ran = project.logged()
    assert len(ran) == sum(result.summary().values())
    limit = 1 if line == "-x" else 2
    assert limit <= result.summary()["failed"] <= limit + 2


def test_the_first_of_two_exits(project: Project) -> None:
    """Of tests in flight that end the run, pytest would have come to the first one only."""
    meet(project)
    project.file(
        "conftest.py",
        """
        import meet

        def pytest_sessionfinish(session):
            meet.say("over")
        """,
    )
    project.file(
        "test_a.py",
        """
        import meet
        import pytest

        def test_first():
            meet.hear("over")
            pytest.exit("the first", returncode=42)

        @pytest.mark.parametrize("n", range(5))
        def test_other(n):
            pytest.exit("another", returncode=0)
        """,
    )
    project.fleetest("-n", "2").check(42).lines("*Exit: the first*")


STEPS = """
import meet
import pytest

@pytest.mark.parametrize("n", range(8))
def test_n(n):
    if n == 0:
        {wait}
    assert n not in (1, 3)
"""


@pytest.mark.parametrize(("env", "stops_at"), [({}, "test_n[1]"), ({"FLEETEST_ORDERED": "0"}, "")])
def test_stepwise_stops_where_pytest_does(
    project: Project, env: dict[str, str], stops_at: str
) -> None:
    """It implies --ordered, since the next run goes on there, unless the user says otherwise."""
    meet(project)
    project.file(
        "conftest.py",
        """
        import meet

        def pytest_runtest_logreport(report):
            if report.failed and "[3]" in report.nodeid:
                meet.say("three")
        """,
    )
    project.file("test_a.py", STEPS.format(wait='meet.hear("three")'))
    first = project.fleetest("-n", "2", "--stepwise", env=env).check(2)
    first.lines("*Test failed, continuing from this test next run.*")
    if stops_at:
        first.counts(failed=1, passed=1).lines("FAILED test_a.py::test_n[[]1]*")
        again = project.fleetest("-n", "2", "--stepwise", "--stepwise-skip").check(2)
        again.lines("FAILED test_a.py::test_n[[]1]*", "FAILED test_a.py::test_n[[]3]*")
    else:
        first.lines("FAILED test_a.py::test_n[[]3]*")  # which pytest would not have come to


@pytest.mark.parametrize("name", ["shouldstop", "shouldfail"])
def test_the_test_that_stops_is_not_still_running(project: Project, name: str) -> None:
    """Only those of other workers are: here there are none."""
    project.file(
        "test_a.py",
        f"""
        def test_stop(request):
            request.session.{name} = "enough"

        def test_other():
            pass
        """,
    )
    result = project.fleetest("-n", "1").check(2 if name == "shouldstop" else 1)
    result.counts(passed=1).no_line("*still running at the stop*")
    result.lines("*enough !*")

"""``--dist each``: every worker runs every test."""

from __future__ import annotations

from lab import Project, numbered
from meeting import meet
from observing import ran


def test_each(project: Project) -> None:
    """In order of collection; all reports are shown."""
    project.file("test_a.py", numbered(20))
    project.file("test_b.py", numbered(5, "assert 0"))
    result = project.fleetest("-n", "3", "--dist", "each", "-v").check(1)
    result.counts(passed=60, failed=15).lines(
        "3 workers [[]25 items]", "scheduling tests via Each*"
    )
    tests = [f"test_a.py::test_{n}" for n in range(20)] + [f"test_b.py::test_{n}" for n in range(5)]
    assert ran(project) == {f"gw{number}": tests for number in range(3)}
    assert "[gw2] [100%] FAILED test_b.py::test_4 " in result.out


def test_a_replacement_runs_the_rest(project: Project) -> None:
    """What the lost worker has run is not run again, and the other one is not concerned."""
    meet(project)
    project.file(
        "test_it.py",
        """
        import os
        import pytest
        from meet import log

        @pytest.mark.parametrize("n", range(9))
        def test_it(n, worker_id):
            log(f"{worker_id} {n}")
            if n == 4 and worker_id == "gw1":
                os._exit(1)
        """,
    )
    project.fleetest("-n", "2", "--dist=each").check(1).counts(passed=17, failed=1)
    expected = [f"gw0 {n}" for n in range(9)] + [f"gw1 {n}" for n in range(5)]
    assert sorted(project.logged()) == sorted(expected + [f"gw2 {n}" for n in range(5, 9)])


def test_a_worker_that_is_late_replaces_nobody(project: Project) -> None:
    """It runs every test, though another one was lost before it was ready."""
    meet(project)
    project.file(
        "conftest.py",
        """
        import meet

        class Late:
            config = None

            def pytest_plugin_registered(self):
                # Also called in a worker before it says that it is ready.
                worker = getattr(self.config, "workerinput", {}).get("workerid")
                if worker == "gw0":
                    meet.hear("lost")
                elif worker == "gw2":
                    meet.hear("late one")

        def pytest_collection_modifyitems(config):
            config.pluginmanager.register(Late())

        def pytest_xdist_setupnodes(config):
            Late.config = config

        def pytest_testnodedown(error):
            if error:
                meet.say("lost")
        """,
    )
    project.file(
        "test_it.py",
        """
        import os
        import pytest
        import meet

        @pytest.mark.parametrize("n", range(5))
        def test_it(n, worker_id):
            meet.log(f"{worker_id} {n}")
            if worker_id == "gw0":
                meet.say("late one")
            if n == 2 and worker_id == "gw1":
                os._exit(1)
        """,
    )
    project.fleetest("-n", "2", "--dist=each").check(1).counts(passed=9, failed=1)
    expected = [f"gw0 {n}" for n in range(5)] + [f"gw1 {n}" for n in range(3)]
    assert sorted(project.logged()) == [*expected, "gw2 3", "gw2 4"]


def test_without_a_replacement(project: Project) -> None:
    """What is left is named."""
    project.file("conftest.py", "import os")
    project.file(
        "test_it.py",
        """
        import os
        import pytest

        @pytest.mark.parametrize("n", range(5))
        def test_it(n, worker_id):
            if n == 1 and worker_id == "gw1":
                os._exit(1)
        """,
    )
    result = project.fleetest("-n", "2", "--dist=each", "--max-worker-restart=0").check(1)
    result.counts(passed=6, failed=1).lines("*fleetest: 3 tests were not run: no worker is left*")


def test_stop_at_the_first_failure(project: Project) -> None:
    """Nobody goes on."""
    project.file("test_it.py", "def test_first(): assert 0\n" + numbered(500))
    result = project.fleetest("-n", "2", "--dist=each", "-x").check(1)
    assert result.summary().get("passed", 0) < 1000


def test_order_is_refused(project: Project) -> None:
    """There is no order of two runs of the same test."""
    project.file("test_it.py", numbered(2))
    result = project.fleetest("-n", "2", "--dist=each", "--ordered").check(4)
    result.err_lines("ERROR: --ordered: with --dist each there is no order to keep")
    project.fleetest("-n", "1", "--dist=each", "--ordered").check(0).counts(passed=2)

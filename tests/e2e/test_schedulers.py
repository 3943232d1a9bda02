"""Schedulers that a plugin makes from xdist's: ``pytest_xdist_make_scheduler``."""

from __future__ import annotations

from collections import Counter

import pytest
from dying import check_others_ran_once, write_dying
from lab import Project, numbered
from meeting import meet
from observing import ran

CLASSES = (
    "EachScheduling",
    "LoadScheduling",
    "LoadScopeScheduling",
    "LoadFileScheduling",
    "LoadGroupScheduling",
    "WorkStealingScheduling",
)

MAKE = """
import meet
from xdist.scheduler import *

class Mine({base}):
    pass

def pytest_xdist_make_scheduler(config, log):
    return Mine(config, log)
"""


def write(project: Project, base: str, tests: int = 10) -> None:
    """Four files of tests, and a scheduler."""
    meet(project)
    project.file("conftest.py", MAKE.format(base=base))
    for number in range(4):
        project.file(f"test_{number}.py", numbered(tests))


@pytest.mark.parametrize("base", CLASSES)
def test_each_class_runs_all_tests(project: Project, base: str) -> None:
    """A subclass of any of them gives out every test, and is named."""
    write(project, base)
    result = project.fleetest("-n", "3", "-v").check(0)
    result.lines("scheduling tests via Mine")
    times = 3 if base == "EachScheduling" else 1
    result.counts(passed=40 * times)
    told = Counter(test for tests in ran(project).values() for test in tests)
    assert set(told.values()) == {times}
    assert len(told) == 40


@pytest.mark.parametrize("base", CLASSES)
def test_fewer_tests_than_workers(project: Project, base: str) -> None:
    """One test for four workers."""
    meet(project)
    project.file("conftest.py", MAKE.format(base=base))
    project.file("test_it.py", numbered(1))
    result = project.fleetest("-n", "4").check(0)
    result.counts(passed=4 if base == "EachScheduling" else 1)


@pytest.mark.parametrize("base", CLASSES[1:])
def test_each_class_survives_a_crash(project: Project, base: str) -> None:
    """What a lost worker has left is run by others, or by its replacement."""
    write_dying(project, "os._exit(1)")
    project.file("conftest.py", MAKE.format(base=base))
    result = project.fleetest("-n", "2").check(1).counts(passed=8, failed=1)
    result.lines("*worker 'gw?' crashed while running 'test_dying.py::test_dying'*")
    check_others_ran_once(project)


@pytest.mark.parametrize("base", CLASSES[1:])
def test_a_crashed_test_can_be_run_again(project: Project, base: str) -> None:
    """``sched.mark_test_pending`` in ``pytest_handlecrashitem``."""
    meet(project)
    project.file(
        "conftest.py",
        MAKE.format(base=base)
        + """
def pytest_handlecrashitem(crashitem, report, sched):
    assert isinstance(sched, Mine)
    report.outcome = "rerun"
    sched.mark_test_pending(crashitem)
""",
    )
    project.file(
        "test_it.py",
        """
        import os
        from meet import log

        def test_a(): log("a")

        def test_dies_once():
            first = not os.path.exists("died")
            log("died", "died")
            if first:
                os._exit(1)
            log("lives")

        def test_b(): log("b")
        """,
    )
    project.fleetest("-n", "2").check(0).counts(passed=3, rerun=1)
    assert sorted(project.logged()) == ["a", "b", "lives"]


def test_scopes_of_its_own(project: Project) -> None:
    """The commonest use: ``_split_scope``."""
    meet(project)
    project.file(
        "conftest.py",
        """
        from xdist.scheduler.loadscope import LoadScopeScheduling

        class ByLetter(LoadScopeScheduling):
            def _split_scope(self, nodeid):
                return nodeid[-1]

        def pytest_xdist_make_scheduler(config, log):
            return ByLetter(config, log)
        """,
    )
    for number in range(5):
        project.file(f"test_{number}.py", "\n".join(f"def test_{n}(): pass" for n in "abcd"))
    project.fleetest("-n", "3").check(0).counts(passed=20)
    for letter in "abcd":
        workers = [
            name for name, tests in ran(project).items() if any(t[-1] == letter for t in tests)
        ]
        assert len(workers) == 1
    assert len(ran(project)) == 3


def test_groups_have_their_names(project: Project) -> None:
    """With loadgroup a scheduler knows tests by node id, '@' and group, as under xdist."""
    project.file(
        "conftest.py",
        """
        from xdist.dsession import LoadGroupScheduling

        class Mine(LoadGroupScheduling):
            def _split_scope(self, nodeid):
                with open("scopes", "a") as file:
                    file.write(nodeid + " " + super()._split_scope(nodeid) + "\\n")
                return super()._split_scope(nodeid)

        def pytest_xdist_make_scheduler(config, log):
            return Mine(config, log)
        """,
    )
    project.file(
        "test_it.py",
        """
        import pytest

        @pytest.mark.xdist_group("one")
        def test_a(): pass

        @pytest.mark.parametrize("n", ["x@y"])
        def test_b(n): pass
        """,
    )
    project.fleetest("-n", "2", "--dist", "loadgroup").check(0).counts(passed=2)
    assert set(project.logged("scopes")) == {
        "test_it.py::test_a@one one",
        "test_it.py::test_b[x@y] test_it.py::test_b[x@y]",
    }


def test_one_that_is_derived_from_nothing(project: Project) -> None:
    """It needs the methods only; the last worker to be ready gets everything."""
    project.file(
        "conftest.py",
        """
        class AllToTheLast:
            def __init__(self, config):
                self.config = config
                self.waiting, self.queue = [], {}

            @property
            def nodes(self):
                return list(self.queue)

            @property
            def collection_is_completed(self):
                return len(self.queue) == len(self.config.option.tx)

            @property
            def tests_finished(self):
                return self.collection_is_completed and not any(len(q) > 1 for q in self.queue.values())

            has_pending = property(lambda self: any(self.queue.values()))

            def add_node(self, node):
                self.queue[node] = []

            def add_node_collection(self, node, collection):
                self.collection = list(collection)

            def schedule(self):
                last = self.nodes[-1]
                self.queue[last] = list(range(len(self.collection)))
                last.send_runtest_all()

            def mark_test_complete(self, node, item_index, duration=0):
                assert duration > 0
                self.queue[node].remove(item_index)

            def remove_node(self, node):
                assert not self.queue.pop(node)

        def pytest_xdist_make_scheduler(config, log):
            log("made")
            return AllToTheLast(config)
        """,
    )
    project.file("test_it.py", numbered(12))
    project.fleetest("-n", "3").check(0).counts(passed=12)
    assert len(ran(project)) == 1


def test_work_is_stolen(project: Project) -> None:
    """A worker in a long test loses half of what it has not begun, while it is in it."""
    meet(project)
    project.file("conftest.py", MAKE.format(base="WorkStealingScheduling"))
    project.file(
        "test_it.py",
        """
        import pytest
        from meet import hear, say

        def test_long():
            hear("last")

        @pytest.mark.parametrize("n", range(9))
        def test_own(n):
            if n == 8:
                say("last")

        @pytest.mark.parametrize("n", range(10))
        def test_other(n): pass
        """,
    )
    project.fleetest("-n", "2").check(0).counts(passed=20)


NOTHING_MORE = """
from xdist.scheduler import LoadScheduling

class Lazy(LoadScheduling):
    def check_schedule(self, node, duration=0):
        {does}

def pytest_xdist_make_scheduler(config, log):
    return Lazy(config, log)
"""


def test_one_that_gives_out_nothing_more(project: Project) -> None:
    """The run ends, and fails."""
    project.file("conftest.py", NOTHING_MORE.format(does="pass"))
    project.file("test_it.py", numbered(40))
    result = project.fleetest("-n", "2").check(1)
    passed = result.summary()["passed"]
    result.lines(f"!* Lazy gives out no more tests: {40 - passed} were not run !*")


def test_one_that_ends_too_early(project: Project) -> None:
    """Tests that nobody ran are no success."""
    project.file("conftest.py", NOTHING_MORE.format(does="self.pending.clear(); node.shutdown()"))
    project.file("test_it.py", numbered(40))
    result = project.fleetest("-n", "2").check(1)
    left = 40 - result.summary()["passed"]
    result.lines(f"!* {left} tests were not run: Lazy did not give them to a worker !*")


def test_one_that_raises(project: Project) -> None:
    """That is an error of the plugin, and the run ends."""
    project.file("conftest.py", NOTHING_MORE.format(does="raise RuntimeError('no idea')"))
    project.file("test_it.py", numbered(40))
    project.fleetest("-n", "2").check(3).lines("INTERNALERROR> RuntimeError: no idea")


def test_stop_at_the_first_failure(project: Project) -> None:
    """With -x nothing more is given out, and nobody waits."""
    write(project, "WorkStealingScheduling")
    project.file("test_0.py", "def test_it(): assert 0")
    result = project.fleetest("-n", "2", "-x").check(1)
    result.lines("!* stopping after 1 failures !*")


def test_single_fixtures_are_refused(project: Project) -> None:
    """A plugin's scheduler does not know of them."""
    write(project, "LoadScheduling")
    project.file("pytest.ini", "[pytest]\nfleetest_single_fixtures = tmp_path")
    project.file("test_0.py", "def test_it(tmp_path): pass")
    result = project.fleetest("-n", "2").check(4)
    result.err_lines(
        "ERROR: fleetest_single_fixtures: Mine does not keep their tests in one worker"
    )


def test_what_can_be_imported(project: Project) -> None:
    """From where people import it."""
    project.file(
        "conftest.py",
        """
        import xdist.dsession, xdist.scheduler
        from xdist.dsession import DSession, LoadScheduling
        from xdist.remote import Producer
        from xdist.report import report_collection_diff
        from xdist.scheduler.each import EachScheduling
        from xdist.scheduler.load import LoadScheduling as Load
        from xdist.scheduler.loadfile import LoadFileScheduling
        from xdist.scheduler.loadgroup import LoadGroupScheduling
        from xdist.scheduler.loadscope import LoadScopeScheduling
        from xdist.scheduler.protocol import Scheduling
        from xdist.scheduler.worksteal import WorkStealingScheduling
        from xdist.workermanage import WorkerController, parse_tx_spec_config

        assert Load is LoadScheduling is xdist.dsession.LoadScheduling
        assert report_collection_diff(["a"], ["a"], "1", "2") is None
        assert "+b" in report_collection_diff(["a"], ["a", "b"], "1", "2")
        assert repr(Producer("a").b) == "Producer('b', enabled=True)"

        def pytest_sessionstart(session):
            if not hasattr(session.config, "workerinput"):
                assert isinstance(session.config.pluginmanager.get_plugin("dsession"), DSession)
                reporter = session.config.pluginmanager.get_plugin("terminaldistreporter")
                assert isinstance(reporter, xdist.dsession.TerminalDistReporter)
                assert reporter.tr is session.config.pluginmanager.get_plugin("terminalreporter")

        def pytest_runtest_setup(item):
            manager = item.config.pluginmanager
            assert not manager.has_plugin("dsession") and not manager.has_plugin("terminaldistreporter")

        def pytest_testnodeready(node):
            assert isinstance(node, WorkerController)
            assert parse_tx_spec_config(node.config) == ["popen", "popen"]
            sched = node.config.pluginmanager.get_plugin("dsession").sched
            assert sched.config is node.config and sched.numnodes == 2
            assert sched.has_pending is not sched.tests_finished
            assert sched.collection == ["test_it.py::test_0", "test_it.py::test_1"]
        """,
    )
    project.file("test_it.py", numbered(2))
    project.fleetest("-n", "2").check(0).counts(passed=2)

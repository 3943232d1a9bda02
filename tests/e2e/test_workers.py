"""Spawned workers, how tests are handed out, and what tests do to their process."""

from __future__ import annotations

import re
import signal
from collections import Counter

import pytest
from dying import (
    DEATHS,
    OTHERS,
    check_others_ran_once,
    failure_of,
    write_dying,
)
from lab import Project, numbered, wait_for
from meeting import meet, say

# ---- spawned workers ----


def test_title_of_the_process(project: Project) -> None:
    """Where setproctitle is installed it names the test that a worker runs."""
    project.file(
        "setproctitle.py",
        """
        def setproctitle(title):
            with open("titles", "a") as file:
                file.write(title + "\\n")
        """,
    )
    project.file("test_it.py", numbered(2))
    project.file("pytest.ini", "[pytest]\npythonpath = .")
    project.fleetest("-n", "1").check(0).counts(passed=2)
    idle = "[pytest-xdist idle]"
    running = [f"[pytest-xdist running] test_it.py::test_{number}" for number in range(2)]
    assert project.logged("titles") == [running[0], idle, running[1], idle]


def test_spawned_workers(project: Project) -> None:
    write_dying(project, "pass")
    result = project.fleetest("-n2", "--start-method=spawn").check(0)
    result.lines("fleetest: *workers spawned (--start-method spawn)*")
    result.counts(passed=OTHERS + 1)
    check_others_ran_once(project)


@pytest.mark.parametrize("death", ["abort", "exit0"])
def test_spawned_worker_dies(project: Project, death: str) -> None:
    how, words = DEATHS[death]
    write_dying(project, how)
    result = project.fleetest("-n2", "--start-method=spawn").check(1)
    result.counts(failed=1, passed=OTHERS)
    shown = failure_of(result, "test_dying")
    assert words in shown
    if death == "abort":
        assert "Fatal Python error" in shown
    check_others_ran_once(project)


def test_spawned_worker_dies_with_its_output(project: Project) -> None:
    write_dying(project, "os._exit(3)")
    result = project.fleetest("-n1", "--start-method=spawn").check(1)
    assert "last words in call" in failure_of(result, "test_dying")


def test_spawned_worker_dies_before_it_is_ready(project: Project) -> None:
    project.file(
        "conftest.py",
        """
        import os

        def pytest_configure(config):
            if hasattr(config, "workerinput"):
                os._exit(0)
        """,
    )
    project.file("test_it.py", numbered(4))
    result = project.fleetest("-n2", "--start-method=spawn").check(1)
    result.lines("*crashed before it was ready*", "*4 tests were not run: no worker is left*")


def test_spawned_workers_collect_something_else(project: Project) -> None:
    meet(project)
    project.file(
        "test_pid.py",
        """
        import os, pytest
        from meet import log

        @pytest.mark.parametrize("owner", [f"db{os.getpid()}"])
        def test_database(owner):
            log("ran")

        def test_same():
            log("ran same")
        """,
    )
    result = project.fleetest("-n2", "--start-method=spawn").check(1)
    for name in ("gw0", "gw1"):
        result.lines(f"*Different tests were collected by {name}*")
    result.lines(
        "--- controller",
        "+++ gw[01]",
        "-test_pid.py::test_database*",
        "+test_pid.py::test_database*",
    )
    assert not project.logged()


def test_one_spawned_worker_collects_something_else(project: Project) -> None:
    """The other one runs everything, once; the run is no success."""
    meet(project)
    project.file(
        "test_worker.py",
        """
        import os, pytest
        from meet import log

        more = ["extra"] if os.environ.get("PYTEST_XDIST_WORKER") == "gw1" else []

        @pytest.mark.parametrize("name", ["one", "two", *more])
        def test_it(name):
            log(name)
        """,
    )
    result = project.fleetest("-n2", "--start-method=spawn").check(1)
    result.lines("*Different tests were collected by gw1*", "+test_worker.py::test_it*extra*")
    assert sorted(project.logged()) == ["one", "two"]


def test_threads_at_collection(project: Project) -> None:
    project.file(
        "conftest.py",
        """
        import threading
        stop = threading.Event()
        threading.Thread(target=stop.wait, name="heartbeat", daemon=True).start()
        """,
    )
    project.file("test_it.py", numbered(4))
    result = project.fleetest("-n2").check(0)
    result.lines("fleetest: *workers forked before the conftests (threads are running: heartbeat)*")
    result.counts(passed=4)


def test_threads_that_ended_do_not_matter(project: Project) -> None:
    project.file(
        "conftest.py",
        "import threading\nthread = threading.Thread(target=print)\nthread.start()\nthread.join()\n",
    )
    project.file("test_it.py", numbered(4))
    project.fleetest("-n2").check(0).lines("fleetest: *workers forked after collection*")


def test_spawned_worker_has_the_options(project: Project) -> None:
    """Its session is configured from the same command line, ini file and folder."""
    project.file(
        "sub/pytest.ini",
        "[pytest]\naddopts = -n2 --start-method=spawn\npython_files = check_*.py\n",
    )
    project.file(
        "sub/check_it.py",
        """
        import os, sys

        def test_config(pytestconfig, worker_id):
            assert worker_id == os.environ["PYTEST_XDIST_WORKER"]
            assert pytestconfig.getoption("keyword") == "config or other"
            assert sys.argv == ["-c"]

        def test_other(testrun_uid):
            assert os.path.basename(os.getcwd()) == "sub"
            assert testrun_uid == os.environ["PYTEST_XDIST_TESTRUNUID"]

        def test_deselected():
            assert False
        """,
    )
    result = project.fleetest("-k", "config or other", cwd="sub").check(0)
    result.counts(passed=2, deselected=1)


# ---- dispatch ----


def test_stop_at_the_first_failure(project: Project) -> None:
    """With -x those in flight finish and are reported; nothing more is started."""
    meet(project)
    project.file(
        "test_stop.py",
        """
        import pytest
        import meet

        ids = ("gw0", "gw1", "gw2")

        @pytest.fixture(scope="session", autouse=True)
        def resource(worker_id):
            yield
            meet.log("end " + worker_id)

        @pytest.mark.parametrize("number", range(300))
        def test_it(number, worker_id):
            meet.log("ran")
            meet.here(worker_id)
            for other in ids:
                meet.hear(other)
            assert worker_id != "gw1"
            meet.hear("failed")
        """,
    )
    running = project.start_fleetest("-n3", "-x", "-v")
    wait_for(lambda: "FAILED" in running.out(), "the failure")
    say(project, "failed")
    result = running.wait().check(1)
    result.counts(failed=1, passed=2)
    assert sorted(project.logged()) == ["end gw0", "end gw1", "end gw2", "ran", "ran", "ran"]
    result.lines("*2 tests were still running at the stop*", "*stopping after 1 failures*")


@pytest.mark.parametrize("limit", [1, 3])
def test_maxfail(project: Project, limit: int) -> None:
    project.file("test_fail.py", numbered(200, "assert False"))
    result = project.fleetest("-n2", f"--maxfail={limit}").check(1)
    # A worker that has come to the limit by itself goes on no more, whatever the others do.
    assert limit <= result.summary()["failed"] <= 2 * limit
    result.lines("*stopping after * failures*")


SCOPES = """
import pytest
from meet import hear, log, say

@pytest.fixture(scope="session", autouse=True)
def session_thing(worker_id, request):
    say(worker_id)
    for number in range(request.config.workerinput["workercount"]):
        hear(f"gw{number}")
    log(f"{worker_id} + session")
    yield
    log(f"{worker_id} - session")

@pytest.fixture(scope="module", autouse=True)
def module_thing(worker_id, request):
    log(f"{worker_id} + {request.module.__name__}")
    yield
    log(f"{worker_id} - {request.module.__name__}")

def pytest_runtest_call(item):
    log(f"{item.config.workerinput['workerid']} {item.module.__name__} {item.name}")
"""


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_fixtures_are_torn_down_as_pytest_would(project: Project, workers: int) -> None:
    """Each worker's log is what pytest writes when it runs that worker's sequence of tests."""
    project.file("conftest.py", SCOPES)
    meet(project)
    for name in ("alpha", "beta", "gamma"):
        project.file(f"test_{name}.py", numbered(5))
    project.fleetest(f"-n{workers}").check(0).counts(passed=15)
    logs: dict[str, list[str]] = {}
    for line in project.logged():
        worker, _, what = line.partition(" ")
        logs.setdefault(worker, []).append(what)
    assert len(logs) == workers
    for log in logs.values():
        wanted, module = ["+ session"], ""
        for test in log:
            if test[0] not in "+-":
                name = test.split()[0]
                if name != module:
                    wanted += [f"- {module}"] * bool(module) + [f"+ {name}"]
                    module = name
                wanted.append(test)
        wanted += [f"- {module}", "- session"]
        assert log == wanted


def test_module_fixture_survives_a_pause(project: Project) -> None:
    """A worker that has to wait for its next item may not tear down what that one needs."""
    meet(project)
    project.file(
        "test_one.py",
        """
        import time
        import pytest
        from meet import log

        @pytest.fixture(scope="module")
        def thing(worker_id):
            log(f"up {worker_id}")
            yield
            log(f"down {worker_id}")

        @pytest.mark.parametrize("number", range(40))
        def test_it(number, thing):
            time.sleep(0.02 if number % 7 == 0 else 0)
        """,
    )
    project.fleetest("-n2").check(0).counts(passed=40)
    assert sorted(project.logged()) == ["down gw0", "down gw1", "up gw0", "up gw1"]


def test_each_report_comes_once(project: Project) -> None:
    meet(project)
    project.file(
        "conftest.py",
        """
        import os
        import meet

        def pytest_runtest_logreport(report):
            if "PYTEST_XDIST_WORKER" not in os.environ:
                meet.log(f"{report.nodeid} {report.when}")
        """,
    )
    project.file("test_it.py", "import os\n" + numbered(30))
    project.fleetest("-n3").check(0)
    told = Counter(project.logged())
    assert len(told) == 90
    assert set(told.values()) == {1}


# ---- what tests do to their process ----


@pytest.mark.parametrize("option", [(), ("-s",)])
def test_closing_descriptors(project: Project, option: tuple[str, ...]) -> None:
    """Under pytest such a test passes with -s; it may cost its worker, but nothing else."""
    meet(project)
    project.file(
        "test_close.py",
        """
        import os
        from meet import log

        def test_close():
            log("close")
            os.closerange(3, 50)

        """
        + numbered(6, "import sys; log(sys._getframe().f_code.co_name)").replace(
            "\n", "\n        "
        ),
    )
    result = project.fleetest("-n2", *option)
    assert sorted(project.logged()) == ["close", *(f"test_{n}" for n in range(6))]
    counts = result.summary()
    if result.code == 0:
        assert counts == {"passed": 7}
    else:
        assert result.code == 1, result
        assert counts.get("passed") in (6, 7)
        result.lines("*crashed*")


@pytest.mark.parametrize("method", ["fork", "configure", "conftests", "spawn"])
def test_forked_child_returns_into_pytest(project: Project, method: str) -> None:
    """The child goes on through the session: it says nothing, and the worker goes on as well."""
    meet(project)
    project.file(
        "test_fork.py",
        """
        import os
        from meet import log

        def test_fork():
            log(f"before {os.getpid()}")
            pid = os.fork()
            if pid:
                _, status = os.waitpid(pid, 0)
                log(f"child ended {status}")
            else:
                log("child")
        """,
    )
    project.file("test_other.py", "from meet import log\n" + numbered(6, "log('other')"))
    result = project.fleetest("-n1", "-v", f"--start-method={method}")
    assert result.code == 0, result
    result.counts(passed=7)
    told = Counter(re.findall(r"^\[gw\d+\] \[ *\d+%\] (\w+ \S+)", result.out, re.M))
    assert set(told.values()) == {1}, told
    assert project.logged().count("other") == 6
    assert result.out.count("test session starts") == 1


def test_workers_are_reaped_by_the_end_of_the_session(project: Project) -> None:
    """The session's own end does not wait for the kernel to take them apart; the run's does."""
    project.file(
        "conftest.py",
        """
        import os

        def pytest_unconfigure(config):
            if hasattr(config, "workerinput"):
                return
            try:
                left = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                left = "none"
            with open("log", "a") as file:
                print(left, file=file)
        """,
    )
    project.file("test_it.py", "memory = []\n" + numbered(4, "memory.append(b'x' * 20_000_000)"))
    project.fleetest("-n2", "--start-method=fork").check(0).counts(passed=4)
    assert project.logged() == ["none"]


def test_child_of_a_test_that_stays_does_not_hold_the_run_up(project: Project) -> None:
    """It has inherited the worker's pipes and socket: their end is not waited for."""
    meet(project)
    project.file(
        "test_stay.py",
        """
        import os
        import meet

        def test_stay():
            meet.leave_a_child()
        """,
    )
    running = project.start_fleetest("-n1")
    running.process.wait(20)
    say(project, "run is over")
    result = running.wait(orphans=True).check(0)
    result.counts(passed=1)


def ignore_children() -> None:
    """What the command inherits from some daemons and container runtimes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def test_parent_ignores_sigchld(project: Project) -> None:
    """Then nobody is told how a process ended; the run must not wait for ever for that."""
    project.file("test_it.py", numbered(3))
    project.fleetest("-n2", timeout=8, preexec_fn=ignore_children).check(0).counts(passed=3)


def test_parent_ignores_sigchld_and_a_worker_dies(project: Project) -> None:
    write_dying(project, "os._exit(0)")
    result = project.fleetest("-n2", timeout=8, preexec_fn=ignore_children).check(1)
    result.counts(failed=1, passed=OTHERS)

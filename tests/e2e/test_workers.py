"""Workers in trouble: they die, cannot be forked, collect other tests, or have children."""

from __future__ import annotations

import os
import re
import signal
import xml.etree.ElementTree as ET
from collections import Counter

import pytest
from lab import Project, Result, numbered, wait_for
from meeting import heard_pid, meet, parent_of, say, spare_of

DEATHS = {
    "segv": ("faulthandler._sigsegv()", "killed by signal 11 (SIGSEGV)"),
    "abort": ("os.abort()", "killed by signal 6 (SIGABRT)"),
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", "killed by signal 9 (SIGKILL)"),
    "exit0": ("os._exit(0)", "exited with status 0"),
    "exit3": ("os._exit(3)", "exited with status 3"),
}
PHASES = ("setup", "call", "teardown")
OTHERS = 8

DYING = """
import faulthandler, os, signal
import pytest
from meet import log

def die(phase):
    if phase == {phase!r}:
        print("last words in", phase, flush=True)
        {how}

@pytest.fixture
def dying():
    die("setup")
    yield
    die("teardown")

def test_dying(dying):
    log("dying")
    die("call")

@pytest.mark.parametrize("number", range({others}))
def test_other(number):
    log(f"other {{number}}")
"""


def write_dying(project: Project, how: str, phase: str = "call", others: int = OTHERS) -> None:
    """A test that dies, and others that log that they ran."""
    meet(project)
    project.file("test_dying.py", DYING.format(how=how, phase=phase, others=others))


def check_others_ran_once(project: Project, others: int = OTHERS) -> None:
    """Each of the other tests ran once, and the dying one at most once."""
    ran = Counter(project.logged())
    assert ran.pop("dying", 0) <= 1
    assert ran == {f"other {number}": 1 for number in range(others)}


def failure_of(result: Result, name: str) -> str:
    """The part of the output that shows a test's failure."""
    found = re.search(rf"^_+ {re.escape(name)} _+$(.*?)(?=^[_=]{{3,}})", result.out, re.M | re.S)
    assert found, f"no failure of {name}\n{result}"
    return found[1]


# ---- a worker dies in a test ----


@pytest.mark.parametrize(
    ("death", "phase"),
    [
        *((death, "call") for death in DEATHS),
        *(("exit0", phase) for phase in PHASES if phase != "call"),
    ],
)
def test_dies_in_a_test(project: Project, death: str, phase: str) -> None:
    how, words = DEATHS[death]
    write_dying(project, how, phase)
    result = project.fleetest("-n2").check(1)
    counts = result.summary()
    assert counts["failed"] == 1, result
    # A test that died in its teardown may be shown as passed too: its call was.
    assert counts["passed"] in (OTHERS, OTHERS + (phase == "teardown")), result
    shown = failure_of(result, "test_dying")
    assert re.search(r"worker 'gw[01]' crashed while running 'test_dying.py::test_dying'", shown)
    assert words in shown
    assert f"last words in {phase}" in shown
    if death in ("segv", "abort"):
        assert re.search(r"^Fatal Python error: ", shown, re.M)
        assert "test_dying.py" in shown.partition("Fatal Python error")[2]
    check_others_ran_once(project)


@pytest.mark.parametrize("phase", PHASES)
def test_dies_in_a_test_with_s(project: Project, phase: str) -> None:
    write_dying(project, "os.abort()", phase)
    result = project.fleetest("-n2", "-s").check(1)
    result.lines(f"*last words in {phase}*")
    assert "killed by signal 6 (SIGABRT)" in failure_of(result, "test_dying")
    check_others_ran_once(project)


def test_output_of_all_phases_is_shown(project: Project) -> None:
    """As pytest does for an error in the teardown."""
    project.file(
        "test_phases.py",
        """
        import os, pytest

        @pytest.fixture
        def noisy():
            print("said in setup")
            yield
            print("said in teardown")
            os._exit(3)

        def test_noisy(noisy):
            print("said in call")
        """,
    )
    shown = failure_of(project.fleetest("-n1").check(1), "test_noisy")
    for phase in PHASES:
        assert f"said in {phase}" in shown


def test_ordered(project: Project) -> None:
    write_dying(project, "os._exit(0)")
    result = project.fleetest("-n2", "--ordered").check(1)
    result.counts(failed=1, passed=OTHERS)
    check_others_ran_once(project)


def test_no_test_is_reported_passed_twice_or_lost(project: Project) -> None:
    """Every fourth test kills its worker; each is accounted for, with what happened to it."""
    meet(project)
    project.file(
        "test_many.py",
        """
        import os, pytest
        from meet import log

        @pytest.mark.parametrize("number", range(24))
        def test_it(number):
            log(str(number))
            if number % 4 == 0:
                os._exit(number % 3)
        """,
    )
    result = project.fleetest("-n3", "-v").check(1)
    result.counts(failed=6, passed=18)
    wanted = {
        f"test_many.py::test_it[{number}]": "PASSED" if number % 4 else "FAILED"
        for number in range(24)
    }
    assert result.outcomes() == wanted
    assert sorted(map(int, project.logged())) == list(range(24))
    told = Counter(re.findall(r"^\[gw\d+\] \[ *\d+%\] \w+ (\S+)", result.out, re.M))
    assert set(told.values()) == {1}, told


def test_replacement_takes_the_next_name(project: Project) -> None:
    write_dying(project, "os._exit(1)", others=20)
    result = project.fleetest("-n1", "-v").check(1)
    result.lines("*node down: Not properly terminated*", "*replacing crashed worker gw0*")
    assert "[gw1]" in result.out
    assert "[gw2]" not in result.out
    check_others_ran_once(project, 20)


def test_replacement_is_as_new(project: Project) -> None:
    """It comes from before the first test: module state and fixtures are made anew, output works."""
    meet(project)
    project.file(
        "test_state.py",
        """
        import os, pytest
        from meet import log

        seen = []

        @pytest.fixture(scope="session", autouse=True)
        def started(worker_id):
            log(f"start {worker_id}")
            yield
            log(f"end {worker_id}")

        def test_first():
            seen.append(1)
            os._exit(0)

        def test_second(worker_id, capfd):
            print("captured")
            os.write(2, b"captured too")
            out, err = capfd.readouterr()
            assert (out, err) == ("captured\\n", "captured too")
            assert seen == []
            assert worker_id == os.environ["PYTEST_XDIST_WORKER"] == "gw1"

        def test_third(tmp_path):
            print("shown")
            assert "popen-gw1" in str(tmp_path)
            assert False
        """,
    )
    result = project.fleetest("-n1").check(1)
    result.counts(failed=2, passed=1)
    assert "shown" in failure_of(result, "test_third")
    assert "assert False" in failure_of(result, "test_third")
    assert project.logged() == ["start gw0", "start gw1", "end gw1"]


@pytest.mark.parametrize(("limit", "left"), [(0, 3), (1, 2), (2, 1), (4, 0)])
def test_max_worker_restart(project: Project, limit: int, left: int) -> None:
    """With one worker, each of the first four tests costs one."""
    meet(project)
    project.file(
        "test_four.py",
        "import os\nfrom meet import log\n"
        + numbered(4, "import sys; log(sys._getframe().f_code.co_name); os._exit(1)"),
    )
    result = project.fleetest("-n1", f"--max-worker-restart={limit}").check(1)
    result.counts(failed=4 - left)
    assert sorted(project.logged()) == sorted(set(project.logged()))
    assert len(project.logged()) == 4 - left
    if limit == 0:
        result.lines("*worker gw0 crashed and worker restarting disabled*")
    elif left:
        result.lines(f"*maximum crashed workers reached: {limit}*")
    if left:
        noun = "test was" if left == 1 else "tests were"
        result.lines(f"*{left} {noun} not run: no worker is left*")
    else:
        result.no_line("*not run*")


def test_others_go_on_when_restarting_is_disabled(project: Project) -> None:
    write_dying(project, "os._exit(1)")
    result = project.fleetest("-n2", "--max-worker-restart=0").check(1)
    result.counts(failed=1, passed=OTHERS)
    check_others_ran_once(project)


def test_all_workers_die_at_once(project: Project) -> None:
    """And so do their replacements: the run ends, and says how much it did not do."""
    project.file("test_all.py", "import os\n" + numbered(40, "os._exit(0)"))
    result = project.fleetest("-n2").check(1)
    failed = result.summary()["failed"]
    assert failed == 2 + 4 * 2  # as many as there were workers
    result.lines(f"*{40 - failed} tests were not run: no worker is left*")


def test_junit_report_of_crashes(project: Project) -> None:
    write_dying(project, "os.abort()", "teardown")
    project.fleetest("-n2", "--junitxml=report.xml").check(1)
    suite = ET.fromstring(project.read("report.xml")).find("testsuite")
    assert suite is not None
    cases = Counter(case.get("name") for case in suite.iter("testcase"))
    assert set(cases) == {"test_dying", *(f"test_other[{n}]" for n in range(OTHERS))}
    assert [name for name, count in cases.items() if count > 1] in ([], ["test_dying"])
    troubles = [
        case.get("name") for case in suite if list(case.iter("error")) + list(case.iter("failure"))
    ]
    assert troubles == ["test_dying"]
    assert int(suite.get("failures", 0)) + int(suite.get("errors", 0)) == 1


def test_crash_hook_can_have_the_test_run_again(project: Project) -> None:
    meet(project)
    project.file(
        "conftest.py",
        """
        import pytest
        import meet

        @pytest.hookimpl(tryfirst=True)
        def pytest_handlecrashitem(crashitem, report, sched):
            meet.log("crashed " + crashitem)
            report.outcome = "rerun"
            sched.mark_test_pending(crashitem)
        """,
    )
    project.file(
        "test_again.py",
        """
        import os
        from meet import log

        def test_again():
            log("ran")
            if len(open("log").read().splitlines()) == 1:
                os._exit(1)
        """,
    )
    result = project.fleetest("-n1")
    assert project.logged() == ["ran", "crashed test_again.py::test_again", "ran"]
    assert result.summary()["passed"] == 1


# ---- a worker dies between tests ----


def test_dies_in_sessionfinish(project: Project) -> None:
    project.file(
        "conftest.py",
        """
        import os

        def pytest_sessionfinish(session):
            if getattr(session.config, "workerinput", {}).get("workerid") == "gw1":
                os._exit(0)
        """,
    )
    project.file("test_it.py", numbered(6))
    result = project.fleetest("-n2").check(1)
    result.lines("*worker 'gw1' crashed while it ran no test*", "*exited with status 0*")
    assert result.summary()["passed"] == 6


def test_dies_between_tests(project: Project) -> None:
    """After the last hook of one test, before the first of the next."""
    project.file(
        "conftest.py",
        """
        import os, pytest

        @pytest.hookimpl(trylast=True)
        def pytest_runtest_logstart(nodeid):
            if "PYTEST_XDIST_WORKER" in os.environ and nodeid.endswith("_3"):
                os._exit(0)
        """,
    )
    project.file("test_it.py", numbered(6))
    result = project.fleetest("-n2").check(1)
    assert result.summary() == {"failed": 1, "passed": 5}


def test_dies_of_a_thread_while_idle(project: Project) -> None:
    """One worker has nothing to do when it dies, while another runs a test."""
    meet(project)
    project.file(
        "test_it.py",
        """
        import os, threading
        import pytest
        import meet

        def die():
            meet.hear("now")
            meet.say("died")
            os._exit(0)

        @pytest.mark.parametrize("number", range(4))
        def test_it(number, worker_id):
            meet.log(worker_id)
            meet.here(worker_id)
            meet.hear("gw0")
            meet.hear("gw1")
            if worker_id == "gw1":
                meet.hear("died")
            else:
                threading.Thread(target=die, daemon=True).start()
        """,
    )
    running = project.start_fleetest("-n2", "--max-worker-restart=0")
    wait_for(lambda: running.out().endswith("."), "a report of gw0")
    say(project, "now")
    result = running.wait().check(1)
    assert sorted(set(project.logged())) == ["gw0", "gw1"]
    # How many tests gw0 got, and thus whether it is idle by now, depends on who was ready first.
    idle = "worker 'gw0' crashed while it ran no test" in result.out
    result.counts(failed=1, passed=4 if idle else 3)


@pytest.mark.parametrize("count", [1, 2])
def test_dies_before_it_is_ready(project: Project, count: int) -> None:
    """All workers die right after the fork: nothing ran, and that is no success."""
    project.file(
        "conftest.py",
        "import os\nos.register_at_fork(after_in_child=lambda: os._exit(0))\n",
    )
    project.file("test_it.py", numbered(4))
    result = project.fleetest(f"-n{count}").check(1)
    result.lines("*crashed before it was ready*", "*4 tests were not run: no worker is left*")


def test_one_dies_before_it_is_ready(project: Project) -> None:
    """The others do its work."""
    project.file(
        "conftest.py",
        """
        import os
        forks = []

        def in_parent():
            forks.append(1)

        def in_child():
            if len(forks) == 1:
                os._exit(0)

        os.register_at_fork(after_in_parent=in_parent, after_in_child=in_child)
        """,
    )
    project.file("test_it.py", numbered(4))
    result = project.fleetest("-n2").check(1)
    assert result.summary()["passed"] == 4


def test_dead_spare_is_no_replacement(project: Project) -> None:
    meet(project)
    project.file(
        "test_it.py",
        """
        import os
        import meet

        def test_first():
            meet.here("running")
            meet.hear("die")
            os._exit(1)

        def test_second():
            pass
        """,
    )
    running = project.start_fleetest("-n1")
    worker = heard_pid(project, "running")
    os.kill(spare_of(parent_of(worker), [worker]), signal.SIGKILL)
    say(project, "die")
    result = running.wait().check(1)
    result.counts(failed=1)
    result.lines("*worker gw0 could not be replaced*", "*1 test was not run: no worker is left*")


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("os._exit(3)", "exited with status 3"),
        ("os.kill(os.getpid(), 11)", "killed by signal 11 (SIGSEGV)"),
    ],
    ids=["exit", "signal"],
)
def test_crash_in_an_exit_handler(project: Project, how: str, words: str, method: str) -> None:
    """As in plain pytest, which would not end with 0 either; all tests have run."""
    project.file(
        "test_it.py",
        f"""
        import atexit
        import os

        def test_one():
            atexit.register(lambda: {how})

        def test_two():
            pass
        """,
    )
    result = project.fleetest("-n1", "--start-method", method).check(1)
    result.lines("*worker 'gw0' crashed while it ran no test*", f"*{words}*")
    result.counts(passed=2, failed=1)


def test_exit_handler_that_raises(project: Project) -> None:
    """Python shows the exception and goes on."""
    project.file(
        "test_it.py",
        "import atexit\n\ndef test_one():\n    atexit.register(lambda: 1 / 0)\n",
    )
    result = project.fleetest("-n1").check(0)
    assert "ZeroDivisionError" in result.err


# ---- spawned workers ----


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


def test_threads_at_collection_have_workers_spawned(project: Project) -> None:
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
    result.lines("fleetest: *workers spawned (threads are running: heartbeat)*")
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
from meet import log

@pytest.fixture(scope="session", autouse=True)
def session_thing(worker_id):
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


@pytest.mark.parametrize("method", ["fork", "spawn"])
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


def test_child_of_a_test_that_stays_does_not_hold_the_run_up(project: Project) -> None:
    """It has inherited the worker's pipes and socket: their end is not waited for."""
    meet(project)
    project.file(
        "test_stay.py",
        """
        import os
        import meet

        def test_stay():
            if os.fork() == 0:
                try:
                    meet.here("child")
                    meet.hear("run is over")
                finally:
                    os._exit(0)
            meet.hear("child")
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

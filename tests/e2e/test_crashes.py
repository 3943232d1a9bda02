"""Workers that die, in a test or between tests."""

from __future__ import annotations

import os
import re
import signal
import xml.etree.ElementTree as ET
from collections import Counter

import pytest
from dying import (
    DEATHS,
    OTHERS,
    PHASES,
    check_others_ran_once,
    failure_of,
    write_dying,
)
from lab import Project, numbered, wait_for
from meeting import heard_pid, meet, parent_of, say, spare_of

BOTH_WAYS = True

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
    # How many tests gw0 got, and thus whether it is idle by now, depends on who was ready first; and it
    # may die between a test's last report and its end.
    assert result.summary() in ({"failed": 1, "passed": 3}, {"failed": 1, "passed": 4})


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


@pytest.mark.parametrize("method", ["fork", "configure", "conftests", "spawn"])
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

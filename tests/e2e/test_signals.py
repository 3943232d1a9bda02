"""Signals, to any process of a run at any moment: what is reported, what is left."""

from __future__ import annotations

import os
import shutil
import signal
import time

import pytest
from lab import FLEETEST, Project, Result, Running, numbered, wait_for
from meeting import (
    all_gone,
    children_of,
    controller_of,
    heard,
    heard_pid,
    kill_quietly,
    meet,
    parent_of,
    say,
    spare_of,
    state_of,
)

BOTH_WAYS = True

AGAIN_SECONDS = 0.3
"""After this long a second Ctrl-C is a second one; sooner it may be the first, come by another way."""

WORKERS = ("gw0", "gw1")

CONFTEST = """
import pytest
import meet

@pytest.fixture(scope="session", autouse=True)
def session_thing(worker_id):
    yield
    meet.log("session down " + worker_id)
"""

HANGING = """
import pytest
import meet

seen = []

@pytest.fixture
def thing(worker_id):
    yield
    meet.log("down " + worker_id)

@pytest.mark.parametrize("number", range(40))
def test_it(number, thing, worker_id):
    seen.append(number)
    if len(seen) == 2:
        meet.here(worker_id)
        print("waiting in", worker_id)
        meet.hear("go on")
"""
"""The second test of each worker waits."""


def write_hanging(project: Project) -> None:
    """A project whose tests hang, after one that passed in each worker."""
    project.file("conftest.py", CONFTEST)
    meet(project)
    project.file("test_hanging.py", HANGING)


def start_hanging(project: Project, *args: str, **options: object) -> Running:
    """Start it, and wait until both workers are in a test."""
    write_hanging(project)
    running = project.start_fleetest("-n2", *args, **options)
    for worker in WORKERS:
        heard_pid(project, worker)
    return running


def check_interrupted(project: Project, result: Result) -> None:
    """Fixtures were torn down; the results so far and one summary are shown."""
    result.counts(passed=2)
    result.lines("*!!! KeyboardInterrupt !!!*", "*2 passed in *")
    wanted = [f"{what} {worker}" for what in ("down", "session down") for worker in WORKERS]
    assert sorted(set(project.logged())) == sorted(wanted)
    assert project.logged().count("down gw0") == 2
    assert result.out.count("passed in") == 1
    result.no_line("*INTERNALERROR*")
    result.no_line("*crashed*")
    assert result.err == "", result


# ---- SIGINT, SIGTERM, SIGHUP ----


@pytest.mark.parametrize("to", ["client", "group", "controller"])
def test_sigint(project: Project, to: str) -> None:
    running = start_hanging(project)
    if to == "client":
        running.send(signal.SIGINT)
    elif to == "group":
        os.killpg(running.pid, signal.SIGINT)
    else:
        os.kill(controller_of(running), signal.SIGINT)
    check_interrupted(project, running.wait(20).check(2))


@pytest.mark.parametrize("to", ["client", "group"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_fatal_signals(project: Project, number: signal.Signals, to: str) -> None:
    """As after Ctrl-C, but then the client dies of the signal."""
    running = start_hanging(project)
    if to == "client":
        running.send(number)
    else:
        os.killpg(running.pid, number)
    check_interrupted(project, running.wait(20).check(-number))


def test_sigterm_to_the_controller(project: Project) -> None:
    running = start_hanging(project)
    os.kill(controller_of(running), signal.SIGTERM)
    check_interrupted(project, running.wait(20).check(2))


def test_sigint_with_ordered(project: Project) -> None:
    running = start_hanging(project, "--ordered")
    running.send(signal.SIGINT)
    result = running.wait(20).check(2)
    result.lines("*!!! KeyboardInterrupt !!!*", "*passed in *")
    assert result.err == ""


def test_sigint_with_spawned_workers(project: Project) -> None:
    running = start_hanging(project, "--start-method=spawn")
    running.send(signal.SIGINT)
    check_interrupted(project, running.wait(20).check(2))


def test_sigint_from_timeout(project: Project) -> None:
    """``timeout`` sends its signal to the command and to the whole group: that is one Ctrl-C."""
    write_hanging(project)
    running = project.start("timeout", "-s", "INT", "100", FLEETEST, "-n2")
    for worker in WORKERS:
        heard_pid(project, worker)
    running.send(signal.SIGINT)  # which timeout passes on in the way it sends its own
    result = running.wait(20)
    check_interrupted(project, result)
    assert result.code in (2, 124)


@pytest.mark.xfail(
    reason="the second of two SIGINTs at once can interrupt pytest's handling of the first"
)
@pytest.mark.parametrize("to", ["client", "group"])
def test_sigint_during_collection(project: Project, to: str) -> None:
    meet(project)
    project.file(
        "test_it.py", "import meet\nmeet.here('collecting')\nmeet.hear('never')\n" + numbered(3)
    )
    running = project.start_fleetest("-n2")
    heard_pid(project, "collecting")
    if to == "client":
        running.send(signal.SIGINT)
    else:
        os.killpg(running.pid, signal.SIGINT)
    result = running.wait(20).check(2)
    result.lines("*!!! KeyboardInterrupt !!!*", "*no tests * in *")
    assert result.out.count("!!! KeyboardInterrupt !!!") == 1
    assert result.err == "", result


@pytest.mark.xfail(
    reason="the second of two SIGINTs at once can interrupt pytest's handling of the first"
)
def test_two_sigints_at_once_during_collection(project: Project) -> None:
    """What a group gets and the client passes on reach the controller one right after the other."""
    meet(project)
    project.file(
        "conftest.py",
        """
        import meet

        def pytest_keyboard_interrupt(excinfo):
            meet.log("interrupted")
        """,
    )
    project.file(
        "test_it.py", "import meet\nmeet.here('collecting')\nmeet.hear('never')\n" + numbered(3)
    )
    running = project.start("timeout", "-s", "INT", "100", FLEETEST, "-n2")
    heard_pid(project, "collecting")
    running.send(signal.SIGINT)
    result = running.wait(20)
    result.lines("*!!! KeyboardInterrupt !!!*", "*no tests * in *")
    assert project.logged() == ["interrupted"]
    assert "Traceback" not in result.err, result


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_fatal_signals_during_collection(project: Project, number: signal.Signals) -> None:
    meet(project)
    project.file(
        "test_it.py", "import meet\nmeet.here('collecting')\nmeet.hear('never')\n" + numbered(3)
    )
    running = project.start_fleetest("-n2")
    heard_pid(project, "collecting")
    running.send(number)
    running.wait(20, orphans=True).check(-number)  # checkpoints die with the session


STUBBORN = """
import signal
import pytest
import meet

@pytest.mark.parametrize("number", range(8))
def test_it(number, worker_id):
    signal.signal(signal.SIGINT, lambda number, frame: meet.say("asked-" + worker_id))
    meet.here(worker_id)
    meet.hear("never", timeout=600)
"""
"""Tests that do not let themselves be interrupted."""


@pytest.mark.parametrize("to", ["client", "group"])
def test_sigint_twice(project: Project, to: str) -> None:
    """The second one kills what did not heed the first."""
    meet(project)
    project.file("test_it.py", "def test_a():\n    pass\n\n" + STUBBORN)
    running = project.start_fleetest("-n2")
    for worker in WORKERS:
        heard_pid(project, worker)

    def interrupt() -> None:
        if to == "client":
            running.send(signal.SIGINT)
        else:
            os.killpg(running.pid, signal.SIGINT)

    interrupt()
    for worker in WORKERS:
        heard(project, f"asked-{worker}")
    time.sleep(AGAIN_SECONDS)
    begin = time.monotonic()
    interrupt()
    result = running.wait(20).check(2)
    assert time.monotonic() - begin < 3
    result.lines("*!!! KeyboardInterrupt !!!*", "*1 passed in *")


def test_sigterm_ends_tests_that_ignore_sigint(project: Project) -> None:
    """Nobody presses Ctrl-C a second time where a run is ended by SIGTERM; pytest would be gone."""
    meet(project)
    project.file("test_it.py", STUBBORN)
    running = project.start_fleetest("-n2")
    for worker in WORKERS:
        heard_pid(project, worker)
    running.send(signal.SIGTERM)
    running.wait(15).check(-signal.SIGTERM)


def test_client_killed_while_tests_ignore_sigint(project: Project) -> None:
    meet(project)
    project.file("test_it.py", STUBBORN)
    running = project.start_fleetest("-n2")
    pids = [heard_pid(project, worker) for worker in WORKERS]
    pids.append(controller_of(running))
    running.send(signal.SIGKILL)
    running.process.wait()
    left = all_gone(pids, 8)
    assert not left, {pid: state_of(pid) for pid in left}


def test_own_sigint_handler_of_a_test(project: Project) -> None:
    """It is called, once; the test ends as it likes, and then the run ends."""
    meet(project)
    project.file(
        "test_it.py",
        """
        import signal
        import meet

        def test_handler():
            def handler(number, frame):
                meet.log("handled")
                meet.say("handled")

            signal.signal(signal.SIGINT, handler)
            meet.here("running")
            meet.hear("handled")

        """
        + "\n        ".join(numbered(20, "import time; time.sleep(0.02)").splitlines()),
    )
    running = project.start_fleetest("-n1")
    heard_pid(project, "running")
    os.killpg(running.pid, signal.SIGINT)
    result = running.wait(20).check(2)
    assert project.logged() == ["handled"]
    assert result.summary()["passed"] < 21
    result.lines("*!!! KeyboardInterrupt !!!*")


def test_signals_that_a_test_sends_to_its_group_stay_in_the_worker(project: Project) -> None:
    project.file(
        "test_it.py",
        """
        import os, signal

        def test_group():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.killpg(0, signal.SIGTERM)

        def test_other():
            pass
        """,
    )
    project.fleetest("-n2").check(0).counts(passed=2)


def test_sigterm_to_a_worker_is_a_crash(project: Project) -> None:
    running = start_hanging(project)
    os.kill(heard_pid(project, "gw1"), signal.SIGTERM)
    (project.path / "gw1").unlink()
    say(project, "go on")
    result = running.wait(20).check(1)
    result.counts(failed=1, passed=39)
    result.lines("*killed by signal 15 (SIGTERM)*")


# ---- signals that the parent ignores ----


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to", ["client", "group"])
def test_ignored_signals_stay_ignored(project: Project, number: signal.Signals, to: str) -> None:
    """As with ``nohup``, or in the background of a script: the run goes on, and ends well."""
    meet(project)
    project.file(
        "test_it.py",
        f"""
        import signal
        import meet

        def test_ignored():
            meet.here("running")
            meet.hear("go on")
            assert signal.getsignal({int(number)}) == signal.SIG_IGN

        def test_other():
            assert signal.getsignal({int(number)}) == signal.SIG_IGN
        """,
    )

    def ignore() -> None:
        signal.signal(number, signal.SIG_IGN)

    running = project.start_fleetest("-n2", preexec_fn=ignore)
    heard_pid(project, "running")
    if to == "client":
        running.send(number)
    else:
        os.killpg(running.pid, number)
    say(project, "go on")
    running.wait(20).check(0).counts(passed=2)


@pytest.mark.skipif(shutil.which("nohup") is None, reason="there is no nohup")
def test_nohup(project: Project) -> None:
    meet(project)
    project.file(
        "test_it.py",
        "import meet\ndef test_a():\n    meet.here('running')\n    meet.hear('go on')\n",
    )
    running = project.start("nohup", FLEETEST, "-n1")
    heard_pid(project, "running")
    os.killpg(running.pid, signal.SIGHUP)
    say(project, "go on")
    running.wait(20).check(0).counts(passed=1)


# ---- SIGKILL ----

MOMENTS = """
import os
import pytest
import meet

def stop_at(moment):
    if os.environ["MOMENT"] == moment:
        meet.here(moment)
        meet.hear("go on")

@pytest.fixture(scope="session", autouse=True)
def first():
    stop_at("start")
    yield

def pytest_sessionfinish(session):
    stop_at("worker-end" if hasattr(session.config, "workerinput") else "end")
"""

MOMENT_TESTS = """
from conftest import stop_at
stop_at("collection")
import pytest

def test_first(worker_id):
    stop_at("test")

@pytest.mark.parametrize("number", range(12))
def test_it(number):
    pass
"""


class Victims:
    """The processes of a run that has stopped at a moment."""

    def __init__(self, project: Project, moment: str) -> None:
        project.file("conftest.py", MOMENTS)
        meet(project)
        project.file("test_it.py", MOMENT_TESTS)
        self.running = project.start_fleetest("-n2", env={"MOMENT": moment})
        self.client = self.running.pid
        there = heard_pid(project, moment)
        self.controller = controller_of(self.running)
        self.worker = 0 if there == self.controller else there

    def all(self) -> list[int]:
        """The client, the controller and its children."""
        return [self.client, self.controller, *children_of(self.controller)]

    def spare(self) -> int:
        """The process that replacements come from: the newest child but for replacements."""
        return children_of(self.controller)[-1]


KILLS = [
    *(("client", moment) for moment in ("collection", "start", "test", "worker-end", "end")),
    *(("controller", moment) for moment in ("collection", "start", "test", "worker-end", "end")),
    *(("worker", moment) for moment in ("start", "test", "worker-end")),
    *(("spare", moment) for moment in ("start", "test", "worker-end")),
]


@pytest.mark.parametrize(
    ("victim", "moment", "stop_first"),
    [
        *((victim, moment, False) for victim, moment in KILLS),
        *((victim, "test", True) for victim in ("client", "controller", "worker", "spare")),
    ],
)
def test_sigkill(project: Project, victim: str, moment: str, stop_first: bool) -> None:
    """Nothing is left, and the exit code is right."""
    victims = Victims(project, moment)
    everybody = victims.all()
    pid = {
        "client": lambda: victims.client,
        "controller": lambda: victims.controller,
        "worker": lambda: victims.worker,
        "spare": victims.spare,
    }[victim]()
    if stop_first:
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: state_of(pid) == "T", "the victim to stop")
    os.kill(pid, signal.SIGKILL)
    if victim in ("worker", "spare"):
        say(project, "go on")
    running = victims.running
    result = running.wait(20, orphans=True)
    left = all_gone(everybody, 10)
    assert not left, (left, result)
    if victim == "client":
        result.check(-signal.SIGKILL)
    elif victim == "controller":
        result.check(104)
        assert "killed by signal 9" in result.err
    elif victim == "worker":
        result.check(1)
        result.lines("*killed by signal 9 (SIGKILL)*")
        failed = 1
        assert result.summary()["passed"] == (13 if moment == "worker-end" else 12)
        assert result.summary()["failed"] == failed
    else:
        result.check(0).counts(passed=13)


def test_client_killed_before_the_controller_is_up(project: Project) -> None:
    """It cannot have asked yet to be told of its parent's death."""
    meet(project)
    # sitecustomize runs in the interpreter's start: the earliest moment that can be stopped.
    project.file(
        "early/sitecustomize.py",
        """
        import os, sys
        if "EARLY" in os.environ and sys.argv[:1] == ["-c"]:
            os.environ.pop("EARLY")
            with open("early~", "w") as file:
                file.write(str(os.getpid()))
            os.rename("early~", "early-pid")
            import time
            while not os.path.exists("go on"):
                time.sleep(0.002)
        """,
    )
    project.file(
        "test_it.py", "import meet\ndef test_a():\n    meet.say('ran')\n    meet.hear('never')\n"
    )
    path = str(project.path / "early")
    running = project.start_fleetest(
        "-n0", env={"EARLY": "1", "PYTHONPATH": path, "FLEETEST_DAEMON": "0"}
    )
    controller = heard_pid(project, "early-pid")
    running.send(signal.SIGKILL)
    running.process.wait()
    wait_for(lambda: parent_of(controller) != running.pid, "the client to be gone")
    say(project, "go on")
    left = all_gone([controller])
    kill_quietly(controller, signal.SIGKILL)
    assert not left
    assert not (project.path / "ran").exists()


def test_worker_killed_while_its_child_lives(project: Project) -> None:
    """A child of the test keeps the worker's socket and pipes open: the crash is noticed anyway."""
    meet(project)
    project.file(
        "test_it.py",
        """
        import os, subprocess
        import meet

        def test_a():
            meet.leave_a_child()
            meet.here("running")
            meet.hear("never")

        def test_b():
            pass
        """,
    )
    running = project.start_fleetest("-n1")
    heard_pid(project, "child")
    os.kill(heard_pid(project, "running"), signal.SIGKILL)
    running.process.wait(20)
    say(project, "run is over")
    running.wait(orphans=True).check(1).counts(failed=1, passed=1)


def test_spare_is_found(project: Project) -> None:
    """What the tests above call the spare is no worker."""
    running = start_hanging(project)
    workers = [heard_pid(project, worker) for worker in WORKERS]
    controller = controller_of(running)
    assert children_of(controller)[-1] == spare_of(controller, workers)
    running.send(signal.SIGINT)
    running.wait(20).check(2)


@pytest.mark.parametrize("option", ["-n0", "-n2"])
def test_controller_is_gone_with_the_client(project: Project, option: str) -> None:
    """With and without workers."""
    meet(project)
    project.file(
        "test_it.py",
        "import meet\ndef test_a():\n    meet.here('running')\n    meet.hear('never')\n",
    )
    running = project.start_fleetest(option)
    pid = heard_pid(project, "running")
    running.send(signal.SIGKILL)
    running.wait(20, orphans=True).check(-signal.SIGKILL)
    assert not all_gone([pid])

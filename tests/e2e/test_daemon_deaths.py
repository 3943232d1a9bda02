"""What becomes of runs when one of the daemon's processes dies or is stopped, and of the next run.

Client, controller, workers and spare are in test_signals.py, with and without the daemon.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from fnmatch import fnmatch

import daemon_lab
import pytest
from daemon_runs import (
    command,
    daemon_log,
    files,
    header,
    parked,
    run,
    start_of,
    status,
    the_daemon,
)
from lab import FLEETEST, Project, Running, numbered, wait_for
from meeting import all_gone, heard_pid, kill_quietly, meet, say, state_of

MOMENTS = """
import os
import pytest
from meet import hear, here

def stop_at(moment):
    if os.environ.get("MOMENT") == moment:
        here(moment)
        hear("go on")

stop_at("conftest")

def pytest_collection_modifyitems():
    stop_at("collection")

@pytest.fixture(scope="session", autouse=True)
def first():
    stop_at("test")
    yield

def pytest_sessionfinish(session):
    if not hasattr(session.config, "workerinput"):
        stop_at("end")
"""

PLUGIN = """
import os, time
ASKED = os.environ.get("ASKED")
while os.path.exists({waiting!r}):
    time.sleep(0.01)
"""

PROCESSES = ("daemon", "pytest imported", "plugins imported")


@pytest.fixture
def stopping(one: Project) -> Project:
    """A project with a plugin, whose runs stop at the moment that MOMENT names."""
    meet(one)
    one.file("conftest.py", MOMENTS)
    one.file("test_a.py", numbered(4))
    one.env["PYTHONPATH"] = str(one.path / "site-packages")
    one.file("site-packages/aplugin.py", PLUGIN.format(waiting=str(one.path / "waiting")))
    info = "site-packages/aplugin-1.0.dist-info"
    one.file(f"{info}/METADATA", "Metadata-Version: 2.1\nName: aplugin\nVersion: 1.0\n")
    one.file(f"{info}/entry_points.txt", "[pytest11]\naplugin = aplugin\n")
    return one


def process(project: Project, kind: str) -> int:
    """The pid of the daemon, or of its one parked process of this kind."""
    if kind == "daemon":
        return the_daemon(project)
    (found,) = parked(project, kind)
    return found


def check_next_run(project: Project) -> None:
    """It does what it should, whatever was left to it."""
    project.fleetest("-n2", leaves=True).check(0).counts(passed=4)


@pytest.mark.parametrize("moment", ["conftest", "collection", "test", "end"])
@pytest.mark.parametrize("victim", PROCESSES)
def test_killed_during_a_run(stopping: Project, victim: str, moment: str) -> None:
    """The run does not need it any more."""
    running = stopping.start_fleetest("-n2", env={"MOMENT": moment})
    heard_pid(stopping, moment)
    daemon = the_daemon(stopping)
    kept = [daemon, *parked(stopping, "pytest imported"), *parked(stopping, "plugins imported")]
    os.kill(process(stopping, victim), signal.SIGKILL)
    if victim == "daemon":
        assert not all_gone(kept), "what a dead daemon has kept"
    say(stopping, "go on")
    running.wait(leaves=True).check(0).counts(passed=4)
    wait_for(lambda: not daemon_lab.descendants(daemon), "the end of the run's processes")
    check_next_run(stopping)
    assert start_of(stopping.fleetest("-n2", leaves=True)) == "warm start"


@pytest.mark.parametrize("victim", PROCESSES)
def test_stopped_during_a_run(stopping: Project, victim: str) -> None:
    """The run ends as ever; the next one goes without, and says so."""
    running = stopping.start_fleetest("-n2", env={"MOMENT": "test"})
    heard_pid(stopping, "test")
    pid = process(stopping, victim)
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: state_of(pid) == "T", "the victim to stop")
    say(stopping, "go on")
    running.wait(leaves=True).check(0).counts(passed=4)
    after = stopping.fleetest("-n2", leaves=True).check(0).counts(passed=4)
    reasons = {
        "daemon": "cold (the daemon does not answer); run 'fleetest daemon restart'",
        # Whoever has a process with the plugins does not need the one that it came from.
        "pytest imported": "warm start",
        "plugins imported": "cold (the parked process does not answer); run 'fleetest daemon logs'",
    }
    assert start_of(after) == reasons[victim]
    kill_quietly(pid, signal.SIGCONT)  # the daemon may have ended it
    check_next_run(stopping)


def begun(project: Project, *args: str) -> Running:
    """A run that waits for its plugins to be imported."""
    project.file("waiting")
    running = project.start_fleetest("-n2", *args)
    wait_for(lambda: "imports plugins for" in daemon_log(project), "the import of plugins")
    return running


@pytest.mark.parametrize(
    ("victim", "expected"),
    [
        ("daemon", "cold (the daemon died)"),
        # Either of the two that die is noticed first.
        ("pytest imported", "cold (the *"),
        ("starting", "cold (nothing was prepared)"),
    ],
)
def test_killed_while_plugins_are_imported(stopping: Project, victim: str, expected: str) -> None:
    """The run happens anyway; its plugins are imported there."""
    running = begun(stopping)
    kept = [*parked(stopping, "pytest imported"), *parked(stopping, "starting")]
    os.kill(process(stopping, victim), signal.SIGKILL)
    if victim != "starting":
        assert not all_gone(kept), "the process that imports"
    (stopping.path / "waiting").unlink()
    result = running.wait(leaves=True).check(0).counts(passed=4)
    assert fnmatch(start_of(result), expected)
    check_next_run(stopping)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_client_ends_while_plugins_are_imported(stopping: Project, number: signal.Signals) -> None:
    """There is no run yet; what was begun is for the next one."""
    running = begun(stopping)
    running.send(number)
    running.wait(leaves=True).check(-number)
    assert status(stopping)["in_flight"] == 0
    (stopping.path / "waiting").unlink()
    wait_for(lambda: parked(stopping, "plugins imported"), "the plugins")
    assert start_of(stopping.fleetest("-n2", leaves=True).check(0)) == "warm start"


def test_two_wait_for_the_same_plugins(stopping: Project) -> None:
    """The second does not have them imported again."""
    first = begun(stopping)
    second = stopping.start_fleetest("-n2")
    wait_for(lambda: status(stopping)["in_flight"] == 2, "the second run")
    (stopping.path / "waiting").unlink()
    for running in (first, second):
        running.wait(leaves=True).check(0).counts(passed=4)
    assert daemon_log(stopping).count("imports plugins for") == 1


def test_packages_change_while_two_wait(stopping: Project) -> None:
    """The second needs other values of what the plugin reads, and what both wait for is out of date."""
    first = begun(stopping)
    second = stopping.start_fleetest("-n2", env={"ASKED": "2"})
    wait_for(lambda: status(stopping)["in_flight"] == 2, "the second run")
    daemon = the_daemon(stopping)
    stopping.file("site-packages/new.py")
    (stopping.path / "waiting").unlink()
    for running in (first, second):
        running.wait(leaves=True).check(0).counts(passed=4)
    assert the_daemon(stopping) == daemon
    check_next_run(stopping)


def test_renewal_while_a_run_waits(stopping: Project) -> None:
    """The old process goes when nobody needs it any more."""
    command(stopping, "start", "--renew-after", "1").check(0)
    check_next_run(stopping)
    stopping.file("waiting")
    wait_for(lambda: daemon_log(stopping).count("imports plugins for") == 2, "the successor")
    running = stopping.start_fleetest("-n2", env={"ASKED": "2"})
    wait_for(lambda: daemon_log(stopping).count("imports plugins for") == 3, "the run's plugins")
    (stopping.path / "waiting").unlink()
    result = running.wait(leaves=True).check(0).counts(passed=4)
    assert start_of(result) == "warm start (plugins imported anew)"
    wait_for(lambda: "it is renewed" in daemon_log(stopping), "the renewal")
    check_next_run(stopping)


def test_renewal_that_fails(one: Project) -> None:
    """It is not tried again at once, and what there is stays."""
    broken = one.path / "broken"
    script = f'#!/bin/sh\n[ -e {broken} ] && exit 3\nexec {sys.executable} "$@"\n'
    args = ("--python", str(one.file("python", script, mode=0o755)))
    command(one, "start", "--renew-after", "1", *args).check(0)
    run(one, *args)
    broken.touch()
    wait_for(lambda: "Python did not start" in daemon_log(one), "the attempt")

    def seconds() -> float:
        shown = command(one, "status", "--json", *args).check(0).out
        return float(json.loads(shown)["up_ms"]) / 1000

    end = seconds() + 3
    wait_for(lambda: seconds() > end, "the time of more attempts")
    assert daemon_log(one).count("Python did not start") == 1
    assert run(one, *args) == "warm start"


def test_plugin_that_crashes_when_it_is_imported(one: Project) -> None:
    """The process is lost each time, not the daemon; the run crashes as it would without."""
    one.env["PYTHONPATH"] = str(one.path / "site-packages")
    one.file("site-packages/crash.py", "import os\nos.abort()")
    for daemon in ("0", "1", "1"):
        one.fleetest("-p", "crash", env={"FLEETEST_DAEMON": daemon}, leaves=True).check(104)
    assert run(one) == "warm start"
    assert header(one.fleetest(leaves=True).check(0)) == "warm start"


# ---- a daemon that is not as it should be ----


def test_dead(one: Project) -> None:
    """What it has left behind is in nobody's way."""
    run(one)
    daemon = the_daemon(one)
    os.kill(daemon, signal.SIGKILL)
    # Its command line goes before its socket does: a run could still connect to it.
    assert not all_gone([daemon])
    assert files(one) == {".sock", ".lock", ".log"}
    assert run(one) == "cold (nothing was prepared)"
    assert run(one) == "warm start"


def test_hangs(one: Project) -> None:
    run(one)
    daemon = the_daemon(one)
    os.kill(daemon, signal.SIGSTOP)
    result = one.fleetest(leaves=True).check(0).counts(passed=1)
    result.lines(
        "fleetest: cold (the daemon does not answer); run 'fleetest daemon restart'; no workers*"
    )
    quiet = one.fleetest("-q", leaves=True).check(0)
    assert quiet.out.startswith(
        "fleetest: cold (the daemon does not answer); run 'fleetest daemon restart'\n"
    )
    command(one, "status").check(105).err_lines("fleetest: the daemon does not answer; *")
    command(one, "restart").check(0)
    assert the_daemon(one) != daemon
    run(one)
    assert run(one) == "warm start"


def test_wakes_up_too_late(one: Project) -> None:
    """A request that was given up is run by nobody else."""
    one.file("test_a.py", "def test_a():\n    with open('log', 'a') as log: log.write('run\\n')")
    run(one)
    os.kill(the_daemon(one), signal.SIGSTOP)
    run(one)
    os.kill(the_daemon(one), signal.SIGCONT)
    wait_for(lambda: status(one)["in_flight"] == 0, "the end of what is in flight")
    assert one.logged() == ["run"] * 2


def test_parked_process_is_killed(one: Project) -> None:
    run(one)
    (parked,) = status(one)["parked"]
    os.kill(parked["pid"], signal.SIGKILL)
    wait_for(lambda: not status(one)["parked"], "its end to be noticed")
    assert run(one) == "cold (nothing was prepared)"


def test_parked_process_hangs(one: Project) -> None:
    run(one)
    (parked,) = status(one)["parked"]
    os.kill(parked["pid"], signal.SIGSTOP)
    assert run(one) == "cold (the parked process does not answer)"
    assert run(one) == "cold (nothing was prepared)"
    assert run(one) == "warm start"


def test_daemon_dies_during_a_run(one: Project) -> None:
    """The run goes on."""
    one.file(
        "test_a.py",
        """
        import time
        from pathlib import Path

        def test_a():
            Path("begun").touch()
            deadline = time.monotonic() + 30
            while not Path("go").exists():
                assert time.monotonic() < deadline
                time.sleep(0.005)
        """,
    )
    run_of = one.start_fleetest()
    wait_for((one.path / "begun").exists, "the test")
    os.kill(the_daemon(one), signal.SIGKILL)
    (one.path / "go").touch()
    run_of.wait(leaves=True).check(0).counts(passed=1)


def test_stop_during_a_run(one: Project) -> None:
    text = (
        f"import subprocess\ndef test_a(): subprocess.check_call([{FLEETEST!r}, 'daemon', 'stop'])"
    )
    one.file("test_a.py", text)
    one.fleetest("-n", "0", leaves=True).check(0).counts(passed=1)
    wait_for(lambda: not daemon_lab.daemons(one.runtime), "its end")

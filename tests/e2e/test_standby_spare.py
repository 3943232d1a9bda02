"""The spare that stands by beside the next run's controller: replacements of crashed workers come from it."""

from __future__ import annotations

import json
import os
import signal
import textwrap
from pathlib import Path

import pytest
from ahead_runs import AHEAD, again, prepare, said, standing_by
from lab import Project, wait_for
from meeting import MODULE, all_gone

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="there is none with a single processor"
)

TEST = """
import json, os, random, signal, sys
import pytest
sys.path.insert(0, OUT)
from meet import log

def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [*map(int, file.read().split())]

def tell(name):
    fds = [*map(int, os.listdir("/proc/self/fd"))]
    told = {
        "pid": os.getpid(), "parent": os.getppid(), "name": name, "argv": sys.argv,
        "fds": len(fds), "low": sorted(fd for fd in fds if fd < 10), "drawn": random.random(),
        "worker": os.environ["PYTEST_XDIST_WORKER"], "folder": os.getcwd(),
        "group": os.getpgid(0) == os.getpid(), "variable": os.environ.get("ITS_VALUE"),
        "siblings": children(os.getppid()),
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    }
    log(json.dumps(told), "said")

def test_first():
    tell("first")
    os._exit(3)

@pytest.mark.parametrize("number", range(6))
def test_other(number, tmp_path, capfd):
    tell(f"other {number}")
    os.system("echo from outside")
    assert capfd.readouterr().out == "from outside" + chr(10)
    if number == DIES:
        os.kill(os.getpid(), signal.SIGKILL)
"""
"""A test dies, and one of the others may; each says first where it runs."""


WAITING = """
import os, sys
sys.path.insert(0, OUT)
import meet

def test_first():
    meet.here("first")
    meet.hear("die")
    os._exit(1)

def test_second():
    meet.here("second")
    meet.hear("done")

def test_third(): pass
"""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where tests write to, outside of what a snapshot depends on."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "meet.py").write_text(MODULE, "utf-8")
    return folder


def write(project: Project, out: Path, text: str) -> None:
    """Make the project, whose runs go on from a snapshot."""
    project.env.update(AHEAD)
    project.file("test_a.py", f"OUT = {str(out)!r}\n{text}")


def prepare_waiting(project: Project, out: Path) -> None:
    """Have one prepared whose tests wait."""
    write(project, out, WAITING)
    for name in ("die", "done"):
        (out / name).touch()
    prepare(project, "-n1")
    for name in ("first", "second", "die", "done"):
        (out / name).unlink()


def heard(out: Path, name: str) -> int:
    """Wait for an event of ``meet.here``; the process that was there."""
    path = out / name
    wait_for(path.exists, f"the event {name}")
    return int(path.read_text("utf-8"))


@pytest.mark.parametrize("workers", ["-n1", "-n2"])
def test_replacements_come_from_it(project: Project, out: Path, workers: str) -> None:
    """Two in a run, under names of their own."""
    write(project, out, f"DIES = 3\n{TEST}")
    prepare(project, workers)
    said(out)
    controller, (_, spare) = standing_by(project)
    again(project, workers, "-v", env={"ITS_VALUE": "1"}).check(1).counts(failed=2, passed=5)
    tests = said(out)
    assert len(tests) == 7
    assert {one["parent"] for one in tests} == {controller}
    assert all(one["group"] and one["variable"] == "1" for one in tests)
    processes = {one["worker"]: one["pid"] for one in tests}
    assert len(processes) >= 2
    for one in tests:  # nobody is there but workers and the spare
        assert spare in one["siblings"]
        assert len({*one["siblings"]} - {spare, *processes.values()}) <= int(workers[2])
    assert all_gone([controller, spare]) == []


def test_a_replacement_is_as_from_a_spare_that_is_forked(project: Project, out: Path) -> None:
    """But for its random numbers, which are different ones in each run."""
    write(project, out, f"DIES = None\n{TEST}")
    prepare(project, "-n1")
    said(out)
    shown = []
    for killed in (False, True):
        _, (_, spare) = standing_by(project)
        if killed:
            os.kill(spare, signal.SIGKILL)
        again(project, "-n1").check(1).counts(failed=1, passed=6)
        tests = said(out)
        assert [one["worker"] for one in tests] == ["gw0"] + ["gw1"] * 6
        assert all((spare in one["siblings"]) != killed for one in tests)
        shown.append(tests[1])
    varying = {"pid", "parent", "drawn", "siblings"}
    first, second = ({key: one[key] for key in one.keys() - varying} for one in shown)
    assert first == second
    assert shown[0]["drawn"] != shown[1]["drawn"]


def test_killed_in_the_run(project: Project, out: Path) -> None:
    """As where the controller has forked it: there is no replacement, which the run says."""
    prepare_waiting(project, out)
    controller, (_, spare) = standing_by(project)
    running = project.start_fleetest("-n1")
    heard(out, "first")
    os.kill(spare, signal.SIGKILL)
    assert all_gone([spare]) == []
    (out / "die").touch()
    result = running.wait(leaves=True).check(1)
    assert "worker gw0 could not be replaced: the spare process is gone" in result.out
    assert "2 tests were not run: no worker is left" in result.out
    assert all_gone([controller]) == []


def test_not_where_tests_are_left_out(project: Project, out: Path) -> None:
    """Its tests are numbered as those that were collected."""
    write(project, out, f"DIES = 3\n{TEST}")
    prepare(project, "-n2")
    said(out)
    _, (_, spare) = standing_by(project)
    result = again(project, "-n2", "-k", "first or other and not 5").check(1)
    result.counts(failed=2, passed=4, deselected=1)
    assert all(spare not in one["siblings"] for one in said(out))
    assert all_gone([spare]) == []


@pytest.mark.parametrize("arguments", [["--max-worker-restart=0"], ["test_a.py::test_first"]])
def test_none_where_no_worker_is_replaced(
    project: Project, out: Path, arguments: list[str]
) -> None:
    """Or where it is not known how many tests there are."""
    write(project, out, f"DIES = None\n{TEST}")
    prepare(project, "-n2", *arguments)
    assert len(standing_by(project)[1]) == 1


def test_nobody_is_left_of_a_run_that_is_killed(project: Project, out: Path) -> None:
    """It ends with the controller, also after it has made a replacement."""
    prepare_waiting(project, out)
    controller, others = standing_by(project)
    running = project.start_fleetest("-n1")
    (out / "die").touch()
    replacement = heard(out, "second")
    assert replacement not in others
    os.kill(controller, signal.SIGKILL)
    running.wait(leaves=True)
    assert all_gone([controller, replacement, *others]) == []


def test_the_snapshot_ends_while_the_run_goes_on(project: Project, out: Path) -> None:
    """The spare does not end with it."""
    prepare_waiting(project, out)
    (out / "done").touch()
    standing_by(project)
    running = project.start_fleetest("-n1")
    heard(out, "first")
    project.fleetest("daemon", "stop", leaves=True).check(0)
    (out / "die").touch()
    running.wait(leaves=True).check(1).counts(failed=1, passed=2)


MOVES = """
import os
def test_first():
    if os.path.exists(OUT + "/moves"):
        {}
        os._exit(3)
def test_second(): pass
def test_third(): pass
"""


def check_replaced(project: Project, out: Path, moves: str, *arguments: str) -> None:
    """A worker that has moved something, and died, is replaced."""
    write(project, out, MOVES.format(moves))
    prepare(project, "-n1", *arguments)
    standing_by(project)
    (out / "moves").touch()
    again(project, "-n1", *arguments).check(1).counts(failed=1, passed=2)


def test_the_folder_of_the_session_is_moved(project: Project, out: Path) -> None:
    """One that it has gone to: there the spare is forked in the run."""
    (out / "work").mkdir()
    project.file("conftest.py", f"import os\nos.chdir({str(out / 'work')!r})")
    check_replaced(project, out, 'os.rename(OUT + "/work", OUT + "/moved")')


def test_what_has_failed_is_changed(project: Project, out: Path) -> None:
    """Which the order of tests may depend on: likewise."""
    cache = project.path / ".pytest_cache" / "v" / "cache" / "lastfailed"
    failed = {"test_a.py::test_third": True}
    moves = f"open({str(cache)!r}, 'w').write({json.dumps(failed)!r})"
    check_replaced(project, out, moves, "--ff")


def test_signals_while_it_is_called(project: Project, out: Path) -> None:
    """A handler that Python calls ends no waiting."""
    project.file("conftest.py", "import signal\nsignal.signal(signal.SIGCHLD, lambda *_: None)")
    text = """
        import os, pytest
        @pytest.mark.parametrize("number", range(8))
        def test_it(number):
            if number < 2 and os.path.exists(OUT + "/dies"):
                os._exit(3)
        """
    write(project, out, textwrap.dedent(text))
    prepare(project, "-n2")
    (out / "dies").touch()
    for _ in range(3):
        standing_by(project)
        again(project, "-n2").check(1).counts(failed=2, passed=6)


def test_interrupted_while_the_others_are_made(project: Project, out: Path) -> None:
    """The first one has begun: it tears down what it has set up."""
    text = """
        import os, pytest, signal, sys
        sys.path.insert(0, OUT)
        import meet

        @pytest.fixture(scope="session", autouse=True)
        def torn():
            yield
            meet.log(os.environ["PYTEST_XDIST_WORKER"], "torn")

        def test_first():
            if os.path.exists(OUT + "/interrupts"):
                os.kill(os.getppid(), signal.SIGINT)

        @pytest.mark.parametrize("number", range(60))
        def test_it(number): pass
        """
    write(project, out, textwrap.dedent(text))
    prepare(project, "-n8")
    (out / "torn").unlink()
    (out / "interrupts").touch()
    standing_by(project)
    result = again(project, "-n8").check(2)
    assert "KeyboardInterrupt" in result.out
    assert "gw0" in (out / "torn").read_text("utf-8").splitlines()


MANY = "".join(f"def test_{number}(): pass\n" for number in range(40))


def test_the_project_sees_no_child_that_was_killed(project: Project, out: Path) -> None:
    """At the end of the session it may look which ones there are."""
    project.file(
        "conftest.py",
        """
        import os
        def pytest_sessionfinish(session):
            if "PYTEST_XDIST_WORKER" in os.environ:
                return
            try:
                while True:
                    print("child", os.waitpid(-1, 0)[1])
            except ChildProcessError:
                print("no more")
        """,
    )
    write(project, out, MANY)
    prepare(project, "-n2", "-s")
    standing_by(project)
    result = again(project, "-n2", "-s").check(0).counts(passed=40)
    assert "no more" in result.out
    assert "child 9" not in result.out

"""The child of a snapshot that stands by to be the next run's controller."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from ahead_runs import AHEAD, again, prepare, prepare_past, settle, standbys, waits, writer_of
from daemon_runs import command, daemon_log, parked, start_of, status
from lab import Project, wait_for
from meeting import all_gone, children_of, kill_quietly, state_of

TEST = """
import os, time
OUT = {out!r}

def test_a():
    with open(OUT + "/pids", "a") as file:
        file.write(f"{{os.getpid()}} {{os.getppid()}}\\n")
    deadline = time.monotonic() + 30
    while not os.path.exists(OUT + "/go on"):
        assert time.monotonic() < deadline
        time.sleep(0.002)
"""
"""Says in which process it runs, of which parent, outside of what a snapshot depends on."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the tests of the project write to; they go on."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "go on").touch()
    return folder


@pytest.fixture
def ahead(project: Project, out: Path) -> Project:
    """A project whose runs go on from a snapshot."""
    project.env.update(AHEAD)
    project.file("test_a.py", TEST.format(out=str(out)))
    return project


def pids(out: Path, runs: int) -> tuple[int, int]:
    """In which process the test of the last of so many runs runs, and its parent."""

    def lines() -> list[str]:
        path = out / "pids"
        return path.read_text().splitlines()[runs - 1 :] if path.exists() else []

    (line,) = wait_for(lines, "the test")
    pid, parent = line.split()
    return int(pid), int(parent)


def standby(project: Project) -> int:
    """The process that stands by."""
    (pid,) = wait_for(lambda: standbys(project), "a process that stands by")
    return pid


def collecting(project: Project) -> int:
    """The process that is to be the snapshot."""

    def last() -> list[int]:
        return [pid for pid in parked(project, "starting") if not children_of(pid)]

    (pid,) = wait_for(last, "the snapshot")
    return pid


def test_it_is_the_next_controller(ahead: Project, out: Path) -> None:
    prepare(ahead, "-n0")
    for runs in (2, 3):
        pid = standby(ahead)
        again(ahead, "-n0").check(0).counts(passed=1)
        assert pids(out, runs)[0] == pid


def test_workers_are_forked_off_it(ahead: Project, out: Path) -> None:
    prepare(ahead, "-n2")
    pid = standby(ahead)
    again(ahead, "-n2").check(0).counts(passed=1)
    assert pids(out, 2)[1] == pid


def test_status(ahead: Project) -> None:
    prepare(ahead)
    pid = standby(ahead)
    assert f"of pid {pid}, which stands by" in command(ahead, "status").check(0).out
    (own,) = [one["standby_kb"] for one in status(ahead)["parked"] if one["standby_pid"] == pid]
    assert own > 0


def test_two_runs_at_once(ahead: Project, out: Path) -> None:
    """The second one is forked when it comes."""
    prepare(ahead, "-n0")
    pid = standby(ahead)
    (out / "go on").unlink()
    first = ahead.start_fleetest("-n0")
    assert pids(out, 2)[0] == pid
    second = ahead.start_fleetest("-n0")
    assert pids(out, 3)[0] != pid
    (out / "go on").touch()
    for run in (first, second):
        result = run.wait(leaves=True).check(0).counts(passed=1)
        assert start_of(result) == "warm"
    standby(ahead)


def test_killed(ahead: Project) -> None:
    """The next run does without; then there is another one."""
    prepare(ahead, "-n0")
    pid = standby(ahead)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: pid not in standbys(ahead), "its end")
    again(ahead, "-n0").check(0).counts(passed=1)
    assert standby(ahead) != pid


def test_killed_with_its_order_unread(ahead: Project) -> None:
    """It has the order and does not look: the client does what it asked for alone."""
    prepare(ahead, "-n0")
    pid = standby(ahead)
    os.kill(pid, signal.SIGSTOP)
    run = ahead.start_fleetest("-n0")
    wait_for(lambda: status(ahead)["in_flight"] == 1, "the run")
    os.kill(pid, signal.SIGKILL)
    result = run.wait(leaves=True).check(0).counts(passed=1)
    assert start_of(result) == "cold (the controller died before the run began)"
    prepare(ahead, "-n0")


def test_ordered_while_its_parent_does_not_look(ahead: Project, out: Path) -> None:
    """The daemon gives it its order; the snapshot sees it end later, and forks another one."""
    prepare(ahead, "-n0")
    pid = standby(ahead)
    (snapshot,) = parked(ahead, "tests collected")
    os.kill(snapshot, signal.SIGSTOP)
    try:
        run = ahead.start_fleetest("-n0")
        assert pids(out, 2)[0] == pid
    finally:
        os.kill(snapshot, signal.SIGCONT)
    run.wait().check(0).counts(passed=1)
    assert standby(ahead) != pid
    again(ahead, "-n0").check(0).counts(passed=1)


@pytest.mark.parametrize("ends", [False, True])
def test_another_order_for_its_parent(ahead: Project, out: Path, ends: bool) -> None:
    """Which has not heard of its child's order, or of its end: it does not hand this one on."""
    prepare(ahead, "-n0")
    pid = standby(ahead)
    (snapshot,) = parked(ahead, "tests collected")
    if not ends:
        (out / "go on").unlink()
    os.kill(snapshot, signal.SIGSTOP)
    try:
        first = ahead.start_fleetest("-n0")
        assert pids(out, 2)[0] == pid
        if ends:
            wait_for(lambda: state_of(pid) == "Z", "its end")
        second = ahead.start_fleetest("-n0")
        wait_for(lambda: status(ahead)["in_flight"] == 2, "the run")
    finally:
        os.kill(snapshot, signal.SIGCONT)
    assert pids(out, 3)[1] == snapshot
    (out / "go on").touch()
    for run in (first, second):
        run.wait().check(0).counts(passed=1)


def test_orders_for_both(ahead: Project, out: Path) -> None:
    """The snapshot has an order that it will hand on: its child gets none from the daemon."""
    pipe = out / "pipe"
    os.mkfifo(pipe)
    test = TEST.format(out=str(out)) + waits(str(pipe))
    ahead.file("test_a.py", test)
    prepare_past(ahead, (pipe,), "-n0").check(0)
    ahead.file("test_a.py", test + "# changed\n")
    first = ahead.start_fleetest("-n0")
    writer = writer_of(pipe)
    snapshot = collecting(ahead)
    daemon = status(ahead)["pid"]
    os.kill(daemon, signal.SIGSTOP)
    os.close(writer)
    children = wait_for(lambda: children_of(snapshot), "a process that stands by")
    wait_for(lambda: state_of(snapshot) == "S", "word of it")
    for pid in (snapshot, *children):
        os.kill(pid, signal.SIGSTOP)
    os.kill(daemon, signal.SIGCONT)
    try:
        assert standbys(ahead) == children
        second = ahead.start_fleetest("-n0")
        wait_for(lambda: status(ahead)["in_flight"] == 2, "the run")
    finally:
        os.kill(snapshot, signal.SIGCONT)
        wait_for(lambda: "run 2: controller" in daemon_log(ahead), "the start of the first")
        os.kill(children[0], signal.SIGCONT)
    for each in (first, second):
        each.wait(leaves=True).check(0).counts(passed=1)
    assert str(children[0]) in (out / "pids").read_text().split()
    again(ahead, "-n0").check(0).counts(passed=1)


@pytest.mark.parametrize("kilobytes", [163, 165, 167])
def test_the_daemon_does_not_read(ahead: Project, out: Path, kilobytes: int) -> None:
    """What the snapshot has read fills the socket: it waits until it can say that a child stands by."""
    pipe = out / "pipe"
    os.mkfifo(pipe)
    data = out / "data"
    data.mkdir()
    names = [f"{data}/{'x' * 99}{number}" for number in range(2000)]
    reads = names[: kilobytes * 1000 // (len(names[-1]) + 3)]
    for name in reads:
        Path(name).touch()
    ahead.file("conftest.py", f"for name in {reads!r}: open(name).close()\n")
    ahead.file("test_a.py", TEST.format(out=str(out)) + waits(str(pipe)))
    run = ahead.start_fleetest("-n0")
    os.close(writer_of(pipe))
    run.wait(leaves=True).check(0)
    writer = writer_of(pipe)
    daemon = status(ahead)["pid"]
    snapshot = collecting(ahead)
    os.kill(daemon, signal.SIGSTOP)
    os.close(writer)
    wait_for(lambda: state_of(snapshot) == "Z" or children_of(snapshot), "the snapshot")
    wait_for(lambda: state_of(snapshot) in ("S", "Z"), "its wait for the daemon")
    os.kill(daemon, signal.SIGCONT)
    settle(ahead)
    assert standby(ahead)
    again(ahead, "-n0").check(0).counts(passed=1)


def test_killed_while_its_parent_does_not_look(ahead: Project, out: Path) -> None:
    """It dies right before its order, and the daemon has not heard of that."""
    prepare(ahead, "-n0")
    pid = standby(ahead)
    (snapshot,) = parked(ahead, "tests collected")
    os.kill(snapshot, signal.SIGSTOP)
    try:
        kill_quietly(pid, signal.SIGKILL)
        wait_for(lambda: state_of(pid) == "Z", "its end")
        run = ahead.start_fleetest("-n0")
        wait_for(lambda: status(ahead)["in_flight"] == 1, "the run")
    finally:
        os.kill(snapshot, signal.SIGCONT)
    run.wait().check(0).counts(passed=1)
    assert pids(out, 2)[1] == snapshot


def test_ends_with_the_snapshot(ahead: Project) -> None:
    prepare(ahead)
    pid = standby(ahead)
    (snapshot,) = parked(ahead, "tests collected")
    kill_quietly(snapshot, signal.SIGKILL)
    assert all_gone([pid]) == []


def test_ends_with_the_daemon(ahead: Project) -> None:
    prepare(ahead)
    pid = standby(ahead)
    command(ahead, "stop").check(0)
    assert all_gone([pid]) == []


def test_counts_as_memory(ahead: Project) -> None:
    """What it has of its own is in what parked processes have together."""
    prepare(ahead)
    standby(ahead)
    shown = status(ahead)
    assert shown["parked_kb"] > sum(one["own_kb"] + one["standby_kb"] for one in shown["parked"])


def test_nothing_of_it_is_in_the_run(ahead: Project, out: Path) -> None:
    """Descriptors, children and random numbers are those of a run that was forked when it came."""
    ahead.file(
        "test_a.py",
        f"""
        import os, random

        def test_a():
            fds = os.listdir("/proc/self/fd")
            with open({str(out / "log")!r}, "a") as file:
                file.write(f"{{random.random()}} {{len(fds)}}\\n")
            with open(f"/proc/self/task/{{os.getpid()}}/children") as children:
                assert children.read() == ""
        """,
    )
    prepare(ahead, "-n0")
    for _ in range(3):
        standby(ahead)
        again(ahead, "-n0").check(0)
    drawn = [line.split() for line in (out / "log").read_text().splitlines()]
    assert len({line[0] for line in drawn}) == 4
    assert len({line[1] for line in drawn[1:]}) == 1, drawn

"""Runs after a change: another snapshot is made from the last checkpoint that has not seen it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from ahead_runs import (
    AHEAD,
    SPENDS,
    again,
    anew,
    feed_until,
    prepare,
    prepare_past,
    run_past,
    settle,
    waits,
    writer_of,
)
from daemon_runs import command, daemon_log, parked, start_of, status
from lab import FLEETEST, Project, Result, wait_for


@pytest.fixture
def ahead(project: Project) -> Project:
    """A project with something slow that is imported first, then a helper, then tests."""
    project.env.update(AHEAD, PYTHONPATH=str(project.path / "site-packages"))
    project.file("site-packages/slow.py", SPENDS)
    project.file("conftest.py", "import slow\nimport helper\n")
    project.file("helper.py", "X = 1\n")
    for name in "abc":
        project.file(f"test_{name}.py", f"import helper\ndef test_{name}(): assert helper.X\n")
    return project


def rewound(project: Project, to: str, changed: str, *args: str, **options: Any) -> Result:
    """Run; a snapshot was made for it from a checkpoint."""
    result = project.fleetest(*args, leaves=True, **options)
    wanted = f"rewound to {to}: {project.path / changed} changed"
    assert start_of(result) == wanted, (result.out, daemon_log(project))
    return result


def checkpoints(project: Project) -> list[int]:
    return parked(project, "checkpoint")


def test_changed_helper(ahead: Project) -> None:
    """What was imported before it is not imported again."""
    prepare(ahead)
    again(ahead).check(0).counts(passed=3)
    ahead.file("helper.py", "X = 0\n")
    rewound(ahead, "the import of helper", "helper.py").check(1).counts(failed=3)
    again(ahead).check(1).counts(failed=3)
    ahead.file("helper.py", "X = 12\n")
    rewound(ahead, "the import of helper", "helper.py").check(0).counts(passed=3)
    again(ahead).check(0).counts(passed=3)


def test_changed_test_file(ahead: Project) -> None:
    """The first time the session goes back to before the first file; then to before this one."""
    ahead.file("site-packages/slow_too.py", SPENDS.replace("0.17", "0.02"))
    ahead.file("test_b.py", "import slow_too\ndef test_b(): pass\n")
    prepare(ahead)
    for number in range(3):
        ahead.file("test_c.py", f"def test_c(): assert {number}\n")
        to = "test_c.py" if number else "test_a.py"
        result = rewound(ahead, to, "test_c.py").check(0 if number else 1)
        assert f"{3 if number else 2} passed" in result.out
        again(ahead)


def test_broken_edit(ahead: Project) -> None:
    """pytest's own error; the next good edit finds the checkpoint before it."""
    prepare(ahead)
    ahead.file("test_b.py", "def test_b(: pass\n")
    result = anew(ahead).check(2)
    assert "SyntaxError" in result.out
    settle(ahead)
    ahead.file("test_b.py", "def test_b(): pass\n")
    rewound(ahead, "test_a.py", "test_b.py").check(0).counts(passed=3)


@pytest.fixture
def pipe(ahead: Project) -> Path:
    """Each session waits at its end until somebody opens this pipe, and closes it."""
    path = ahead.path / "pipe"
    os.mkfifo(path)
    ahead.file("test_c.py", waits("pipe") + "def test_c(): pass\n")
    return path


def test_changed_while_it_is_prepared(ahead: Project, pipe: Path) -> None:
    """What was read before the change is collected again, and what comes before that is not."""
    run = ahead.start(FLEETEST)
    os.close(writer_of(pipe))
    run.wait(leaves=True).check(0).counts(passed=3)
    writer = writer_of(pipe)  # of the preparation
    ahead.file("test_b.py", "import helper\ndef test_b(): assert not helper.X\n")
    os.close(writer)
    wait_for(lambda: "another snapshot is made" in daemon_log(ahead), "another preparation")
    run = ahead.start(FLEETEST)
    os.close(writer_of(pipe))
    result = run.wait(leaves=True).check(1).counts(passed=2, failed=1)
    wanted = f"rewound to test_a.py: {ahead.path / 'test_b.py'} changed"
    assert start_of(result) == wanted, (result.out, daemon_log(ahead))
    again(ahead).check(1).counts(passed=2, failed=1)


def test_changed_again_and_again_while_a_run_waits(ahead: Project, pipe: Path) -> None:
    """A run waits once more, and not for ever."""
    prepare_past(ahead, (pipe,)).check(0)
    ahead.file("helper.py", "X = 2\n")
    run = ahead.start(FLEETEST)
    for number in range(2):
        wait_for(
            lambda number=number: daemon_log(ahead).count("another snapshot is made") > number,
            "another preparation",
        )
        writer = writer_of(pipe)
        ahead.file("test_b.py", f"def test_b(): assert {number}\n")
        os.close(writer)
    feed_until(lambda: run.process.poll() is not None, pipe)
    result = run.wait(leaves=True).check(0).counts(passed=3)
    assert start_of(result) == f"warm start ({ahead.path / 'test_b.py'} changed meanwhile)"
    feed_until(lambda: status(ahead)["preparing"] == 0, pipe)


def test_another_for_a_moment(ahead: Project, pipe: Path) -> None:
    """What is read again after a checkpoint may be another, and be the same again at the end."""
    data = ahead.file("data", "1")
    ahead.file("conftest.py", "V = open('data').read()\nimport slow\nimport helper\n")
    wait = waits("begin")
    begin = ahead.path / "begin"
    os.mkfifo(begin)
    ahead.file("helper.py", wait + "X = 1\n")
    ahead.file("test_b.py", "V = open('data').read()\ndef test_b(): assert V == '1'\n")
    prepare_past(ahead, (begin, pipe)).check(0)
    ahead.file("helper.py", wait + "X = 2\n")
    run = ahead.start(FLEETEST)
    writer = writer_of(begin)
    data.write_text("2")
    os.close(writer)
    writer = writer_of(pipe)
    data.write_text("1")
    os.close(writer)
    feed_until(lambda: run.process.poll() is not None, begin, pipe)
    run.wait(leaves=True).check(0).counts(passed=3)
    again(ahead).check(0).counts(passed=3)


LOOKS_TWICE = {
    "exists": ("os.path.exists(X)", "os.path.exists(X)", "not EARLY and not LATE"),
    "read": ("os.path.exists(X)", "os.path.exists(X) and open(X).read()", "not LATE"),
    "turned": ("open(Y).read()", "open(Y).read()", "EARLY == LATE == '1'"),
    "turned and read": ("os.path.getsize(Y)", "open(Y).read()", "EARLY == 1 and LATE == '1'"),
}


@pytest.mark.parametrize("name", LOOKS_TWICE)
def test_looked_at_twice(ahead: Project, pipe: Path, name: str) -> None:
    """What was another only for a moment, at the second look, and is at the end what it was at the first."""
    early, late, wanted = LOOKS_TWICE[name]
    begin = ahead.path / "begin"
    os.mkfifo(begin)
    apart = ahead.path.parent / "apart"  # no names of it count
    for number in "12":
        (apart / number).mkdir(parents=True)
        (apart / number / "y").write_text(number)
    (apart / "way").symlink_to("1")
    paths = f"import os\nX, Y = {str(apart / 'x')!r}, {str(apart / 'way' / 'y')!r}\n"
    ahead.file("where.py", f"{paths}EARLY = {early}\n")
    ahead.file("conftest.py", "import slow\nimport helper\nimport where\n" + waits("begin"))
    ahead.file("test_b.py", f"from where import *\nLATE = {late}\ndef test_b(): assert {wanted}\n")
    run_past(ahead, (begin, pipe)).check(0)
    writer = writer_of(begin)  # of the preparation
    (apart / "x").write_text("1")
    (apart / "other").symlink_to("2")
    (apart / "way").rename(apart / "before")
    (apart / "other").rename(apart / "way")
    os.close(writer)
    writer = writer_of(pipe)
    (apart / "x").unlink()
    (apart / "before").rename(apart / "way")
    os.close(writer)
    feed_until(lambda: status(ahead)["preparing"] == 0, begin, pipe)
    assert f"{apart / ('way/y' if 'turned' in name else 'x')} changed" in daemon_log(ahead)
    run_past(ahead, (begin, pipe)).check(0).counts(passed=3)


def test_folder_that_counts_more_than_before(ahead: Project) -> None:
    """Once files of any name may be collected, a new one is another session's: no checkpoint before it will do."""
    ahead.file("site-packages/slow_too.py", SPENDS)
    ahead.file("z/conftest.py", "import slow_too\ndef pytest_collect_file(file_path): pass\n")
    ahead.file("z/test_z.py", "def test_z(): pass\n")
    prepare(ahead)
    again(ahead).check(0).counts(passed=4)
    ahead.file("notes.md", "")
    ahead.fleetest(leaves=True).check(0)
    settle(ahead)
    again(ahead).check(0).counts(passed=4)


def test_change_before_the_first_checkpoint(ahead: Project) -> None:
    """All is prepared again."""
    prepare(ahead)
    ahead.file("conftest.py", "import slow\nimport helper\nY = 1\n")
    assert start_of(anew(ahead)) == f"warm start ({ahead.path / 'conftest.py'} changed)"
    settle(ahead)
    again(ahead).check(0).counts(passed=3)


def test_new_file(ahead: Project) -> None:
    """The folder was listed before the first file."""
    prepare(ahead)
    ahead.file("test_d.py", "def test_d(): pass\n")
    anew(ahead).check(0).counts(passed=4)
    settle(ahead)
    again(ahead).check(0).counts(passed=4)


def test_what_is_printed_on_the_way(ahead: Project) -> None:
    """Each preparation has what was printed before its checkpoint, and what it has printed itself, once."""
    ahead.file("conftest.py", "print('first')\nimport slow\nimport helper\nprint('last')\n")
    ahead.file("test_a.py", "print('collected')\nimport helper\ndef test_a(): pass\n")
    for args in ((), ("-s",)):
        ahead.file("helper.py", "X = 1\nprint('helper 1')\n")
        prepare(ahead, *args)
        whole = again(ahead, *args).check(0).out
        for number in (2, 3):
            ahead.file("helper.py", f"X = 1\nprint('helper {number}')\n")
            out = rewound(ahead, "the import of helper", "helper.py", *args).check(0).out
            wanted = whole.replace("helper 1", f"helper {number}")
            lines = [line for line in out.splitlines() if not line.startswith(("fleetest:", "="))]
            assert lines == [
                line for line in wanted.splitlines() if not line.startswith(("fleetest:", "="))
            ]


def test_captured_at_import(ahead: Project) -> None:
    """What pytest has captured while conftests were imported is shown with the error of the same preparation."""
    ahead.file("test_a.py", "import helper\nprint('from a')\ndef test_a(): pass\n")
    prepare(ahead)
    ahead.file("helper.py", "X = 1\nprint('from helper')\n")
    rewound(ahead, "the import of helper", "helper.py").check(0)
    ahead.file("test_c.py", "raise ValueError\n")
    out = anew(ahead).check(2).out
    assert out.count("from helper") <= 1
    assert "from a" not in out


@pytest.mark.parametrize("open_file", ["open('data')", "__import__('socket').socketpair()"])
def test_open_while_a_checkpoint_would_be_parked(ahead: Project, open_file: str) -> None:
    """Two processes would share it: no checkpoint is parked meanwhile."""
    ahead.file("data", "one\ntwo\nthree\n")
    ahead.file(
        "conftest.py",
        f"file = {open_file}\nimport slow\nimport helper\n"
        "lines = file.read() if hasattr(file, 'read') else [each.close() for each in file]\n"
        "if hasattr(file, 'close'): file.close()\n",
    )
    prepare(ahead)
    again(ahead).check(0)
    ahead.file("helper.py", "X = 2\n")
    assert start_of(anew(ahead)) == f"warm start ({ahead.path / 'helper.py'} changed)"


def test_random_numbers(ahead: Project) -> None:
    """A project's own seed holds across a checkpoint; who has none draws others each time."""
    ahead.file("conftest.py", "import random\nrandom.seed(5)\nimport slow\nimport helper\n")
    ahead.file(
        "test_a.py", "import random\nV = random.random()\ndef test_a(): assert V == 0, f'<{V}>'\n"
    )
    prepare(ahead)
    before = again(ahead).check(1).out.partition("<")[2].partition(">")[0]
    ahead.file("helper.py", "X = 2\n")
    result = rewound(ahead, "the import of helper", "helper.py").check(1)
    assert result.out.partition("<")[2].partition(">")[0] == before


@pytest.mark.parametrize("which", [0, -1])
def test_checkpoint_is_killed(ahead: Project, which: int) -> None:
    """So is what was forked off it; the next run does without."""
    prepare(ahead)
    found = checkpoints(ahead)
    snapshot = parked(ahead, "tests collected")
    os.kill(found[which], signal.SIGKILL)
    wait_for(lambda: not parked(ahead, "tests collected"), "the end of the snapshot")
    wait_for(lambda: not Path(f"/proc/{snapshot[0]}").exists(), "its end")
    anew(ahead).check(0).counts(passed=3)
    settle(ahead)
    again(ahead).check(0).counts(passed=3)


def test_snapshot_is_killed(ahead: Project) -> None:
    """Its checkpoints end with it."""
    prepare(ahead)
    os.kill(parked(ahead, "tests collected")[0], signal.SIGKILL)
    wait_for(lambda: not checkpoints(ahead), "the end of the checkpoints")
    anew(ahead).check(0).counts(passed=3)


def test_killed_while_a_run_waits(ahead: Project) -> None:
    """The run collects itself."""
    prepare(ahead)
    ahead.file(
        "helper.py",
        "import os, signal, sys\nX = 1\n"
        "if os.path.exists('kill') and open('/proc/self/comm').read() == 'snapshot\\n':\n"
        "    os.kill(0, signal.SIGKILL)\n",
    )
    ahead.file("kill", "")
    result = anew(ahead).check(0).counts(passed=3)
    assert start_of(result) == "warm start (the parked process died)"


def test_daemon_is_killed(ahead: Project) -> None:
    """No checkpoint is left."""
    prepare(ahead)
    found = checkpoints(ahead)
    assert found
    os.kill(status(ahead)["pid"], signal.SIGKILL)
    for pid in found:
        wait_for(lambda pid=pid: not Path(f"/proc/{pid}").exists(), "the end of a checkpoint")


def test_daemon_stops(ahead: Project) -> None:
    """Likewise."""
    prepare(ahead)
    found = checkpoints(ahead)
    command(ahead, "stop").check(0)
    for pid in found:
        wait_for(lambda pid=pid: not Path(f"/proc/{pid}").exists(), "the end of a checkpoint")


def test_options_of_its_own(ahead: Project) -> None:
    """A run that waits has its own selection and options, and not those of the run for which it was prepared."""
    prepare(ahead)
    ahead.file("helper.py", "X = 3\n")
    result = rewound(ahead, "the import of helper", "helper.py", "-v", "-k", "test_b").check(0)
    result.counts(passed=1, deselected=2)
    assert "test_b.py::test_b PASSED" in result.out


def test_two_at_once(ahead: Project) -> None:
    """Both wait for the same."""
    prepare(ahead)
    ahead.file("helper.py", "import slow\nX = 4\n")
    runs = [ahead.start(FLEETEST) for _ in range(2)]
    for run in runs:
        run.wait(leaves=True).check(0).counts(passed=3)


def test_many_edits_leave_nothing(ahead: Project) -> None:
    """There are as many processes after twenty edits as after two."""
    prepare(ahead)
    counts = []
    for number in range(20):
        ahead.file("helper.py", f"X = {number + 1}\n")
        ahead.fleetest(leaves=True).check(0)
        settle(ahead)
        counts.append(len(status(ahead)["parked"]))
    assert counts[-1] <= counts[1]

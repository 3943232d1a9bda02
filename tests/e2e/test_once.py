"""Snapshots that serve one run, since the session has drawn random numbers which two must not share."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
from ahead_runs import AHEAD, SPENDS, again, anew, prepare, settle, standbys, standing_by
from daemon_runs import command, daemon_log, parked, start_of, status
from lab import FLEETEST, Project, Result, wait_for
from meeting import all_gone, heard_pid, meet, say

READY = "tests collected for one run"

SHOWN = "import conftest\ndef test_a(): raise ValueError(conftest.VALUE)\n"
DRAWN = "import random\nVALUE = random.random()\n"
UNIQUE = """
import pytest, uuid

@pytest.mark.parametrize("value", [str(uuid.uuid4())])
def test_a(value): assert 0
"""


@pytest.fixture
def ahead(project: Project) -> Project:
    """A project that shows which number its conftest has drawn."""
    project.env.update(AHEAD, PYTHONPATH=str(project.path / "site-packages"))
    project.file("site-packages/slow.py", SPENDS)
    project.file("site-packages/slow_too.py", SPENDS)
    project.file("conftest.py", DRAWN)
    project.file("test_a.py", SHOWN)
    return project


def drawn(result: Result) -> str:
    """What the run's test shows."""
    (value,) = set(re.findall(r"^E +ValueError: (.*)", result.out, re.MULTILINE))
    return str(value)


def warm_values(project: Project, *args: str, runs: int = 3) -> list[str]:
    """What so many runs show, each of which has gone on from a snapshot."""
    prepare(project, *args)
    values = []
    for _ in range(runs):
        values.append(drawn(again(project, *args).check(1)))
        settle(project)
    return values


# ---- what each run has ----


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize(
    "code",
    [
        "import random\nVALUE = random.random()\n",
        "import random\nVALUE = random.Random().random()\n",
        "import tempfile\nVALUE = tempfile.mktemp()\n",
        "import os\nVALUE = os.getrandom(8).hex()\n",
        "import random\nrandom.seed()\nVALUE = random.random()\n",
    ],
    ids=["global", "own", "name", "system", "seeded anew"],
)
def test_numbers_of_its_own(ahead: Project, code: str, workers: str) -> None:
    ahead.file("conftest.py", code)
    values = warm_values(ahead, workers)
    assert len(set(values)) == len(values)


@pytest.mark.parametrize(
    "code", ["uuid.uuid4()", "secrets.token_hex()", "os.urandom(8).hex()", "random.getrandbits(64)"]
)
def test_numbers_of_a_test_module(ahead: Project, code: str) -> None:
    ahead.file(
        "test_a.py",
        f"import os, random, secrets, uuid\nVALUE = {code}\ndef test_a(): raise ValueError(VALUE)\n",
    )
    values = warm_values(ahead)
    assert len(set(values)) == len(values)


def test_generator_goes_on(ahead: Project) -> None:
    """What the session has drawn is drawn, and what comes next is what came next in the session."""
    ahead.file("conftest.py", "import random\nrandom.random()\nSTATE = random.getstate()\n")
    ahead.file(
        "test_a.py", "import conftest, random\ndef test_a(): assert random.getstate() == conftest.STATE\n"
    )  # fmt: skip
    prepare(ahead, "-n0")
    again(ahead, "-n0").check(0)


def test_workers_do_not_draw_the_same(ahead: Project) -> None:
    """As in a run that has no snapshot."""
    ahead.file(
        "test_a.py",
        """
        import pytest, random

        @pytest.mark.parametrize("n", [1, 2])
        def test_a(n):
            print("drawn", random.random())
            assert 0
        """,
    )
    prepare(ahead, "-n2", "--dist=each")
    for _ in range(2):
        result = again(ahead, "-n2", "--dist=each").check(1)
        values = re.findall(r"^drawn (.*)", result.out, re.MULTILINE)
        assert len(values) == len(set(values)) == 4
        settle(ahead)


def test_seed_of_the_project(ahead: Project) -> None:
    """It is drawn from in each run, as without; there is a number without it, too."""
    ahead.file(
        "conftest.py",
        "import random\nVALUE = random.Random().random()\nrandom.seed(3)\nrandom.random()\n",
    )
    ahead.file(
        "test_a.py",
        """
        import pytest, random

        @pytest.mark.parametrize("n", [1, 2])
        def test_a(n): assert n == 0, f"<{random.random()}>"
        """,
    )
    cold = ahead.fleetest("-n2", "--dist=each", env={"FLEETEST_DAEMON": "0"}).check(1)
    prepare(ahead, "-n2", "--dist=each")
    warm = again(ahead, "-n2", "--dist=each").check(1)
    numbers = [set(re.findall(r"AssertionError: <(.*)>", result.out)) for result in (cold, warm)]
    assert numbers[0] == numbers[1] != set()


def test_listing_uses_it_up(ahead: Project) -> None:
    """A run has other ids than what was listed before."""
    ahead.file("test_a.py", UNIQUE)
    prepare(ahead)
    seen = []
    for _ in range(2):
        listed = ahead.fleetest("--co", "-q", leaves=True).check(0)
        assert status(ahead)["last_run"] == "warm"
        settle(ahead)
        for result in (listed, again(ahead, "-v").check(1)):
            seen += sorted({*re.findall(r"test_a\[(.*?)\]", result.out)})
        settle(ahead)
    assert len(seen) == len(set(seen)) == 4


def test_ids_within_a_file(ahead: Project) -> None:
    """Such a snapshot waits earlier, and serves one run, too."""
    ahead.file("test_a.py", DRAWN + "def test_a(): raise ValueError(VALUE)\ndef test_b(): pass\n")
    values = warm_values(ahead, "test_a.py::test_a")
    assert len(set(values)) == len(values)


# ---- who gets it ----


def test_two_at_once(ahead: Project) -> None:
    """One of them has it, and the other one what its own session draws."""
    for _ in range(3):
        prepare(ahead)
        runs = [ahead.start(FLEETEST) for _ in range(2)]
        results = [running.wait(leaves=True).check(1) for running in runs]
        assert drawn(results[0]) != drawn(results[1])
        starts = sorted(map(start_of, results))
        assert starts == [
            "warm",
            "warm start (the snapshot serves one run, and another has it)",
        ]
        settle(ahead)


def test_two_wait_for_it(ahead: Project) -> None:
    """It is still made when they come: one goes on from it."""
    ahead.file("helper.py", "X = 1\n")
    ahead.file("conftest.py", "import slow\nimport helper\n" + DRAWN)
    prepare(ahead)
    ahead.file("helper.py", "import slow_too\nX = 2\n")
    runs = [ahead.start(FLEETEST) for _ in range(2)]
    results = [running.wait(leaves=True).check(1) for running in runs]
    assert drawn(results[0]) != drawn(results[1])
    starts = sorted(map(start_of, results))
    assert starts[0] == f"rewound to the import of helper: {ahead.path / 'helper.py'} changed"
    assert starts[1].startswith("warm start")
    settle(ahead)
    again(ahead)


def test_another_is_made_after_each_run_only(ahead: Project) -> None:
    """There is no end of it else."""

    def made() -> int:
        return daemon_log(ahead).count("serves one run only")

    prepare(ahead)  # perhaps twice: the run has just made folders
    before = made()
    warm_values(ahead, runs=2)
    assert len(parked(ahead, READY)) == 1
    assert not parked(ahead, "used up")
    assert made() == before + 3


def test_explaining_leaves_it(ahead: Project) -> None:
    prepare(ahead)
    before = parked(ahead, READY)
    result = command(ahead, "explain").check(0)
    result.lines("only one run can go on from there:", "  random numbers were drawn")
    assert parked(ahead, READY) == before
    again(ahead)


def test_status(ahead: Project) -> None:
    ahead.file("conftest.py", "import random\nVALUE = random.Random().random()\n")
    prepare(ahead)
    shown = command(ahead, "status").check(0).out
    assert f"{READY} only: conftest.py:2 asked for random numbers, " in shown


def test_number_of_snapshots(ahead: Project) -> None:
    """It counts as any other."""
    ahead.env["FLEETEST_DAEMON_SNAPSHOTS"] = "1"
    prepare(ahead)
    prepare(ahead, "test_a.py")
    assert len(parked(ahead, READY)) == 1
    again(ahead, "test_a.py")
    settle(ahead)
    assert len(parked(ahead, READY)) == 1
    anew(ahead)


def test_saved_file(ahead: Project) -> None:
    """Another is made when what it has read changes, as for others."""
    ahead.env["FLEETEST_DAEMON_AHEAD"] = "3"
    prepare(ahead)
    before = parked(ahead, READY)
    ahead.file("conftest.py", DRAWN + "\n")
    wait_for(
        lambda: parked(ahead, READY) not in ([], before) and not status(ahead)["preparing"],
        "another snapshot",
    )
    again(ahead)


# ---- what bars it all the same ----


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import time\ntime.time()\n", "conftest.py:4 asked for the time"),
        ("import os\nos.getpid()\n", "conftest.py:4 asked for os.getpid()"),
        ("import uuid\nuuid.uuid4()\n", "asked for os.urandom()"),
    ],
    ids=["time", "process", "name of a process"],
)
def test_barred(ahead: Project, code: str, why: str) -> None:
    """What no other run can have, and what workers cannot share: they are made before it, then."""
    ahead.file("conftest.py", DRAWN + code)
    prepare(ahead, "-n2")
    assert why in anew(ahead, "-n2").check(1).out
    assert not parked(ahead, READY)


# ---- checkpoints ----


def test_made_again_from_a_checkpoint(ahead: Project) -> None:
    """The last one, which is before the first number was drawn."""
    ahead.file("conftest.py", "import slow\nimport helper\n")
    ahead.file("helper.py", "import random\nVALUE = random.random()\n")
    ahead.file("test_a.py", "import helper\ndef test_a(): raise ValueError(helper.VALUE)\n")
    prepare(ahead)
    before = daemon_log(ahead)
    values = warm_values(ahead, runs=4)
    assert len(set(values)) == len(values)
    log = daemon_log(ahead).removeprefix(before)
    assert "a snapshot is made for" not in log
    made = re.findall(r"made from checkpoint \d+, before (.*)", log)
    assert made == ["the import of helper: a run has used it up"] * 5


@pytest.mark.parametrize("draw", ["random.Random().random()", "random.random()"])
def test_no_checkpoint_after_a_number_was_drawn(ahead: Project, draw: str) -> None:
    """All that would go on from there had the same."""
    ahead.file("conftest.py", f"import random\nVALUE = {draw}\nimport slow\nimport helper\n")
    ahead.file("helper.py", "X = 1\n")
    values = warm_values(ahead)
    ahead.file("helper.py", "X = 2\n")
    values.append(drawn(anew(ahead).check(1)))
    assert len(set(values)) == len(values)
    assert not parked(ahead, "checkpoint")


def test_changed_after_it_was_used_up(ahead: Project) -> None:
    """The checkpoint before the change is what the next one is made from."""
    ahead.file("conftest.py", "import slow\nimport helper\n" + DRAWN)
    ahead.file("helper.py", "X = 1\n")
    prepare(ahead)
    for number in (2, 3):
        ahead.file("helper.py", f"X = {number}\n")
        result = ahead.fleetest(leaves=True).check(1)
        assert start_of(result).startswith("rewound to the import of helper: ")
        settle(ahead)
        again(ahead)
        settle(ahead)


# ---- deaths ----


def test_killed_before_the_run(ahead: Project) -> None:
    prepare(ahead)
    (pid,) = parked(ahead, READY)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: pid not in parked(ahead, READY), "its end")  # its child would be the run
    anew(ahead).check(1).counts(failed=1)
    settle(ahead)
    again(ahead)


def test_killed_while_a_run_comes(ahead: Project) -> None:
    """The run goes the usual way, or has gone on already."""
    for _ in range(3):
        prepare(ahead)
        (pid,) = parked(ahead, READY)
        os.kill(pid, signal.SIGSTOP)
        running = ahead.start(FLEETEST)
        wait_for(lambda: status(ahead)["in_flight"] == 1, "the run")
        os.kill(pid, signal.SIGKILL)
        running.wait(leaves=True).check(1).counts(failed=1)


def test_stopped(ahead: Project) -> None:
    prepare(ahead)
    (pid,) = parked(ahead, READY)
    os.kill(standing_by(ahead)[0], signal.SIGKILL)  # which would have answered
    wait_for(lambda: not standbys(ahead), "its end")
    os.kill(pid, signal.SIGSTOP)
    result = ahead.fleetest(leaves=True).check(1).counts(failed=1)
    assert start_of(result).startswith("cold (the parked process does not answer)")
    prepare(ahead)
    again(ahead)


def test_killed_during_the_run(ahead: Project) -> None:
    """The run does not need it any more; the next one has another."""
    meet(ahead)
    ahead.file(
        "test_a.py",
        """
        import os
        from meet import hear, here

        def test_a():
            if "MOMENT" in os.environ:
                here("test")
                hear("go on")
        """,
    )
    prepare(ahead)
    (pid,) = parked(ahead, READY)
    running = ahead.start_fleetest(env={"MOMENT": "1"})
    heard_pid(ahead, "test")
    assert parked(ahead, "used up") == [pid]
    os.kill(pid, signal.SIGKILL)
    assert not all_gone([pid]), "the snapshot"
    say(ahead, "go on")
    running.wait(leaves=True).check(0).counts(passed=1)
    wait_for(lambda: not status(ahead)["in_flight"], "the end of the run")
    settle(ahead)
    again(ahead).check(0)


def test_client_is_gone(ahead: Project) -> None:
    """It is used up, whatever became of the run."""
    meet(ahead)
    ahead.file("test_a.py", "import os\nfrom meet import hear, here\nimport conftest\n"
               "def test_a():\n    if 'MOMENT' in os.environ:\n        here('test')\n        hear('go on')\n"
               "    raise ValueError(conftest.VALUE)\n")  # fmt: skip
    prepare(ahead)
    running = ahead.start_fleetest(env={"MOMENT": "1"})
    heard_pid(ahead, "test")
    running.send(signal.SIGKILL)
    running.wait(leaves=True).check(-signal.SIGKILL)
    wait_for(lambda: not status(ahead)["in_flight"], "the end of the run", 30)
    settle(ahead)
    assert len(parked(ahead, READY)) == 1
    again(ahead).check(1)


def test_memory(ahead: Project) -> None:
    """No process is left of those that were used up."""
    warm_values(ahead, runs=4)
    daemon = status(ahead)["pid"]
    children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
    assert len(status(ahead)["parked"]) == 2
    assert len(children) == 1

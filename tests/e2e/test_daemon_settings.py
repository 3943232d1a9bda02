"""How a daemon is set up: when it leaves, how much memory it uses, when it renews what it keeps."""

from __future__ import annotations

import daemon_lab
import pytest
from daemon_runs import command, files, run, status
from lab import Project, wait_for

WAYS = pytest.mark.parametrize("way", ["command", "option", "environment"])


def set_up(project: Project, way: str, setting: str, value: str) -> list[str]:
    """Have the daemon that the next run asks set up in this way; options for the run."""
    if way == "command":
        command(project, "start", f"--{setting}", value).check(0)
    elif way == "environment":
        project.env[f"FLEETEST_DAEMON_{setting.upper().replace('-', '_')}"] = value
    return [f"--daemon-{setting}", value] if way == "option" else []


@WAYS
def test_idle(one: Project, way: str) -> None:
    run(one, *set_up(one, way, "idle-timeout", "1"))
    wait_for(lambda: not daemon_lab.daemons(one.runtime), "its end")
    assert files(one) == {".log"}


@pytest.mark.parametrize("text", ["x", "-1", "1s", "99999999999", " 1"])
def test_wrong_idle_timeout(one: Project, text: str) -> None:
    result = one.fleetest(f"--daemon-idle-timeout={text}", leaves=True).check(4)
    assert result.err == "fleetest: --daemon-idle-timeout needs a number of seconds; 0: never\n"
    result = one.fleetest(env={"FLEETEST_DAEMON_IDLE_TIMEOUT": text}, leaves=True).check(4)
    assert (
        result.err == "fleetest: FLEETEST_DAEMON_IDLE_TIMEOUT needs a number of seconds; 0: never\n"
    )


@WAYS
def test_memory(one: Project, way: str) -> None:
    """What does not fit ends when the run has begun; the next one starts it again."""
    option = set_up(one, way, "memory", "1")
    assert run(one, *option) == "cold (nothing was prepared)"
    wait_for(lambda: not status(one)["parked"], "the end of what does not fit")
    assert run(one, *option) == "cold (nothing was prepared)"
    command(one, "logs").check(0).lines("* ends: it takes more memory than the daemon may use")
    command(one, "status").check(0).lines("memory    *, at most 1.0 MB")


def test_renewal(one: Project) -> None:
    """Hashes get another seed when nobody waits for it."""
    command(one, "start", "--renew-after", "1").check(0)
    run(one)
    (before,) = status(one)["parked"]

    def renewed() -> bool:
        (now, *_) = status(one)["parked"]
        return now["hash_seed"] != before["hash_seed"] and now["state"] != "starting"

    wait_for(renewed, "another seed")
    assert run(one) == "warm start"
    command(one, "logs").check(0).lines(f"* parked process {before['pid']} ends: it is renewed")


def test_no_renewal_of_a_seed_that_is_given(one: Project) -> None:
    one.env["PYTHONHASHSEED"] = "7"
    command(one, "start", "--renew-after", "1").check(0)
    run(one)
    (before,) = status(one)["parked"]
    assert before["hash_seed"] == 0
    begun = status(one)["up_ms"]
    wait_for(lambda: status(one)["up_ms"] > begun + 2500, "the time of a renewal")
    assert [parked["pid"] for parked in status(one)["parked"]] == [before["pid"]]


def test_hash_seed(one: Project) -> None:
    """It is shown with -v, and gives the same order in a run without the daemon."""
    one.file("test_a.py", "def test_a():\n    print('hash', hash('a'), __import__('sys').flags)\n")
    one.env["COLUMNS"] = "200"
    run(one)
    warm = one.fleetest("-v", "-rP", leaves=True).check(0)
    (line,) = [line for line in warm.out.splitlines() if line.startswith("fleetest: ")]
    start, _, seed = line.rpartition("; hash seed ")
    assert start == "fleetest: warm start; no workers (one test)"
    env = {"PYTHONHASHSEED": seed}
    cold = one.fleetest("-v", "-rP", "--no-daemon", env=env).check(0)
    assert [line for line in cold.out.splitlines() if line.startswith("hash")] == [
        line for line in warm.out.splitlines() if line.startswith("hash")
    ]
    assert "hash seed" not in cold.out + one.fleetest("-v", env=env, leaves=True).out
    assert "hash seed" not in one.fleetest(leaves=True).out


def test_memory_without_limit(one: Project) -> None:
    command(one, "start", "--memory", "0").check(0)
    run(one)
    assert run(one) == "warm start"
    command(one, "status").check(0).lines("memory    * MB for parked processes, no limit")


def test_memory_of_several(one: Project) -> None:
    """The one that was not used for longest goes first."""
    command(one, "start", "--memory", "60").check(0)
    for value in "abcde":
        one.env["PYTHONVALUE"] = value
        run(one)
    assert 0 < len(status(one)["parked"]) < 5
    assert run(one) == "warm start"
    one.env["PYTHONVALUE"] = "a"
    assert run(one) == "cold (nothing was prepared)"

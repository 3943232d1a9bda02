"""The daemon: its commands and its life."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import sys
from pathlib import Path

import daemon_lab
import pytest
from daemon_runs import command, files, header, run, status, the_daemon
from lab import FLEETEST, Project, wait_for

# ---- its commands ----


def test_commands(one: Project) -> None:
    command(one, "status").check(105).err_lines("fleetest: no daemon is running for *python*")
    assert command(one, "stop").check(0).out == "no fleetest daemon is running\n"
    started = command(one, "start").check(0).out
    assert started == f"fleetest daemon started: pid {the_daemon(one)}\n"
    assert command(one, "start").check(0).out == started.replace("started", "is running")
    shown = command(one, "status").check(0)
    shown.lines(
        "daemon    pid *",
        "python    */python*",
        f"folder    {one.runtime}/fleetest",
        "runs      0, *",
    )
    command(one, "logs").check(0).lines("* the daemon starts: pid *")
    before = the_daemon(one)
    command(one, "restart").check(0)
    assert the_daemon(one) != before
    assert command(one, "stop").check(0).out == "fleetest daemon stopped\n"
    assert files(one) == {".log"}
    command(one, "logs").check(0).lines("* the daemon is gone")
    assert command(one, "cleanup").check(0).out.startswith("1 file removed from ")
    assert files(one) == set()
    command(one, "logs").check(105).err_lines("fleetest: no daemon has written a log for *")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "usage: fleetest daemon COMMAND*"),
        (
            ["begin"],
            "fleetest: there is no command 'daemon begin'; to run the tests in a folder: ./daemon",
        ),
        (["stop", "--json"], "fleetest: daemon stop takes no '--json'"),
        (["start", "now"], "fleetest: daemon start takes no 'now'"),
        (
            ["start", "--idle-timeout", "x"],
            "fleetest: --idle-timeout needs a number of seconds; 0: never",
        ),
        (
            ["start", "--idle-timeout"],
            "fleetest: --idle-timeout needs a number of seconds; 0: never",
        ),
        (
            ["start", "--idle-timeout=-1"],
            "fleetest: --idle-timeout needs a number of seconds; 0: never",
        ),
        (["restart", "--memory=2G"], "fleetest: --memory needs a number of megabytes; 0: no limit"),
    ],
)
def test_wrong_usage(one: Project, args: list[str], message: str) -> None:
    result = command(one, *args).check(4)
    pytest.LineMatcher(result.err.splitlines()[:1]).fnmatch_lines([message])
    assert daemon_lab.daemons(one.runtime) == []


def test_help(one: Project) -> None:
    shown = command(one, "--help").check(0)
    for name in ("start", "stop", "restart", "status", "logs", "cleanup"):
        shown.lines(f"  {name} *")


def test_unknown_python(one: Project) -> None:
    result = command(one, "status", "--python", "no-such-python").check(101)
    assert result.err == "fleetest: --python: no-such-python is not a program\n"


def test_folder_of_tests_named_daemon(one: Project) -> None:
    one.file("daemon/test_b.py", "def test_b(): pass")
    one.fleetest("./daemon", leaves=True).check(0).counts(passed=1)


def test_foreground(one: Project) -> None:
    running = one.start(FLEETEST, "daemon", "start", "--foreground")
    wait_for(lambda: files(one) >= {".sock"}, "its socket")
    assert run(one) == "cold (nothing was prepared)"
    assert run(one) == "warm start"
    command(one, "start", "--foreground").check(105).err_lines(
        "fleetest: a daemon is running for *"
    )
    running.send(signal.SIGINT)
    result = running.wait(leaves=True)
    assert result.code == 0
    assert result.out.startswith("fleetest daemon for ")
    assert files(one) == {".log"}


def test_status_of_what_was_run(one: Project) -> None:
    run(one)
    run(one)
    shown = status(one)
    assert shown["runs"] == 2
    assert shown["last_run"] == "warm start"
    (parked,) = shown["parked"]
    assert parked["runs"] == 2
    assert parked["state"] == "pytest imported"
    assert parked["own_kb"] > 1000
    assert shown["own_kb"] < 8 * 1024
    command(one, "status").check(0).lines(
        "last run  warm start", "parked    pid *, 2 runs, last used * ago"
    )


def test_values_of_variables_are_shown_nowhere(one: Project) -> None:
    one.env["API_TOKEN"] = "hunter2"  # noqa: S105
    run(one)
    run(one, env={"PYTHONHASHSEED": "1"})
    for shown in (("status",), ("status", "--json"), ("logs",)):
        assert "hunter2" not in command(one, *shown).out
    folder = one.runtime / "fleetest"
    assert not any(b"hunter2" in path.read_bytes() for path in folder.iterdir() if path.is_file())


# ---- many at once ----


def test_twenty_at_once(one: Project) -> None:
    """On a machine where nothing runs they share one daemon, and all are right."""
    runs = [one.start_fleetest("-n", "0", "-p", "no:cacheprovider") for _ in range(20)]
    for each in runs:
        each.wait(leaves=True).check(0).counts(passed=1)
    assert len(daemon_lab.daemons(one.runtime)) == 1
    assert status(one)["runs"] == 20
    assert len(status(one)["parked"]) == 1


def test_runs_with_different_context_at_once(one: Project) -> None:
    """Each sees what is its own."""
    one.file(
        "test_a.py",
        """
        import os

        def test_a():
            wanted = os.environ["NUMBER"]
            assert os.path.basename(os.getcwd()) == f"folder{wanted}"
            assert os.umask(0) == int(wanted)
        """,
    )
    folder = one.file("folder7/x").parent
    run(one, "../test_a.py", cwd=folder, env={"NUMBER": "7"}, umask=7)
    runs = []
    for number in range(8):
        folder = one.path / f"folder{number}"
        folder.mkdir(exist_ok=True)
        shutil.copy(one.path / "test_a.py", folder)
        runs.append(
            one.start_fleetest("test_a.py", cwd=folder, env={"NUMBER": str(number)}, umask=number)
        )
    for each in runs:
        each.wait(leaves=True).check(0).counts(passed=1)


# ---- a daemon that is not as it should be ----


@pytest.mark.parametrize("way", ["removed", "replaced"])
def test_socket_is_gone(one: Project, way: str) -> None:
    """It finishes its runs and leaves; nobody waits for it."""
    run(one)
    daemon = the_daemon(one)
    (socket,) = (one.runtime / "fleetest").glob("*.sock")
    socket.unlink()
    if way == "replaced":
        socket.write_text("", "utf-8")
    assert run(one).startswith("cold (")
    wait_for(lambda: daemon not in daemon_lab.daemons(one.runtime), "its end")
    run(one)
    assert run(one) == "warm start"


def test_other_build(one: Project) -> None:
    """A command that was installed anew does not use a daemon of before."""
    copy = one.path.parent / "fleetest"
    shutil.copy(FLEETEST, copy)
    run(one)
    daemon = the_daemon(one)
    python = Path(FLEETEST).with_name("python")
    result = one.run(copy, "--python", python, leaves=True).check(0)
    assert header(result) == "cold (the daemon is of another build and leaves)"
    wait_for(lambda: daemon not in daemon_lab.daemons(one.runtime), "its end")
    assert (
        header(one.run(copy, "--python", python, leaves=True).check(0))
        == "cold (nothing was prepared)"
    )
    assert header(one.run(copy, "--python", python, leaves=True).check(0)) == "warm start"


def test_command_is_replaced(one: Project) -> None:
    """A daemon whose command is no longer there leaves by itself."""
    copy = one.path.parent / "fleetest"
    shutil.copy(FLEETEST, copy)
    python = Path(FLEETEST).with_name("python")
    one.run(copy, "daemon", "start", "--python", python, leaves=True).check(0)
    copy.unlink()
    wait_for(lambda: not daemon_lab.daemons(one.runtime), "its end")


def test_python_that_does_not_start(one: Project) -> None:
    """The run that follows shows what is wrong, as it would without a daemon."""
    broken = one.file("bin/python", "#!/bin/sh\nexit 3\n", mode=0o755)
    result = one.fleetest("--python", broken, leaves=True)
    assert result.code == 3
    assert (
        "Python did not start"
        in one.fleetest("daemon", "logs", "--python", broken, leaves=True).out
    )


def test_many_runs_leave_nothing(one: Project) -> None:
    """No process, descriptor, memory or file: ``make soak`` does more of it."""
    soak = Path(__file__).resolve().parents[1] / "soak" / "soak.py"
    one.python(
        soak, "--runs", "60", "--edits", "40", "--at-once", "10", sys.executable, leaves=True
    ).check(0)


def test_nothing_of_the_first_client_stays(one: Project) -> None:
    """Neither its descriptors nor its folder."""
    script = f"exec 9>held; exec {FLEETEST} daemon start"
    one.run("bash", "-c", script, leaves=True).check(0)
    run(one)
    held = str(one.path / "held")
    for pid in [the_daemon(one), status(one)["parked"][0]["pid"]]:
        links = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
        assert held not in links
        assert os.readlink(f"/proc/{pid}/cwd") == "/"


def test_files_are_private(one: Project) -> None:
    run(one)
    folder = one.runtime / "fleetest"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        if not path.is_socket():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_log_is_no_link(one: Project) -> None:
    """What a link points to is not written."""
    command(one, "start").check(0)
    command(one, "stop").check(0)
    (log,) = (one.runtime / "fleetest").glob("*.log")
    target = one.file("target", "mine")
    log.unlink()
    log.symlink_to(target)
    run(one)
    assert run(one) == "warm start"
    assert target.read_text("utf-8") == "mine"


@pytest.mark.skipif(sys.version_info < (3, 10), reason="there is no sys.orig_argv")
def test_original_arguments(one: Project) -> None:
    one.file("test_a.py", "import sys\ndef test_a(): assert sys.orig_argv[-2:] == ['-n', '0']")
    for _ in range(2):
        run(one, "-n", "0")

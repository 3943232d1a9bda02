"""The daemon: its commands, its life, and when a run does without it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import daemon_lab
import pytest
from lab import FLEETEST, Project, Result, wait_for

WARM = {"FLEETEST_DAEMON": "1"}


@pytest.fixture
def one(project: Project) -> Project:
    """A project with one test, whose runs ask the daemon."""
    project.file("test_a.py", "def test_a(): pass")
    project.env.update(WARM)
    return project


def header(result: Result) -> str:
    """How a run says that it was started."""
    (line,) = [line for line in result.out.splitlines() if line.startswith("fleetest: ")]
    return line.partition("; ")[0].removeprefix("fleetest: ")


def run(project: Project, *args: str, **options: Any) -> str:
    """Run the project's one test; how the run was started."""
    return header(project.fleetest(*args, leaves=True, **options).check(0).counts(passed=1))


def command(project: Project, *args: str, **options: Any) -> Result:
    """Run ``fleetest daemon ARGS``."""
    return project.fleetest("daemon", *args, leaves=True, **options)


def status(project: Project) -> dict[str, Any]:
    """What the daemon says of itself."""
    found: dict[str, Any] = json.loads(command(project, "status", "--json").check(0).out)
    return found


def the_daemon(project: Project) -> int:
    """The pid of the project's one daemon."""
    (pid,) = daemon_lab.daemons(project.runtime)
    return pid


def files(project: Project) -> set[str]:
    """What daemons have in the runtime folder, by their kind."""
    folder = project.runtime / "fleetest"
    return {path.suffix for path in folder.iterdir()} if folder.exists() else set()


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


# ---- runs without it ----


@pytest.mark.parametrize(
    ("args", "env", "reason"),
    [
        (["--no-daemon"], {}, "--no-daemon"),
        ([], {"FLEETEST_DAEMON": "0"}, "FLEETEST_DAEMON is 0"),
        ([], {"FLEETEST_DAEMON": "off", "CI": "true"}, "FLEETEST_DAEMON is off"),
        ([], {"FLEETEST_DAEMON": "", "CI": "true"}, "CI is set"),
    ],
)
def test_not_wanted(one: Project, args: list[str], env: dict[str, str], reason: str) -> None:
    assert run(one, *args, env=env) == f"cold ({reason})"
    assert daemon_lab.daemons(one.runtime) == []


@pytest.mark.parametrize(
    "env",
    [
        {"FLEETEST_DAEMON": None},
        {"FLEETEST_DAEMON": ""},
        {"FLEETEST_DAEMON": "yes"},
        {"FLEETEST_DAEMON": "1", "CI": "true"},
    ],
    ids=str,
)
def test_wanted(one: Project, env: dict[str, str | None]) -> None:
    assert run(one, env=env) == "cold (nothing was prepared)"
    assert run(one, env=env) == "warm start"


def test_folder_that_others_may_use(one: Project) -> None:
    folder = one.runtime / "fleetest"
    folder.mkdir(mode=0o755)
    assert run(one) == f"cold ({folder} can be used by others: chmod 700 it)"
    command(one, "start").check(100).err_lines(
        f"fleetest: {folder} can be used by others: chmod 700 it"
    )
    folder.rmdir()
    folder.symlink_to(one.path)
    assert run(one) == f"cold ({folder} is no folder)"


def test_no_place_for_a_folder(one: Project) -> None:
    missing = one.path / "missing"
    reason = run(one, env={"XDG_RUNTIME_DIR": str(missing), "TMPDIR": str(missing)})
    assert (
        reason == f"cold (cannot make {missing}/fleetest-{os.getuid()}: No such file or directory)"
    )


@pytest.mark.parametrize("runtime", ["missing", "relative", "file", None])
def test_no_runtime_folder(one: Project, runtime: str | None) -> None:
    """The variable may be left of another login."""
    one.file("file")
    one.env["TMPDIR"] = str(one.runtime)
    env = {
        "XDG_RUNTIME_DIR": str(one.path / runtime) if runtime in ("missing", "file") else runtime
    }
    try:
        run(one, env=env)
        assert run(one, env=env) == "warm start"
        assert (one.runtime / f"fleetest-{os.getuid()}").is_dir()
    finally:
        command(one, "stop", env=env).check(0)


def test_long_path(one: Project) -> None:
    """Longer than the address of a socket may be."""
    deep = one.path.parent.joinpath(*["a-folder-with-a-long-name"] * 8)
    deep.mkdir(parents=True, mode=0o700)
    one.runtime = deep
    one.env["XDG_RUNTIME_DIR"] = str(deep)
    run(one)
    assert run(one) == "warm start"


# ---- what the daemon cannot reproduce ----


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("ulimit -Hn 100000000 2>/dev/null || ulimit -n $(ulimit -Hn)", ""),
        ("exec setpriv --no-new-privs", "no_new_privs"),
        ("exec taskset -c 0", "CPU affinity"),
        ("exec unshare -n", "network namespace"),
        ("exec unshare -m", "mount namespace"),
        ("exec setpriv --bounding-set=-sys_time", "capabilities"),
        ("exec chrt --batch 0", "scheduling policy"),
        ("exec ionice -c 3", "I/O priority"),
        ("exec setarch -R", "personality"),
    ],
)
def test_context(one: Project, change: str, reason: str) -> None:
    """The run has what was asked for: it is a cold one, in the command's own process."""
    run(one)
    tool = change.split()[1] if change.startswith("exec ") else ""
    if tool and one.run(*change.split()[1:], "true", leaves=True).code != 0:
        pytest.skip(f"{tool} does not work here")
    line = f"{change} {FLEETEST}" if tool else f"{change}; {FLEETEST}"
    found = header(one.run("bash", "-c", line, leaves=True).check(0))
    assert found == (f"cold ({reason} differs from the daemon's)" if reason else "warm start")
    assert run(one) == "warm start"


def test_daemon_that_has_less(one: Project) -> None:
    """It leaves, so that the next one has as much as its client."""
    one.run("bash", "-c", f"nice -n 5 {FLEETEST} daemon start", leaves=True).check(0)
    first = the_daemon(one)
    assert run(one) == "cold (nice value differs from the daemon's)"
    wait_for(lambda: first not in daemon_lab.daemons(one.runtime), "the daemon's end")
    assert run(one) == "cold (nothing was prepared)"
    assert run(one) == "warm start"


# ---- what has changed since ----


def test_variable_that_was_read(one: Project) -> None:
    for value in ("1", "2"):
        assert run(one, env={"PYTHONHASHSEED": value}) == "cold (nothing was prepared)"
    for value in ("1", "2"):
        assert run(one, env={"PYTHONHASHSEED": value}) == "warm start"
    assert run(one, env={"UNRELATED": "1", "PYTHONHASHSEED": "1"}) == "warm start"


def test_module_that_was_imported(one: Project) -> None:
    """It is what it is now, whatever was parked."""
    module = one.file("lib/sitecustomize.py", "import sys\nsys.value = 1\n")
    text = "import sys\ndef test_a(): assert sys.value == {}"
    one.file("test_a.py", text.format(1))
    one.env["PYTHONPATH"] = "lib"
    run(one)
    assert run(one) == "warm start"
    times = module.stat()
    module.write_text("import sys\nsys.value = 2\n", "utf-8")
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))
    # The byte code would be taken for the source's: plain pytest cannot tell either.
    shutil.rmtree(module.parent / "__pycache__", ignore_errors=True)
    one.file("test_a.py", text.format(20 // 10))
    assert run(one) == "cold (nothing was prepared)"
    assert run(one) == "warm start"
    command(one, "logs").lines("* ends: */lib* changed")


def test_variable_that_a_start_up_module_may_have_read(one: Project) -> None:
    """Its code was run before anybody could watch: all variables count, but for a shell's own."""
    one.file("lib/sitecustomize.py", "import os, sys\nsys.value = os.environ.get('VALUE')\n")
    one.file(
        "test_a.py", "import os, sys\ndef test_a(): assert sys.value == os.environ.get('VALUE')"
    )
    one.env["PYTHONPATH"] = "lib"
    run(one)
    assert run(one, env={"SHLVL": "7", "PWD": "/", "TERM_SESSION_ID": "x"}) == "warm start"
    for value in ("1", "2"):
        assert run(one, env={"VALUE": value}) == "cold (nothing was prepared)"
        assert run(one, env={"VALUE": value}) == "warm start"


def test_relative_path_of_modules(one: Project) -> None:
    """It means another folder elsewhere."""
    one.file("lib/sitecustomize.py", "import sys\nsys.value = 1\n")
    one.file("other/lib/sitecustomize.py", "import sys\nsys.value = 2\n")
    text = "import sys\ndef test_a(): assert sys.value == {}"
    one.file("test_a.py", text.format(1))
    one.file("other/test_b.py", text.format(2))
    one.env["PYTHONPATH"] = "lib"
    for _ in range(2):
        one.fleetest("test_a.py", leaves=True).check(0)
        one.fleetest(cwd="other", leaves=True).check(0)


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


def test_dead(one: Project) -> None:
    """What it has left behind is in nobody's way."""
    run(one)
    os.kill(the_daemon(one), signal.SIGKILL)
    wait_for(lambda: not daemon_lab.daemons(one.runtime), "its end")
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


@pytest.mark.parametrize("way", ["command", "option", "environment"])
def test_idle(one: Project, way: str) -> None:
    if way == "command":
        command(one, "start", "--idle-timeout", "1").check(0)
    elif way == "environment":
        one.env["FLEETEST_DAEMON_IDLE_TIMEOUT"] = "1"
    run(one, *(["--daemon-idle-timeout", "1"] if way == "option" else []))
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


@pytest.mark.parametrize("way", ["command", "option", "variable"])
def test_memory(one: Project, way: str) -> None:
    """What does not fit ends when the run has begun; the next one starts it again."""
    if way == "command":
        command(one, "start", "--memory", "1").check(0)
    elif way == "variable":
        one.env["FLEETEST_DAEMON_MEMORY"] = "1"
    option = ["--daemon-memory", "1"] if way == "option" else []
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


def test_python_that_does_not_start(one: Project) -> None:
    """The run that follows shows what is wrong, as it would without a daemon."""
    broken = one.file("bin/python", "#!/bin/sh\nexit 3\n", mode=0o755)
    result = one.fleetest("--python", broken, leaves=True)
    assert result.code == 3
    assert (
        "Python did not start"
        in one.fleetest("daemon", "logs", "--python", broken, leaves=True).out
    )


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


def test_many_runs_leave_nothing(one: Project) -> None:
    """No process, descriptor, memory or file: ``make soak`` does more of it."""
    soak = Path(__file__).resolve().parents[1] / "soak" / "soak.py"
    one.python(soak, "--runs", "60", "--at-once", "10", sys.executable, leaves=True).check(0)


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

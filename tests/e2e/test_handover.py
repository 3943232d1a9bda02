"""A process that was forked for a run is what the command would have started."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lab import FLEETEST, Project

STATE = Path(__file__).with_name("process_state.py")


def dump(project: Project, command: str, *, daemon: str, env: dict[str, str]) -> dict[str, Any]:
    """What a session sees of its process, with or without the daemon; and its exit code.

    :param command: a shell's; ``$RUN`` is the command under test with its first arguments
    """
    path = project.path.parent / f"state-{daemon}"
    variables = {"DUMP": str(path), "FLEETEST_DAEMON": daemon, **env}
    script = command.replace("$RUN", f"{FLEETEST} -n 0")
    result = project.run("bash", "-c", script, env=variables, leaves=True)
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return {**found, "end": {"exit code": result.code}}


def assert_same(project: Project, command: str = "exec $RUN", **env: str) -> None:
    """Compare a warm run's process with a cold one's, at import and at configuration."""
    project.file("conftest.py", STATE.read_text("utf-8"))
    project.file("test_a.py", "def test_a(): pass")
    dump(project, command, daemon="0", env=env)  # byte code is there from now on
    cold = dump(project, command, daemon="0", env=env)
    dump(project, command, daemon="1", env=env)
    warm = dump(project, command, daemon="1", env=env)
    assert "configure" in cold
    for when, what in cold.items():
        for aspect, value in what.items():
            assert warm[when][aspect] == value, f"{aspect} at {when}"


def test_nothing_special(project: Project) -> None:
    assert_same(project)


def test_options(project: Project) -> None:
    assert_same(project, "exec $RUN -q -p no:logging -s --capture=sys")


def test_what_c_code_reads(project: Project) -> None:
    """Before any Python code runs."""
    assert_same(
        project, PYTHONUNBUFFERED="1", PYTHONDONTWRITEBYTECODE="1", LC_ALL="C", TZ="Asia/Tokyo"
    )


def test_locale_that_python_replaces(project: Project) -> None:
    """Where it is C, the interpreter sets LC_CTYPE in its environment at its start (PEP 538)."""
    assert_same(project, "exec env -u LC_ALL -u LC_CTYPE LANG=C $RUN")


def test_variables_of_sitecustomize(project: Project) -> None:
    """Set, replaced and deleted before anybody could watch."""
    project.file(
        "lib/sitecustomize.py",
        """
        import os
        os.environ["SET"] = "by sitecustomize"
        os.environ["REPLACED"] += " and replaced"
        del os.environ["DELETED"]
        """,
    )
    assert_same(project, PYTHONPATH=f"{project.path}/lib", REPLACED="given", DELETED="yes")


def test_variables(project: Project) -> None:
    """Empty ones, ones that are no UTF-8, an order of their own."""
    assert_same(project, EMPTY="", BYTES=os.fsdecode(b"\xff\xfe"), A="=b=", ZZ="é")


@pytest.mark.parametrize(
    "change",
    [
        "umask 027",
        "ulimit -c 0; ulimit -Sn 200",
        "trap '' INT USR1 PIPE HUP",
        "renice -n 3 $$ >/dev/null",
        "exec 7>file 30<file",
        "exec <&-",
        "exec >&-",
        "exec 2>&-",
        "exec </dev/zero 2>&1",
        "cd ..; mkdir -p other; cd other; cp ../project/*.py .",
        "ulimit -s 4096",
    ],
)
def test_context(project: Project, change: str) -> None:
    """What a shell can change of what its commands get."""
    project.run(FLEETEST, "daemon", "start", leaves=True).check(0)  # with everything as it was
    assert_same(project, f"{change}; exec $RUN")


def test_blocked_signals(project: Project) -> None:
    script = (
        "import os, signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGALRM]);"
        f"os.execv({FLEETEST!r}, [{FLEETEST!r}, '-n', '0'])"
    )
    assert_same(project, f"exec {sys.executable} -c {shlex.quote(script)}")


def test_folder_that_was_removed(project: Project) -> None:
    """There is no path to it any more: plain pytest cannot run there either."""
    project.file("test_a.py", "def test_a(): pass")
    script = (
        "import os, subprocess, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone');"
        f"sys.exit(subprocess.call([{FLEETEST!r}, '-n', '0']))"
    )
    results = [
        project.python("-c", script, env={"FLEETEST_DAEMON": daemon}, leaves=True)
        for daemon in "01"
    ]
    assert results[0].code == results[1].code != 0
    assert "FileNotFoundError" in results[0].err
    assert "FileNotFoundError" in results[1].err


def test_environment_does_not_stay(project: Project) -> None:
    project.file(
        "test_a.py",
        """
        import os
        import subprocess
        import sys

        def test_a():
            shown = subprocess.check_output(["env"], text=True).splitlines()
            assert ("ONE=1" in shown, "TWO=2" in shown) == (os.environ["RUN"] == "1", True)
            os.environ["LEFT"] = "behind"

        def test_b():
            assert os.environ.get("ONE", "") == ("1" if os.environ["RUN"] == "1" else "")
            assert os.environ["TWO"] == "2"
        """,
    )
    for number in ("1", "2"):
        env = {
            "FLEETEST_DAEMON": "1",
            "RUN": number,
            "TWO": "2",
            "ONE": "1" if number == "1" else None,
        }
        project.fleetest("-n", "2", env=env, leaves=True).check(0).counts(passed=2)
    project.fleetest("-n", "2", env={**env, "LEFT": None}, leaves=True).check(0)


def test_output_is_let_go(project: Project) -> None:
    """$(fleetest) returns with the run, although the process takes a while to end."""
    project.file("test_a.py", "def test_a(): pass")
    shell = f'x=$({FLEETEST} -q) && echo "$x" | tail -n 1'
    env = {"FLEETEST_DAEMON": "1"}
    for _ in range(2):
        result = project.run("sh", "-c", shell, env=env, leaves=True).check(0)
        assert result.out.startswith("1 passed")


def test_exit_handlers_come_first(project: Project) -> None:
    """What exit handlers print belongs to the output, and their exit code counts as in a process."""
    project.file(
        "conftest.py",
        """
        import atexit
        import os
        import sys

        atexit.register(lambda: print("bye"))
        """,
    )
    project.file("test_a.py", "def test_a(): pass")
    for daemon in ("0", "1", "1"):
        result = project.fleetest("-n", "0", env={"FLEETEST_DAEMON": daemon}, leaves=True).check(0)
        assert result.out.endswith("\nbye\n")


def test_exit_in_the_middle(project: Project) -> None:
    """Only the end of the run says that it was a success."""
    project.file("test_a.py", "import os\ndef test_a(): os._exit(0)")
    project.file("conftest.py", "import ctypes\n")
    for daemon in ("0", "1", "1"):
        result = project.fleetest("-n", "0", env={"FLEETEST_DAEMON": daemon}, leaves=True).check(
            104
        )
        assert "exited before the run was over" in result.err
    project.file("test_a.py", "import ctypes\ndef test_a(): ctypes.CDLL(None).exit(0)")
    for daemon in ("0", "1"):
        project.fleetest("-n", "0", env={"FLEETEST_DAEMON": daemon}, leaves=True).check(104)


def test_same_output(project: Project) -> None:
    """Byte for byte, with --ordered, but for times and the header line."""
    project.file(
        "test_a.py",
        """
        import sys
        import pytest

        @pytest.mark.parametrize("x", range(20))
        def test_a(x):
            print("out", x)
            print("err", x, file=sys.stderr)
            assert x % 7
        """,
    )
    shown = []
    for daemon in ("0", "1", "1"):
        env = {"FLEETEST_DAEMON": daemon}
        result = project.fleetest("-n", "2", "--ordered", "-rA", env=env, leaves=True).check(1)
        lines = [line for line in result.out.splitlines() if not line.startswith("fleetest: ")]
        shown.append([line.partition(" in ")[0].strip("=") for line in lines])
    assert shown[0] == shown[1] == shown[2]


def test_plain_pytest_inside_a_run(project: Project) -> None:
    """It is not affected by where the run came from."""
    project.file(
        "test_a.py",
        f"""
        import subprocess
        import sys

        def test_a(tmp_path):
            (tmp_path / "test_b.py").write_text("def test_b(): pass")
            command = [{sys.executable!r}, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
            found = subprocess.run(command, capture_output=True, text=True)
            assert found.returncode == 0, found.stdout + found.stderr
            assert "fleetest" not in found.stdout
        """,
    )
    for _ in range(2):
        project.fleetest("-n", "1", env={"FLEETEST_DAEMON": "1"}, leaves=True).check(0)


def test_inner_command_uses_the_daemon_too(project: Project) -> None:
    project.file(
        "test_a.py",
        f"""
        import subprocess

        def test_a(tmp_path):
            (tmp_path / "test_b.py").write_text("def test_b(): pass\\n" * 3)
            command = [{FLEETEST!r}, "-n", "2", "-p", "no:cacheprovider", str(tmp_path)]
            found = subprocess.run(command, capture_output=True, text=True)
            assert found.returncode == 0, found.stdout + found.stderr
        """,
    )
    for _ in range(2):
        project.fleetest("-n", "2", env={"FLEETEST_DAEMON": "1"}, leaves=True).check(0)


def test_full_disk(project: Project) -> None:
    """Output that cannot be written is an error in both."""
    project.file("test_a.py", "def test_a(): pass")
    codes = []
    for daemon in ("0", "1", "1"):
        with open("/dev/full", "wb") as full:
            env = {"FLEETEST_DAEMON": daemon}
            codes.append(project.fleetest("-n", "0", stdout=full, env=env, leaves=True).code)
    assert codes[0] == codes[1] == codes[2] != 0


def test_reader_that_leaves(project: Project) -> None:
    """fleetest | head -1."""
    project.file("test_a.py", "def test_a(): pass")
    for daemon in ("0", "1", "1"):
        env = {"FLEETEST_DAEMON": daemon}
        process = subprocess.run(
            ["sh", "-c", f"{FLEETEST} -n 0 -v | head -n 1"],
            cwd=project.path,
            env={**project.env, **env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0
        assert process.stdout.startswith("====")
        assert process.stderr == ""

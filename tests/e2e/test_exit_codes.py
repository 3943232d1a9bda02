"""Exit codes, and the surroundings of the command."""

from __future__ import annotations

import os
import signal

import pytest
from counting import one_line
from lab import BIN, FLEETEST, Project, Word, numbered

# ---- exit codes ----


@pytest.mark.parametrize("number", ["0", "2"])
def test_nothing_to_run(project: Project, number: str) -> None:
    """5 for an empty folder, 4 for a missing file, as under pytest."""
    project.fleetest("-n", number).check(5).lines("*no tests ran*")
    project.fleetest("-n", number, "missing.py").check(4)
    project.file("test_a.py", numbered(2))
    project.fleetest("-n", number, "-k", "nothing").check(5)
    project.fleetest("-n", number, "test_a.py::test_9").check(4)


@pytest.mark.parametrize("number", ["0", "2"])
def test_exit_code_is_pytests(project: Project, number: str) -> None:
    """Failure, collection error, internal error, and a code of the user's own."""
    project.file("test_bad.py", "def test_1(): assert 0\n\ndef test_2(): pass\n")
    project.fleetest("-n", number).check(1).counts(failed=1, passed=1)
    project.file("test_bad.py", "raise ValueError\n")
    project.fleetest("-n", number).check(2)
    project.file("test_bad.py", numbered(2, "import pytest; pytest.exit('enough', 66)"))
    project.fleetest("-n", number).check(66)
    project.file("conftest.py", "def pytest_collection_modifyitems(): 1 / 0\n")
    project.fleetest("-n", number).check(3)


def test_leaving_without_the_end_is_no_success(project: Project) -> None:
    """Where plain pytest would exit with 0."""
    project.file("test_a.py", "import os\n" + numbered(2, "os._exit(0)"))
    result = project.fleetest("-n", "0").check(104)
    assert "os._exit(0)" in one_line(result)


def test_leaving_with_a_code_keeps_it(project: Project) -> None:
    """It is no success anyway."""
    project.file("test_a.py", "import os\n" + numbered(2, "os._exit(3)"))
    project.fleetest("-n", "0").check(3)


def test_session_killed(project: Project) -> None:
    """One line says by what."""
    project.file("test_a.py", "import os\n" + numbered(2, "os.kill(os.getpid(), 9)"))
    result = project.fleetest("-n", "0").check(104)
    assert f"signal {int(signal.SIGKILL)} (Killed)" in one_line(result)


def test_leaving_at_exit_is_no_success(project: Project) -> None:
    """An exit handler that fails the session's own way keeps its code."""
    project.file("conftest.py", "import atexit, os\natexit.register(os._exit, 9)\n")
    project.file("test_a.py", numbered(2))
    project.fleetest("-n", "0").check(9)


# ---- surroundings ----


def test_closed_stdin(project: Project) -> None:
    """No descriptor of ours takes its place."""
    project.file("test_a.py", "import os\n" + numbered(4, "assert os.read(0, 1) == b''"))
    result = project.run("/bin/sh", "-c", 'exec "$0" -n 2 <&-', FLEETEST)
    plain = project.run("/bin/sh", "-c", 'exec "$0" <&-', BIN / "pytest")
    assert (result.code, result.summary()) == (plain.code, plain.summary())


@pytest.mark.parametrize("number", ["0", "2"])
def test_folder_that_cannot_be_written_to(project: Project, number: str) -> None:
    """/proc, for one: the run works as pytest's does, with as many warnings."""
    file = project.file("test_a.py", numbered(4))
    args: list[Word] = ["-c", os.devnull, "--rootdir=/proc", file]
    plain = project.pytest(*args, cwd="/proc").check(0)
    result = project.fleetest("-n", number, *args, cwd="/proc").check(0)
    assert result.summary() == plain.summary()


@pytest.mark.parametrize("broken", ["", "/d", "/d/fleetest", "/d/fleetest/runs"])
def test_cache_that_cannot_be_written_to(project: Project, broken: str) -> None:
    """There is a file where a folder of the cache should be."""
    project.file("test_a.py", numbered(4))
    project.file(f".pytest_cache{broken}")
    plain = project.pytest().check(0)
    result = project.fleetest("-n", "2").check(0)
    assert result.summary() == plain.summary()
    assert result.err == ""


def test_two_runs_at_once_in_one_folder(project: Project) -> None:
    """Each waits in a test until the other one is there too."""
    project.file(
        "test_a.py",
        """
        import os
        import time
        from pathlib import Path

        def meet(mine, other):
            Path(mine).touch()
            deadline = time.monotonic() + 30
            while not Path(other).exists():
                assert time.monotonic() < deadline
                time.sleep(0.005)

        def test_meet(tmp_path):
            me = os.environ["ME"]
            meet(f"begin{me}", f"begin{3 - int(me)}")
            (tmp_path / "mine").write_text(me)
            meet(f"end{me}", f"end{3 - int(me)}")
            assert (tmp_path / "mine").read_text() == me
        """
        + numbered(5).replace("\n", "\n        "),
    )
    runs = [project.start_fleetest("-n", "2", env={"ME": str(me)}) for me in (1, 2)]
    for run in runs:
        run.wait(leaves=True).check(0).counts(passed=6)
    assert list(project.temp.iterdir()) == []
    records = list((project.path / ".pytest_cache/d/fleetest/runs").glob("*.jsonl"))
    assert len(records) == 2


def test_outer_run_does_not_leak_into_an_inner_command(project: Project) -> None:
    """A test that runs fleetest in a subprocess gets a controller."""
    project.file("inner/test_in.py", numbered(3))
    project.file(
        "test_out.py",
        f"""
        import subprocess

        def test_run():
            command = [{FLEETEST!r}, "-n", "2", "inner"]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done
            assert "created: 2/2 workers" in done.stdout
            assert "3 passed" in done.stdout

        def test_other():
            pass
        """,
    )
    project.fleetest("-n", "2", "test_out.py").check(0).counts(passed=2)

"""Files that are opened while collecting, written to by tests and never closed."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from lab import Project


@pytest.mark.parametrize("workers", ["0", "2"])
def test_nothing_is_lost_or_written_twice(project: Project, workers: str) -> None:
    """What file objects hold back is written once: before the fork, and by each process at its end."""
    project.file(
        "conftest.py",
        """
        shared = open("shared.log", "a")
        shared.write("header\\n")

        def pytest_configure(config):
            # Reached from a cycle only: the interpreter's end closes it.
            config.kept = open("kept.log", "a")
            config.kept.write("configured\\n")
            config.kept.itself = config.kept
        """,
    )
    project.file(
        "test_kept.py",
        """
        import pytest
        from conftest import shared

        @pytest.mark.parametrize("n", range(8))
        def test_written(n):
            shared.write("a line\\n")

        def test_flushed_by_one():
            shared.flush()
        """,
    )
    project.fleetest("-n", workers, "--start-method=fork").check(0)
    assert project.logged("shared.log") == ["header", *["a line"] * 8]
    assert project.logged("kept.log") == ["configured"]


def test_nothing_is_looked_for_where_nothing_was_opened(project: Project) -> None:
    """Looking for file objects copies every page that a worker shares with the others."""
    project.file(
        "conftest.py",
        """
        import os
        from fleetest import _core, process

        class Watched:
            def __getattr__(self, name):
                if name == "file_objects":
                    open("looked.log", "a").write(os.environ.get("PYTEST_XDIST_WORKER", "") + "\\n")
                return getattr(_core, name)

        process._core = Watched()
        """,
    )
    project.file("test_it.py", "def test_one(): pass\n\ndef test_two(): print('said')\n")
    project.fleetest("-n", "2", "--start-method=fork").check(0)
    assert not any(project.logged("looked.log"))


@pytest.mark.parametrize("noted", ["noted", ""])
def test_what_is_found_after_a_fork(tmp_path: Path, noted: str) -> None:
    """What was open before is found, but not where only younger files are wanted."""
    code = """
        import sys
        from fleetest import _core

        def found(*args):
            return sorted({file.name for file in _core.file_objects(*args)} & {"old", "new"})

        old = open("old", "w")
        if sys.argv[1]:
            _core.note_finalizers()
        assert _core.freeze(bool(sys.argv[1]))
        new = open("new", "w")
        print(found(True), found())
    """
    command = [sys.executable, "-c", textwrap.dedent(code), noted]
    out = subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.PIPE).stdout
    assert out == b"['new'] ['new', 'old']\n"


LOG = 'log = open("kept.log", "a")\n'
UNHASHABLE = """
class Meta(type):
    def __eq__(self, other):
        return self is other

class Unhashable(metaclass=Meta):
    pass

"""
KEPT = {
    "frozen": LOG + "import gc\ndef pytest_collection_finish(): gc.freeze()\n",
    "frozen at once": LOG + "import gc\ngc.freeze()\n",
    "beside an object that cannot be hashed": LOG + UNHASHABLE + "one = Unhashable()\n",
    "beside a list of such": LOG + UNHASHABLE + "several = [Unhashable()]\n",
    "nowhere at first": """
import os

log = open(os.devnull, "w")

def pytest_runtest_setup():
    if os.readlink(f"/proc/self/fd/{log.fileno()}") == os.devnull:
        fd = os.open("kept.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(fd, log.fileno())
        os.close(fd)
""",
}


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize("how", KEPT)
def test_written_by_each_test(project: Project, how: str, workers: str) -> None:
    """Whatever hides a file from the garbage collector, or had its descriptor before."""
    project.file("conftest.py", KEPT[how])
    project.file("test_kept.py", "from conftest import log\n")
    with (project.path / "test_kept.py").open("a") as file:
        file.writelines(f"def test_{n}(): log.write('{n}\\n')\n" for n in range(6))
    project.fleetest(workers, "--cold", "--start-method=fork").check(0).counts(passed=6)
    assert sorted(project.logged("kept.log")) == [*"012345"]


def test_kept_by_each_test(project: Project) -> None:
    """Their descriptors were those of files that pytest has captured output in."""
    tests = "".join(
        f"def test_{n}():\n    KEPT.append(open('kept.log', 'a'))\n    KEPT[-1].write('{n}\\n')\n"
        for n in range(8)
    )
    project.file("test_kept.py", f"KEPT = []\n{tests}")
    project.fleetest("-n2", "--cold", "--start-method=fork").check(0).counts(passed=8)
    assert sorted(project.logged("kept.log")) == [*"01234567"]

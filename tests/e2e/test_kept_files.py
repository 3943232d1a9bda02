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

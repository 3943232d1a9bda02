"""What tests leave behind that is complete only when it is closed, or taken apart."""

from __future__ import annotations

import sys

import pytest
from daemon_runs import WARM
from lab import Project

ARCHIVE = """
import zipfile

class Archive(zipfile.ZipFile):
    def write(self, text):
        self.writestr("x", text)
"""

RAW = """
import io, os

class Raw(io.RawIOBase):
    fd = os.open("left", os.O_CREAT | os.O_WRONLY)

    def writable(self):
        return True

    def write(self, data, to=os.write):
        return to(self.fd, data)
"""

GENERATOR = """
import os

class Held:
    def write(self, text):
        self.kept = self.run(text.encode())
        next(self.kept)

    def run(self, text, to=os.write):
        fd = os.open("left", os.O_CREAT | os.O_WRONLY)
        try:
            yield
        finally:
            to(fd, text)
"""

FINALIZER = """
import os

class Held:
    fd = os.open("left", os.O_CREAT | os.O_WRONLY)

    def write(self, text):
        self.text = text.encode()

    def __del__(self, to=os.write):
        to(self.fd, self.text)
"""

# What comes first, what the test leaves behind, and what reads it afterwards.
LEFT = {
    "gzip": ("import gzip", "gzip.open('left', 'wt')", "gzip.open('left', 'rt').read()"),
    "bz2": ("import bz2", "bz2.open('left', 'wt')", "bz2.open('left', 'rt').read()"),
    "lzma": ("import lzma", "lzma.open('left', 'wt')", "lzma.open('left', 'rt').read()"),
    "archive": (ARCHIVE, "Archive('left', 'w')", "zipfile.ZipFile('left').read('x').decode()"),
    "in an archive": (
        "import io, zipfile",
        "io.TextIOWrapper(zipfile.ZipFile('left', 'w').open('x', 'w'))",
        "zipfile.ZipFile('left').read('x').decode()",
    ),
    "raw": (RAW, "io.TextIOWrapper(io.BufferedWriter(Raw()))", "open('left').read()"),
    "generator": (GENERATOR, "Held()", "open('left').read()"),
    "finalizer": (FINALIZER, "Held()", "open('left').read()"),
}


@pytest.mark.parametrize("how", ["-n0", "-n2 --cold", "-n2"])
@pytest.mark.parametrize("kind", LEFT)
def test_left_behind(project: Project, kind: str, how: str) -> None:
    """It is so at the end of a worker too."""
    begin, make, read = LEFT[kind]
    project.env.update(WARM)
    test = f"def test_a():\n    KEPT.append({make})\n    KEPT[-1].write('whole')\n"
    project.file("test_left.py", f"{begin}\nKEPT = []\n{test}")
    project.fleetest(*how.split(), "--start-method=fork", leaves=True).check(0).counts(passed=1)
    shown = project.run(sys.executable, "-c", f"{begin}\nprint({read})", leaves=True)
    assert shown.out == "whole\n"


def test_what_the_controller_has_is_left_to_it(project: Project) -> None:
    """A folder that was made while tests were collected is there for all workers, until the run ends."""
    project.file("conftest.py", "import tempfile\nHELD = tempfile.TemporaryDirectory(dir='.')\n")
    project.file("test_a.py", "from conftest import HELD\nKEPT = []\n")
    with (project.path / "test_a.py").open("a") as file:
        for number in range(6):
            file.write(f"def test_{number}(): KEPT.append(open(f'{{HELD.name}}/{number}', 'w'))\n")
    project.fleetest("-n2", "--cold", "--start-method=fork").check(0).counts(passed=6)
    assert not [*project.path.glob("tmp*")]


def test_error_of_a_finalizer_is_shown(project: Project) -> None:
    """As Python does at its end; the run goes on."""
    held = "class Held:\n    def __del__(self): raise ValueError('at the end')\nKEPT = []\n"
    project.file("test_a.py", held + "def test_a(): KEPT.append(Held())\ndef test_b(): pass\n")
    result = project.fleetest("-n2", "--cold", "--start-method=fork").check(0).counts(passed=2)
    assert "ValueError: at the end" in result.err

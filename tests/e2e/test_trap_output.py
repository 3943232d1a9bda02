"""Traps of the fork: capturing and buffers."""

from __future__ import annotations

import re

import pytest
from lab import Project
from observing import captured, notes, observed

# ---- capture ----

WRITERS = """
    import logging
    import os
    import subprocess
    import sys

    import pytest

    KEPT = sys.stdout
    LOGGER = logging.getLogger("kept")
    LOGGER.addHandler(logging.StreamHandler(sys.stdout))
    LOGGER.propagate = False

    @pytest.mark.parametrize("number", range(12))
    def test_write(number):
        print(f"<print {number}>")
        print(f"<kept {number}>", file=KEPT)
        LOGGER.warning(f"<logged {number}>")
        sys.stdout.flush()
        os.write(1, f"<written {number}>\\n".encode())
        subprocess.run(["echo", f"<echoed {number}>"], check=True)
"""


@pytest.mark.parametrize("method", ["fork", "configure", "conftests", "spawn"])
def test_each_worker_has_capture_files_of_its_own(project: Project, method: str) -> None:
    """What a test writes is in its own report, by whatever way it went out, and in order."""
    project.file("test_a.py", WRITERS)
    args = ["-n", "2", "--junitxml=junit.xml", "-o", "junit_logging=system-out"]
    project.fleetest(*args, "--start-method", method).check(0).counts(passed=12)
    texts = captured(project)
    assert len(texts) == 12
    ways = ["print", "kept", "logged", "written", "echoed"]
    for name, text in texts.items():
        number = name.partition("[")[2].rstrip("]")
        assert re.findall("<.*?>", text) == [f"<{way} {number}>" for way in ways]


@pytest.mark.parametrize("capture", ["sys", "tee-sys"])
def test_other_ways_to_capture(project: Project, capture: str) -> None:
    """What is not captured by Python objects alone is the terminal's."""
    project.file("test_a.py", WRITERS)
    args = [f"--capture={capture}", "--junitxml=junit.xml", "-o", "junit_logging=system-out"]
    project.pytest(*args).check(0)
    expected = captured(project)
    result = project.fleetest("-n", "2", *args).check(0).counts(passed=12)
    assert captured(project) == expected
    for number in range(12):
        assert result.out.count(f"<written {number}>") == 1


def test_capture_keeps_numbers_and_objects(project: Project) -> None:
    """Only what is behind the numbers is another file in each worker."""
    text = """
        import os
        import sys

        from note import note

        KEPT = [sys.stdin, sys.stdout, sys.stderr]
        NUMBERS = [sys.stdout.fileno(), sys.stderr.fileno()]

        def look():
            now = [sys.stdin, sys.stdout, sys.stderr]
            assert [a is b for a, b in zip(KEPT, now)] == [True] * 3
            assert [sys.stdout.fileno(), sys.stderr.fileno()] == NUMBERS
            note(NUMBERS)
            for number in [1, 2]:
                assert os.fstat(number).st_ino == os.fstat(NUMBERS[number - 1]).st_ino
            note([os.getpid(), [os.fstat(number).st_ino for number in NUMBERS]], "files")
            assert os.fstat(1).st_nlink == 0

        def test_1(): look()
        def test_2(): look()
        def test_3(): look()
        def test_4(): look()
    """
    plain, workers = observed(project, text)
    assert workers == plain
    behind = notes(project, "files")
    processes = {entry[0]: tuple(entry[1]) for entry in behind}
    files = [inode for inodes in processes.values() for inode in inodes]
    assert len(set(files)) == len(files)


def test_capturing_fixtures(project: Project) -> None:
    """capsys, capfd and the like inside the workers' capture."""
    project.file(
        "test_a.py",
        """
        import os
        import subprocess
        import sys

        def test_capsys(capsys):
            print("a")
            print("b", file=sys.stderr)
            assert capsys.readouterr() == ("a\\n", "b\\n")

        def test_capfd(capfd):
            subprocess.run("echo a; echo b >&2", shell=True, check=True)
            assert capfd.readouterr() == ("a\\n", "b\\n")

        def test_capfdbinary(capfdbinary):
            os.write(1, b"\\xff")
            assert capfdbinary.readouterr().out == b"\\xff"

        def test_disabled(capsys):
            with capsys.disabled():
                print("seen from outside")
            print("not seen")
            assert capsys.readouterr().out == "not seen\\n"

        def test_caplog(caplog):
            import logging
            logging.getLogger("x").warning("hello")
            assert caplog.messages == ["hello"]
        """,
    )
    result = project.fleetest("-n", "2").check(0).counts(passed=5)
    assert result.out.count("seen from outside") == 1
    assert "not seen" not in result.out


# ---- buffered output ----


def test_buffered_output_is_not_doubled(project: Project) -> None:
    """What was in a buffer at the time of the fork comes out once."""
    project.file(
        "test_a.py",
        """
        import atexit
        import sys

        FILE = open("log", "a")
        FILE.write("buffered\\n")
        sys.__stdout__.write("[dunder]")
        sys.stdout.write("[plain]")
        sys.stderr.write("[error]")

        def test_1(): print("[one]")
        def test_2(): print("[two]")
        """,
    )
    result = project.fleetest("-n", "2", "-s", "--start-method=fork").check(0).counts(passed=2)
    for word in ("[dunder]", "[plain]", "[one]", "[two]"):
        assert result.out.count(word) == 1, result
    assert result.err == "[error]"
    assert project.logged() == ["buffered"]


def test_buffered_output_of_c_is_not_doubled(project: Project) -> None:
    """The C library has a buffer of its own, which its users flush when they like."""
    project.file(
        "test_a.py",
        """
        import ctypes

        C = ctypes.CDLL(None)
        C.printf(b"[import]")

        def flush(text):
            C.printf(text)
            C.fflush(None)

        def test_1(): flush(b"[one]")
        def test_2(): flush(b"[two]")
        def test_3(): flush(b"[three]")
        """,
    )
    result = project.fleetest("-n", "2", "-s").check(0).counts(passed=3)
    for word in ("[import]", "[one]", "[two]", "[three]"):
        assert result.out.count(word) == 1, result

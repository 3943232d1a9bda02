"""Where output goes: live and whole with -s, into reports when captured, bounded in memory."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from lab import FLEETEST, PYTEST, Project, Result, Running, numbered, wait_for
from meeting import controller_of, heard_pid, meet, peak_kib, say

MIB = 1024 * 1024
CONTROLLER_KIB = 200 * 1024
"""How much memory the controller may take, whatever tests print."""


# ---- -s ----


def test_whole_lines_from_several_workers(project: Project) -> None:
    """Each line is written in two pieces; none is torn by another worker's."""
    project.file(
        "test_lines.py",
        """
        import os, sys
        import pytest

        @pytest.mark.parametrize("number", range(12))
        def test_lines(number, worker_id):
            for line in range(300):
                os.write(1, f"<{worker_id} {number} ".encode())
                os.write(1, f"{line} {'x' * 50}>\\n".encode())
        """,
    )
    result = project.fleetest("-n3", "-s").check(0).counts(passed=12)
    whole = re.findall(r"^\.*<gw\d (\d+) (\d+) x{50}>$", result.out, re.M)
    assert len(whole) == 12 * 300
    assert set(Counter(whole).values()) == {1}
    # The lines of one test come in their order.
    last: dict[str, int] = {}
    for number, line in whole:
        assert int(line) == last.get(number, -1) + 1
        last[number] = int(line)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output_is_live(project: Project, stream: str) -> None:
    """A line is shown while its test still runs."""
    meet(project)
    project.file(
        "test_live.py",
        f"""
        import sys
        import meet

        def test_live():
            print("live line", file=sys.{stream}, flush=True)
            meet.hear("seen")
        """,
    )
    running = project.start_fleetest("-n2", "-s")
    wait_for(lambda: "live line\n" in (running.out if stream == "stdout" else running.err)(), "it")
    say(project, "seen")
    running.wait().check(0)


def test_stderr_is_separate(project: Project) -> None:
    project.file(
        "test_streams.py",
        """
        import os, sys

        def test_streams():
            print("to stdout")
            print("to stderr", file=sys.stderr)
            os.system("echo child to stdout; echo child to stderr >&2")
        """,
    )
    result = project.fleetest("-n2", "-s").check(0)
    assert set(result.err.splitlines()) == {"to stderr", "child to stderr"}
    assert {"to stdout", "child to stdout"} <= {
        line.lstrip(".") for line in result.out.splitlines()
    }
    result.no_line("*to stderr*to stdout*")


def test_one_stream_keeps_the_order(project: Project) -> None:
    """With 2>&1 what a test writes to both comes in the order in which it was written."""
    project.file(
        "test_both.py",
        """
        import os

        def test_both():
            for number in range(200):
                os.write(1 + number % 2, f"line {number}\\n".encode())
        """,
    )
    result = project.fleetest("-n2", "-s", stderr=subprocess.STDOUT).check(0)
    assert [int(n) for n in re.findall(r"line (\d+)", result.out)] == list(range(200))


def test_unfinished_line(project: Project) -> None:
    """It appears at the latest when its test ends."""
    project.file("test_it.py", "def test_a():\n    print('no newline', end='')\n" + numbered(3))
    result = project.fleetest("-n2", "-s").check(0).counts(passed=4)
    assert result.out.count("no newline") == 1


@pytest.mark.parametrize("fixture", ["capsys", "capfd"])
def test_capture_disabled(project: Project, fixture: str) -> None:
    """What is printed inside ``disabled()`` is shown at once."""
    meet(project)
    project.file(
        "test_disabled.py",
        f"""
        import meet

        def test_disabled({fixture}):
            print("hidden")
            with {fixture}.disabled():
                print("shown", flush=True)
            meet.hear("seen")
        """,
    )
    running = project.start_fleetest("-n2")
    wait_for(lambda: "shown\n" in running.out(), "the line")
    say(project, "seen")
    running.wait().check(0).no_line("*hidden*")


@pytest.mark.parametrize("options", [(), ("-s",)])
def test_printed_at_import(project: Project, options: tuple[str, ...]) -> None:
    """Once: forked workers do not import again, nor write again what was buffered."""
    project.file("conftest.py", "print('conftest says hello')\n")
    project.file("test_it.py", "print('module says hello')\n" + numbered(4))
    plain = project.pytest(*options)
    result = project.fleetest("-n2", *options).check(0)
    for text in ("conftest says hello", "module says hello"):
        assert result.out.count(text) == plain.out.count(text)


def test_buffered_before_the_fork(project: Project) -> None:
    """What hangs in a buffer at the fork is written once."""
    project.file(
        "conftest.py",
        """
        import sys

        def pytest_collection_finish(session):
            sys.__stdout__.write("in the buffer")
            sys.__stderr__.write("in the other buffer")
        """,
    )
    project.file("test_it.py", numbered(4))
    result = project.fleetest("-n3").check(0)
    assert result.out.count("in the buffer") == 1
    assert result.err.count("in the other buffer") == 1


@pytest.mark.parametrize("options", [(), ("-s",), ("--capture=sys",), ("--capture=tee-sys",)])
def test_output_of_subprocesses(project: Project, options: tuple[str, ...]) -> None:
    project.file(
        "test_child.py",
        """
        import subprocess, sys

        def test_child():
            print("parent")
            sys.stdout.flush()
            subprocess.run([sys.executable, "-c", "print('child' + '!')"])
            assert False
        """,
    )
    shown = [
        Counter(re.findall(r"(parent|child!)$", result.out, re.M))
        for result in (project.pytest(*options), project.fleetest("-n1", *options))
    ]
    assert shown[0] == shown[1]


FAULT = """
import os, sys
import pytest

def test_0_reports_a_crash_of_something_else():
    os.write(1, b"Fatal Python error: Segmentation fault\\n\\n")
    os.write(1, b"  File somewhere\\n")

@pytest.mark.parametrize("number", range(6))
def test_1_later(number):
    print(f"later {number}")
"""


def test_text_that_looks_like_a_crash(project: Project) -> None:
    """As a subprocess of a test may write it; the worker lives on, and so does its output."""
    project.file("test_fault.py", FAULT)
    result = project.fleetest("-n1", "-s").check(0).counts(passed=7)
    assert "Fatal Python error: Segmentation fault" in result.out
    for number in range(6):
        assert f"later {number}\n" in result.out


def test_invalid_utf8(project: Project) -> None:
    """Bytes are passed on as they are."""
    project.file(
        "test_bytes.py", "import os\ndef test_bytes():\n    os.write(1, b'\\xff\\xfe\\x00|\\n')\n"
    )
    out = project.path / "out"
    with out.open("wb") as file:
        project.fleetest("-n2", "-s", stdout=file).check(0)
    assert b"\xff\xfe\x00|\n" in out.read_bytes()


# ---- much output ----


class Reader(threading.Thread):
    """Reads a pipe to its end, and counts."""

    def __init__(self, fd: int, byte: bytes) -> None:
        super().__init__(daemon=True)
        self.fd, self.byte = fd, byte
        self.total = self.counted = 0
        self.tail = b""

    def run(self) -> None:
        """Read."""
        while True:
            data = os.read(self.fd, MIB)
            if not data:
                break
            self.total += len(data)
            self.counted += data.count(self.byte)
            self.tail = (self.tail + data)[-4096:]
        os.close(self.fd)


def consume(project: Project, byte: bytes, *args: str) -> tuple[Reader, int, int]:
    """Run with a pipe as standard output: the reader, the exit code, the controller's peak in KiB.

    A run that takes too long is killed, which its exit code tells.
    """
    read, write = os.pipe()
    reader = Reader(read, byte)
    reader.start()
    running = project.start_fleetest(*args, stdout=write)
    os.close(write)
    controller = controller_of(running)
    peak = watch(running, controller)
    code = running.wait(orphans=True, leaves=True).code
    reader.join(20)
    return reader, code, peak


def watch(running: Running, controller: int, timeout: float = 20.0) -> int:
    """Wait for the end of a run; the most memory that its controller took, in KiB."""
    peak = 0
    deadline = time.monotonic() + timeout
    while running.process.poll() is None:
        peak = max(peak, peak_kib(controller))
        if time.monotonic() > deadline:
            running.kill()
        try:
            running.process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
    return peak


def test_flood_with_s(project: Project) -> None:
    """500 MB of lines pass through in bounded memory."""
    project.file(
        "test_flood.py",
        """
        import os

        def test_flood():
            block = (b"~" * 99 + b"\\n") * 10000
            for _ in range(500):
                os.write(1, block)

        def test_other():
            pass
        """,
    )
    reader, code, peak = consume(project, b"~", "-n2", "-s")
    assert code == 0
    assert reader.counted == 500 * 10000 * 99
    assert b"2 passed" in reader.tail
    assert peak < CONTROLLER_KIB


def test_flood_without_newlines(project: Project) -> None:
    """A progress bar writes one line for ever: neither kept whole in memory nor copied again and again."""
    project.file(
        "test_flood.py",
        """
        import os

        def test_flood():
            block = b"~" * 99 + b"\\r"
            block *= 10000
            for _ in range(100):
                os.write(1, block)

        def test_other():
            pass
        """,
    )
    reader, code, peak = consume(project, b"~", "-n2", "-s")
    assert code == 0
    assert reader.counted == 100 * 10000 * 99
    assert peak < CONTROLLER_KIB


def test_much_captured_output(project: Project) -> None:
    """64 MB in one report: it travels in pieces."""
    project.file(
        "test_much.py",
        """
        import sys

        def test_much():
            line = "~" * 1023 + "\\n"
            for _ in range(64):
                sys.stdout.write(line * 1024)
            assert False

        def test_other():
            pass
        """,
    )
    reader, code, _ = consume(project, b"~", "-n2")
    assert code == 1
    # The line of the test's source that has the letter is shown as well.
    assert reader.counted == 64 * 1024 * 1023 + 1
    assert b"1 failed, 1 passed" in reader.tail


def test_slow_plugin_and_a_flood_of_reports(project: Project) -> None:
    """Back-pressure: the worker has to wait for a controller that is slow, and nothing is lost."""
    meet(project)
    project.file(
        "conftest.py",
        """
        import os, time
        import meet

        def pytest_runtest_logreport(report):
            if "PYTEST_XDIST_WORKER" not in os.environ and report.when == "call":
                time.sleep(0.05)
                meet.log(report.nodeid)
        """,
    )
    project.file(
        "test_flood.py",
        """
        import os
        import pytest

        @pytest.mark.parametrize("number", range(30))
        def test_flood(number):
            print("w" * 1024 * 1024)
            os.write(2, b"v" * 1024 * 1024)
        """,
    )
    running = project.start_fleetest("-n2")
    controller = controller_of(running)
    peak = watch(running, controller)
    running.wait().check(0).counts(passed=30)
    assert len(set(project.logged())) == 30
    assert peak < CONTROLLER_KIB + 30 * 2 * 1024  # the reports that pytest keeps


def test_slow_plugin_and_live_output(project: Project) -> None:
    """The same with -s."""
    project.file(
        "conftest.py",
        """
        import os, time

        def pytest_runtest_logreport(report):
            if "PYTEST_XDIST_WORKER" not in os.environ and report.when == "call":
                time.sleep(0.05)
        """,
    )
    project.file(
        "test_flood.py",
        """
        import os
        import pytest

        @pytest.mark.parametrize("number", range(20))
        def test_flood(number):
            for _ in range(100):
                os.write(1, b"~" * 9999 + b"\\n")
        """,
    )
    reader, code, peak = consume(project, b"~", "-n2", "-s")
    assert code == 0
    assert reader.counted == 20 * 100 * 9999
    assert peak < CONTROLLER_KIB


def test_slow_consumer(project: Project) -> None:
    """Who reads slowly holds the tests up, and the controller does not buffer for him."""
    meet(project)
    project.file(
        "test_flood.py",
        """
        import os
        import meet

        def test_flood():
            meet.here("running")
            for _ in range(1000):
                os.write(1, b"u" * 99999 + b"\\n")
        """,
    )
    read, write = os.pipe()
    running = project.start_fleetest("-n1", "-s", stdout=write)
    os.close(write)
    controller = controller_of(running)
    heard_pid(project, "running")
    os.read(read, MIB)
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(0.5)
    assert peak_kib(controller) < CONTROLLER_KIB
    reader = Reader(read, b"u")
    reader.start()
    running.wait().check(0)
    assert peak_kib(controller) < CONTROLLER_KIB


# ---- standard streams that are closed, full, or nothing ----


def through_shell(project: Project, script: str) -> Result:
    """Run a script of bash."""
    return project.run("bash", "-c", script)


@pytest.mark.parametrize("options", ["-v", "-s -v", ""])
def test_reader_that_leaves_early(project: Project, options: str) -> None:
    """``fleetest | head -1``: no traceback, no process left, pytest's exit code."""
    project.file("test_it.py", numbered(400, "print('x' * 1000)"))
    found = []
    for command in (" ".join(PYTEST), f"{FLEETEST} -n2"):
        result = through_shell(
            project, f"{command} {options} | head -1; echo code=${{PIPESTATUS[0]}}"
        )
        assert result.out.startswith("=")
        found.append(result.out.splitlines()[-1])
        if "pytest" not in command:
            assert "Traceback" not in result.err, result
    assert found[0] == found[1]


def test_reader_that_leaves_during_a_test(project: Project) -> None:
    """The run notices when it next writes, and ends."""
    meet(project)
    project.file(
        "test_it.py",
        "import meet\ndef test_a():\n    meet.here('running')\n    meet.hear('left')\n"
        + numbered(300),
    )
    read, write = os.pipe()
    running = project.start_fleetest("-n2", "-v", stdout=write)
    os.close(write)
    heard_pid(project, "running")
    os.close(read)
    say(project, "left")
    result = running.wait(20)
    assert result.code != 0
    assert "INTERNALERROR" not in result.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("options", [(), ("-q",), ("-s",)])
def test_full_disk(project: Project, options: tuple[str, ...]) -> None:
    """The results cannot be written: that is no success, and nothing hangs."""
    project.file("test_it.py", numbered(20, "print('x' * 1000)"))
    with open("/dev/full", "wb") as full:
        result = project.fleetest("-n2", *options, stdout=full)
    assert result.code not in (0, -signal.SIGKILL), result


def test_no_input(project: Project) -> None:
    """``fleetest < /dev/null``; with -s a test that reads gets the end of file."""
    project.file(
        "test_it.py", "import sys\ndef test_a():\n    assert sys.stdin.read() == ''\n" + numbered(3)
    )
    through_shell(project, f"{FLEETEST} -n2 -s < /dev/null").check(0).counts(passed=4)


def test_input_from_a_pipe_is_pytests(project: Project) -> None:
    """With -s a test may read what was piped in, as under pytest."""
    project.file("test_it.py", "def test_a():\n    assert input() == 'piped'\n")
    for command in (" ".join(PYTEST), f"{FLEETEST} -n1"):
        through_shell(project, f"echo piped | {command} -s").check(0).counts(passed=1)


def test_command_substitution(project: Project) -> None:
    """``x=$(fleetest -q)`` ends, with the output and the exit code."""
    project.file("test_it.py", numbered(3) + "\ndef test_fails():\n    assert False\n")
    result = through_shell(project, f'x=$({FLEETEST} -n2 -q); echo "code=$?"; echo "$x" | tail -1')
    result.check(0).lines("code=1", "1 failed, 3 passed in *")


def test_command_substitution_with_a_daemon_of_a_test(project: Project) -> None:
    """A process that a test leaves behind has not inherited the command's own output when captured."""
    meet(project)
    project.file(
        "test_it.py",
        """
        import subprocess, sys

        def test_leaves():
            code = "import meet; meet.hear('run is over')"
            subprocess.Popen([sys.executable, "-c", code])

        def test_other():
            pass
        """,
    )
    script = f"x=$({FLEETEST} -n2 -q); echo \"code=$?\"; touch 'run is over'"
    running = project.start("bash", "-c", script)
    running.process.wait(20)
    result = running.wait(orphans=True).check(0)
    result.lines("code=0")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(project: Project, closed: str) -> None:
    """The run works where pytest does, and writes into no file of a test by accident."""
    project.file(
        "test_it.py",
        """
        import os

        def test_file(tmp_path):
            path = tmp_path / "file"
            with open(path, "w") as file:
                file.write("mine")
                file.flush()
                os.system("echo to stdout")
            assert path.read_text() == "mine"

        def test_other():
            pass
        """,
    )
    commands = (" ".join(PYTEST), f"{FLEETEST} -n2")
    plain, ours = (
        through_shell(project, f"{command} -q {closed}; exit $?").code for command in commands
    )
    assert ours == plain


def test_module_form_has_the_same_output(project: Project) -> None:
    """``python -m fleetest`` has no client in between."""
    project.file("test_it.py", "def test_a():\n    print('said')\n    assert False\n")
    result = project.run(sys.executable, "-m", "fleetest", "-n2").check(1)
    result.lines("*Captured stdout call*", "said", "*1 failed in *")

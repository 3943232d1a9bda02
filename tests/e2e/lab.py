"""Runs commands in a small project of their own, and sees to it that nothing of them is left."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Callable, TypeVar, Union

import daemon_lab
import pytest

BIN = Path(sys.executable).parent
"""Where the command under test is: beside the Python that runs these tests."""

FLEETEST = str(BIN / "fleetest")
PYTEST = [sys.executable, "-m", "pytest"]

TIMEOUT = 60.0
"""Seconds after which a run counts as hanging."""

ORPHAN_SECONDS = 8.0
"""How long a process may take to notice that its parent was killed: a run gives workers that do not end 5."""

MARK = "FLEETEST_E2E_RUN"

_DROPPED = re.compile(
    r"(PYTEST|PYTHON|FLEETEST|COV|COVERAGE|TOX|GITHUB|VIRTUAL_ENV)"
    r"|(CI|BUILD_NUMBER|NO_COLOR|FORCE_COLOR|PY_COLORS|COLUMNS|LINES|TERM|LC_.*|LANG|LANGUAGE)$"
)

Word = Union[str, "os.PathLike[str]"]
Stream = Union[int, IO[bytes], None]
_T = TypeVar("_T")


def wait_for(condition: Callable[[], _T], what: str = "it", timeout: float = 20.0) -> _T:
    """Ask again and again until the answer is true; that answer.

    :param what: for the message when time is up
    """
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout:g} s in vain for {what}")
        time.sleep(0.005)


def marked(mark: str) -> dict[int, str]:
    """The living processes of a run, with their command lines."""
    wanted, found = f"{MARK}={mark}".encode(), {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = command.decode(errors="replace").strip()
        except OSError:  # it is gone, or another user's
            continue
    return found


@dataclass
class Result:
    """How a command ended, and what it wrote."""

    args: Sequence[str]
    code: int
    """Exit code; negative: killed by that signal."""
    out: str
    err: str
    left: Mapping[int, str] = field(default_factory=dict)
    """Processes of the run that outlived it."""
    left_files: Sequence[str] = ()
    """What is left in the folder for temporary files."""

    def __str__(self) -> str:
        return (
            f"$ {' '.join(self.args)}\n--- exit code {self.code}\n"
            f"--- stdout\n{self.out}--- stderr\n{self.err}---"
        )

    def check(self, code: int) -> Result:
        """Assert the exit code."""
        assert self.code == code, f"exit code {self.code}, not {code}\n{self}"
        return self

    def lines(self, *patterns: str) -> Result:
        """Assert that lines of stdout match these (as ``fnmatch_lines`` does), in this order."""
        pytest.LineMatcher(self.out.splitlines()).fnmatch_lines(list(patterns))
        return self

    def err_lines(self, *patterns: str) -> Result:
        """Assert the same of stderr."""
        pytest.LineMatcher(self.err.splitlines()).fnmatch_lines(list(patterns))
        return self

    def no_line(self, pattern: str) -> Result:
        """Assert that no line of stdout and stderr matches."""
        lines = [*self.out.splitlines(), *self.err.splitlines()]
        pytest.LineMatcher(lines).no_fnmatch_line(pattern)
        return self

    def counts(self, **counts: int) -> Result:
        """Assert the counts of pytest's last line: ``counts(passed=2, failed=1)``, all of them."""
        found = self.summary()
        assert found == counts, f"{found}, not {counts}\n{self}"
        return self

    def summary(self) -> dict[str, int]:
        """The counts of pytest's last line: ``{"passed": 2, "failed": 1}``."""
        for line in reversed(self.out.splitlines()):
            # Colours may be on, the rule around the text is absent with -q.
            plain = re.sub(r"\x1b\[[\d;]*m", "", line).strip("= ")
            if re.search(r" in \d+\.\d+s( \(\d+:\d\d:\d\d\))?$", plain):
                pairs = re.findall(r"(\d+) ([a-z]+)", plain.partition(" in ")[0])
                return {name.replace("warnings", "warning"): int(n) for n, name in pairs}
        raise AssertionError(f"no summary line\n{self}")

    def outcomes(self) -> dict[str, str]:
        """Node id -> last outcome, from the lines of ``-v`` or ``-rA``."""
        words = "PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS"
        found = {}
        for line in self.out.splitlines():
            one = re.match(rf"(?:\[gw\d+\] )?(?:\[ *\d+%\] )?({words}) (\S+::\S+)", line)
            two = re.match(rf"(\S+::\S+) ({words})\b", line)
            if one:
                found[one[2]] = one[1]
            elif two:
                found[two[1]] = two[2]
        return found


class Running:
    """A command that was started."""

    def __init__(
        self, process: subprocess.Popen[bytes], args: list[str], mark: str, files: list[Path]
    ) -> None:
        self.process = process
        self.pid = process.pid
        self.args = args
        self.mark = mark
        self._files = files
        self.temp: Path | None = None
        self.runtime = Path("/nowhere")
        """Where the daemon of its project has its files."""
        self.alone = False
        """Whether all runs that come from that daemon are this one."""

    def processes(self) -> dict[int, str]:
        """Its living processes, itself included, with their command lines."""
        found = marked(self.mark)
        for daemon in daemon_lab.daemons(self.runtime):
            found = {pid: found[pid] for pid in found.keys() - daemon_lab.members(daemon)}
            if self.alone:
                found.update(daemon_lab.descendants(daemon))
        return found

    def out(self) -> str:
        """What it has written to stdout so far."""
        return self._files[0].read_text("utf-8", "backslashreplace")

    def err(self) -> str:
        """What it has written to stderr so far."""
        return self._files[1].read_text("utf-8", "backslashreplace")

    def send(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill all of it, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        deadline = time.monotonic() + ORPHAN_SECONDS
        while time.monotonic() < deadline:
            left = [pid for pid in self.processes() if pid != os.getpid()]
            if not left:
                break
            for pid in left:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        self.process.wait()

    def wait(
        self, timeout: float = TIMEOUT, *, orphans: bool = False, leaves: bool = False
    ) -> Result:
        """Wait for its end, and check that it left nothing.

        :param orphans: parts of it were killed: what is left gets a moment to notice
        :param leaves: do not assert that nothing is left; see :class:`Result`
        """
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            left = self.processes()
            self.kill()
            result = Result(self.args, self.process.returncode, self.out(), self.err(), left)
            pytest.fail(f"hung for {timeout:g} s; its processes: {left}\n{result}")
        if orphans or self.alone:
            deadline = time.monotonic() + ORPHAN_SECONDS
            while self.processes() and time.monotonic() < deadline:
                time.sleep(0.01)
        left = self.processes()
        if left:
            self.kill()
        files = sorted(str(path.name) for path in self.temp.iterdir()) if self.temp else []
        result = Result(self.args, code, self.out(), self.err(), left, files)
        assert leaves or not left, f"processes outlived the run: {left}\n{result}"
        assert leaves or not files, f"temporary files were left: {files}\n{result}"
        return result


class Project:
    """A folder with files to test, and an environment to run commands in.

    ``env`` may be changed; ``None`` in ``env=`` of one run takes a variable away.
    """

    def __init__(self, root: Path, *, through_daemon: bool = False) -> None:
        """Make an empty one.

        :param through_daemon: its runs come from a daemon of its own; one that tests start at once
            with another cannot be told from it then
        """
        self.through_daemon = through_daemon
        self.path = root / "project"
        self.home = root / "home"
        self.temp = root / "temp"
        """TMPDIR: empty after each run."""
        self.temproot = root / "temproot"
        """PYTEST_DEBUG_TEMPROOT: where ``tmp_path`` is."""
        self.runtime = root / "runtime"
        """XDG_RUNTIME_DIR."""
        self._runs = root / "runs"
        self._started: list[Running] = []
        for folder in (self.path, self.home, self.temp, self.temproot, self._runs):
            folder.mkdir()
        self.runtime.mkdir(mode=0o700)
        self.env = {name: value for name, value in os.environ.items() if not _DROPPED.match(name)}
        self.env.update(
            PATH=os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)]),
            FLEETEST_DAEMON_SNAPSHOTS="0",  # when one is ready is a matter of luck: who tests them waits
            HOME=str(self.home),
            TMPDIR=str(self.temp),
            PYTEST_DEBUG_TEMPROOT=str(self.temproot),
            LANG="C.UTF-8",
            TERM="xterm",
            COLUMNS="80",
            XDG_RUNTIME_DIR=str(self.runtime),
            FLEETEST_DAEMON="1" if through_daemon else "0",
        )

    # ---- files ----

    def file(self, name: str, text: str = "", *, mode: int | None = None) -> Path:
        """Write a file of the project; the text's common indent is taken away."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
        if mode is not None:
            path.chmod(mode)
        return path

    def files(self, texts: Mapping[str, str]) -> None:
        """Write several files."""
        for name, text in texts.items():
            self.file(name, text)

    def read(self, name: str) -> str:
        """The text of a file of the project."""
        return (self.path / name).read_text("utf-8")

    def logged(self, name: str = "log") -> list[str]:
        """The lines of a file that tests append to; none if it is not there."""
        path = self.path / name
        return path.read_text("utf-8").splitlines() if path.exists() else []

    # ---- commands ----

    def start(
        self,
        *command: Word,
        env: Mapping[str, str | None] | None = None,
        cwd: Word | None = None,
        stdin: Stream = subprocess.DEVNULL,
        stdout: Stream = None,
        stderr: Stream = None,
        **popen: Any,
    ) -> Running:
        """Start a command in a session of its own.

        Where it writes goes to files, unless ``stdout`` and ``stderr`` name something else.
        """
        args = [os.fspath(word) for word in command]
        mark = uuid.uuid4().hex
        variables: dict[str, str | None] = {**self.env, **(env or {}), MARK: mark}
        number = len(self._started)
        files = [self._runs / f"{number}.{name}" for name in ("out", "err")]
        with files[0].open("wb") as out, files[1].open("wb") as err:
            process = subprocess.Popen(
                args,
                cwd=self.path if cwd is None else self.path / cwd,
                env={name: value for name, value in variables.items() if value is not None},
                stdin=stdin,
                stdout=out if stdout is None else stdout,
                stderr=err if stderr is None else stderr,
                start_new_session=True,
                **popen,
            )
        running = Running(process, args, mark, files)
        running.temp = self.temp
        running.runtime = self.runtime
        running.alone = self.through_daemon
        self._started.append(running)
        return running

    def run(
        self,
        *command: Word,
        input: str | None = None,  # noqa: A002 - as subprocess.run calls it
        timeout: float = TIMEOUT,
        leaves: bool = False,
        **options: Any,
    ) -> Result:
        """Run a command to its end.  Other options are those of :meth:`start`."""
        if input is not None:
            path = self._runs / f"{len(self._started)}.in"
            path.write_text(input, "utf-8")
            with path.open("rb") as file:
                return self.start(*command, stdin=file, **options).wait(timeout, leaves=leaves)
        return self.start(*command, **options).wait(timeout, leaves=leaves)

    def fleetest(self, *args: Word, **options: Any) -> Result:
        """Run the command under test."""
        return self.run(FLEETEST, *args, **options)

    def pytest(self, *args: Word, **options: Any) -> Result:
        """Run plain pytest."""
        return self.run(*PYTEST, *args, **options)

    def python(self, *args: Word, **options: Any) -> Result:
        """Run the Python that has fleetest."""
        return self.run(sys.executable, *args, **options)

    def start_fleetest(self, *args: Word, **options: Any) -> Running:
        """Start the command under test."""
        return self.start(FLEETEST, *args, **options)

    def clean_up(self) -> None:
        """Kill what a test did not wait for."""
        for running in self._started:
            if running.process.returncode is None:
                running.kill()
        daemon_lab.stop(self.runtime)


def make_tests(*names: str, body: str = "pass") -> str:
    """The source of test functions: ``make_tests("a", "b")`` has test_a and test_b."""
    return "\n".join(f"def test_{name}():\n    {body}\n" for name in names)


def numbered(count: int, body: str = "pass") -> str:
    """The source of ``test_0`` to ``test_<count - 1>``."""
    return make_tests(*map(str, range(count)), body=body)


def without(lines: Iterable[str], *patterns: str) -> list[str]:
    """The lines that match none of the regular expressions."""
    return [line for line in lines if not any(re.search(pattern, line) for pattern in patterns)]

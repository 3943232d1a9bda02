"""Runs a command on a pseudo-terminal: what it shows, what is typed, whose the terminal is."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from lab import TIMEOUT, Project, Result, Running, Word

CTRL_C, CTRL_D, CTRL_Z, UP, LEFT = "\x03", "\x04", "\x1a", "\x1b[A", "\x1b[D"

LEADER = """
import os, signal, subprocess, sys, termios
signal.signal(signal.SIGTTOU, signal.SIG_IGN)

def to_foreground():
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)

before = termios.tcgetattr(0)
child = subprocess.Popen(sys.argv[1:], preexec_fn=to_foreground)
code = child.wait()
group, after = os.tcgetpgrp(0), termios.tcgetattr(0)
os.tcsetpgrp(0, os.getpgrp())
termios.tcsetattr(0, termios.TCSANOW, before)
kept = ["lost", "kept"]
print("\\nleader:", code, "group", kept[group == child.pid], "modes", kept[after == before], flush=True)
"""
"""A shell of sorts: runs a command in the foreground, and says in which state the terminal was left."""


_STATUS = re.compile(r"(\n\r[^\x1b\n]*\x1b\[K\x1b\[A\r(\x1b\[\d+C)?(\x1b\[J)?)+")


def readable(text: str) -> str:
    """The end of what was shown, for a message: status lines that were drawn again left out."""
    return _STATUS.sub("<status>", text)[-2000:].replace("\x1b", "<esc>")


def _take_terminal() -> None:
    """In the child: make its standard input the terminal of its new session."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A command that has a terminal, of which it is the session's leader."""

    def __init__(
        self,
        project: Project,
        *command: Word,
        columns: int = 80,
        lines: int = 24,
        env: Mapping[str, str | None] | None = None,
        **streams: Any,
    ) -> None:
        self._master, slave = os.openpty()
        self.resize(columns, lines)
        streams = {"stdin": slave, "stdout": slave, "stderr": slave, **streams}
        self.running: Running = project.start(
            *command,
            env={"COLUMNS": None, **(env or {})},
            preexec_fn=_take_terminal,
            **streams,
        )
        os.close(slave)
        self.size = (columns, lines)
        self.raw = b""
        self._seen = 0
        self._ended = False

    # ---- the screen ----

    @property
    def text(self) -> str:
        """All that was shown so far, without colours but with other escapes."""
        return re.sub(r"\x1b\[[\d;]*m", "", self.raw.decode("utf-8", "replace"))

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size; the foreground group gets SIGWINCH."""
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def screen(self) -> Any:
        """The emulated screen, after everything that was shown; skips the test without pyte."""
        pyte = pytest.importorskip("pyte")
        screen = pyte.Screen(*self.size)
        pyte.ByteStream(screen).feed(self.raw)
        return screen

    def rows(self) -> list[str]:
        """The rows of the emulated screen, without those at the end that are empty."""
        rows = [row.rstrip() for row in self.screen().display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def read(self, timeout: float = 0.0) -> bool:
        """Take in what is there, or comes within the time; False at the end of it all."""
        ready, _, _ = select.select([self._master], [], [], timeout)
        if ready:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # everybody has closed the other end
                data = b""
            self._ended = not data
            self.raw += data
        return not self._ended

    def expect(self, pattern: str, timeout: float = 12.0) -> re.Match[str]:
        """Read until a regular expression matches behind what the last call has matched."""
        deadline = time.monotonic() + timeout
        while True:
            found = re.compile(pattern).search(self.text, self._seen)
            if found:
                self._seen = found.end()
                return found
            left = deadline - time.monotonic()
            if left <= 0 or not self.read(min(left, 0.1)):
                shown = readable(self.text[self._seen :])
                pytest.fail(f"not shown within {timeout:g} s: {pattern!r}\n--- but:\n{shown}")

    def wait_for(self, condition: Any, what: str, timeout: float = 12.0) -> Any:
        """Read until a condition holds; its value."""
        deadline = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                shown = readable(self.text)
                pytest.fail(f"waited {timeout:g} s in vain for {what}\n--- shown:\n{shown}")
            self.read(0.01)

    def unseen(self) -> str:
        """What was shown behind the last match."""
        while select.select([self._master], [], [], 0)[0] and self.read():
            pass
        return self.text[self._seen :]

    # ---- the keyboard ----

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._master, text.encode())

    def press_until(self, key: str, pattern: str) -> None:
        """Press a key again and again until a regular expression matches what was shown.

        An interrupt that comes right before Python waits for a key is noticed at the next one only, and
        by way of the daemon it may come after a key that was pressed later.
        """

        def shown() -> bool:
            self.type(key)
            return re.search(pattern, self.text) is not None

        self.wait_for(shown, repr(pattern))

    # ---- whose the terminal is ----

    def foreground(self) -> int:
        """The foreground process group."""
        return os.tcgetpgrp(self._master)

    def modes(self) -> list[Any]:
        """What ``termios.tcgetattr`` tells."""
        return termios.tcgetattr(self._master)

    # ---- the end ----

    def wait(self, timeout: float = TIMEOUT, **options: bool) -> Result:
        """Read to the end of the command; see :meth:`lab.Running.wait`."""
        deadline = time.monotonic() + timeout
        while self.running.process.poll() is None and time.monotonic() < deadline:
            self.read(0.02)
        if self.running.process.poll() is None:
            pytest.fail(f"no end within {timeout:g} s\n--- shown:\n{readable(self.text)}")
        result = self.running.wait(max(0.1, deadline - time.monotonic()), **options)
        while self.read(0.2) and select.select([self._master], [], [], 0)[0]:
            pass
        result.out = self.raw.decode("utf-8", "replace").replace("\r\n", "\n")
        return result

    def hang_up(self) -> None:
        """Close the terminal, as a window that is closed does."""
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        """Kill what still runs."""
        if self.running.process.poll() is None:
            self.running.kill()
        for pid in self.running.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._master >= 0:
            os.close(self._master)


class Shell:
    """An interactive bash with job control on a terminal."""

    PROMPT = "prompt> "

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        terminal.expect(self.PROMPT)

    def run(self, line: str, timeout: float = 12.0) -> None:
        """Enter a command line."""
        self.terminal.type(line + "\n")
        self.terminal.expect(re.escape(line), timeout)

    def prompt(self, timeout: float = 12.0) -> str:
        """Wait for the next prompt; what was shown before it."""
        begin = self.terminal._seen
        found = self.terminal.expect("(?m)^" + self.PROMPT, timeout)
        return self.terminal.text[begin : found.start()]

    def code(self) -> int:
        """The exit code of the last command."""
        self.run("echo code=$?")
        return int(self.terminal.expect(r"code=(\d+)")[1])

    def leave(self) -> Result:
        """End the shell."""
        self.terminal.type("exit\n")
        return self.terminal.wait(20)


@contextlib.contextmanager
def opened(project: Project, *command: Word, **options: Any) -> Iterator[Terminal]:
    """A terminal with a command, both gone at the end."""
    terminal = Terminal(project, *command, **options)
    try:
        yield terminal
    finally:
        terminal.close()


@contextlib.contextmanager
def shell(project: Project, **options: Any) -> Iterator[Shell]:
    """An interactive shell, gone at the end."""
    env = {"PS1": Shell.PROMPT, "HISTFILE": "", "INPUTRC": os.devnull, **options.pop("env", {})}
    words = ("bash", "--norc", "--noprofile", "--noediting", "-i")
    with opened(project, *words, env=env, **options) as terminal:
        yield Shell(terminal)


@contextlib.contextmanager
def led(project: Project, *command: Word, **options: Any) -> Iterator[Terminal]:
    """A command in the foreground of a session whose leader tells how it left the terminal."""
    with opened(project, sys.executable, "-c", LEADER, *command, **options) as terminal:
        yield terminal


def left_as_it_was(terminal: Terminal, code: int, timeout: float = 12.0) -> None:
    """Assert the exit code that the leader saw, and that the terminal was left in order."""
    found = terminal.expect(r"leader: (-?\d+) group (\w+) modes (\w+)", timeout)
    assert found.groups() == (str(code), "kept", "kept"), found[0]

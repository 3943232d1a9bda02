"""fleetest on a terminal: debuggers, job control, and what the screen shows."""

from __future__ import annotations

import os
import re
import shutil
import signal

import pytest
from lab import FLEETEST, Project, numbered
from meeting import (
    all_gone,
    children_of,
    controller_of,
    heard_pid,
    meet,
    say,
    state_of,
)
from pty_lab import CTRL_C, CTRL_Z, UP, Terminal, led, left_as_it_was, opened, shell

PDB = r"\(Pdb\) "

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")

FAILING = """
def test_failing():
    value = 40
    assert value == 0

def test_passing():
    pass
"""


def both_running(project: Project, terminal: Terminal) -> list[int]:
    """Wait until both workers are in a test; their processes."""
    paths = [project.path / worker for worker in ("gw0", "gw1")]
    terminal.wait_for(lambda: all(path.exists() for path in paths), "the workers")
    return [int(path.read_text()) for path in paths]


def spread(count: int, body: str) -> str:
    """Tests of which each worker's first does something special: `body`, in which `first` is true."""
    return (
        "import pytest, meet\nseen = []\n\n"
        f"@pytest.mark.parametrize('number', range({count}))\n"
        "def test_it(number, worker_id):\n"
        "    seen.append(number)\n"
        "    first = len(seen) == 1\n" + "".join(f"    {line}\n" for line in body.splitlines())
    )


WAITING = spread(12, "if first:\n    meet.here(worker_id)\n    meet.hear('go on')")
"""Each worker's first test waits."""

MEETING = "if first and worker_id != 'gw2':\n    meet.here(worker_id)\n    meet.hear('gw0')\n    meet.hear('gw1')\n    "
WANTS_PDB = spread(12, MEETING + "value = f'this is {worker_id}'\n    breakpoint()")
"""Both workers come to a breakpoint at the same time."""

ASKS = spread(12, MEETING + "assert input(f'ask {worker_id}? ') == worker_id")
"""Both workers read at the same time."""


# ---- debuggers and input ----


@pytest.mark.parametrize("options", ["-n1", "-n2", "-n3", "-n2 --start-method=spawn"])
def test_pdb(project: Project, options: str) -> None:
    project.file("test_it.py", FAILING)
    with led(project, FLEETEST, *options.split(), "--pdb") as terminal:
        terminal.expect("entering PDB")
        terminal.expect(PDB)
        terminal.type("p value + 2\n")
        terminal.expect(r"\n42\r\n")
        terminal.expect(PDB)
        terminal.type("c\n")
        terminal.expect("1 failed, 1 passed in ")
        left_as_it_was(terminal, 1)
        terminal.wait()


def test_trace(project: Project) -> None:
    project.file("test_it.py", numbered(2))
    with led(project, FLEETEST, "-n2", "--trace") as terminal:
        for _ in range(2):
            terminal.expect("PDB runcall")
            terminal.expect(PDB)
            terminal.type("c\n")
        terminal.expect("2 passed in ")
        left_as_it_was(terminal, 0)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("option", ["--capture=fd", "--capture=sys", "-s"])
def test_breakpoint(project: Project, option: str, method: str) -> None:
    project.file(
        "test_it.py",
        """
        def test_a():
            print("before")
            x = 1
            breakpoint()
            x = x + 1
            print("after")
            assert x == 7
        """,
    )
    with led(project, FLEETEST, "-n2", option, "--start-method", method) as terminal:
        terminal.expect(PDB)
        terminal.type("x = 6\n")
        terminal.expect(PDB)
        terminal.type("c\n")
        terminal.expect("1 passed in ")
        left_as_it_was(terminal, 0)


def test_breakpoint_shows_the_output_before_it(project: Project) -> None:
    project.file(
        "test_it.py",
        """
        def test_a():
            for number in range(500):
                print("line", number)
            breakpoint()
        """,
    )
    with led(project, FLEETEST, "-n1", "-s") as terminal:
        terminal.expect(PDB)
        before = terminal.text
        terminal.type("c\n")
        terminal.expect("1 passed in ")
    assert re.findall(r"line (\d+)\r", before) == [str(number) for number in range(500)]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_input(project: Project, method: str) -> None:
    project.file(
        "test_it.py", "def test_a():\n    assert input('your name? ') == 'bob'\n" + numbered(3)
    )
    with led(project, FLEETEST, "-n2", "-s", "--start-method", method) as terminal:
        terminal.expect(r"your name\? ")
        terminal.type("bob\n")
        terminal.expect("4 passed in ")
        left_as_it_was(terminal, 0)


def test_input_one_after_the_other(project: Project) -> None:
    """Two tests in two workers ask at the same time."""
    project.file("test_it.py", ASKS)
    meet(project)
    with led(project, FLEETEST, "-n2", "-s") as terminal:
        for _ in range(2):
            who = terminal.expect(r"ask (gw\d)\? ")[1]
            terminal.type(f"{who}\n")
        terminal.expect("12 passed in ")
        left_as_it_was(terminal, 0)


@pytest.mark.parametrize("option", ["--capture=fd", "-s"])
def test_getpass(project: Project, option: str) -> None:
    """It reads and writes /dev/tty itself, and switches the echo off."""
    project.file(
        "test_it.py",
        "import getpass\ndef test_a():\n    assert getpass.getpass('secret: ') == 'xyzzy'\n",
    )
    with led(project, FLEETEST, "-n2", option) as terminal:
        terminal.expect("secret: ")
        terminal.type("xyzzy\n")
        terminal.expect("1 passed in ")
        left_as_it_was(terminal, 0)
        assert "xyzzy" not in terminal.text


def test_line_editing(project: Project) -> None:
    """Arrow keys work in pdb: the worker has the terminal itself."""
    pytest.importorskip("readline")
    project.file("test_it.py", "def test_a():\n    breakpoint()\n")
    with led(project, FLEETEST, "-n2") as terminal:
        terminal.expect(PDB)
        terminal.type("p 1111 + 2222\n")
        terminal.expect("\n3333\r\n")
        terminal.expect(PDB)
        terminal.type(UP + "\n")
        terminal.expect("\n3333\r\n")
        terminal.expect(PDB)
        terminal.type("c\n")
        left_as_it_was(terminal, 0)


@pytest.mark.parametrize("option", [(), ("--pdb",)])
def test_quitting_pdb_ends_the_run(project: Project, option: tuple[str, ...]) -> None:
    meet(project)
    project.file(
        "test_it.py",
        "import meet\ndef test_a():\n    breakpoint()\n\n" + numbered(30, "meet.hear('quit')"),
    )
    with led(project, FLEETEST, "-n2", *option) as terminal:
        terminal.expect(PDB)
        terminal.type("q\n")
        say(project, "quit")  # a test that is running ends as it would
        terminal.expect("!!! _pytest.outcomes.Exit: Quitting debugger !!!")
        terminal.expect("in \\d+\\.\\d\\ds")
        left_as_it_was(terminal, 2)
        terminal.wait()
        assert terminal.text.count("Quitting debugger") == 1
        assert len(re.findall(r"=+ .* in \d+\.\d\ds", terminal.text)) == 1
        assert "INTERNALERROR" not in terminal.text


def test_two_workers_want_pdb(project: Project) -> None:
    """They get it one after the other."""
    meet(project)
    project.file("test_it.py", WANTS_PDB)
    with led(project, FLEETEST, "-n2") as terminal:
        seen = []
        for _ in range(2):
            terminal.expect(PDB)
            terminal.type("p value\n")
            seen.append(terminal.expect(r"'this is (gw\d)'")[1])
            terminal.expect(PDB)
            assert "PDB" not in terminal.unseen()
            terminal.type("c\n")
        assert sorted(seen) == ["gw0", "gw1"]
        terminal.expect("12 passed in ")
        left_as_it_was(terminal, 0)


def test_output_of_others_is_held_back(project: Project) -> None:
    meet(project)
    project.file(
        "test_it.py",
        spread(
            12,
            "meet.here(worker_id)\nmeet.hear('gw0')\nmeet.hear('gw1')\n"
            "if worker_id == 'gw0' and first:\n    breakpoint()\n"
            "elif worker_id == 'gw1':\n    meet.hear('in pdb')\n    print('noise')\n    meet.log('noise')",
        ),
    )
    with led(project, FLEETEST, "-n2", "-s") as terminal:
        terminal.expect(PDB)
        say(project, "in pdb")
        terminal.wait_for(project.logged, "the other worker's noise")
        terminal.type("p 21 * 2\n")
        terminal.expect("42")
        terminal.expect(PDB)
        assert "noise" not in terminal.text
        terminal.type("c\n")
        terminal.expect("noise")
        terminal.expect("12 passed in ")
        left_as_it_was(terminal, 0)


def test_ctrl_c_at_the_pdb_prompt(project: Project) -> None:
    """As under pytest: pdb says so and asks again."""
    project.file("test_it.py", "def test_a():\n    breakpoint()\n" + numbered(3))
    with led(project, FLEETEST, "-n2") as terminal:
        terminal.expect(PDB)
        # An interrupt that comes between two key presses is noticed by Python at the next one only.
        terminal.type(CTRL_C + "\n")
        terminal.expect("--KeyboardInterrupt--")
        terminal.expect(PDB)
        terminal.type("c\n")
        terminal.expect("4 passed in ")
        left_as_it_was(terminal, 0)


@pytest.mark.parametrize("victim", ["worker", "controller"])
def test_sigkill_while_a_worker_holds_the_terminal(project: Project, victim: str) -> None:
    """Modes and foreground group come back."""
    meet(project)
    project.file(
        "test_it.py",
        """
        import sys, termios, tty
        import meet

        def test_raw():
            tty.setraw(sys.__stdin__.fileno())
            meet.here("raw")
            sys.stdin.read(1)

        def test_other():
            pass
        """,
    )
    with led(project, FLEETEST, "-n1", "-s") as terminal:
        raw = project.path / "raw"
        terminal.wait_for(raw.exists, "raw mode")
        worker = int(raw.read_text())
        assert terminal.foreground() == worker
        client = children_of(terminal.running.pid)[0]
        controller = children_of(client)[0]
        os.kill(worker if victim == "worker" else controller, signal.SIGKILL)
        if victim == "worker":
            terminal.expect("1 failed, 1 passed in ")
        left_as_it_was(terminal, 1 if victim == "worker" else 104)
        assert not all_gone([worker, controller, client])


def test_worker_killed_at_the_pdb_prompt(project: Project) -> None:
    """The others go on, and the next one gets the terminal."""
    meet(project)
    project.file("test_it.py", WANTS_PDB)
    with led(project, FLEETEST, "-n2") as terminal:
        terminal.expect(PDB)
        os.kill(terminal.foreground(), signal.SIGKILL)
        terminal.expect("killed|node down")
        terminal.expect(PDB)
        terminal.type("c\n")
        terminal.expect("1 failed, 11 passed in ")
        left_as_it_was(terminal, 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_client_ends_while_a_worker_is_in_pdb(project: Project, number: signal.Signals) -> None:
    """pdb does not end at an interrupt, but nobody is there any more whom it could ask."""
    project.file("test_it.py", "def test_a():\n    breakpoint()\n" + numbered(3))
    with led(project, FLEETEST, "-n2") as terminal:
        terminal.expect(PDB)
        client = children_of(terminal.running.pid)[0]
        controller = children_of(client)[0]
        everybody = [client, controller, *children_of(controller)]
        os.kill(client, number)
        terminal.wait_for(lambda: not all_gone(everybody, 0), "the end of all processes", 8)
        terminal.expect(f"leader: -{int(number)} ")


@pytest.mark.parametrize("where", ["test", "pdb", "input"])
def test_terminal_is_closed(project: Project, where: str) -> None:
    """Nothing is left, whoever the terminal was lent to."""
    meet(project)
    body = {"test": "meet.hear('never')", "pdb": "breakpoint()", "input": "input('asks')"}[where]
    project.file(
        "test_it.py",
        f"import meet\ndef test_a():\n    meet.here('running')\n    {body}\n" + numbered(9),
    )
    terminal = Terminal(project, FLEETEST, "-n2", "-s")
    try:
        if where != "test":
            terminal.expect(PDB if where == "pdb" else "asks")
        terminal.wait_for((project.path / "running").exists, "the test")
        worker = heard_pid(project, "running")
        controller = controller_of(terminal.running)
        everybody = [terminal.running.pid, controller, worker, *children_of(controller)]
        terminal.hang_up()
        terminal.running.process.wait(20)
        left = all_gone(everybody, 8)
        assert not left, {pid: state_of(pid) for pid in left}
    finally:
        terminal.close()


def test_interrupt_while_others_wait_for_the_terminal(project: Project) -> None:
    """A worker that was stopped because it read in the background is woken to end."""
    meet(project)
    project.file("test_it.py", ASKS)
    with led(project, FLEETEST, "-n2", "-s") as terminal:
        workers = both_running(project, terminal)
        terminal.wait_for(lambda: terminal.foreground() in workers, "the terminal to be lent")
        other = next(pid for pid in workers if pid != terminal.foreground())
        terminal.wait_for(lambda: state_of(other) == "T", "the other one to be stopped")
        terminal.type(CTRL_C)
        terminal.expect(" in \\d+\\.\\d\\ds", 10)
        left_as_it_was(terminal, 2)


def test_interrupt_while_others_wait_for_pdb(project: Project) -> None:
    """Quitting one debugger ends the run: nobody is asked by the other one."""
    meet(project)
    project.file("test_it.py", WANTS_PDB)
    with led(project, FLEETEST, "-n2") as terminal:
        terminal.expect(PDB)
        terminal.type("q\n")
        terminal.expect(" in \\d+\\.\\d\\ds", 10)
        left_as_it_was(terminal, 2)


# ---- Ctrl-C, Ctrl-Z, background ----


def test_ctrl_c(project: Project) -> None:
    meet(project)
    project.file("test_it.py", WAITING)
    with led(project, FLEETEST, "-n2") as terminal:
        both_running(project, terminal)
        terminal.type(CTRL_C)
        terminal.expect("!!! KeyboardInterrupt !!!")
        terminal.expect("no tests ran in ")
        left_as_it_was(terminal, 2)
        assert "INTERNALERROR" not in terminal.text


def test_ctrl_c_during_collection(project: Project) -> None:
    meet(project)
    project.file("test_it.py", "import meet\nmeet.here('collecting')\nmeet.hear('never')\n")
    with led(project, FLEETEST, "-n2") as terminal:
        terminal.wait_for((project.path / "collecting").exists, "the collection")
        terminal.type(CTRL_C)
        terminal.expect("!!! KeyboardInterrupt !!!")
        left_as_it_was(terminal, 2)


@needs_bash
def test_ctrl_z_and_fg(project: Project) -> None:
    """Everybody stops, and goes on."""
    meet(project)
    project.file("test_it.py", WAITING)
    with shell(project) as bash:
        terminal = bash.terminal
        bash.run(f"{FLEETEST} -n2")
        workers = both_running(project, terminal)
        terminal.type(CTRL_Z)
        terminal.expect("Stopped")
        bash.prompt()
        terminal.wait_for(lambda: {*map(state_of, workers)} == {"T"}, "the workers to stop", 5)
        bash.run("fg")
        terminal.wait_for(lambda: "T" not in map(state_of, workers), "the workers to go on")
        say(project, "go on")
        terminal.expect("12 passed in ")
        bash.prompt()
        assert bash.code() == 0
        bash.leave()


@needs_bash
def test_ctrl_z_and_bg(project: Project) -> None:
    """It goes on in the background, and leaves the terminal to the shell."""
    meet(project)
    project.file("test_it.py", WAITING)
    with shell(project) as bash:
        terminal = bash.terminal
        bash.run(f"{FLEETEST} -n2")
        both_running(project, terminal)
        terminal.type(CTRL_Z)
        terminal.expect("Stopped")
        bash.prompt()
        bash.run("bg")
        say(project, "go on")
        terminal.expect("12 passed in ")
        bash.run("wait; echo waited")
        terminal.expect("\nwaited")
        bash.leave()


def test_ctrl_z_without_a_shell(project: Project) -> None:
    """Where nobody could continue a stopped job, as under ``docker run -it``, Ctrl-Z does nothing."""
    meet(project)
    project.file("test_it.py", WAITING)
    with opened(project, FLEETEST, "-n2") as terminal:
        both_running(project, terminal)
        terminal.type(CTRL_Z)
        terminal.expect(r"\^Z")
        say(project, "go on")
        terminal.expect("12 passed in ", 8)
        terminal.wait().check(0)


def test_ctrl_z_at_the_pdb_prompt_without_a_shell(project: Project) -> None:
    project.file("test_it.py", "def test_a():\n    breakpoint()\n" + numbered(3))
    with opened(project, FLEETEST, "-n2") as terminal:
        terminal.expect(PDB)
        terminal.type(CTRL_Z)
        terminal.type("c\n")
        terminal.expect("4 passed in ", 8)
        terminal.wait().check(0)


@needs_bash
def test_ctrl_z_at_the_pdb_prompt(project: Project) -> None:
    """The whole job stops, the other worker included."""
    meet(project)
    project.file(
        "test_it.py",
        spread(
            12,
            "meet.here(worker_id)\nmeet.hear('gw0')\nmeet.hear('gw1')\n"
            "if worker_id == 'gw0' and first:\n    breakpoint()\n"
            "if worker_id == 'gw1' and first:\n    meet.hear('go on')",
        ),
    )
    with shell(project) as bash:
        terminal = bash.terminal
        bash.run(f"{FLEETEST} -n2")
        workers = both_running(project, terminal)
        terminal.expect(PDB)
        terminal.type(CTRL_Z)
        terminal.expect("Stopped")
        bash.prompt()
        terminal.wait_for(lambda: {*map(state_of, workers)} == {"T"}, "the workers to stop", 5)
        bash.run("fg")
        terminal.type("p 6 * 7\n")
        terminal.expect("\n42\r\n")
        say(project, "go on")
        terminal.type("c\n")
        terminal.expect("12 passed in ")
        bash.prompt()
        assert bash.code() == 0
        bash.leave()


@needs_bash
@pytest.mark.xfail(
    reason="a worker continued in the background at its pdb prompt does not wait for the foreground"
)
def test_ctrl_z_at_the_pdb_prompt_and_bg(project: Project) -> None:
    """In the background it may not take the terminal from the shell."""
    project.file("test_it.py", "def test_a():\n    breakpoint()\n" + numbered(3))
    with shell(project) as bash:
        terminal = bash.terminal
        bash.run(f"{FLEETEST} -n2")
        terminal.expect(PDB)
        terminal.type(CTRL_Z)
        terminal.expect("Stopped")
        bash.prompt()
        bash.run("bg")
        bash.prompt()
        for number in range(5):
            assert terminal.foreground() == terminal.running.pid
            bash.run(f"echo still {number} here")
            terminal.expect(f"\nstill {number} here")
        bash.run("fg")
        terminal.type("c\n")
        terminal.expect("4 passed in ")
        bash.prompt()
        bash.leave()


@needs_bash
def test_background(project: Project) -> None:
    """It runs to its end, and leaves the terminal to the shell."""
    project.file("test_it.py", numbered(12))
    with shell(project) as bash:
        terminal = bash.terminal
        bash.run(f"{FLEETEST} -n2 &")
        terminal.expect("12 passed in ")
        bash.run("wait; echo waited")
        terminal.expect("\nwaited")
        bash.leave()


@needs_bash
def test_reading_in_the_background(project: Project) -> None:
    """As any job that reads the terminal in the background it is stopped, until ``fg``."""
    meet(project)
    project.file(
        "test_it.py",
        "import meet\ndef test_a():\n    meet.here('asks')\n    assert input('name? ') == 'bob'\n"
        + numbered(3),
    )
    with shell(project) as bash:
        terminal = bash.terminal
        bash.run(f"{FLEETEST} -n2 -s &")
        terminal.wait_for((project.path / "asks").exists, "the question")
        worker = heard_pid(project, "asks")
        terminal.wait_for(lambda: state_of(worker) == "T", "the worker to be stopped")
        bash.run("fg")
        terminal.type("bob\n")
        terminal.expect("4 passed in ", 8)
        bash.prompt()
        bash.leave()


# ---- what the screen shows ----

STATUS = r"\d+/12(  \d+ failed)?(  [\d:.]+s? left)?(  test_it\.py::\S+ \([\d.]+s\)( \+1)?)?"


def run_waiting(project: Project, *args: str, text: str = WAITING, **options: object) -> Terminal:
    """Start tests that wait, and wait until two are running."""
    meet(project)
    project.file("test_it.py", text)
    terminal = Terminal(project, FLEETEST, "-n2", *args, **options)  # type: ignore[arg-type]
    both_running(project, terminal)
    return terminal


def finish(project: Project, terminal: Terminal) -> None:
    """Let the tests go on, to the end."""
    say(project, "go on")
    terminal.wait()


def test_status_line(project: Project) -> None:
    terminal = run_waiting(project, lines=60)
    try:
        terminal.expect(r"0/12  test_it\.py::test_it\[\d+\] \(\d+\.\ds\) \+1")
        status = terminal.rows()[-1]
        assert re.fullmatch(STATUS, status), status
    finally:
        finish(project, terminal)
        terminal.close()
    assert "12 passed" in terminal.rows()[-1]
    assert "/12" not in "\n".join(terminal.rows())


def test_status_line_counts(project: Project) -> None:
    """Done, failed, and the time left."""
    text = spread(
        12,
        "if len(seen) == 2:\n    meet.here(worker_id)\n    meet.hear('go on')\n"
        "if first and worker_id == 'gw1':\n    assert False",
    )
    terminal = run_waiting(project, text=text, lines=100)
    try:
        terminal.expect(r"2/12  1 failed  [\d:.]+s? left  test_it")
    finally:
        finish(project, terminal)
        terminal.close()
    assert re.search("1 failed, 11 passed", terminal.rows()[-1])


@pytest.mark.parametrize(
    ("args", "env"),
    [
        (("-q",), {}),
        (("-qq",), {}),
        ((), {"TERM": "dumb"}),
        (("-p", "no:terminal"), {}),
    ],
)
def test_no_status_line(project: Project, args: tuple[str, ...], env: dict[str, str]) -> None:
    terminal = run_waiting(project, *args, env=env)
    try:
        for _ in range(3):
            terminal.read(0.15)
    finally:
        finish(project, terminal)
        terminal.close()
    assert "/12" not in terminal.text
    assert "\x1b[J" not in terminal.text
    assert "\x1b[A" not in terminal.text


def test_no_colour(project: Project) -> None:
    terminal = run_waiting(project, env={"NO_COLOR": "1"})
    try:
        terminal.expect("0/12")
    finally:
        finish(project, terminal)
        terminal.close()
    assert not re.search(rb"\x1b\[[\d;]*m", terminal.raw)


def test_no_status_line_in_a_pipe(project: Project) -> None:
    """Even where a terminal is there."""
    meet(project)
    project.file("test_it.py", WAITING)
    out = project.path / "out"
    with out.open("wb") as file, opened(project, FLEETEST, "-n2", stdout=file) as terminal:
        both_running(project, terminal)
        terminal.read(0.3)
        say(project, "go on")
        terminal.wait().check(0)
    assert b"\x1b" not in out.read_bytes()
    assert terminal.raw == b""


@pytest.mark.parametrize("columns", [10, 20, 24, 30, 40])
def test_narrow(project: Project, columns: int) -> None:
    """The status line takes one row or none; at the end the screen is what it would be without."""
    terminal = run_waiting(project, columns=columns, lines=200)
    try:
        if columns >= 24:
            terminal.expect(r"0/12[^\x1b]*\x1b\[K\x1b\[A")
        else:
            for _ in range(3):
                terminal.read(0.15)
        rows = terminal.rows()
        with_status = [row for row in rows if re.match(r"0/12", row)]
        assert len(with_status) == (0 if columns < 24 else 1), rows
    finally:
        finish(project, terminal)
        terminal.close()
    check_like_a_pipe(project, terminal)


def check_like_a_pipe(project: Project, terminal: Terminal, *args: str) -> None:
    """The final screen is what the same run prints to a pipe, wrapped at the edge."""
    pyte = pytest.importorskip("pyte")
    columns, lines = terminal.size
    piped = project.fleetest("-n2", *args, env={"COLUMNS": str(columns)}).out.encode()
    shown = []
    for raw in (terminal.raw, piped.replace(b"\n", b"\r\n")):
        screen = pyte.Screen(columns, lines)
        pyte.ByteStream(screen).feed(re.sub(rb"\d+\.\d\ds", b"N.NNs", raw))
        shown.append("\n".join(row.rstrip() for row in screen.display).rstrip())
    # Above that pytest writes over a line of its own, which goes wrong on a narrow terminal.
    begins = [max(0, text.find("2 workers")) for text in shown]
    assert shown[0][begins[0] :] == shown[1][begins[1] :]


SCREEN = """
import time, warnings
import pytest

@pytest.mark.parametrize("number", range(30))
def test_passing(number):
    time.sleep(0.01)

def test_failing():
    print("captured")
    time.sleep(0.2)
    assert [1, 2, 3] == [1, 2, 4]

def test_warning():
    warnings.warn("take care")
    time.sleep(0.2)

@pytest.mark.skip(reason="no")
def test_skipped():
    pass
"""


@pytest.mark.parametrize("args", [(), ("-ra",), ("--tb=short",), ("-q",)])
def test_final_screen_is_like_a_pipe(project: Project, args: tuple[str, ...]) -> None:
    project.file("test_it.py", SCREEN)
    with opened(project, FLEETEST, "-n2", "--ordered", *args, lines=200) as terminal:
        terminal.wait().check(1)
    check_like_a_pipe(project, terminal, "--ordered", *args)


@pytest.mark.parametrize("lines", [3, 5, 24])
def test_scrolling(project: Project, lines: int) -> None:
    """At the bottom of a small screen too, nothing of the status line is left in what scrolls off."""
    pyte = pytest.importorskip("pyte")
    project.file("test_it.py", SCREEN)
    with opened(project, FLEETEST, "-n2", "-v", lines=lines) as terminal:
        terminal.wait().check(1)
    screen = pyte.HistoryScreen(80, lines, history=2000, ratio=1)
    pyte.ByteStream(screen).feed(terminal.raw)
    shown = [
        "".join(row[column].data for column in range(80)).rstrip() for row in screen.history.top
    ]
    shown += [row.rstrip() for row in screen.display]
    assert not [row for row in shown if re.match(r"\d+/33", row)]
    for number in range(30):
        assert sum(f"PASSED test_it.py::test_passing[{number}]" in row for row in shown) == 1


NAMES = """
import time
import pytest

NAMES = ["\\x1b[2Jclear", "\\x1b]0;title\\x07", "new\\nline", "tab\\tular", "\\r", "back\\bspace",
         "漢字" * 30, "e\\u0301" * 50, "\\u202eright", "👩\\u200d👩", "x" * 300]

@pytest.mark.parametrize("name", NAMES, ids=NAMES)
def test_it(name):
    time.sleep(0.15)
"""


@pytest.mark.parametrize("columns", [30, 80])
def test_names_do_not_garble_the_status_line(project: Project, columns: int) -> None:
    pyte = pytest.importorskip("pyte")
    project.file(
        "pytest.ini",
        "[pytest]\ndisable_test_id_escaping_and_forfeit_all_rights_to_community_support = 1\n",
    )
    project.file("test_it.py", NAMES)
    with opened(project, FLEETEST, "-n2", columns=columns, lines=60) as terminal:
        rows: list[str] = []
        screen = pyte.Screen(columns, 60)
        stream = pyte.ByteStream(screen)
        fed = 0
        while terminal.running.process.poll() is None:
            terminal.read(0.02)
            stream.feed(terminal.raw[fed:])
            fed = len(terminal.raw)
            rows += [row for row in screen.display if re.match(r"\d+/11", row)]
            assert sum(bool(re.match(r"\d+/11", row)) for row in screen.display) <= 1, (
                screen.display
            )
        terminal.wait().check(0)
    assert rows
    assert "\x1b]0;" not in terminal.text
    assert "\x1b[2J" not in terminal.text
    assert "\u202e" not in terminal.text
    final = terminal.rows()
    assert "11 passed" in "\n".join(final[-3:])
    assert not [row for row in final if re.match(r"\d+/11", row)]


def test_unfinished_lines_stay(project: Project) -> None:
    """The status line does not make the cursor forget a line that a test has not ended."""
    text = spread(
        12,
        "if first and worker_id == 'gw0':\n    print('half a line', end='')\n"
        "elif len(seen) == 2 or first:\n    meet.here(worker_id)\n    meet.hear('go on')",
    )
    terminal = run_waiting(project, "-s", text=text, lines=60)
    try:
        for _ in range(4):
            terminal.read(0.15)
    finally:
        finish(project, terminal)
        terminal.close()
    assert any("half a line" in row for row in terminal.rows()), terminal.rows()


def test_resize(project: Project) -> None:
    """A narrower terminal wraps nothing; the status line has the new width."""
    pyte = pytest.importorskip("pyte")
    terminal = run_waiting(project, lines=60, columns=100)
    try:
        terminal.expect("0/12 .*test_it")
        terminal.resize(30, 60)
        terminal.unseen()
        terminal.raw, terminal._seen, terminal.size = b"", 0, (30, 60)
        terminal.expect("0/12")
        terminal.expect("0/12")
        screen = pyte.Screen(30, 60)
        pyte.ByteStream(screen).feed(terminal.raw)
        status = [row for row in screen.display if "0/12" in row]
        assert len(status) == 1
        assert len(status[0].rstrip()) < 30
        assert not any("test_it" in row and "0/12" not in row for row in screen.display)
    finally:
        finish(project, terminal)
        terminal.close()
    assert "12 passed" in terminal.text


def test_colours_as_pytest(project: Project) -> None:
    """On a terminal the reports of workers are coloured."""
    project.file("test_it.py", FAILING)
    with opened(project, FLEETEST, "-n2") as terminal:
        result = terminal.wait().check(1)
    assert "\x1b[31mF\x1b[0m" in result.out
    assert "\x1b[32m.\x1b[0m" in result.out
    assert re.search(r"\x1b\[1m\x1b\[31mE +assert 40 == 0", result.out)


def test_terminal_is_as_before_after_a_run(project: Project) -> None:
    """No mode is changed, the cursor is in the first column, the cursor is shown."""
    project.file("test_it.py", numbered(12, "import time; time.sleep(0.05)"))
    with led(project, FLEETEST, "-n2") as terminal:
        before = terminal.modes()
        terminal.expect("12 passed in ")
        left_as_it_was(terminal, 0)
        assert terminal.modes() == before
        terminal.wait()
        assert terminal.screen().cursor.x == 0
        assert not terminal.screen().cursor.hidden

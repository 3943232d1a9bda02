"""A worker gets the terminal: debuggers and input."""

from __future__ import annotations

import os
import re
import signal

import pytest
from lab import FLEETEST, Project, numbered
from meeting import (
    all_gone,
    children_of,
    controller_of,
    controllers_below,
    heard_pid,
    meet,
    say,
    state_of,
)
from pty_lab import CTRL_C, UP, Terminal, led, left_as_it_was
from terminal_lab import (
    ASKS,
    FAILING,
    PDB,
    WANTS_PDB,
    both_running,
    spread,
)

BOTH_WAYS = True


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


@pytest.mark.parametrize("method", ["fork", "configure", "conftests", "spawn"])
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


@pytest.mark.parametrize("method", ["fork", "configure", "conftests", "spawn"])
def test_input(project: Project, method: str) -> None:
    project.file(
        "test_it.py", "def test_a():\n    assert input('your name? ') == 'bob'\n" + numbered(3)
    )
    with led(project, FLEETEST, "-n2", "-s", "--start-method", method) as terminal:
        terminal.expect(r"your name\? ")
        terminal.type("bob\n")
        terminal.expect("4 passed in ")
        left_as_it_was(terminal, 0)


def test_input_and_then_pdb(project: Project) -> None:
    """The worker has the terminal already when it asks for it."""
    project.file(
        "test_it.py",
        "def test_a():\n    assert input('your name? ') == 'bob'\n    breakpoint()\n" + numbered(3),
    )
    with led(project, FLEETEST, "-n1", "-s") as terminal:
        terminal.expect("your name[?] ")
        terminal.type("bob\n")
        terminal.expect(PDB)
        terminal.type("c\n")
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


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize("mode", ["'r'", "'w+b', buffering=0", "b'rw'.decode()[0], closefd=True"])
def test_opening_the_terminal(project: Project, workers: str, mode: str) -> None:
    project.file(
        "test_it.py",
        f"""
        def test_a():
            with open("/dev/tty", {mode}) as terminal:
                assert terminal.isatty() and terminal.name == "/dev/tty"
                if "w" in {mode.partition(",")[0]}:
                    terminal.write(b"name? ")
                assert terminal.readline().strip() in ("bob", b"bob")
            assert terminal.closed
        """,
    )
    with led(project, FLEETEST, workers, "-s") as terminal:
        terminal.expect("collected 1 item")
        terminal.type("bob\n")
        terminal.expect("1 passed in ", 8)
        left_as_it_was(terminal, 0)


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
        terminal.type(CTRL_C)
        terminal.press_until("\n", "--KeyboardInterrupt--")
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
        if not project.through_daemon:
            assert terminal.foreground() == worker
        client = children_of(terminal.running.pid)[0]
        controller = controllers_below(client)[0]
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
        terminal.type("p value\n")
        holder = terminal.expect(r"this is (gw\d)").group(1)
        os.kill(heard_pid(project, holder), signal.SIGKILL)
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
        controller = controllers_below(client)[0]
        everybody = [client, controller, *children_of(controller)]
        os.kill(client, number)
        terminal.wait_for(lambda: not all_gone(everybody, 0), "the end of all processes", 8)
        # By way of the daemon the worker may write while the command's end is told.
        terminal.expect(f"(?s)leader:.*? -{int(number)} ")


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
        terminal.expect(r"ask gw\d\? ")
        if not project.through_daemon:
            other = next(pid for pid in workers if pid != terminal.foreground())
            terminal.wait_for(lambda: state_of(other) == "T", "the other one to be stopped")
        terminal.type(CTRL_C)
        terminal.press_until("\n", r" in \d+\.\d\ds")
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

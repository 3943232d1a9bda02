"""Ctrl-C, Ctrl-Z and the background, as a shell has them."""

from __future__ import annotations

import pytest
from lab import FLEETEST, Project, numbered
from meeting import (
    all_gone,
    heard_pid,
    meet,
    say,
    state_of,
)
from pty_lab import CTRL_C, CTRL_Z, led, left_as_it_was, opened, shell
from terminal_lab import (
    PDB,
    WAITING,
    both_running,
    needs_bash,
    spread,
)

BOTH_WAYS = True


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
            bash.run(f"echo still {number} here", 2)
            terminal.expect(f"\nstill {number} here", 2)
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
@pytest.mark.parametrize("read", ["input('name? ')", "open('/dev/tty').readline().strip()"])
def test_reading_in_the_background_without_workers(project: Project, read: str) -> None:
    """The job is stopped, as plain pytest would be, and what is typed is the shell's."""
    meet(project)
    project.file(
        "test_it.py",
        f"import meet\ndef test_a():\n    meet.here('asks')\n    assert {read} == 'bob'\n",
    )
    with shell(project) as bash:
        terminal = bash.terminal
        bash.run(f"{FLEETEST} -n0 -s &")
        terminal.wait_for((project.path / "asks").exists, "the question")
        bash.run("wait %1; jobs")  # until it is stopped
        terminal.expect("Stopped")
        bash.run("echo what is typed is $((6 * 7))")
        terminal.expect("what is typed is 42")
        bash.run("fg")
        terminal.type("bob\n")
        terminal.expect("1 passed in ", 8)
        bash.prompt()
        bash.leave()


@needs_bash
@pytest.mark.parametrize("wrapped", [False, True])
def test_stopped_reader_is_ended(project: Project, wrapped: bool) -> None:
    """``kill`` of the job lets it go on to end, also if it is below a shell that is part of the job."""
    if wrapped and not project.through_daemon:
        pytest.skip("that is between the kernel and plain pytest")
    meet(project)
    project.file(
        # Not input(): readline sets modes of the terminal, which the shell has by then.
        "test_it.py",
        "import meet, sys\ndef test_a():\n    meet.here('asks')\n    sys.stdin.readline()\n",
    )
    command = f"sh -c '{FLEETEST} -n0 -s; echo code $?'" if wrapped else f"{FLEETEST} -n0 -s"
    with shell(project) as bash:
        bash.run(f"{command} &")
        bash.terminal.wait_for((project.path / "asks").exists, "the question")
        bash.run("wait %1; jobs")
        bash.terminal.expect("Stopped")
        bash.run("kill %1")
        assert not all_gone([heard_pid(project, "asks")], 10), "it goes on"
        # bash overlooks the end of a job that was continued and dies at once, until it waits for another.
        bash.run("while kill -0 $! 2>/dev/null; do env true; done; echo over after $((6 * 7))")
        bash.terminal.expect("over after 42")
        bash.prompt()
        bash.leave()


@needs_bash
def test_reading_where_nobody_can_be_stopped(project: Project) -> None:
    """A read fails as the kernel has it fail."""
    project.file("test_it.py", "import os\ndef test_a():\n    os.read(0, 1)\n")
    with shell(project) as bash:
        bash.run(f"(trap '' TTIN; exec {FLEETEST} -n0 -s) & wait")
        bash.terminal.expect(r"OSError: \[Errno 5\]")
        bash.terminal.expect("1 failed in ", 8)
        bash.leave()


@needs_bash
def test_reading_in_the_background(project: Project) -> None:
    """As any job that reads the terminal in the background it waits, until ``fg``."""
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
        if not project.through_daemon:
            terminal.wait_for(lambda: state_of(worker) == "T", "the worker to be stopped")
        bash.run("echo what is typed is $((6 * 7))")  # is the shell's
        terminal.expect("what is typed is 42")
        bash.run("fg")
        terminal.type("bob\n")
        terminal.expect("4 passed in ", 8)
        bash.prompt()
        bash.leave()

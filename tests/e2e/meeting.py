"""Lets a test and the processes of the run that it started wait for each other, and finds these."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import daemon_lab
from lab import Project, Running, wait_for

MODULE = '''
"""Events as files in the project's folder."""
import os
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def say(name, text=""):
    """Make an event known."""
    path = os.path.join(HERE, name)
    with open(f"{path}~{os.getpid()}", "w") as file:
        file.write(text)
    os.replace(f"{path}~{os.getpid()}", path)


def hear(name, timeout=30):
    """Wait for an event."""
    deadline = time.monotonic() + timeout
    while not os.path.exists(os.path.join(HERE, name)):
        assert time.monotonic() < deadline, "waited in vain for " + name
        time.sleep(0.002)


def log(line, name="log"):
    """Append a line, whole whoever else does the same."""
    fd = os.open(os.path.join(HERE, name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, (line + "\\n").encode())
    os.close(fd)


def here(name):
    """Make known that this process has come here, with its pid."""
    say(name, str(os.getpid()))


def leave_a_child():
    """Fork a process that stays until the run is over, and comes to "child"."""
    if os.fork() == 0:
        try:
            here("child")
            hear("run is over")
        finally:
            os._exit(0)
    hear("child")
'''
"""The module ``meet`` of a project; its conftest or tests may import it."""


def meet(project: Project) -> None:
    """Give the project the module, and a conftest that makes it importable everywhere."""
    project.file("meet.py", MODULE)
    if not (project.path / "conftest.py").exists():
        project.file("conftest.py", "import meet\n")


def say(project: Project, name: str) -> None:
    """Make an event known to the project's tests."""
    (project.path / name).touch()


def heard(project: Project, name: str, timeout: float = 20.0) -> str:
    """Wait for an event of the project's tests; the text that came with it."""
    path = project.path / name
    wait_for(path.exists, f"the event {name}", timeout)
    return path.read_text("utf-8")


def heard_pid(project: Project, name: str) -> int:
    """Wait for an event of ``meet.here``; the process that was there."""
    return int(heard(project, name))


def parent_of(pid: int) -> int:
    """The parent of a process; 0 if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def state_of(pid: int) -> str:
    """The state of a process: R, S, T (stopped), Z ...; empty if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[0]


def children_of(pid: int) -> list[int]:
    """The living children of a process, oldest first."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    return [int(word) for word in text.split() if state_of(int(word)) not in ("", "Z")]


def controllers_below(client: int) -> list[int]:
    """The controllers of a client: its children, or the grandchildren of the daemon that it has started."""
    found = []
    for child in children_of(client):
        if daemon_lab.is_daemon(child):
            parked = children_of(child)
            found += [pid for process in parked for pid in children_of(process)]
        else:
            found.append(child)
    return found


def controller_of(running: Running) -> int:
    """The process of a run's controller, once it is there."""
    return wait_for(lambda: controllers_below(running.pid), "the controller")[0]


def spare_of(controller: int, workers: list[int]) -> int:
    """The child of the controller that is no worker."""

    def others() -> list[int]:
        return [pid for pid in children_of(controller) if pid not in workers]

    found = wait_for(others, "the spare")
    assert len(found) == 1, found
    return found[0]


def peak_kib(pid: int) -> int:
    """The most memory that a process has had resident so far, in KiB; 0 if it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def all_gone(pids: list[int], timeout: float = 5.0) -> list[int]:
    """Wait until the processes are gone (or dead and unreaped); those that are not."""
    deadline = time.monotonic() + timeout
    while True:
        left = [pid for pid in pids if state_of(pid) not in ("", "Z")]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.01)


def kill_quietly(pid: int, number: int) -> None:
    """Send a signal to a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)

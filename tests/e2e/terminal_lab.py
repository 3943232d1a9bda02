"""Projects for the tests that run in a pseudo-terminal."""

from __future__ import annotations

import shutil

import pytest
from lab import Project
from pty_lab import Terminal

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

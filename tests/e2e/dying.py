"""A project with a test that dies, and others that must not suffer from it."""

from __future__ import annotations

import re
from collections import Counter

from lab import Project, Result
from meeting import meet

DEATHS = {
    "segv": ("faulthandler._sigsegv()", "killed by signal 11 (SIGSEGV)"),
    "abort": ("os.abort()", "killed by signal 6 (SIGABRT)"),
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", "killed by signal 9 (SIGKILL)"),
    "exit0": ("os._exit(0)", "exited with status 0"),
    "exit3": ("os._exit(3)", "exited with status 3"),
}
PHASES = ("setup", "call", "teardown")
OTHERS = 8

DYING = """
import faulthandler, os, signal
import pytest
from meet import log

def die(phase):
    if phase == {phase!r}:
        print("last words in", phase, flush=True)
        {how}

@pytest.fixture
def dying():
    die("setup")
    yield
    die("teardown")

def test_dying(dying):
    log("dying")
    die("call")

@pytest.mark.parametrize("number", range({others}))
def test_other(number):
    log(f"other {{number}}")
"""


def write_dying(project: Project, how: str, phase: str = "call", others: int = OTHERS) -> None:
    """A test that dies, and others that log that they ran."""
    meet(project)
    project.file("test_dying.py", DYING.format(how=how, phase=phase, others=others))


def check_others_ran_once(project: Project, others: int = OTHERS) -> None:
    """Each of the other tests ran once, and the dying one at most once."""
    ran = Counter(project.logged())
    assert ran.pop("dying", 0) <= 1
    assert ran == {f"other {number}": 1 for number in range(others)}


def failure_of(result: Result, name: str) -> str:
    """The part of the output that shows a test's failure."""
    found = re.search(rf"^_+ {re.escape(name)} _+$(.*?)(?=^[_=]{{3,}})", result.out, re.M | re.S)
    assert found, f"no failure of {name}\n{result}"
    return found[1]

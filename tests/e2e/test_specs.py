"""``--tx``: workers asked for one by one, in execnet's notation."""

from __future__ import annotations

import sys

import pytest
from lab import Project, numbered
from observing import NOTE, notes

TEST = """
import os, sys
import pytest
from note import note

@pytest.mark.parametrize("n", range(4))
def test_it(n, worker_id):
    note([worker_id, os.environ.get("COLOUR"), os.getcwd(), os.path.realpath(sys.executable)])
"""


def write(project: Project) -> None:
    """Tests that note down in which worker they are."""
    project.file("note.py", NOTE.replace("open(name", f"open({str(project.path)!r} + '/' + name"))
    project.file("test_it.py", TEST)
    project.file("pytest.ini", "[pytest]\npythonpath = .")


def seen(project: Project, *args: str) -> dict[str, list[object]]:
    """Worker -> environment, folder and interpreter, with every worker running every test."""
    project.fleetest("--dist=each", *args).check(0)
    found = {str(entry[0]): entry[1:] for entry in notes(project)}  # type: ignore[index]
    return dict(sorted(found.items()))


def test_plain_ones_are_forked(project: Project) -> None:
    """``--tx 3*popen`` is ``-n 3``."""
    write(project)
    result = project.fleetest("--tx", "2*popen", "--tx=popen").check(0).counts(passed=4)
    result.lines("fleetest: *workers forked after collection", "created: 3/3 workers")


def test_environment_and_id(project: Project) -> None:
    """Each worker has its own."""
    write(project)
    found = seen(project, "--tx", "popen//env:COLOUR=red//id=left", "--tx=2*popen//env:COLOUR=a=b")
    assert {worker: values[0] for worker, values in found.items()} == {
        "left": "red",
        "gw0": "a=b",
        "gw1": "a=b",
    }


def test_interpreter(project: Project) -> None:
    """Another Python, with options."""
    write(project)
    found = seen(project, f"--tx=popen//python={sys.executable} -Wignore", "--tx", "popen")
    assert len(found) == 2


def test_the_folder(project: Project) -> None:
    """It is made if it is not there; the project is where it is."""
    write(project)
    folders = [str(project.path / "elsewhere"), str(project.path)]
    for args in ((), (".",), ("test_it.py",), ("test_it.py::test_it", "-k", "not none")):
        found = seen(project, "--tx", "popen//chdir=elsewhere", "--tx", "popen", *args)
        assert [values[1] for values in found.values()] == folders


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("ssh=host//python=python3", "ssh= needs a host agent"),
        ("socket=host:8888", "socket= needs a host agent"),
        ("popen//via=there", "via= needs a host agent"),
        ("popen//colour=red", "'colour=red' is not known"),
        ("popen//nice=5", "'nice=5' is not known"),
        ("popen//env:=red", "'env:=red' is not known"),
        ("python=python3", "'python=python3' does not say 'popen'"),
        ("popen=1", "'popen=1' is not known"),
        ("", "'' is not known"),
        ("popen//_id=a", "'_id' begins with an underscore"),
    ],
)
def test_what_is_not_understood(project: Project, spec: str, message: str) -> None:
    """One line, and nothing is run."""
    project.file("test_it.py", numbered(2))
    result = project.fleetest("--tx", spec).check(4)
    result.err_lines(f"ERROR: --tx {spec}: {message}*")


def test_an_id_twice(project: Project) -> None:
    """Ids are names of folders and reports."""
    result = project.fleetest("--tx", "2*popen//id=a").check(4)
    result.err_lines("ERROR: --tx: the id a is there twice")


def test_an_interpreter_that_is_not_there(project: Project) -> None:
    """One line, and no worker is left."""
    write(project)
    result = project.fleetest(
        "-d", "--tx", "popen//env:A=b", "--tx", "popen//python=/no/such/python"
    )
    result.check(4).err_lines("ERROR: a worker cannot be started: *'/no/such/python'")


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("/bin/false", ""),
        (f"{sys.executable} -S -I", "cannot load fleetest: install it there"),
    ],
)
def test_an_interpreter_that_cannot_be_used(project: Project, python: str, said: str) -> None:
    """The run ends, with a message, however many restarts are allowed."""
    write(project)
    result = project.fleetest("-d", "--tx", f"2*popen//python={python}").check(1)
    assert said in result.err
    result.lines("*xdist: worker gw? crashed before it was ready*")
    result.lines("*fleetest: 4 tests were not run: no worker is left*")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--px", "popen//id=p"), "--px: proxies need a host agent*"),
        (("-f",), "--looponfail: this version of fleetest does not watch files*"),
    ],
)
def test_what_there_is_not(project: Project, args: tuple[str, ...], message: str) -> None:
    """Options of xdist that would do nothing are refused."""
    project.file("test_it.py", numbered(2))
    project.fleetest(*args).check(4).err_lines(f"ERROR: {message}")


def test_ini_keys_of_xdist_are_known(project: Project) -> None:
    """A project that has them is not warned."""
    project.file("pytest.ini", "[pytest]\nrsyncdirs = .\nrsyncignore = *.o\nlooponfailroots = .")
    project.file("test_it.py", numbered(2))
    result = project.fleetest("-n", "2", "--strict-config").check(0)
    result.no_line("*Unknown config*")


def test_pytest_with_the_plugin(project: Project) -> None:
    """As under xdist, neither --dist nor --tx spreads alone."""
    project.file("test_it.py", numbered(4))
    arguments = ("-m", "pytest", "-p", "fleetest")
    project.python(*arguments, "--dist", "load").check(0).no_line("created:*")
    project.python(*arguments, "--tx", "popen").check(0).no_line("created:*")
    project.python(*arguments, "-d", "--tx", "2*popen").check(0).lines("created: 2/2 workers")

"""The worker that stands by beside the next run's controller."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ahead_runs import AHEAD, again, prepare, said, standing_by
from daemon_runs import start_of
from lab import Project, wait_for
from meeting import all_gone

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="there is none with a single processor"
)

TEST = """
import json, os, random, sys

def say(name):
    fds = [*map(int, os.listdir("/proc/self/fd"))]
    told = {
        "pid": os.getpid(), "parent": os.getppid(), "name": name, "argv": sys.argv,
        "low": sorted(fd for fd in fds if fd < 10), "fds": len(fds), "drawn": random.random(),
        "worker": os.environ["PYTEST_XDIST_WORKER"], "folder": os.getcwd(),
        "group": os.getpgid(0) == os.getpid(), "variable": os.environ.get("ITS_VALUE"),
        "processors": sorted(os.sched_getaffinity(0)),
    }
    with open(OUT + "/said", "a") as file:
        file.write(json.dumps(told) + chr(10))

def test_a(): say("test_a")
def test_b(): say("test_b")

class TestC:
    def test_c(self): say("test_c")
"""
"""Each test says where it runs, outside of what a snapshot depends on."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the tests of the project write to."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def ahead(project: Project, out: Path) -> Project:
    """A project whose runs go on from a snapshot."""
    project.env.update(AHEAD)
    project.file("test_a.py", f"OUT = {str(out)!r}\n{TEST}")
    return project


def in_time(project: Project, out: Path, *args: str, **options: Any) -> list[dict[str, Any]]:
    """What tests say in a run whose first worker is the one that stood by; on a busy machine it may be late."""

    def run() -> list[dict[str, Any]]:
        controller, (worker, *_) = standing_by(project)
        again(project, *args, **options).check(0)
        tests = said(out)
        assert {one["parent"] for one in tests} == {controller}
        return tests if worker in {one["pid"] for one in tests} else []

    return wait_for(run, "a worker that is in time", 60)


def without(project: Project, out: Path, *args: str, **options: Any) -> list[dict[str, Any]]:
    """Likewise of a run for which none stands by any more."""
    _, (worker, *_) = standing_by(project)
    os.kill(worker, signal.SIGKILL)
    again(project, *args, **options).check(0)
    tests = said(out)
    assert worker not in {one["pid"] for one in tests}
    return tests


@pytest.mark.parametrize("named", [(), ("test_a.py::test_a",)])
def test_it_runs_the_tests(ahead: Project, out: Path, named: tuple[str, ...]) -> None:
    """Under the first worker's name, as a child of the controller."""
    prepare(ahead, "-n2", *named)
    said(out)
    count = 1 if named else 3
    for _ in range(2):
        tests = in_time(ahead, out, "-n2", *named)
        assert len(tests) == count
        assert len({one["pid"] for one in tests if one["worker"] == "gw0"}) == 1


def test_it_is_as_a_worker_that_is_forked(ahead: Project, out: Path) -> None:
    """But for its random numbers, which are different ones in each run."""
    args = ("-n1", "test_a.py::test_a")
    prepare(ahead, *args)
    said(out)
    shown = [*in_time(ahead, out, *args), *without(ahead, out, *args), *in_time(ahead, out, *args)]
    assert all(one["group"] for one in shown)
    assert shown[0]["processors"] == sorted(os.sched_getaffinity(0))
    own = {"pid", "parent", "drawn"}
    assert len({json.dumps({key: one[key] for key in one.keys() - own}) for one in shown}) == 1
    assert len({one["drawn"] for one in shown}) == 3


def test_a_class_that_is_named(ahead: Project, out: Path) -> None:
    """It is collected in the run, by the project's own code: once, by the controller."""
    prepare(ahead, "-n1", "test_a.py::test_a")
    said(out)
    _, workers = standing_by(ahead)
    again(ahead, "-n1", "test_a.py::TestC::test_c").check(0).counts(passed=1)
    (one,) = said(out)
    assert one["pid"] not in workers
    assert all_gone(workers) == []


def test_one_pipe_for_both_streams(ahead: Project, out: Path) -> None:
    """It has as many descriptors as one that is forked."""
    prepare(ahead, "-n1", stderr=subprocess.STDOUT)
    said(out)
    options = {"stderr": subprocess.STDOUT}
    shown = [in_time(ahead, out, "-n1", **options), without(ahead, out, "-n1", **options)]
    counts = [tests[0]["fds"] for tests in shown]
    assert counts[0] == counts[1]


def test_many_long_names(ahead: Project, out: Path) -> None:
    """More than fits into a message that comes with descriptors."""
    names = [f"test_{number}_{'x' * 60}" for number in range(60)]
    ahead.file("test_b.py", "".join(f"def {name}(): pass\n" for name in names))
    arguments = ["-n1", *(f"test_b.py::{name}" for name in names)]
    prepare(ahead, *arguments)
    _, (worker, *_) = standing_by(ahead)
    again(ahead, *arguments).check(0).counts(passed=60)
    assert all_gone([worker]) == []


@pytest.mark.parametrize(
    "conftest",
    [
        "def pytest_collection_modifyitems(items): pass",
        "def pytest_configure_node(node): pass",
        "def pytest_collection_finish(session): pass",
        "def pytest_exception_interact(node): pass",
        (
            "def pytest_sessionstart(session):\n    reporter = session.config.pluginmanager.get_plugin"
            "('terminalreporter')\n    reporter.write_sep = reporter.write_sep"
        ),
    ],
)
def test_none_where_the_project_does_something_on_the_way(
    ahead: Project, out: Path, conftest: str
) -> None:
    """It would be done twice."""
    ahead.file("conftest.py", conftest)
    prepare(ahead, "-n2")
    assert standing_by(ahead)[1] == []
    assert start_of(again(ahead, "-n2").check(0).counts(passed=3)) == "warm"


def test_none_without_a_number_of_workers(ahead: Project) -> None:
    """Such runs may need none."""
    prepare(ahead)
    assert standing_by(ahead)[1] == []


def test_no_workers(ahead: Project, out: Path) -> None:
    """A run of the same snapshot that needs none ends it."""
    prepare(ahead, "-n2")
    said(out)
    controller, workers = standing_by(ahead)
    assert start_of(again(ahead, "-n0", env={"PYTEST_XDIST_WORKER": "none"})).startswith("warm")
    assert all_gone(workers) == []
    assert {one["pid"] for one in said(out)} & {controller, *workers} <= {controller}


def test_tests_that_are_left_out(ahead: Project, out: Path) -> None:
    """Its tests are numbered as those that were collected: it cannot be one of the workers."""
    prepare(ahead, "-n2")
    said(out)
    _, workers = standing_by(ahead)
    result = again(ahead, "-n2", "-k", "test_b")
    result.check(0).counts(passed=1, deselected=2)
    (one,) = said(out)
    assert one["name"] == "test_b"
    if start_of(result) == "warm":
        assert one["pid"] not in workers
    assert all_gone(workers) == []


def test_a_name_that_is_not_there(ahead: Project, out: Path) -> None:
    """The error is shown once, and nobody is left."""
    prepare(ahead, "-n2", "test_a.py::test_a")
    _, workers = standing_by(ahead)
    result = ahead.fleetest("-n2", "test_a.py::test_z", leaves=True).check(4)
    assert (result.out + result.err).count("not found: ") == 1
    assert all_gone(workers) == []


def test_the_project_reaps_what_there_is(ahead: Project) -> None:
    """At the end of a session without tests there is no child any more."""
    ahead.file(
        "conftest.py",
        """
        import os
        def pytest_sessionfinish(session):
            try:
                print("child", os.waitpid(-1, os.WNOHANG))
            except ChildProcessError:
                print("no child")
        """,
    )
    prepare(ahead, "-n1", "test_a.py::test_a")
    _, workers = standing_by(ahead)
    result = ahead.fleetest("-n1", "test_a.py::test_z", leaves=True).check(4)
    assert "no child" in result.out
    assert all_gone(workers) == []


def test_killed_on_its_way(ahead: Project, out: Path) -> None:
    """The run goes on without."""
    prepare(ahead, "-n2")
    said(out)
    _, (worker, *_) = standing_by(ahead)
    os.kill(worker, signal.SIGSTOP)
    run = ahead.start_fleetest("-n2")
    run.wait(leaves=True).check(0).counts(passed=3)
    assert worker not in {one["pid"] for one in said(out)}
    assert all_gone([worker]) == []


def test_ends_with_the_controller(ahead: Project) -> None:
    prepare(ahead, "-n2")
    controller, workers = standing_by(ahead)
    os.kill(controller, signal.SIGKILL)
    assert all_gone([controller, *workers]) == []
    again(ahead, "-n2").check(0).counts(passed=3)

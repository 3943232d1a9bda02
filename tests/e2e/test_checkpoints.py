"""Workers made from checkpoints: the session as it was before its conftests or its configuration."""

from __future__ import annotations

import pytest
from lab import Project, numbered
from meeting import meet
from observing import NOTE, notes

CHECKPOINTS = pytest.mark.parametrize("method", ["configure", "conftests"])
OWN_SESSIONS = pytest.mark.parametrize("method", ["configure", "conftests", "spawn"])

PLAIN = "import os\n"

AT_CONFIGURATION = """
    import os

    def pytest_configure(config):
        os.environ.get("PYTEST_XDIST_WORKER")
"""

AT_IMPORT = """
    import os
    os.environ.get("PYTEST_XDIST_WORKER")
"""


def where(project: Project, *args: str) -> str:
    """How the workers of a run are made, as the header says."""
    result = project.fleetest("-n", "2", *args).check(0)
    start = "fleetest: cold (FLEETEST_DAEMON is 0); workers "
    line = next(line for line in result.out.splitlines() if line.startswith(start))
    print(line)  # with the reason, for whoever reads why this has failed
    return line[len(start) :].partition(" (")[0]


def test_what_was_of_use_is_parked_again(project: Project) -> None:
    """A run after a change may have to spawn; the next one knows."""
    project.file("test_it.py", numbered(4))
    seen = []
    for conftest in (AT_IMPORT, AT_CONFIGURATION, PLAIN, AT_CONFIGURATION, AT_IMPORT):
        project.file("conftest.py", conftest)
        seen += [where(project), where(project)]
    assert seen == [
        *("forked before the conftests", "forked before the conftests"),
        *("forked before the conftests", "forked before configuration"),
        *("forked after collection", "forked after collection"),
        *("spawned", "forked before configuration"),
        *("spawned", "forked before the conftests"),
    ]


def test_without_records(project: Project) -> None:
    """Each run is the first."""
    project.file("test_it.py", numbered(4))
    project.file("conftest.py", PLAIN)
    assert where(project, "-p", "no:cacheprovider") == "forked after collection"
    project.file("conftest.py", AT_CONFIGURATION)
    assert where(project, "-p", "no:cacheprovider") == "forked before configuration"


@pytest.mark.parametrize("how", ["-p", "addopts", "PYTEST_PLUGINS"])
def test_a_plugin_that_asks_at_import(project: Project, how: str) -> None:
    """It was imported before all checkpoints."""
    project.file("asking.py", AT_IMPORT)
    project.file("test_it.py", numbered(4))
    project.env["PYTHONPATH"] = str(project.path)
    args = ["-p", "asking"] if how == "-p" else []
    if how == "addopts":
        project.file("pytest.ini", "[pytest]\naddopts = -p asking\n")
    if how == "PYTEST_PLUGINS":
        project.env["PYTEST_PLUGINS"] = "asking"
    result = project.fleetest("-n", "2", *args).check(0).counts(passed=4)
    result.lines("*workers spawned (asking.py:2 asked for PYTEST_XDIST_WORKER)")


def test_checkpoints_that_are_killed(project: Project) -> None:
    """Workers are spawned in their place."""
    project.file(
        "conftest.py",
        """
        import os, signal

        NAME = os.environ.get("PYTEST_XDIST_WORKER")

        def pytest_collection_finish(session):
            if NAME is None:
                with open("/proc/thread-self/children") as children:
                    for pid in children.read().split():
                        os.kill(int(pid), signal.SIGKILL)
        """,
    )
    project.file("test_it.py", numbered(4))
    project.fleetest("-n", "2").check(0).counts(passed=4)


@OWN_SESSIONS
def test_crashed_workers_are_replaced(project: Project, method: str) -> None:
    """From the same checkpoint, as often as needed."""
    project.file("test_it.py", numbered(6, "import os; os._exit(3)"))
    result = project.fleetest("-n", "2", f"--start-method={method}").check(1).counts(failed=6)
    result.lines("replacing crashed worker gw0").lines("replacing crashed worker gw1")


@OWN_SESSIONS
def test_no_test_runs_before_all_have_collected(project: Project, method: str) -> None:
    """What a session does until then may be meant for a time without tests, as under pytest-xdist."""
    meet(project)
    project.file(
        "conftest.py",
        """
        import meet, os
        from meet import hear, log

        def pytest_collection_finish(session):
            name = os.environ.get("PYTEST_XDIST_WORKER")
            if name == "gw1":
                hear("gw0 has collected")
            if name:
                log("collected")
                meet.say(f"{name} has collected")
        """,
    )
    project.file("test_it.py", numbered(4, "import meet; meet.log('test')"))
    project.fleetest("-n", "2", f"--start-method={method}").check(0)
    assert project.logged() == ["collected"] * 2 + ["test"] * 4


@OWN_SESSIONS
def test_the_environment_is_the_controllers(project: Project, method: str) -> None:
    """What its hooks have set there reaches the workers, as under pytest-xdist."""
    project.file("note.py", NOTE)
    project.file(
        "conftest.py",
        """
        import os

        def pytest_configure(config):
            if not hasattr(config, "workerinput"):
                os.environ["DATABASE"] = "one for all"
                os.environ.pop("HOME")
        """,
    )
    project.file(
        "test_it.py",
        """
        import os, pytest
        from note import note

        @pytest.mark.parametrize("number", range(4))
        def test_it(number):
            note([os.environ.get("DATABASE"), os.environ.get("HOME"), os.getenv("FLEETEST_X")])
        """,
    )
    project.fleetest("-n", "2", f"--start-method={method}").check(0)
    assert notes(project) == [["one for all", None, None]] * 4


@OWN_SESSIONS
def test_each_is_a_session(project: Project, method: str) -> None:
    """All its hooks are called once, in order, in a process and a role of its own."""
    project.file("note.py", NOTE)
    project.file(
        "conftest.py",
        """
        import os
        from note import note

        def say(what, config):
            worker = getattr(config, "workerinput", {}).get("workerid", "controller")
            note([what, os.getpid()], worker)

        def pytest_configure(config): say("configure", config)
        def pytest_sessionstart(session): say("sessionstart", session.config)
        def pytest_collection(session): say("collection", session.config)
        def pytest_collection_finish(session): say("collected", session.config)
        def pytest_sessionfinish(session): say("sessionfinish", session.config)
        def pytest_unconfigure(config): say("unconfigure", config)
        """,
    )
    project.file("test_it.py", numbered(4))
    project.fleetest("-n", "2", f"--start-method={method}").check(0)
    pids = set()
    for name in ("controller", "gw0", "gw1"):
        (project.path / name).rename(project.path / "notes")
        lines = project.logged("notes")
        assert [line.split('"')[1] for line in lines] == [
            *("configure", "sessionstart", "collection", "collected"),
            *("sessionfinish", "unconfigure"),
        ]
        assert len({line.split()[-1] for line in lines}) == 1
        pids.add(lines[0].split()[-1])
    assert len(pids) == 3


@pytest.mark.parametrize(("seed", "values"), [("random.seed(1)", 1), ("pass", 2)])
@OWN_SESSIONS
def test_random_numbers(project: Project, method: str, seed: str, values: int) -> None:
    """A conftest's seed counts in each worker; without one they draw different numbers."""
    project.file("note.py", NOTE)
    project.file("conftest.py", f"import random\n{seed}\nFIRST = random.random\n")
    project.file(
        "test_it.py",
        """
        import pytest
        from conftest import FIRST
        from note import note

        @pytest.fixture(scope="session")
        def first():
            return FIRST()

        @pytest.mark.parametrize("number", range(2))
        def test_it(number, first, worker_id):
            note(first)
        """,
    )
    project.file("pytest.ini", "[pytest]\nfleetest_single_fixtures =\n")
    seen = []
    for _ in range(3):
        project.fleetest("-n", "2", f"--start-method={method}").check(0)
        seen += notes(project)
    assert (len(set(map(str, seen))) == 1) == (values == 1)


@OWN_SESSIONS
def test_what_a_conftest_prints(project: Project, method: str) -> None:
    """As under plain pytest it is shown with the first test that fails, if at all."""
    project.file("conftest.py", "print('from the conftest')\n")
    project.file("test_it.py", "def test_it():\n    print('from the test')\n    assert 0\n")
    result = project.fleetest("-n", "1", f"--start-method={method}").check(1)
    plain = project.pytest().check(1)
    for text in ("from the conftest", "from the test"):
        assert result.out.count(text) == plain.out.count(text)


@CHECKPOINTS
def test_exit_handlers(project: Project, method: str) -> None:
    """Each session's own, once: also those of a module that it imports."""
    project.file("note.py", NOTE)
    project.file(
        "conftest.py",
        """
        import atexit, os
        from note import note

        def pytest_configure(config):
            atexit.register(note, os.environ.get("PYTEST_XDIST_WORKER", "controller"))
        """,
    )
    project.file("test_it.py", numbered(4))
    project.fleetest("-n", "2", f"--start-method={method}").check(0)
    assert notes(project) == ["controller", "gw0", "gw1"]


@pytest.mark.parametrize("args", [["-n", "0"], ["--collect-only"], ["--start-method=fork"]])
def test_nothing_is_parked_in_vain(project: Project, args: list[str]) -> None:
    """Where no worker can come from it."""
    project.file(
        "conftest.py",
        """
        import os

        def pytest_configure(config):
            with open("/proc/thread-self/children") as children:
                assert not children.read()
        """,
    )
    project.file("test_it.py", numbered(4))
    project.fleetest(*args).check(0)


def test_two_are_parked_at_most(project: Project) -> None:
    """And none is left when the tests begin in workers that share everything."""
    project.file("note.py", NOTE)
    project.file(
        "conftest.py",
        """
        from note import note

        def children():
            with open("/proc/thread-self/children") as children:
                return len(children.read().split())

        def pytest_configure(config): config.before = children()
        def pytest_unconfigure(config): note([config.before, children()])
        """,
    )
    project.file("test_it.py", numbered(4))
    project.fleetest("-n", "2").check(0).lines("*workers forked after collection")
    assert notes(project) == [[2, 0]] * 3
    project.fleetest("-n", "2").check(0)
    assert notes(project) == [[0, 0]] * 3


def test_inside_a_program(project: Project) -> None:
    """A program that runs pytest goes on after it once, whatever workers are made from."""
    project.file("conftest.py", AT_CONFIGURATION)
    project.file("test_it.py", numbered(4))
    program = project.file(
        "program.py",
        """
        import sys
        import pytest

        try:
            code = pytest.main(["-p", "fleetest", "-n", "2", *sys.argv[1:]])
        finally:
            print("after")
        sys.exit(code)
        """,
    )
    for method in ("configure", "conftests"):
        result = project.python(program, f"--start-method={method}").check(0).counts(passed=4)
        assert result.out.count("after") == 1

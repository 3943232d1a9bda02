"""Traps of the fork: the state of the interpreter and of the session."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest
from lab import Project, numbered
from observing import METHODS, NOTE, notes

# ---- state of the interpreter ----


def test_random_numbers_differ(project: Project) -> None:
    """Between workers, and for generators made after the fork."""
    project.file(
        "test_a.py",
        """
        import random
        import tempfile
        import uuid

        from note import note

        random.random()

        def draw():
            note([random.random(), random.Random().random(), uuid.uuid1().hex, uuid.uuid4().hex,
                  tempfile.mktemp()])
        """
        + numbered(4, "draw()").replace("\n", "\n        "),
    )
    project.file("note.py", NOTE)
    project.file("conftest.py")
    project.fleetest("-n", "4").check(0).counts(passed=4)
    drawn = notes(project)
    for column in zip(*drawn):
        assert len(set(column)) == 4


@pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="numpy is not installed")
def test_random_numbers_of_numpy_differ(project: Project) -> None:
    """Its global generator knows nothing of forks."""
    project.file(
        "test_a.py",
        "import numpy\nfrom note import note\n"
        "numpy.random.random()\n" + numbered(4, "note(numpy.random.random())"),
    )
    project.file("note.py", NOTE)
    project.file("conftest.py")
    project.fleetest("-n", "4").check(0).counts(passed=4)
    assert len(set(notes(project))) == 4


def test_logging_works_in_workers(project: Project) -> None:
    """Handlers made at import, locks, and a project's fork handler that logs."""
    project.file(
        "conftest.py",
        """
        import logging
        import os

        HANDLER = logging.FileHandler("log")
        logging.getLogger().addHandler(HANDLER)
        os.register_at_fork(
            before=lambda: logging.warning("before"),
            after_in_parent=lambda: logging.warning("parent"),
            after_in_child=lambda: logging.warning("child"),
        )
        HANDLER.acquire()  # by the thread that forks
        logging.warning("import")
        """,
    )
    project.file("test_a.py", "import logging\n" + numbered(6, "logging.warning('test')"))
    project.fleetest("-n", "2", "--start-method=fork", timeout=30).check(0).counts(passed=6)
    lines = project.logged()
    assert lines.count("test") == 6
    assert lines.count("import") == 1
    assert lines.count("child") >= 2


@pytest.mark.parametrize("number", ["0", "2"])
def test_garbage_collection_is_as_under_pytest(project: Project, number: str) -> None:
    """Thresholds, and the objects that it sees."""
    project.file(
        "test_a.py",
        """
        import gc

        class Thing:
            pass

        THING = Thing()

        def test_state():
            with open("log", "a") as file:
                file.write(f"{gc.isenabled()} {gc.get_threshold()} {gc.get_debug()}\\n")

        def test_objects():
            assert any(found is THING for found in gc.get_objects())
            assert THING.__dict__ is not None
            assert gc.get_referrers(THING)
        """,
    )
    project.pytest().check(0)
    project.fleetest("-n", number).check(0).counts(passed=2)
    plain, ours = project.logged()
    assert ours == plain


STATE = """
    import locale
    import os
    import resource
    import signal
    import socket
    import sys
    import threading
    import warnings

    from note import note

    def test_signals():
        note({number: repr(signal.getsignal(number)) for number in sorted(signal.valid_signals())})
        note(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
        note(signal.set_wakeup_fd(-1))
        note(signal.getitimer(signal.ITIMER_REAL))

    def test_process():
        mask = os.umask(0)
        os.umask(mask)
        note([os.getcwd(), mask, os.nice(0), os.getuid(), os.getgroups()])
        note([resource.getrlimit(kind) for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)])
        note(sorted(os.sched_getaffinity(0)))

    def test_environment():
        drop = ("PYTEST_", "FLEETEST_", "_")
        note({k: v for k, v in os.environ.items() if not k.startswith(drop)})

    def test_interpreter():
        note([sys.flags, sys.getrecursionlimit(), sys.getswitchinterval()])
        note([repr(sys.excepthook), repr(sys.displayhook), repr(sys.gettrace())])
        note([sys.path, locale.setlocale(locale.LC_ALL), socket.getdefaulttimeout()])
        note([sys.warnoptions, len(warnings.filters)])

    def test_threads():
        assert threading.current_thread() is threading.main_thread()
        note([thread.name for thread in threading.enumerate()])
        note(len(os.listdir("/proc/self/task")))

    def test_children():
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            note("no children")
"""


@METHODS
def test_state_of_the_process_is_as_under_pytest(project: Project, method: str) -> None:
    """Signals, masks, timers, limits, environment, path, threads, children."""
    # The pytest command, since `python -m pytest` has the current folder on sys.path.
    project.file("note.py", NOTE)
    project.file("conftest.py", "")
    project.file("test_seen.py", STATE)
    project.run(Path(sys.executable).with_name("pytest")).check(0)
    plain = notes(project)
    project.fleetest("-n", "2", f"--start-method={method}").check(0)
    assert notes(project) == plain


@pytest.mark.parametrize("number", ["0", "2"])
def test_state_of_the_controller_is_as_under_pytest(project: Project, number: str) -> None:
    """What a conftest sees at the beginning and at the end."""
    project.file("note.py", NOTE)
    project.file(
        "conftest.py",
        """
        import signal
        import threading

        from note import note

        def look(config):
            if not hasattr(config, "workerinput"):
                handlers = [signal.getsignal(number) for number in signal.valid_signals()]
                note([repr(handlers), sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
                      threading.active_count(), signal.set_wakeup_fd(-1)])

        def pytest_configure(config): look(config)
        def pytest_sessionfinish(session): look(session.config)
        def pytest_unconfigure(config): look(config)
        """,
    )
    project.file("test_a.py", numbered(4))
    project.pytest().check(0)
    plain = notes(project)
    project.fleetest("-n", number).check(0)
    assert notes(project) == plain


def test_terminal_reporter_is_there_in_workers(project: Project) -> None:
    """Plugins find it as they know it, and its own output is not doubled."""
    project.file(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(autouse=True)
        def reporter(pytestconfig):
            reporter = pytestconfig.pluginmanager.getplugin("terminalreporter")
            assert reporter is pytestconfig.pluginmanager.get_plugin("terminalreporter")
            assert reporter.config is pytestconfig
            assert pytestconfig.get_terminal_writer() is reporter._tw
            assert reporter._tw.fullwidth == 80
            assert not reporter.isatty
            yield reporter

        def pytest_runtest_logreport(report):
            pass
        """,
    )
    project.file("test_a.py", numbered(6))
    result = project.fleetest("-n", "2").check(0).counts(passed=6)
    assert len(re.findall(r"^\.{6} +\[100%\]$", result.out, re.MULTILINE)) == 1


# ---- state of the session that is made anew ----


@METHODS
def test_temporary_folders(project: Project, method: str) -> None:
    """Below the controller's, one for each worker."""
    project.file(
        "test_a.py",
        """
        def check(tmp_path, tmp_path_factory, worker_id):
            base = tmp_path_factory.getbasetemp()
            assert base.name == f"popen-{worker_id}"
            assert tmp_path.parent == base
            assert tmp_path_factory.mktemp("x", numbered=False).parent == base
            assert base.parent.name.startswith("pytest-")

        def test_1(tmp_path, tmp_path_factory, worker_id):
            check(tmp_path, tmp_path_factory, worker_id)

        def test_2(tmp_path, pytestconfig, tmp_path_factory):
            assert pytestconfig.option.basetemp == str(tmp_path_factory.getbasetemp())
            assert list(tmp_path.iterdir()) == []
        """,
    )
    project.fleetest("-n", "2", "--start-method", method).check(0).counts(passed=2)


def test_temporary_folders_are_kept_as_pytest_keeps_them(project: Project) -> None:
    """Those of the last three runs; with ``tmp_path_retention_policy`` those of failures."""
    project.file("test_a.py", "def test_bad(tmp_path): assert 0\ndef test_good(tmp_path): pass\n")

    def kept(run: str) -> set[str]:
        folder = next(project.temproot.glob("pytest-of-*")) / run
        return {path.name for path in folder.glob("popen-gw*/*[0-9]")}

    for _ in range(3):
        project.fleetest("-n", "2").check(1)
    project.fleetest("-n", "2", "-o", "tmp_path_retention_policy=failed").check(1)
    folders = [path.name for path in project.temproot.glob("pytest-of-*/pytest-[0-9]*")]
    assert sorted(folders) == ["pytest-1", "pytest-2", "pytest-3"]
    assert kept("pytest-2") == {"test_bad0", "test_good0"}
    assert kept("pytest-3") == {"test_bad0"}


def test_assertions_of_modules_imported_late_are_rewritten(project: Project) -> None:
    """The import hook of the session works in workers."""
    project.file("conftest.py", "import pytest\npytest.register_assert_rewrite('helper')\n")
    project.file("helper.py", "def check(value):\n    assert value == 1\n")
    project.file("test_a.py", numbered(2, "import helper; helper.check(5)"))
    result = project.fleetest("-n", "2").check(1).counts(failed=2)
    assert result.out.count("assert 5 == 1") >= 2


def test_stdin_of_tests(project: Project) -> None:
    """As under pytest: nothing to read, with a word why."""
    project.file("test_a.py", numbered(2, "input()"))
    plain = project.pytest(input="typed\n").check(1)
    result = project.fleetest("-n", "2", "--ordered", input="typed\n").check(1)
    message = "pytest: reading from stdin while output is captured!"
    assert result.out.count(message) == plain.out.count(message) > 0


def test_faulthandler_is_on_in_workers(project: Project) -> None:
    """And its timer is each worker's own."""
    project.file(
        "test_a.py",
        "import faulthandler, time\n"
        + numbered(2, "assert faulthandler.is_enabled(); time.sleep(0.15)"),
    )
    result = project.fleetest("-n", "2", "-o", "faulthandler_timeout=0.05").check(0)
    assert (result.out + result.err).count("Timeout (0:00:00.050000)!") == 2


@METHODS
def test_warnings_of_the_configuration_appear_once(project: Project, method: str) -> None:
    """However many workers there are; and those of tests and of collection too."""
    project.file("pytest.ini", "[pytest]\nno_such_key = 1\n")
    project.file(
        "conftest.py",
        """
        import warnings

        def pytest_configure(config):
            if not hasattr(config, "workerinput"):
                config.issue_config_time_warning(UserWarning("configured"), 2)
        """,
    )
    project.file(
        "test_a.py",
        "import warnings\nwarnings.warn('collected')\n" + numbered(3, "warnings.warn('tested')"),
    )
    plain = project.pytest().check(0)
    result = project.fleetest("-n", "2", "--ordered", "--start-method", method).check(0)
    assert result.summary() == plain.summary() == {"passed": 3, "warning": 6}

"""Workers share what the session has done before its tests, unless a worker could tell."""

from __future__ import annotations

import pytest
from lab import Project, Result, numbered

SHARED = "fleetest: cold (FLEETEST_DAEMON is 0); workers forked after collection"

ROLE_IN_CONFTEST = """
    import os
    DATABASE = "db_" + os.environ.get("PYTEST_XDIST_WORKER", "main")
"""

LOG_FOR_EACH = """
    import logging, os

    def pytest_configure(config):
        worker = os.environ.get("PYTEST_XDIST_WORKER")
        if worker is not None:
            logging.basicConfig(filename=f"tests_{worker}.log", level="INFO", force=True)
"""

SERVER = """
    import socket

    def pytest_sessionstart(session):
        session.server = socket.create_server(("127.0.0.1", 0))
"""

FOLDER = """
    import os, shutil

    def pytest_configure(config):
        config.folder = f"scratch-{len(os.listdir('.'))}"
        os.makedirs(config.folder, exist_ok=True)

    def pytest_unconfigure(config):
        shutil.rmtree(config.folder, ignore_errors=True)
"""

TEMPORARY = """
    import tempfile
    SCRATCH = tempfile.mkdtemp(dir=".")
"""

PID = """
    import os
    NAME = f"db_{os.getpid()}"
"""

KEPT_PID = """
    from os import getpid
    NAME = f"db_{getpid()}"
"""

RANDOM = """
    import uuid
    NAME = f"db_{uuid.uuid4().hex}"
"""

SWITCH = """
    class Plugin:
        pass

    def pytest_configure(config):
        if not hasattr(config, "workerinput"):
            config.pluginmanager.register(Plugin())
"""

OPTION = """
    def pytest_configure(config):
        config.parallel = bool(config.getoption("numprocesses", None))
"""

CHILD = """
    import subprocess

    def pytest_sessionstart(session):
        session.child = subprocess.Popen(["sleep", "60"])

    def pytest_sessionfinish(session):
        session.child.kill()
        session.child.wait()
"""

THREAD = """
    import threading, time

    def pytest_configure(config):
        threading.Thread(target=time.sleep, args=(60,), daemon=True, name="ticker").start()
"""

PROCESS = """
    import multiprocessing
    CHILD = multiprocessing.Process()
"""

CONFTESTS, CONFIGURATION = "forked before the conftests", "forked before configuration"

BARRIERS = {
    "role in a variable": (
        ROLE_IN_CONFTEST,
        CONFTESTS,
        "conftest.py:2 asked for PYTEST_XDIST_WORKER",
    ),
    "log file": (LOG_FOR_EACH, CONFIGURATION, "conftest.py:4 asked for PYTEST_XDIST_WORKER"),
    "switch": (SWITCH, CONFIGURATION, "conftest.py:5 asked for config.workerinput"),
    "option": (OPTION, CONFIGURATION, "conftest.py:2 asked for the option numprocesses"),
    "pid": (PID, CONFTESTS, "conftest.py:2 asked for os.getpid()"),
    "kept getpid": (KEPT_PID, CONFTESTS, "conftest.py:2 asked for os.getpid()"),
    "process to come": (PROCESS, CONFTESTS, "conftest.py:2 asked for os.getpid()"),
    "random name": (RANDOM, CONFTESTS, "conftest.py:2 asked for os.urandom()"),
    "server": (SERVER, CONFIGURATION, "a socket is open"),
    "folder": (FOLDER, CONFIGURATION, "conftest.py:5 made scratch-*"),
    "temporary folder": (TEMPORARY, CONFTESTS, "conftest.py:2 made tmp*"),
    "child": (CHILD, CONFIGURATION, "process * was started"),
    "thread": (THREAD, CONFIGURATION, "threads are running: ticker"),
}


def header(result: Result) -> str:
    """fleetest's header line."""
    return next(line for line in result.out.splitlines() if line.startswith("fleetest: "))


def test_process_to_come(project: Project) -> None:
    """It can be started only by the process that has made it."""
    project.file("conftest.py", PROCESS)
    project.file(
        "test_a.py",
        """
        from conftest import CHILD

        def test_a():
            CHILD.start()
            CHILD.join()
            assert CHILD.exitcode == 0

        def test_b(): pass
        """,
    )
    project.fleetest("-n", "2").check(0).counts(passed=2)


@pytest.mark.parametrize("name", BARRIERS)
def test_barriers(project: Project, name: str) -> None:
    """Workers are made from before what they could tell, and the header says why."""
    conftest, where, reason = BARRIERS[name]
    project.file("conftest.py", conftest)
    project.file("test_it.py", numbered(6))
    for _ in range(2):
        result = project.fleetest("-n", "2").check(0).counts(passed=6)
        result.lines(f"fleetest: cold (FLEETEST_DAEMON is 0); workers {where} ({reason})")


def test_workers_have_what_their_role_gives(project: Project) -> None:
    """A name for each worker, a folder for each, a process for each."""
    project.file("conftest.py", ROLE_IN_CONFTEST)
    project.file(
        "test_it.py",
        """
        import pytest
        from conftest import DATABASE

        @pytest.mark.parametrize("n", range(20))
        def test_it(n, worker_id):
            assert DATABASE == "db_" + worker_id
        """,
    )
    project.fleetest("-n", "2").check(0).counts(passed=20)


HARMLESS = {
    "other variables": "import os\nHOME = os.environ.get('HOME')\nALL = dict(os.environ)\n",
    "other attributes": "def pytest_configure(config):\n    assert not hasattr(config, 'other')\n",
    "a file made and removed": (
        "import os, tempfile\nfd, path = tempfile.mkstemp()\nos.close(fd)\nos.remove(path)\n"
    ),
    "a socket opened and closed": "import socket\nsocket.socket().close()\n",
    "a process that has ended": "import subprocess\nsubprocess.run(['true'])\n",
    "a folder under a fixed name": "import os\nos.makedirs('data', exist_ok=True)\n",
    "the role in a fixture": (
        "import pytest\n@pytest.fixture(autouse=True)\ndef own(worker_id, request):\n"
        "    assert request.config.workerinput['workerid'] == worker_id\n"
    ),
    "libraries": "import multiprocessing, logging, uuid, secrets, tempfile, asyncio, random\n",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_nobody_can_tell(project: Project, name: str) -> None:
    """What was undone, what workers are not asked for, what tests do."""
    project.file("conftest.py", HARMLESS[name])
    project.file("test_it.py", numbered(4))
    assert header(project.fleetest("-n", "2").check(0).counts(passed=4)) == SHARED


def test_random_data_of_tests(project: Project) -> None:
    """In a test module it is data, perhaps in ids, which spawned workers could not agree on."""
    project.file(
        "test_it.py",
        """
        import uuid
        import pytest

        @pytest.mark.parametrize("value", [str(uuid.uuid4()), str(uuid.uuid4())])
        def test_it(value): pass
        """,
    )
    assert header(project.fleetest("-n", "2").check(0).counts(passed=2)) == SHARED


@pytest.mark.parametrize("number", ["0", "1"])
def test_nothing_is_left_of_the_watch(project: Project, number: str) -> None:
    """Tests find the environment, the configuration and os as they always are."""
    project.file(
        "test_it.py",
        """
        import os
        from argparse import Namespace
        from _pytest.config import Config

        def test_it(pytestconfig):
            assert type(os.environ._data) is dict
            assert type(pytestconfig) is Config
            assert type(pytestconfig.option) is Namespace
            assert type(pytestconfig.known_args_namespace) is Namespace
            assert os.getpid() == int(os.readlink("/proc/self"))
            assert len(os.urandom(5)) == 5
            os.environ["NEW"] = "1"
            assert os.environb[b"NEW"] == b"1"
        """,
    )
    project.fleetest("-n", number).check(0)


def test_changes_of_the_environment_are_kept(project: Project) -> None:
    """What conftests set is there for the tests."""
    project.file("conftest.py", "import os\nos.environ['MINE'] = '1'\ndel os.environ['HOME']\n")
    project.file(
        "test_it.py",
        "import os\n\ndef test_it():\n    assert os.environ['MINE'] == '1'\n"
        "    assert 'HOME' not in os.environ\n",
    )
    project.fleetest("-n", "1").check(0)


WATCHED = """
import os, sys
import pytest

code = pytest.main(sys.argv[1:])
assert code == int(os.environ["EXPECTED"]), code
assert type(os.environ._data) is dict
"""


@pytest.mark.parametrize(
    ("args", "expected"),
    [(["--no-such-option"], 4), (["no_such_file.py"], 4), (["--collect-only"], 0), ([], 1)],
)
def test_a_session_that_ends_early_leaves_no_watch(
    project: Project, args: list[str], expected: int
) -> None:
    """In a program that goes on after it."""
    project.file("conftest.py", "import os\nos.environ.get('PYTEST_XDIST_WORKER')\n")
    project.file("test_it.py", "def test_0(): pass\ndef test_1(): assert 0\n")
    program = project.file("program.py", WATCHED)
    project.python(
        program, "-p", "fleetest", "-n", "2", *args, env={"EXPECTED": str(expected)}
    ).check(0)


def test_locks_that_are_bound_to_a_process(project: Project) -> None:
    """As those of filelock, which refuse to be used in a process that has inherited them."""
    project.file(
        "site-packages/filelock.py",
        """
        import os

        class FileLock:
            def __init__(self):
                self.pid = os.getpid()

            def acquire(self):
                assert self.pid == os.getpid()
        """,
    )
    project.file("pytest.ini", "[pytest]\npythonpath = site-packages")
    project.file(
        "test_it.py",
        "import filelock\nLOCK = filelock.FileLock()\ndef test_a(): LOCK.acquire()\ndef test_b(): LOCK.acquire()\n",
    )
    result = project.fleetest("-n", "2").check(0).counts(passed=2)
    result.lines("*workers * (filelock made something that only one process may use)")

"""What a session does on its way that keeps runs from going on from it, and who else sees to that."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from ahead_runs import TEST, again, anew, prepare, settle
from daemon_runs import parked, start_of
from lab import Project, Result, wait_for


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import subprocess\nsubprocess.run(['true'])\n", "conftest.py:2 started true"),
        ("import os\nseen = os.getpid()\n", "asked for os.getpid"),
        (
            "from threading import Thread, Event\nThread(target=Event().wait, daemon=True).start()\n",
            "threads are running",
        ),
        ("def pytest_configure(config):\n    open('made', 'w').close()\n", "made"),
        ("import socket\nkept = socket.socket()\n", "a socket is open"),
        (
            "import os\nseen = os.environ.get('PYTEST_XDIST_WORKER')\n",
            "asked for PYTEST_XDIST_WORKER",
        ),
        ("kept = open(__file__)\n", "conftest.py is open"),
        ("import mmap\nkept = mmap.mmap(-1, 4096)\n", "processes share"),
        ("import uuid\nuuid.uuid1()\n", "conftest.py:2 asked for"),
        ("import tempfile\nwith tempfile.TemporaryDirectory(): pass\n", ""),
        ("import datetime\ndatetime.date.today()\n", "conftest.py:2 asked for the time"),
        ("import time\ntime.localtime()\n", "conftest.py:2 asked for the time"),
        ("import logging\nlogging.getLogger().info('now')\n", ""),
        ("import random\nrandom.Random(1).random(); random.seed(2)\n", ""),
        ("import asyncio\nloop = asyncio.new_event_loop()\n", "is open"),
        ("import signal\nsignal.setitimer(signal.ITIMER_VIRTUAL, 99)\n", "a timer is running"),
        ("import termios\ntry: termios.tcgetattr(0)\nexcept termios.error: pass\n", ""),
    ],
)
def test_barred(ahead: Project, code: str, why: str) -> None:
    """Nothing goes on from there, and the run says why."""
    ahead.file("conftest.py", code)
    prepare(ahead, "-n0")
    result = ahead.fleetest("-n0", leaves=True).check(0)
    if why:
        assert why in result.out
        assert start_of(result) != "warm"
    assert bool(parked(ahead, "tests collected")) is not bool(why)


def test_declared_harmless(ahead: Project) -> None:
    """A file of the project, in which only one process can have what it has all the same."""
    ahead.file(
        "tests/conftest.py", "import subprocess, time\nsubprocess.run(['true'])\ntime.time()\n"
    )
    ahead.file("tests/test_b.py", TEST)
    prepare(ahead, "tests", "-n0")
    assert "started true" in anew(ahead, "tests", "-n0").check(0).out
    ahead.file("pytest.ini", "[pytest]\nfleetest_resumable = conftest.py tests/conftest.py\n")
    prepare(ahead, "tests", "-n0")
    again(ahead, "tests", "-n0").check(0)
    ahead.file("tests/conftest.py", "import os\nos.getpid()\n")
    prepare(ahead, "tests", "-n0")
    assert "asked for os.getpid" in anew(ahead, "tests", "-n0").check(0).out


def test_standard_input_is_read(ahead: Project) -> None:
    """Before the tests, and not that of pytest's capturing, where there is nothing."""
    ahead.file("conftest.py", "import os\nos.read(0, 1)\n")
    prepare(ahead, "-n0", "-s")
    assert "standard input was read" in anew(ahead, "-n0", "-s").check(0).out
    prepare(ahead, "-n0")
    again(ahead, "-n0").check(0)


def test_last_run_had_other_workers(ahead: Project) -> None:
    """A session that does what its workers cannot share is not prepared in vain each time."""
    ahead.file("test_a.py", "def test_a(): pass\ndef test_b(): pass\n")
    ahead.file(
        "conftest.py",
        "def pytest_configure(config):\n    open('count', 'a').write('x')\n    hasattr(config, 'workerinput')\n",
    )
    prepare(ahead, "-n2")
    before = (ahead.path / "count").read_text()
    settle(ahead)
    assert (ahead.path / "count").read_text() == before == "xxx"


def test_no_orphans(ahead: Project) -> None:
    """What a session has started that is not kept ends with it."""
    ahead.file(
        "conftest.py",
        "import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\n"
        "open('pids', 'a').write(f'{child.pid} ')\n"
        "def pytest_unconfigure(): child.kill(); child.wait()\n",
    )
    prepare(ahead, "-n0")
    for pid in (ahead.path / "pids").read_text().split():
        assert not Path(f"/proc/{pid}").exists()


def test_installed_plugin(ahead: Project) -> None:
    """It bars snapshots by hooks before the tests, unless that is declared harmless."""
    ahead.env["PYTHONPATH"] = str(ahead.path / "site-packages")
    ahead.file("site-packages/mine.py", "def pytest_sessionstart(session): pass\n")
    prepare(ahead, "-p", "mine")
    why = "the plugin mine has a pytest_sessionstart"
    assert why in anew(ahead, "-p", "mine").check(0).out
    explained = ahead.fleetest("daemon", "explain", "-p", "mine").check(0)
    assert f"  {why}" in explained.out
    declared = ("-p", "mine", "-o", "fleetest_resumable=mine")
    prepare(ahead, *declared)
    again(ahead, *declared).check(0)


def test_date(ahead: Project) -> None:
    """Who asks for the date by way of dateutil has that of the day on which the run is."""
    left = 86400 - 6 - int(time.time()) % 86400  # it is six seconds to midnight
    ahead.env.update(
        PYTHONPATH=str(ahead.path / "site-packages"),
        TZ=f"XXX-{left // 3600}:{left // 60 % 60:02}:{left % 60:02}",
    )
    ahead.file(
        "site-packages/dateutil/parser/__init__.py",
        "import datetime\ndef default(): return datetime.datetime.now().date()\n",
    )
    ahead.file("conftest.py", "import dateutil.parser\nDATE = dateutil.parser.default()\n")
    ahead.file(
        "test_a.py", "import conftest\ndef test_a(): print('<%s>' % conftest.DATE); assert 0\n"
    )

    def date(result: Result) -> str:
        (found,) = re.findall("^<(.*)>$", result.check(1).out, re.MULTILINE)
        return str(found)

    prepare(ahead)
    before = date(again(ahead))
    runs: list[Result] = []

    def ends() -> bool:
        runs.append(ahead.fleetest(leaves=True))
        return start_of(runs[-1]) != "warm"

    wait_for(ends, "midnight", 30)
    assert "the date has changed" in runs[-1].out
    assert date(runs[-1]) > before == date(runs[0])

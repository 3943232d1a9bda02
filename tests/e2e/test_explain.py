"""``fleetest daemon explain``: what a session reads on its way to its tests, who asked, and what bars sharing it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab import FLEETEST, Project, Result, numbered

CONFTEST = """
import os

URL = os.environ.get("DATABASE_URL", "none")
"""


@pytest.fixture
def shop(one: Project) -> Project:
    """A project with a module, data and a test."""
    one.file("conftest.py", CONFTEST)
    one.file("src/shop.py", "import pathlib\nPRICES = pathlib.Path('prices.txt').read_text()\n")
    one.file("prices.txt", "1 2 3\n")
    one.file("pytest.ini", "[pytest]\npythonpath = src\n")
    one.file("tests/test_shop.py", "import shop\n" + numbered(3))
    return one


def explain(project: Project, *args: str) -> Result:
    """Ask for it; the daemon stays."""
    return project.run(FLEETEST, "daemon", "explain", *args, leaves=True)


def section(result: Result, head: str) -> dict[str, str]:
    """The entries below a heading, and who asked for each."""
    lines = iter(result.out.splitlines())
    for line in lines:
        if line == f"{head}:":
            break
    found = {}
    for line in lines:
        if not line.startswith("  "):
            break
        what, _, who = line.strip().partition("  ")
        found[what] = who.strip()
    return found


def test_inputs(shop: Project) -> None:
    """Each with whoever has asked for it first."""
    result = explain(shop, "tests").check(0)
    result.lines(f"{shop.path}: 3 tests collected")
    files = section(result, "files that were read")
    assert files["src/shop.py"] == "tests/test_shop.py:1"
    assert files["prices.txt"] == "src/shop.py:2"
    assert {"pytest.ini", "conftest.py", "tests/test_shop.py"} <= files.keys()
    folders = section(result, "folders whose names were asked for")
    assert folders["tests"] == "(pytest)"
    assert section(result, "variables that were read")["DATABASE_URL"] == "conftest.py:3"
    result.lines(
        "others can go on from there: nothing speaks against it",
        "workers can share it: nothing speaks against it",
    )


def test_no_test_is_run(shop: Project) -> None:
    """But what was configured is unconfigured, and what is printed goes nowhere."""
    shop.file(
        "conftest.py",
        """
        import pathlib

        def pytest_configure():
            print("hello from conftest")
            pathlib.Path("open").touch()

        def pytest_unconfigure():
            pathlib.Path("open").unlink()
        """,
    )
    shop.file("tests/test_shop.py", "def test_a(): open('ran', 'w')")
    result = explain(shop).check(0)
    assert "hello" not in result.out + result.err
    assert "  conftest.py:5 made open, while it was configured or collected" in result.out
    assert not (shop.path / "ran").exists()
    assert not (shop.path / "open").exists()


def test_everything(shop: Project) -> None:
    """With -v also what pytest and installed packages look at, and what is not there."""
    brief, long = explain(shop).check(0), explain(shop, "-v").check(0)
    brief.lines("paths that were looked for in vain: *, which -v shows")
    absent = section(long, "paths that were looked for in vain")
    assert absent["tests/__init__.py"] == "(pytest)"
    assert len(section(long, "files that were read")) > len(section(brief, "files that were read"))


TICKER = """
import threading
go = threading.Event()
threading.Thread(target=go.wait, name="ticker").start()

def pytest_unconfigure():
    go.set()
"""

BARRED = {
    "os.getpid()": ("import os; os.getpid()", "conftest.py:1 asked for os.getpid()", True, True),
    "role": (
        "import os; os.environ.get('PYTEST_XDIST_WORKER')",
        "conftest.py:1 asked for PYTEST_XDIST_WORKER",
        False,
        True,
    ),
    "program": (
        "import subprocess; subprocess.run(['true'])",
        # Before Python 3.10 it is a child that starts it.
        f"conftest.py:1 {'started true' if sys.version_info >= (3, 10) else 'called fork'}",
        True,
        False,
    ),
    "thread": (
        TICKER,
        "threads are running: ticker",
        True,
        True,
    ),
}


STAMPED = {
    "email.utils": "import email.utils; email.utils.formatdate()",
    "gzip": "import gzip, io; gzip.GzipFile(fileobj=io.BytesIO(), mode='w').close()",
    "http.cookiejar": "import http.cookiejar; http.cookiejar.time2netscape()",
    "http.server": "from http.server import BaseHTTPRequestHandler as B; B.date_time_string(None)",
    "zipfile": "import zipfile, io; zipfile.ZipFile(io.BytesIO(), 'w').writestr('a', 'b')",
}
USED = {
    "usage": (
        "import resource; resource.getrusage(resource.RUSAGE_SELF)",
        "asked what it has used of the machine",
    ),
    "load": ("import os; os.getloadavg()", "asked how busy the machine is"),
    "space": ("import shutil; shutil.disk_usage('.')", "asked how much space there is"),
    "space behind a file": ("import os; os.fstatvfs(0)", "asked how much space there is"),
}
BARRED.update({name: (*used, True, False) for name, used in USED.items()})
BARRED.update({name: (code, "asked for the time", True, False) for name, code in STAMPED.items()})


@pytest.mark.parametrize(("code", "reason", "runs", "workers"), BARRED.values(), ids=BARRED)
def test_bars(shop: Project, code: str, reason: str, runs: bool, workers: bool) -> None:
    """What nobody, only workers or only runs could not share."""
    shop.file("conftest.py", code)
    result = explain(shop).check(0)
    for barred, head in (
        (runs, "others cannot go on from there"),
        (workers, "workers cannot share it"),
    ):
        found = " ".join(section(result, head))
        assert (reason in found) == barred, result


def test_all_bars_are_told(shop: Project) -> None:
    """Not only the first one, which is what the header line of a run has."""
    shop.file("conftest.py", "import os\nos.getpid()\nos.urandom(4)\n")
    result = explain(shop).check(0)
    result.lines(
        "others cannot go on from there:",
        "*:2 asked for os.getpid()*",
        "*:3 asked for os.urandom()*",
    )


def test_terminal(shop: Project) -> None:
    """What a session asks of a file that it takes for a terminal."""
    shop.file(
        "conftest.py",
        """
        import os, termios
        from fleetest import _core
        assert _core.trace_pretend(1, 1 << 32 | 24 << 16 | 80)
        os.get_terminal_size(1)
        try:
            termios.tcgetattr(1)
        except termios.error:
            pass
        """,
    )
    asked = section(explain(shop, "tests").check(0), "what was asked of the terminal")
    assert asked == {"size": "conftest.py:4", "tcgetattr": "conftest.py:6"}


def test_errors_while_collecting(shop: Project) -> None:
    shop.file("tests/test_shop.py", "import nowhere")
    explain(shop).check(0).lines("others cannot go on from there:", "*1 error while collecting")


@pytest.mark.parametrize(("args", "code"), [(["nothere.py"], 4), (["--nonsense"], 4)])
def test_session_that_does_not_get_so_far(shop: Project, args: list[str], code: int) -> None:
    """What pytest says is shown, and its exit code is the command's."""
    result = explain(shop, *args).check(code)
    assert args[0] in result.out
    result.lines(f"fleetest: pytest ended with exit code {code} before its tests were collected")


def test_nothing_can_be_prepared(shop: Project) -> None:
    """Where runs are cold for their context, there is nothing to explain."""
    explain(shop).check(0)
    script = f"taskset -c {min(os_cpus())} {FLEETEST} daemon explain"
    if len(os_cpus()) < 2:
        pytest.skip("needs two processors")
    result = shop.run("sh", "-c", script, leaves=True).check(105)
    assert result.err == (
        "fleetest: nothing can be prepared for this: CPU affinity differs from the daemon's\n"
    )


def os_cpus() -> list[int]:
    """The processors that this process may use."""
    allowed = Path("/proc/self/status").read_text("ascii").split("Cpus_allowed_list:")[1].split()[0]
    found: list[int] = []
    for part in allowed.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def test_names_in_any_encoding(shop: Project) -> None:
    name = os.fsdecode(b"pr\xe9cis.txt")
    shop.file(name, "data")
    shop.file("conftest.py", "import os\nopen(os.fsdecode(b'pr\\xe9cis.txt')).close()\n")
    shown = subprocess.run(
        [FLEETEST, "daemon", "explain"],
        cwd=shop.path,
        env=shop.env,
        capture_output=True,
        check=True,
    )
    assert b"  pr\xe9cis.txt " in shown.stdout


def test_reader_that_leaves(shop: Project) -> None:
    """fleetest daemon explain | head -1."""
    script = f"{FLEETEST} daemon explain -v | head -1"
    result = shop.run("sh", "-c", script, leaves=True).check(0)
    assert result.out == f"{shop.path}: 4 tests collected\n"
    assert not result.err


def test_values_are_not_shown(shop: Project) -> None:
    shop.env["DATABASE_URL"] = "secret-of-mine"
    assert "secret-of-mine" not in explain(shop, "-v").check(0).out


def test_runs_are_as_ever(shop: Project) -> None:
    """The parked process is not touched by it, nor what status says of the last run."""
    explain(shop).check(0)
    result = shop.fleetest("-n2", leaves=True).check(0).counts(passed=3 + 1)
    result.lines("fleetest: warm start; *")

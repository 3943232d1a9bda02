"""A session that is prepared ahead does nothing outside: it is given up before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ahead_runs import (
    AHEAD,
    again,
    anew,
    feed_until,
    prepare,
    prepare_past,
    settle,
    waits,
    writer_of,
)
from daemon_runs import daemon_log, status
from lab import Project, wait_for

EFFECTS = {
    "file": "open('effect', 'w').close()",
    "file, by os": "os.close(os.open('effect', os.O_CREAT | os.O_WRONLY))",
    "folder": "os.makedirs('effect')",
    "link": "os.symlink('elsewhere', 'effect')",
    "link to a file": "os.link('test_a.py', 'effect')",
    "renamed": "open('effect.new', 'w').close(); os.replace('effect.new', 'effect')",
    "copied": "shutil.copy('test_a.py', 'effect')",
    "database": "sqlite3.connect('effect').execute('create table t (x)')",
    "socket": "socket.socket(socket.AF_UNIX).bind('effect')",
    "program": "subprocess.run(['touch', 'effect'])",
    "program, without its path": "subprocess.run('touch effect', shell=True)",
    "shell": "os.system('touch effect')",
    "spawned": "os.waitpid(os.posix_spawnp('touch', ['touch', 'effect'], os.environ), 0)",
    "forked": "os.fork() or (open('effect', 'w').close(), os._exit(0)); os.wait()",
}
IMPORTS = "import os, shutil, socket, sqlite3, subprocess, tempfile\n"
TEST = "def test_a(): pass\n"


@pytest.fixture
def ahead(project: Project) -> Project:
    """A project for which the daemon prepares when it hears of a change."""
    project.env.update({**AHEAD, "FLEETEST_DAEMON_AHEAD": "9"})
    project.file("test_a.py", TEST)
    return project


def attempts(project: Project) -> int:
    return daemon_log(project).count("snapshot is made")


ELSEWHERE = [(name, where) for name in ("file", "program") for where in ("hook", "test module")]


@pytest.mark.parametrize(("name", "where"), [*((name, "import") for name in EFFECTS), *ELSEWHERE])
def test_what_nobody_has_asked_for(ahead: Project, name: str, where: str) -> None:
    """It is done by runs alone."""
    effect = f"if not os.path.lexists('effect'): {EFFECTS[name]}\n"
    if where == "hook":
        ahead.file("conftest.py", f"{IMPORTS}def pytest_configure():\n    {effect}")
    else:
        ahead.file("conftest.py" if where == "import" else "test_a.py", IMPORTS + effect + TEST)
    prepare(ahead, "-n0")
    path = ahead.path / "effect"
    assert os.path.lexists(path)
    before = attempts(ahead)
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink()
    wait_for(lambda: attempts(ahead) > before, "another attempt")
    wait_for(lambda: not status(ahead)["preparing"], "its end")
    assert not os.path.lexists(path)
    ahead.fleetest("-n0", leaves=True).check(0)
    assert os.path.lexists(path)


def test_what_a_run_has_left(ahead: Project) -> None:
    """A conftest that clears a folder of reports when it is imported does not clear those of the last run."""
    ahead.file("conftest.py", IMPORTS + "shutil.rmtree('reports', ignore_errors=True)\n")
    ahead.file(
        "test_a.py",
        "import os\ndef test_a():\n    os.makedirs('reports')\n    open('reports/a.xml', 'w').close()\n",
    )
    prepare(ahead, "-n0")
    assert (ahead.path / "reports" / "a.xml").exists()
    ahead.file("test_a.py", (ahead.path / "test_a.py").read_text() + "# saved\n")
    settle(ahead)
    assert (ahead.path / "reports" / "a.xml").exists()


def test_exit_handlers_do_nothing_either(ahead: Project) -> None:
    """Nor do hooks of the session's end."""
    ahead.file(
        "conftest.py",
        IMPORTS
        + "import atexit\natexit.register(lambda: open('ended', 'a').write('exit '))\n"
        + "def pytest_unconfigure(): open('ended', 'a').write('hook ')\n"
        + "os.getpid()\n",
    )
    prepare(ahead, "-n0")
    assert (ahead.path / "ended").read_text() == "hook exit "


HARMLESS = {
    "temporary folder": "folder = tempfile.mkdtemp()\nopen(folder + '/a', 'w').close()\n"
    "os.rename(folder + '/a', folder + '/b')\nshutil.rmtree(folder)\n",
    "temporary file": "with tempfile.TemporaryFile() as file: file.write(b'text')\n",
    "null device": "open(os.devnull, 'w').close()\n",
    "what is there": "os.makedirs('there', exist_ok=True)\n",
    "what is not there": "try: os.remove('missing')\nexcept OSError: pass\n",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_nobody_else_sees(ahead: Project, name: str) -> None:
    """Runs go on from there."""
    (ahead.path / "there").mkdir()
    ahead.file("conftest.py", IMPORTS + HARMLESS[name])
    prepare(ahead, "-n0")
    again(ahead, "-n0").check(0)


def test_declared_harmless(ahead: Project) -> None:
    """Then it is done, once for each session that is prepared."""
    ahead.file("pytest.ini", "[pytest]\nfleetest_resumable = conftest.py\n")
    ahead.file("conftest.py", "open('log', 'a').write('x')\n")
    prepare(ahead, "-n0")
    again(ahead, "-n0").check(0)
    assert len((ahead.path / "log").read_text()) > 1


def test_the_reason(ahead: Project) -> None:
    """It names the place."""
    ahead.file("conftest.py", "import shutil\nshutil.copy('test_a.py', 'copy')\n")
    prepare(ahead, "-n0")
    (ahead.path / "copy").unlink()
    assert "conftest.py:2 made or changed copy" in anew(ahead, "-n0").check(0).out


WAITS_TO_COMPILE = """
import _pytest.assertion.rewrite as rewrite

def get_cache_dir(path, get_cache_dir=rewrite.get_cache_dir):
    if path.name == "test_b.py":
        {waits}
    return get_cache_dir(path)

rewrite.get_cache_dir = get_cache_dir
"""


def test_renamed_while_its_module_is_compiled(ahead: Project, tmp_path: Path) -> None:
    """The folder is not made once more for the byte code."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    waits_here = waits(str(pipe)).replace("\n", "; ").rstrip("; ")
    ahead.file("conftest.py", WAITS_TO_COMPILE.format(waits=waits_here))
    ahead.file("most/test_b.py", TEST)
    prepare_past(ahead, (pipe,), "-n0").check(0)
    assert list(ahead.path.glob("most/__pycache__/test_b.*"))
    ahead.file("most/test_b.py", TEST + "# changed\n")
    writer = writer_of(pipe)  # of the preparation
    (ahead.path / "most").rename(ahead.path / "more")
    os.close(writer)
    feed_until(lambda: status(ahead)["preparing"] == 0, pipe)
    assert not (ahead.path / "most").exists()

"""When a run does without the daemon, or without what it has kept."""

from __future__ import annotations

import os
import shutil

import daemon_lab
import pytest
from daemon_runs import command, header, run, the_daemon
from lab import FLEETEST, Project, wait_for

# ---- runs without it ----


@pytest.mark.parametrize(
    ("args", "env", "reason"),
    [
        (["--cold"], {}, "--cold"),
        (["--cold"], {"FLEETEST_DAEMON": "1"}, "--cold"),
        (["--no-daemon"], {}, "--no-daemon"),
        ([], {"FLEETEST_DAEMON": "0"}, "FLEETEST_DAEMON is 0"),
        ([], {"FLEETEST_DAEMON": "off", "CI": "true"}, "FLEETEST_DAEMON is off"),
        ([], {"FLEETEST_DAEMON": "", "CI": "true"}, "CI is set"),
    ],
)
def test_not_wanted(one: Project, args: list[str], env: dict[str, str], reason: str) -> None:
    assert run(one, *args, env=env) == f"cold ({reason})"
    assert daemon_lab.daemons(one.runtime) == []


@pytest.mark.parametrize(
    "env",
    [
        {"FLEETEST_DAEMON": None},
        {"FLEETEST_DAEMON": ""},
        {"FLEETEST_DAEMON": "yes"},
        {"FLEETEST_DAEMON": "1", "CI": "true"},
    ],
    ids=str,
)
def test_wanted(one: Project, env: dict[str, str | None]) -> None:
    assert run(one, env=env) == "cold (nothing was prepared)"
    assert run(one, env=env) == "warm start"


def test_folder_that_others_may_use(one: Project) -> None:
    folder = one.runtime / "fleetest"
    folder.mkdir(mode=0o755)
    assert run(one) == f"cold ({folder} can be used by others: chmod 700 it)"
    command(one, "start").check(100).err_lines(
        f"fleetest: {folder} can be used by others: chmod 700 it"
    )
    folder.rmdir()
    folder.symlink_to(one.path)
    assert run(one) == f"cold ({folder} is no folder)"


def test_no_place_for_a_folder(one: Project) -> None:
    missing = one.path / "missing"
    reason = run(one, env={"XDG_RUNTIME_DIR": str(missing), "TMPDIR": str(missing)})
    assert (
        reason == f"cold (cannot make {missing}/fleetest-{os.getuid()}: No such file or directory)"
    )


@pytest.mark.parametrize("runtime", ["missing", "relative", "file", None])
def test_no_runtime_folder(one: Project, runtime: str | None) -> None:
    """The variable may be left of another login."""
    one.file("file")
    one.env["TMPDIR"] = str(one.runtime)
    env = {
        "XDG_RUNTIME_DIR": str(one.path / runtime) if runtime in ("missing", "file") else runtime
    }
    try:
        run(one, env=env)
        assert run(one, env=env) == "warm start"
        assert (one.runtime / f"fleetest-{os.getuid()}").is_dir()
    finally:
        command(one, "stop", env=env).check(0)


def test_long_path(one: Project) -> None:
    """Longer than the address of a socket may be."""
    deep = one.path.parent.joinpath(*["a-folder-with-a-long-name"] * 8)
    deep.mkdir(parents=True, mode=0o700)
    one.runtime = deep
    one.env["XDG_RUNTIME_DIR"] = str(deep)
    run(one)
    assert run(one) == "warm start"


# ---- what the daemon cannot reproduce ----


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("ulimit -Hn 100000000 2>/dev/null || ulimit -n $(ulimit -Hn)", ""),
        ("exec setpriv --no-new-privs", "no_new_privs"),
        ("exec taskset -c 0", "CPU affinity"),
        ("exec unshare -n", "network namespace"),
        ("exec unshare -m", "mount namespace"),
        ("exec setpriv --bounding-set=-sys_time", "capabilities"),
        ("exec chrt --batch 0", "scheduling policy"),
        ("exec ionice -c 3", "I/O priority"),
        ("exec setarch -R", "personality"),
        ("exec choom -n 900 --", "oom_score_adj"),
    ],
)
def test_context(one: Project, change: str, reason: str) -> None:
    """The run has what was asked for: it is a cold one, in the command's own process."""
    run(one)
    tool = change.split()[1] if change.startswith("exec ") else ""
    if tool and one.run(*change.split()[1:], "true", leaves=True).code != 0:
        pytest.skip(f"{tool} does not work here")
    line = f"{change} {FLEETEST}" if tool else f"{change}; {FLEETEST}"
    found = header(one.run("bash", "-c", line, leaves=True).check(0))
    assert found == (f"cold ({reason} differs from the daemon's)" if reason else "warm start")
    assert run(one) == "warm start"


def test_daemon_that_has_less(one: Project) -> None:
    """It leaves, so that the next one has as much as its client."""
    one.run("bash", "-c", f"nice -n 5 {FLEETEST} daemon start", leaves=True).check(0)
    first = the_daemon(one)
    assert run(one) == "cold (nice value differs from the daemon's)"
    wait_for(lambda: first not in daemon_lab.daemons(one.runtime), "the daemon's end")
    assert run(one) == "cold (nothing was prepared)"
    assert run(one) == "warm start"


# ---- what has changed since ----


def test_variable_that_was_read(one: Project) -> None:
    for value in ("1", "2"):
        assert run(one, env={"PYTHONHASHSEED": value}) == "cold (nothing was prepared)"
    for value in ("1", "2"):
        assert run(one, env={"PYTHONHASHSEED": value}) == "warm start"
    assert run(one, env={"UNRELATED": "1", "PYTHONHASHSEED": "1"}) == "warm start"


def test_module_that_was_imported(one: Project) -> None:
    """It is what it is now, whatever was parked."""
    module = one.file("lib/sitecustomize.py", "import sys\nsys.value = 1\n")
    text = "import sys\ndef test_a(): assert sys.value == {}"
    one.file("test_a.py", text.format(1))
    one.env["PYTHONPATH"] = "lib"
    run(one)
    assert run(one) == "warm start"
    times = module.stat()
    module.write_text("import sys\nsys.value = 2\n", "utf-8")
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))
    # The byte code would be taken for the source's: plain pytest cannot tell either.
    shutil.rmtree(module.parent / "__pycache__", ignore_errors=True)
    one.file("test_a.py", text.format(20 // 10))
    assert run(one) == "cold (nothing was prepared)"
    assert run(one) == "warm start"
    command(one, "logs").lines("* ends: */lib* changed")


def test_variable_that_a_start_up_module_may_have_read(one: Project) -> None:
    """Its code was run before anybody could watch: all variables count, but for a shell's own."""
    one.file("lib/sitecustomize.py", "import os, sys\nsys.value = os.environ.get('VALUE')\n")
    one.file(
        "test_a.py", "import os, sys\ndef test_a(): assert sys.value == os.environ.get('VALUE')"
    )
    one.env["PYTHONPATH"] = "lib"
    run(one)
    assert run(one, env={"SHLVL": "7", "PWD": "/", "TERM_SESSION_ID": "x"}) == "warm start"
    for value in ("1", "2"):
        assert run(one, env={"VALUE": value}) == "cold (nothing was prepared)"
        assert run(one, env={"VALUE": value}) == "warm start"


def test_path_file_of_a_start_up_module(one: Project) -> None:
    """In a folder that is none of the environment's: it leads to another folder from now on."""
    one.file(
        "lib/sitecustomize.py",
        "import os, site\nsite.addsitedir(os.path.dirname(os.path.abspath(__file__)))\n",
    )
    one.file("test_a.py", "import mine\ndef test_a(): assert mine.VALUE == 1")
    one.env["PYTHONPATH"] = "lib"
    for name, value in (("first", 1), ("other", 2)):
        one.file(f"{name}/mine.py", f"VALUE = {value}\n")
    one.file("lib/mine.pth", f"{one.path}/first\n")
    run(one)
    assert run(one) == "warm start"
    one.file("lib/mine.pth", f"{one.path}/other\n")
    one.fleetest(leaves=True).check(1).lines("fleetest: cold (nothing was prepared)*")


def test_relative_path_of_modules(one: Project) -> None:
    """It means another folder elsewhere."""
    one.file("lib/sitecustomize.py", "import sys\nsys.value = 1\n")
    one.file("other/lib/sitecustomize.py", "import sys\nsys.value = 2\n")
    text = "import sys\ndef test_a(): assert sys.value == {}"
    one.file("test_a.py", text.format(1))
    one.file("other/test_b.py", text.format(2))
    one.env["PYTHONPATH"] = "lib"
    for _ in range(2):
        one.fleetest("test_a.py", leaves=True).check(0)
        one.fleetest(cwd="other", leaves=True).check(0)

"""Runs that go on from a session which was prepared ahead and has collected."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from ahead_runs import TEST, again, anew, prepare, settle
from daemon_runs import command, daemon_log, parked, start_of, status
from lab import FLEETEST, PYTEST, Project, Result, wait_for
from pty_lab import Terminal


def shown(result: Result) -> str:
    """What a run shows, but for how it was started and what it took."""
    text = re.sub(r"^fleetest: .*\n", "", result.out, flags=re.M)
    return re.sub(r"\d+\.\d\ds", "0.00s", text)


# ---- resuming ----


def test_nothing_changed(ahead: Project) -> None:
    prepare(ahead)
    again(ahead).check(0).counts(passed=1)
    again(ahead).check(0).counts(passed=1)


@pytest.mark.parametrize("words", ["--cold", "--no-daemon", "--daemon-memory=500"])
def test_options_of_the_command_in_the_environment(ahead: Project, words: str) -> None:
    """They come too late there, and do no harm."""
    ahead.env["PYTEST_ADDOPTS"] = words
    prepare(ahead)
    again(ahead).check(0).counts(passed=1)


def test_state(ahead: Project) -> None:
    """A snapshot is shown as such, and there is one for a configuration."""
    prepare(ahead)
    again(ahead, "-v").check(0)
    settle(ahead)
    assert len(parked(ahead, "tests collected")) == 1


def test_none_are_kept(ahead: Project) -> None:
    ahead.env["FLEETEST_DAEMON_SNAPSHOTS"] = "0"
    prepare(ahead)
    assert start_of(anew(ahead)) == "warm start"


def test_the_least_used_makes_room(ahead: Project) -> None:
    ahead.env["FLEETEST_DAEMON_SNAPSHOTS"] = "1"
    ahead.file("test_b.py", TEST)
    prepare(ahead, "test_a.py")
    prepare(ahead, "test_b.py")
    again(ahead, "test_b.py")
    anew(ahead, "test_a.py")


def test_renewal(ahead: Project) -> None:
    """The process from which a snapshot was forked is renewed, and there is a snapshot of the new one."""
    command(ahead, "start", "--renew-after", "1").check(0)
    prepare(ahead)
    (before,) = parked(ahead, "tests collected")
    wait_for(lambda: "it is renewed" in daemon_log(ahead), "the renewal", 30)
    (behind,) = parked(ahead, "tests collected")
    assert behind != before
    again(ahead).check(0)


@pytest.mark.parametrize(
    "options",
    [
        ["-v"],
        ["-q"],
        ["-vv", "-rA"],
        ["-k", "b"],
        ["-k", "nothing"],
        ["-m", "slow"],
        ["--deselect", "test_a.py::test_b"],
        ["-x"],
        ["--maxfail=1"],
        ["--tb=short"],
        ["--tb=no", "--no-header"],
        ["--ff"],
        ["--nf"],
        ["-n0"],
        ["-n2"],
        ["-n2", "--dist=loadfile"],
        ["-p", "no:warnings"],
        ["--showlocals"],
        ["--no-summary"],
    ],
    ids=" ".join,
)
def test_other_options(ahead: Project, options: list[str]) -> None:
    """Those of this run count, not those for which the snapshot was made."""
    ahead.file(
        "test_a.py",
        """
        import pytest, warnings

        def test_a():
            x = 1
            assert x == 2

        @pytest.mark.slow
        def test_b():
            warnings.warn("soft")

        @pytest.mark.skip
        def test_c(): pass

        @pytest.mark.xfail(strict=True)
        def test_d(): assert 0
        """,
    )
    ahead.file("pytest.ini", "[pytest]\nmarkers = slow: it is\n")
    prepare(ahead, "-n0")
    prepare(ahead)
    warm = ahead.fleetest("--ordered", *options, leaves=True)
    cold = ahead.fleetest("--ordered", *options, env={"FLEETEST_DAEMON": "0"}, leaves=True)
    if not {"-q", "no:warnings", "nothing"} & {*options}:
        assert start_of(warm) == "warm"
    assert warm.code == cold.code
    assert shown(warm) == shown(cold)


LISTED = {
    "pytest.ini": "[pytest]\nmarkers = slow: it is\n",
    "test_a.py": """
        import pytest

        def test_a(): assert 0

        @pytest.mark.slow
        @pytest.mark.parametrize("n", [1, 2])
        def test_b(n): pass
        """,
    "sub/test_c.py": "class TestC:\n    def test_c(self): pass\n",
}


@pytest.mark.parametrize(
    "options",
    [
        "--collect-only",
        "--co -q",
        "--co -qq",
        "--co -v",
        "--co -k b",
        "--co -q -m slow",
        "--co -q --deselect=test_a.py::test_a",
        "--co -q -k nothing",
        "--co -q -n2",
    ],
)
def test_only_collected(ahead: Project, options: str) -> None:
    """From the snapshot for running them, and with what pytest says of it, to the letter."""
    ahead.files(LISTED)
    prepare(ahead)
    warm = ahead.fleetest(*options.split(), leaves=True)
    assert status(ahead)["last_run"] == "warm"
    cold = ahead.run(*PYTEST, *options.replace("-n2", "").split())
    assert warm.code == cold.code
    for result in (warm, cold):
        result.out = re.sub(r"^plugins: .*\n", "", result.out, flags=re.M)
    assert shown(warm) == shown(cold)
    assert warm.err == cold.err


@pytest.mark.parametrize("options", ["-n0 --co", "-n2 --co -q", "--co"])
def test_collected_to_be_shown(ahead: Project, options: str) -> None:
    """Runs and more of that go on from there in turns."""
    ahead.files(LISTED)
    prepare(ahead, *options.split())
    for flag in ("-n2", "-n0"):
        again(ahead, flag).check(1).counts(passed=3, failed=1)
        ahead.fleetest("--co", "-q", leaves=True).check(0)
        assert status(ahead)["last_run"] == "warm"
    settle(ahead)
    assert len(parked(ahead, "tests collected")) == 1


@pytest.mark.parametrize(
    "asked",
    [
        "config.option.collectonly",
        "config.getoption('--collect-only')",
        "config.getvalue('collectonly')",
        "vars(config.option)['collectonly']",
        "config.known_args_namespace.collectonly",
        "not config.pluginmanager.hasplugin('dsession')",
        "config.pluginmanager.get_plugin('terminaldistreporter') is None",
    ],
)
def test_whether_they_are_run_was_asked(ahead: Project, asked: str) -> None:
    """Then each has a snapshot of its own."""
    ahead.file(
        "conftest.py",
        f"""
        def pytest_generate_tests(metafunc):
            config = metafunc.config
            metafunc.parametrize('v', [bool({asked})])
        """,
    )
    ahead.file("test_a.py", "def test_a(v): assert not v\n")
    prepare(ahead, "-n2")
    again(ahead, "-n2").check(0)
    listed = ahead.fleetest("-n2", "--co", "-q", leaves=True).lines("test_a.py::test_a[[]True]")
    assert status(ahead)["last_run"] != "warm"
    settle(ahead)
    assert ahead.fleetest("-n2", "--co", "-q", leaves=True).out[:30] == listed.out[:30]
    assert status(ahead)["last_run"] == "warm"
    again(ahead, "-n2").check(0)


def test_last_failed_is_read_anew(ahead: Project) -> None:
    """What failed since the snapshot was made is what --ff begins with, and the cache has it."""
    ahead.file(
        "test_a.py", "import os\ndef test_a(): pass\ndef test_b(): assert 'BAD' not in os.environ\n"
    )
    prepare(ahead, "-n0")
    again(ahead, "-n0", env={"BAD": "1"}).check(1)
    result = again(ahead, "-n0", "--ff", "-v")
    result.check(0).lines("run-last-failure: rerun previous 1 failure first")
    assert result.out.index("::test_b") < result.out.index("::test_a")
    result = again(ahead, "-n0", "--ff", "-v")
    assert result.out.index("::test_a") < result.out.index("::test_b")


def test_ids_are_their_own(ahead: Project) -> None:
    """The snapshot of a whole file is none for one of its tests."""
    ahead.file("test_a.py", "def test_a(): pass\ndef test_b(): pass\n")
    prepare(ahead, "test_a.py")
    anew(ahead, "test_a.py::test_b").check(0).counts(passed=1)


def test_ids_of_a_file_have_one(ahead: Project) -> None:
    ahead.files(LISTED)
    prepare(ahead, "test_a.py::test_b[1]")
    again(ahead, "test_a.py::test_b[2]").check(0).counts(passed=1)
    again(ahead, "test_a.py::test_a").check(1).counts(failed=1)
    again(ahead, "test_a.py::test_b", "./test_a.py::test_a").check(1).counts(passed=2, failed=1)
    ahead.fleetest("test_a.py::test_c", leaves=True).check(4).err_lines(
        "ERROR: not found: *::test_c"
    )
    assert status(ahead)["last_run"] == "warm"
    anew(ahead, "sub/test_c.py::TestC").check(0)
    settle(ahead)
    assert len(parked(ahead, "tests collected")) == 2


def test_ids_within_a_wrapper(ahead: Project) -> None:
    """Somebody's hook would be on the stack where the files are collected: each has a snapshot of its own."""
    ahead.files(LISTED)
    ahead.file(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(hookwrapper=True)
        def pytest_make_collect_report(collector):
            yield
        """,
    )
    prepare(ahead, "test_a.py::test_b")
    again(ahead, "test_a.py::test_b").check(0).counts(passed=2)
    anew(ahead, "test_a.py::test_b[1]").check(0).counts(passed=1)
    settle(ahead)
    again(ahead, "test_a.py::test_b[1]").check(0).counts(passed=1)
    again(ahead, "test_a.py::test_b").check(0).counts(passed=2)


def begun_at(project: Project) -> int:
    """When the snapshot was begun, in ns since 1970."""
    (pid,) = parked(project, "tests collected")
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return int((boot + (ticks + 2) / os.sysconf("SC_CLK_TCK")) * 1e9)


def test_junit(ahead: Project) -> None:
    """The report is of the run, and preparing writes none."""
    prepare(ahead, "--junitxml=report.xml")
    assert (ahead.path / "report.xml").stat().st_mtime_ns < begun_at(ahead)
    (ahead.path / "report.xml").unlink()
    assert not (ahead.path / "report.xml").exists()
    again(ahead, "--junitxml=report.xml").check(0)
    assert 'tests="1"' in (ahead.path / "report.xml").read_text()


def test_daemon_stops(ahead: Project) -> None:
    prepare(ahead)
    (pid,) = parked(ahead, "tests collected")
    command(ahead, "stop").check(0)
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), "its end")


# ---- what a test sees ----


def test_environment(ahead: Project) -> None:
    """That of the client, with what the conftest has set in it."""
    ahead.file("conftest.py", "import os\nos.environ['SET'] = 'by conftest'\n")
    ahead.file(
        "test_a.py",
        """
        import os
        def test_a():
            assert (os.environ["SET"], os.environ.get("NEW")) == ("by conftest", os.environ["WANTED"])
            assert os.popen("echo $SET $NEW").read().split() == ["by", "conftest", os.environ["WANTED"]]
        """,
    )
    prepare(ahead, env={"NEW": "1", "WANTED": "1"})
    again(ahead, env={"NEW": "2", "WANTED": "2"}).check(0)


def test_streams(ahead: Project) -> None:
    """What conftests kept of the standard streams is where the run writes to."""
    ahead.file(
        "conftest.py",
        """
        import logging, os, sys
        out, err, raw = sys.stdout, sys.stderr, os.dup(2)
        handler = logging.StreamHandler(sys.__stderr__)
        """,
    )
    ahead.file(
        "test_a.py",
        """
        import os, sys, conftest
        def test_a():
            os.write(conftest.raw, b"raw\\n")
            assert sys.stdin.read() == "typed"
        """,
    )
    prepare(ahead, "-s", "-n0", input="typed")
    result = again(ahead, "-s", "-n0", input="typed").check(0)
    assert "raw" in result.err


@pytest.mark.parametrize("capture", ["fd", "sys", "no", "tee-sys"])
def test_captured_output(ahead: Project, capture: str) -> None:
    """Two runs at once do not see each other's."""
    ahead.file(
        "test_a.py",
        """
        import os, subprocess
        def test_a():
            for _ in range(50):
                print(os.environ["NAME"])
                subprocess.run(["echo", "sub", os.environ["NAME"]])
            assert 0
        """,
    )
    args = (f"--capture={capture}", "-n2")
    prepare(ahead, *args, env={"NAME": "none"})
    names = ["one", "two"]
    runs = [ahead.start(FLEETEST, *args, env={"NAME": name}) for name in names]
    for name, other, running in zip(names, reversed(names), runs):
        result = running.wait(leaves=True).check(1)
        assert f"\n{name}\n" in result.out
        assert f"\n{other}\n" not in result.out


def test_random_numbers(ahead: Project) -> None:
    """Others in each run, unless the project has a seed."""
    ahead.file(
        "test_a.py", "import random\ndef test_a(): print('drawn', random.random()); assert 0\n"
    )
    prepare(ahead)
    drawn = {re.search(r"drawn ([\d.]+)", again(ahead).out)[1] for _ in range(2)}  # type: ignore[index]
    assert len(drawn) == 2
    ahead.file("conftest.py", "import random\nrandom.seed(7)\nrandom.random()\n")
    prepare(ahead)
    drawn = {re.search(r"drawn ([\d.]+)", again(ahead).out)[1] for _ in range(2)}  # type: ignore[index]
    assert len(drawn) == 1


def test_command_line_of_the_process(ahead: Project) -> None:
    ahead.file("test_a.py", "import sys\ndef test_a(request):\n"
               "    assert sys.argv[1:] == ['-k', 'test_a'] == [*request.config.invocation_params.args]\n")  # fmt: skip
    prepare(ahead)
    again(ahead, "-k", "test_a").check(0)


def test_terminal(ahead: Project) -> None:
    """A snapshot for a terminal is made as for one of this size, and none other goes on from it."""
    ahead.file(
        "conftest.py",
        "import shutil, sys\nseen = [sys.__stdout__.isatty(), shutil.get_terminal_size().columns]\n",
    )
    ahead.file(
        "test_a.py", "import conftest\ndef test_a(): print('seen', conftest.seen); assert 0\n"
    )
    prepare(ahead, "-s")
    assert "seen [False, 80]" in again(ahead, "-s").out
    for number, columns in enumerate((90, 90, 100)):
        terminal = Terminal(ahead, FLEETEST, "-s", columns=columns)
        try:
            result = terminal.wait(leaves=True)
        finally:
            terminal.close()
        settle(ahead)
        assert f"seen [True, {columns}]" in result.out
        assert ("fleetest: warm;" in result.out) == (number == 1)


# ---- what is shown before the tests ----


def test_header_hooks_are_called_once_a_run(ahead: Project) -> None:
    ahead.file(
        "conftest.py",
        """
        CALLS = []
        def pytest_report_header(config):
            CALLS.append(1)
            print("called")
            return "calls: %d" % len(CALLS)
        """,
    )
    ahead.file(
        "test_a.py",
        "import conftest\nCALLS = len(conftest.CALLS)\ndef test_a(): assert CALLS == 1\n",
    )
    for options in ([], ["-v"]):
        prepare(ahead, "-n0", *options)
        warm = again(ahead, "-n0", *options).check(0)
        cold = ahead.fleetest("-n0", *options, env={"FLEETEST_DAEMON": "0"})
        assert shown(warm) == shown(cold)
    anew(ahead, "-n0", "--no-header")


def test_header_hooks_of_folders_below(ahead: Project) -> None:
    """They come too late."""
    ahead.file("sub/conftest.py", "def pytest_report_header(config): return 'never'\n")
    ahead.file("sub/test_b.py", TEST)
    prepare(ahead)
    assert "never" not in again(ahead).check(0).out


def test_printed_by_the_project(ahead: Project) -> None:
    """It comes where it comes under plain pytest."""
    ahead.file(
        "conftest.py",
        """
        print("at import")
        def pytest_configure(): print("at configure")
        def pytest_sessionstart(): print("at sessionstart")
        def pytest_collection_finish(): print("at finish")
        """,
    )
    ahead.file("test_a.py", "print('in module')\n" + TEST)
    for options in ([], ["-s"], ["-s", "-v"]):
        prepare(ahead, "-n0", *options)
        warm = again(ahead, "-n0", *options)
        cold = ahead.fleetest("-n0", *options, env={"FLEETEST_DAEMON": "0"})
        assert shown(warm) == shown(cold)


# ---- what changed ----


def change(project: Project, what: str) -> None:
    """Make one change."""
    path = project.path / "test_a.py"
    status = path.stat()
    if what == "same size and time":
        path.write_text("def test_b(): pass\n")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif what == "new file":
        (project.path / "test_new.py").write_text(TEST)
    elif what == "new folder":
        (project.path / "sub").mkdir()
        (project.path / "sub" / "test_new.py").write_text(TEST)
    elif what == "conftest":
        (project.path / "conftest.py").write_text("")
    elif what == "ini":
        (project.path / "pytest.ini").write_text("[pytest]\npython_functions = test\n")


@pytest.mark.parametrize(
    "what", ["same size and time", "new file", "new folder", "conftest", "ini"]
)
def test_changed(ahead: Project, what: str) -> None:
    prepare(ahead)
    change(ahead, what)
    anew(ahead, "-v").check(0)
    settle(ahead)
    result = again(ahead, "-v").check(0)
    assert ("test_b" in result.out) == (what == "same size and time")
    assert ("test_new" in result.out) == what.startswith("new")


def test_reason(ahead: Project) -> None:
    prepare(ahead)
    ahead.file("test_a.py", TEST * 2)
    path = ahead.path / "test_a.py"
    assert start_of(anew(ahead)) == f"rewound to test_a.py: {path} changed"


def test_touched(ahead: Project) -> None:
    """Content decides; and what editors and runs leave behind is none."""
    prepare(ahead)
    (ahead.path / "test_a.py").touch()
    for name in (".test_a.py.swp", "test_a.py~", "4913", "notes.md"):
        (ahead.path / name).touch()
    again(ahead)


def test_variables(ahead: Project) -> None:
    """Those that were read on the way count, others do not."""
    ahead.file("test_a.py", "import os\nif os.getenv('READ'):\n    def test_b(): pass\n" + TEST)
    prepare(ahead)
    again(ahead, env={"OTHER": "1"}).counts(passed=1)
    anew(ahead, env={"READ": "1"}).counts(passed=2)


def test_options_that_were_read(ahead: Project) -> None:
    ahead.file(
        "conftest.py",
        "def pytest_generate_tests(metafunc):\n"
        "    if 'v' in metafunc.fixturenames:\n"
        "        metafunc.parametrize('v', range(metafunc.config.option.verbose + 1))\n",
    )
    ahead.file("test_a.py", "def test_a(v): pass\n")
    prepare(ahead)
    again(ahead, "-x").counts(passed=1)
    anew(ahead, "-v").counts(passed=2)
    settle(ahead)
    again(ahead, "-v").counts(passed=2)


def test_arguments_that_were_read(ahead: Project) -> None:
    ahead.file("conftest.py", "import sys\nseen = sys.argv[1:]\n")
    ahead.file("test_a.py", "import conftest\ndef test_a(): assert conftest.seen == ['-v']\n")
    prepare(ahead)
    anew(ahead, "-v").check(0)


def test_data_file(ahead: Project) -> None:
    ahead.file("data.txt", "1 2")
    ahead.file(
        "test_a.py",
        """
        import pathlib, pytest
        @pytest.mark.parametrize("n", pathlib.Path("data.txt").read_text().split())
        def test_a(n): pass
        """,
    )
    prepare(ahead)
    again(ahead).counts(passed=2)
    ahead.file("data.txt", "1 2 3")
    anew(ahead).counts(passed=3)


def test_collection_error(ahead: Project) -> None:
    """It is pytest's own, and nothing goes on from it."""
    ahead.file("test_a.py", "def test_a(: pass\n")
    prepare(ahead)
    assert "SyntaxError" in anew(ahead).check(2).out
    ahead.file("test_a.py", TEST)
    anew(ahead).check(0)
    settle(ahead)
    again(ahead).check(0)


@pytest.mark.parametrize(
    ("args", "text", "code"),
    [
        (["no_such_file.py"], TEST, 4),
        (["test_a.py::no_such_test"], TEST, 4),
        ([], "raise KeyboardInterrupt\n", 2),
        ([], "import sys\nsys.exit(1)\n", 3),
    ],
)
def test_end_before_the_tests(ahead: Project, args: list[str], text: str, code: int) -> None:
    """What sessions do at their end is done by runs, not by a preparation."""
    ahead.file(
        "conftest.py",
        "def pytest_sessionfinish():\n    with open('log', 'a') as file: print('x', file=file)\n",
    )
    ahead.file("test_a.py", text)
    for runs in (1, 2):
        ahead.fleetest(*args, leaves=True).check(code)
        settle(ahead)
        assert ahead.logged("log") == ["x"] * runs

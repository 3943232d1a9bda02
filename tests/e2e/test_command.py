"""The command: help, arguments, which Python it starts, the ways to start it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path

import pytest
from counting import assert_serial, assert_workers, one_line, places, where_tests_run
from lab import BIN, FLEETEST, Project, Result, numbered

# ---- version, help ----


class Tools:
    """A copy of the command, fake Pythons that say who they are, and an empty PATH."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.bin = project.path / "copy" / "bin"
        self.bin.mkdir(parents=True)
        self.command = self.bin / "fleetest"
        shutil.copy(FLEETEST, self.command)
        self.empty = project.path / "empty"
        self.empty.mkdir()
        project.env["PATH"] = str(self.empty)

    def fake(self, name: str) -> Path:
        """Write a Python that prints its own name in the project."""
        return self.project.file(name, f"#!/bin/sh\necho {name}\nexit 7\n", mode=0o755)

    def run(self, *args: str, **options: object) -> Result:
        """Run the copy."""
        return self.project.run(self.command, *args, **options)


@pytest.fixture
def tools(project: Project) -> Tools:
    """The command alone in a folder, without any Python to be found."""
    return Tools(project)


@pytest.mark.parametrize(
    "args", [["--version"], ["-V"], ["--python", "nowhere", "--version"], ["-n", "2", "-V", "x.py"]]
)
def test_version_starts_no_python(tools: Tools, args: list[str]) -> None:
    """The version is the command's own business."""
    tools.fake("copy/bin/python")
    result = tools.run(*args).check(0)
    assert result.out == f"fleetest {version('fleetest')}\n"
    assert result.err == ""


@pytest.mark.parametrize("args", [["--version", "--version"], ["-VV"]])
def test_version_asked_for_twice_is_pytests(project: Project, args: list[str]) -> None:
    """It is then pytest that answers, with its plugins."""
    result = project.fleetest(*args).check(0)
    assert f"pytest version {pytest.__version__}" in result.out + result.err


def test_help_shows_own_options_first(project: Project) -> None:
    """Then come pytest's, all of them."""
    result = project.fleetest("--help").check(0)
    result.lines("usage: fleetest *", "fleetest:", "*-n *", "*--python*", "general:", "*-k EXPR*")
    plain = project.pytest("--help").check(0)
    headings = [line for line in plain.out.splitlines() if line.endswith(":") and line[0] != " "]
    result.lines(*headings)


def test_help_of_the_module_has_no_python_option(project: Project) -> None:
    """``--python`` is the native command's."""
    project.python("-m", "fleetest", "--help").check(0).no_line("*--python PATH*")


# ---- arguments ----


def test_unknown_option_is_pytests_usage_error(project: Project) -> None:
    """One message, exit code 4."""
    result = project.fleetest("--no-such-option").check(4)
    assert result.err.count("unrecognized arguments: --no-such-option") == 1
    assert result.out == ""


def test_unknown_option_looks_as_under_pytest(project: Project) -> None:
    """But for the command's name."""
    plain = project.run(BIN / "pytest", "--no-such-option").check(4)
    result = project.fleetest("--no-such-option").check(4)
    usage, error = "usage: {} [[]options]*", "{}: error: *"
    for name, shown in (("pytest", plain), ("fleetest", result)):
        shown.err_lines("*" + usage.format(name), error.format(name))
    assert result.err.replace("fleetest", "pytest") == plain.err.replace("fleetest", "pytest")


CONFTEST_OPTIONS = """
    import json

    def pytest_addoption(parser):
        parser.addoption("--alpha", action="append")
        parser.addoption("--beta", action="store_true")

    def pytest_sessionstart(session):
        config = session.config
        if not hasattr(config, "workerinput"):
            seen = [list(config.invocation_params.args), config.option.alpha, config.option.beta]
            with open("seen", "w") as file:
                json.dump([*seen, config.args], file)
"""


def test_plugin_options_are_passed_untouched_and_in_order(project: Project) -> None:
    """Whatever is in them."""
    project.file("conftest.py", CONFTEST_OPTIONS)
    project.file("test_a.py", numbered(2))
    odd = ["--alpha=a b", "--alpha", "\n", "--alpha=\udcff", "--alpha=", "-k", "0 or 1", "--beta"]
    args = [*odd, "--alpha", "last", "-q", "--", "test_a.py"]
    project.fleetest("--python", sys.executable, *args).check(0)
    invoked, alpha, beta, files = json.loads(project.read("seen"))
    assert invoked == args
    assert alpha == ["a b", "\n", "\udcff", "", "last"]
    assert beta is True
    assert [Path(name).name for name in files] == ["test_a.py"]


def test_after_two_dashes_nothing_is_ours(project: Project) -> None:
    """``--python`` is then the name of a file."""
    project.file("--python", "")
    result = project.fleetest("-q", "--", "--python")
    assert result.code == project.pytest("-q", "--", "--python").code


# ---- which Python ----


def test_the_order_in_which_a_python_is_found(tools: Tools) -> None:
    """--python, beside the command, $VIRTUAL_ENV, python3 on PATH; then the next one."""
    order = [
        "copy/bin/python",
        "copy/bin/python3",
        "env/bin/python",
        "env/bin/python3",
        "first/python3",
        "second/python3",
    ]
    for name in [*order, "named/python"]:
        tools.fake(name)
    tools.fake("first/python")  # PATH is asked for python3 only
    root = tools.project.path
    tools.project.env["PATH"] = os.pathsep.join([str(root / "first"), str(root / "second")])
    tools.project.env["VIRTUAL_ENV"] = str(root / "env")
    named = str(root / "named" / "python")
    for words in (["--python", named], [f"--python={named}"], ["-x", "--python", named, "-v"]):
        assert tools.run(*words).check(7).out == "named/python\n"
    for name in order:
        assert tools.run().check(7).out == f"{name}\n"
        (root / name).unlink()
    assert tools.run("--python", "python").check(7).out == "first/python\n"


def test_what_is_no_program_is_passed_over(tools: Tools) -> None:
    """A folder or a plain file called python is none."""
    (tools.bin / "python").mkdir()
    tools.fake("copy/bin/python3").chmod(0o644)
    tools.project.file("env/bin/python3", mode=0o644)
    tools.fake("env/bin/python")
    tools.project.env["VIRTUAL_ENV"] = str(tools.project.path / "env")
    assert tools.run().check(7).out == "env/bin/python\n"


def test_a_link_to_the_command_finds_the_python_beside_the_command(tools: Tools) -> None:
    """As tools that install commands make them."""
    tools.fake("copy/bin/python")
    tools.fake("links/python")
    link = tools.project.path / "links" / "fleetest"
    link.symlink_to(tools.command)
    assert tools.project.run(link).check(7).out == "copy/bin/python\n"
    tools.project.env["PATH"] = str(link.parent)
    assert tools.project.run("/bin/sh", "-c", "fleetest").check(7).out == "copy/bin/python\n"


def test_no_python(tools: Tools) -> None:
    """One line, exit code 101."""
    line = one_line(tools.run("-n", "2").check(101))
    assert line.startswith("fleetest: no Python found")
    assert "--python" in line


@pytest.mark.parametrize("value", ["nowhere", "./nowhere", "."])
def test_named_python_that_is_none(tools: Tools, value: str) -> None:
    """Nothing else is tried instead."""
    tools.fake("copy/bin/python")
    line = one_line(tools.run("--python", value).check(101))
    assert line == f"fleetest: --python: {value} is not a program"


@pytest.mark.parametrize("args", [["--python"], ["--python="], ["-x", "--python", ""]])
def test_python_option_without_value(tools: Tools, args: list[str]) -> None:
    """Exit code 4, as for pytest's options."""
    assert "--python" in one_line(tools.run(*args).check(4))


def test_python_that_cannot_be_started(tools: Tools) -> None:
    """Its first line names an interpreter that is not there."""
    tools.project.file("copy/bin/python", "#!/no/such/interpreter\n", mode=0o755)
    line = one_line(tools.run().check(100))
    assert str(tools.bin / "python") in line


def _interpreter(minor: str) -> str | None:
    """A Python of that version, wherever this machine may have it."""
    found = shutil.which(f"python{minor}")
    versions = Path.home() / ".pyenv" / "versions"
    candidates = [found] if found else []
    candidates += [str(path) for path in versions.glob(f"{minor}.*/bin/python")]
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    for path in candidates:
        done = subprocess.run([path, "-c", ask], capture_output=True, text=True, check=False)
        if done.stdout.strip() == minor:
            return path
    return None


@pytest.mark.parametrize("minor", ["2.7", "3.6", "3.7", "3.8"])
def test_too_old_python(project: Project, minor: str) -> None:
    """One line, exit code 102."""
    old = _interpreter(minor)
    if old is None:
        pytest.skip(f"no Python {minor} here")
    line = one_line(project.fleetest("--python", old).check(102))
    assert f"(Python {minor}) is too old: 3.9 or later is needed" in line


@pytest.fixture
def bare(project: Project) -> Path:
    """A Python with nothing installed."""
    folder = project.path.parent / "bare"
    venv.EnvBuilder(symlinks=True).create(folder)
    return folder / "bin" / "python"


def lend_fleetest(project: Project) -> Path:
    """Have Pythons find fleetest, and nothing of what is installed beside it."""
    package = importlib.util.find_spec("fleetest").submodule_search_locations[0]
    folder = project.path.parent / "lent"
    folder.mkdir()
    (folder / "fleetest").symlink_to(package)
    project.env["PYTHONPATH"] = str(folder)
    return folder


def test_python_without_fleetest(project: Project, bare: Path) -> None:
    """One line, exit code 103."""
    line = one_line(project.fleetest("--python", bare).check(103))
    assert line.startswith(f"fleetest: {bare} (Python 3.")
    assert "no fleetest" in line


def test_python_without_pytest(project: Project, bare: Path) -> None:
    """One line, exit code 102."""
    lend_fleetest(project)
    line = one_line(project.fleetest("--python", bare).check(102))
    assert line.startswith(f"fleetest: {bare} has no pytest")
    assert one_line(project.run(bare, "-m", "fleetest").check(102)) == line


def test_too_old_pytest(project: Project, bare: Path) -> None:
    """One line, exit code 102."""
    (lend_fleetest(project) / "pytest.py").write_text("__version__ = '7.3.2'\n")
    line = one_line(project.fleetest("--python", bare).check(102))
    assert line == f"fleetest: {bare} has pytest 7.3.2; fleetest needs 7.4 or later"


def test_python_with_another_fleetest(project: Project) -> None:
    """Command and package must be of one version: one line, exit code 103."""
    ours = version("fleetest")
    other = ours.translate(str.maketrans("0123456789", "9999999999"))
    program = Path(FLEETEST).read_bytes().replace(f"{ours}\0".encode(), f"{other}\0".encode())
    command = project.path / "fleetest"
    command.write_bytes(program)
    command.chmod(0o755)
    assert project.run(command, "--version").out == f"fleetest {other}\n"
    line = one_line(project.run(command, "--python", sys.executable).check(103))
    assert f"has fleetest {ours}, but {command} is {other}" in line


def test_a_module_called_fleetest_in_the_current_folder_is_not_ours(project: Project) -> None:
    """The current folder is not on sys.path, as with the pytest command."""
    for name in ("fleetest.py", "sys.py", "pytest.py", "socket.py"):
        project.file(name, "raise RuntimeError('wrong module')")
    project.file("tests/test_a.py", numbered(2))
    project.fleetest("-n", "2", "tests").check(0).counts(passed=2)


# ---- the ways to start ----

PATHS = """
    import json
    import sys

    def test_paths():
        main = sys.modules["__main__"]
        with open("paths", "w") as file:
            json.dump([sys.path, sys.argv, main.__name__, hasattr(main, "__file__")], file)
"""


def test_user_code_sees_what_it_sees_under_the_pytest_command(project: Project) -> None:
    """sys.path, sys.argv and __main__."""
    project.file("tests/test_paths.py", PATHS)
    project.run(BIN / "pytest", "tests").check(0)
    expected = json.loads(project.read("paths"))
    project.fleetest("tests").check(0)
    seen = json.loads(project.read("paths"))
    expected[1][0] = FLEETEST
    assert seen == expected


def test_module(project: Project) -> None:
    """``python -m fleetest`` has the current folder on sys.path, as ``python -m pytest`` has."""
    where_tests_run(project)
    project.file("helper.py")
    project.file("tests/test_a.py", "import helper\n" + numbered(2))
    result = project.python("-m", "fleetest", "-n", "2", "test_where.py").check(0)
    assert_workers(project, result, 2)
    project.python("-m", "fleetest", "-n", "2", "tests").check(0)
    assert "No module named 'helper'" in project.fleetest("-n", "2", "tests").check(2).out


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["-X", "dev"], "dev_mode=True"),
        (["-O"], "optimize=1"),
        (["-W", "error::DeprecationWarning"], "dev_mode=False"),
    ],
)
@pytest.mark.parametrize("method", ["fork", "configure", "conftests", "spawn"])
def test_interpreter_options_reach_the_workers(
    project: Project, flags: list[str], expected: str, method: str
) -> None:
    """What ``python ... -m fleetest`` was started with."""
    project.file(
        "test_flags.py",
        """
        import sys
        import warnings

        def check():
            with open("log", "a") as file:
                file.write(f"{sys.flags} {sys.warnoptions}\\n")

        def test_1():
            check()

        def test_2():
            check()
        """,
    )
    args = ["-m", "fleetest", "-n", "2", "--start-method", method]
    project.python(*flags, *args).check(0).lines("*2 passed*")
    logged = project.logged()
    assert len(logged) == 2
    assert all(expected in line for line in logged)
    if "-W" in flags:
        assert all("error::DeprecationWarning" in line for line in logged)


def test_plugin_of_pytest(project: Project) -> None:
    """``pytest -p fleetest`` is serial unless told how many workers."""
    where_tests_run(project)
    result = project.pytest("-p", "fleetest", "-n", "2").check(0).counts(passed=6)
    assert_workers(project, result, 2)
    for args in ([], ["-n", "0"], ["--dist", "no", "-n", "2"]):
        project.pytest("-p", "fleetest", *args).check(0).counts(passed=6).no_line("created:*")
        assert_serial(project)


def test_plugin_asked_for_in_other_ways(project: Project) -> None:
    """PYTEST_PLUGINS, PYTEST_ADDOPTS, and more than once."""
    where_tests_run(project)
    for args, env in (
        (["-n", "2"], {"PYTEST_PLUGINS": "fleetest"}),
        ([], {"PYTEST_ADDOPTS": "-p fleetest -n 2"}),
        (["-p", "fleetest", "-p", "fleetest", "-n", "2"], {}),
    ):
        assert_workers(project, project.pytest(*args, env=env).check(0), 2)
    for args, env in (
        (["-p", "fleetest", "-n", "2"], {}),
        (["-n", "2"], {"PYTEST_PLUGINS": "fleetest"}),
    ):
        assert_workers(project, project.fleetest(*args, env=env).check(0), 2)


def test_number_in_addopts_counts_for_both(project: Project) -> None:
    """And the command line comes after it."""
    where_tests_run(project)
    project.file("pytest.ini", "[pytest]\naddopts = -p fleetest -n 2\n")
    assert_workers(project, project.pytest().check(0), 2)
    assert_workers(project, project.fleetest().check(0), 2)
    project.fleetest("-n", "0").check(0)
    assert_serial(project)
    project.pytest("-n", "0").check(0)
    assert_serial(project)


def test_main_returns_to_the_script_once(project: Project) -> None:
    """Neither control nor exit handlers come back in a worker; and it works twice."""
    where_tests_run(project)
    script = project.file(
        "script.py",
        """
        import atexit
        import sys

        import pytest

        def log(text):
            with open("script", "a") as file:
                file.write(text + "\\n")

        atexit.register(log, "exit")
        for number in (1, 2):
            code = pytest.main(["-p", "fleetest", "-n", "2"])
            log(f"returned {code!r}")
        """,
    )
    project.python(script).check(0)
    code = "<ExitCode.OK: 0>"
    assert project.logged("script") == [f"returned {code}", f"returned {code}", "exit"]
    assert places(project, 12) <= {"gw0", "gw1"}


def test_exit_handlers_of_the_starting_program_run_once(project: Project) -> None:
    """Also when the program is the command's argument."""
    project.file("test_a.py", numbered(4))
    code = (
        "import atexit, pytest;"
        "atexit.register(print, 'the end');"
        "raise SystemExit(pytest.main(['-p', 'fleetest', '-n', '2', '-q']))"
    )
    result = project.python("-c", code).check(0)
    assert result.out.count("the end") == 1
    assert result.out.endswith("the end\n")


def test_coverage_measures_the_module_run_in_process(project: Project) -> None:
    """``coverage run -m fleetest -n 0`` sees every line that runs."""
    pytest.importorskip("coverage")
    project.file("test_a.py", numbered(3))
    args = ["run", "--include=test_a.py", "-m", "fleetest"]
    project.python("-m", "coverage", *args, "-n", "0").check(0).counts(passed=3)
    report = project.python("-m", "coverage", "report", "--fail-under=100").check(0)
    report.lines("test_a.py *100%*")


def test_coverage_of_workers_does_not_disturb(project: Project) -> None:
    """With workers, coverage has the controller's part."""
    pytest.importorskip("coverage")
    project.file("test_a.py", numbered(4))
    result = project.python("-m", "coverage", "run", "-m", "fleetest", "-n", "2").check(0)
    result.counts(passed=4)
    assert result.err == ""
    assert (project.path / ".coverage").exists()

"""How many workers there are, and where that is said."""

from __future__ import annotations

import json
import os

import pytest
from counting import assert_serial, assert_workers, one_line, places, where_tests_run
from lab import FLEETEST, Project, numbered

# ---- how many workers ----


@pytest.mark.parametrize(
    "args", [["-n", "3"], ["-n3"], ["--numprocesses", "3"], ["--numprocesses=3"], ["-n", "3", "-x"]]
)
def test_number(project: Project, args: list[str]) -> None:
    """Every spelling."""
    where_tests_run(project)
    assert_workers(project, project.fleetest(*args).check(0), 3)


@pytest.mark.parametrize(
    "args", [["-n", "0"], ["-n0"], ["--dist", "no"], ["--dist=no", "-n", "4"], ["-n", "2", "-n0"]]
)
def test_none(project: Project, args: list[str]) -> None:
    """The tests run in the session itself."""
    where_tests_run(project)
    result = project.fleetest(*args).check(0).counts(passed=6)
    result.no_line("created:*").lines("fleetest: cold (FLEETEST_DAEMON is 0); no workers (-n 0)")
    assert_serial(project)


@pytest.mark.parametrize("word", ["auto", "logical"])
def test_auto_from_the_environment(project: Project, word: str) -> None:
    """PYTEST_XDIST_AUTO_NUM_WORKERS comes before the machine."""
    where_tests_run(project)
    result = project.fleetest("-n", word, env={"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"}).check(0)
    assert_workers(project, result, 3)


def test_auto_is_the_default(project: Project) -> None:
    """Of the command, where there are tests enough."""
    where_tests_run(project)
    result = project.fleetest(env={"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"}).check(0)
    assert_workers(project, result, 3)


@pytest.mark.parametrize("word", ["auto", "logical"])
def test_auto_from_the_machine(project: Project, word: str) -> None:
    """At least one worker, at most one for each CPU that may be used."""
    where_tests_run(project)
    result = project.fleetest("-n", word).check(0)
    found = [line for line in result.out.splitlines() if line.startswith("created: ")]
    count = int(found[0].split("/")[0].removeprefix("created: "))
    assert 1 <= count <= len(os.sched_getaffinity(0))
    assert_workers(project, result, count)


def test_auto_respects_affinity(project: Project) -> None:
    """One CPU, one worker."""
    where_tests_run(project)
    cpu = min(os.sched_getaffinity(0))
    code = f"import os, sys; os.sched_setaffinity(0, [{cpu}]); os.execv(sys.argv[1], sys.argv[1:])"
    result = project.python("-c", code, FLEETEST, "-n", "logical").check(0)
    assert_workers(project, result, 1)


def test_auto_from_a_hook(project: Project) -> None:
    """The hook comes before the environment; None asks on."""
    where_tests_run(project)
    env = {"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"}
    for returned, count in (("1", 1), ("None", 3)):
        project.file(
            "conftest.py",
            f"def pytest_xdist_auto_num_workers(config):\n"
            f"    assert config.option.numprocesses == 'auto'\n"
            f"    return {returned}\n",
        )
        result = project.fleetest("-n", "auto", env=env).check(0)
        assert_workers(project, result, count)


def test_auto_from_the_environment_that_is_no_number(project: Project) -> None:
    """A warning, as in xdist, and the machine decides."""
    where_tests_run(project)
    env = {"PYTEST_XDIST_AUTO_NUM_WORKERS": "many"}
    result = project.fleetest("-n", "auto", env=env).check(0)
    text = result.out + result.err
    assert "PYTEST_XDIST_AUTO_NUM_WORKERS is not a number: 'many'. Ignoring it." in text
    assert places(project) != {"main"}


def test_maxprocesses(project: Project) -> None:
    """An upper limit; 0 is none, and a higher one changes nothing."""
    where_tests_run(project)
    env = {"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"}
    for number, limit, count in (("3", 2, 2), ("auto", 1, 1), ("3", 0, 3), ("auto", 9, 3)):
        result = project.fleetest("-n", number, f"--maxprocesses={limit}", env=env).check(0)
        assert_workers(project, result, count)


# ---- command line before environment before ini ----

DUMP = """
    import json

    def pytest_sessionstart(session):
        names = "numprocesses maxprocesses dist maxworkerrestart start_method ordered".split()
        option = session.config.option
        with open("options", "w") as file:
            json.dump({name: getattr(option, name) for name in names}, file)
"""

INI = {
    "numprocesses": ("2", 2),
    "maxprocesses": ("6", 6),
    "max_worker_restart": ("0", 0),
    "start_method": ("fork", "fork"),
    "ordered": ("true", True),
}
ENVIRONMENT = {
    "numprocesses": ("3", 3),
    "maxprocesses": ("5", 5),
    "max_worker_restart": ("7", 7),
    "start_method": ("spawn", "spawn"),
    "ordered": ("no", False),
}
COMMAND_LINE = {
    "numprocesses": ("-n4", 4),
    "maxprocesses": ("--maxprocesses=8", 8),
    "max_worker_restart": ("--max-worker-restart=9", 9),
    "start_method": ("--start-method=auto", "auto"),
    "ordered": ("--ordered", True),
}


def write_ini(project: Project, values: dict[str, str]) -> None:
    """Write fleetest's keys into the ini file."""
    lines = [f"fleetest_{name} = {value}\n" for name, value in values.items()]
    project.file("pytest.ini", "[pytest]\n" + "".join(lines))


def seen_options(project: Project, *args: str, **values: str) -> dict[str, object]:
    """What a session with these variables FLEETEST_... sees."""
    env = {f"FLEETEST_{name.upper()}": value for name, value in values.items()}
    env["PYTEST_XDIST_AUTO_NUM_WORKERS"] = "2"
    project.fleetest("--collect-only", *args, env=env).check(0)
    seen = json.loads(project.read("options"))
    seen["max_worker_restart"] = seen.pop("maxworkerrestart")
    return seen


def test_options_in_three_places(project: Project) -> None:
    """Command line before environment before ini before default, each option for itself."""
    project.file("conftest.py", DUMP)
    project.file("test_a.py", numbered(1))
    defaults = dict.fromkeys(INI) | {"start_method": "auto", "ordered": False}
    assert seen_options(project) == {**defaults, "numprocesses": 2, "dist": "load"}

    write_ini(project, {name: text for name, (text, _) in INI.items()})
    ini = {name: value for name, (_, value) in INI.items()}
    # An empty variable is as good as none.
    assert seen_options(project, **dict.fromkeys(INI, "")) == {**ini, "dist": "load"}

    texts = {name: text for name, (text, _) in ENVIRONMENT.items()}
    environment = {name: value for name, (_, value) in ENVIRONMENT.items()}
    assert seen_options(project, **texts) == {**environment, "dist": "load"}

    args = [text for text, _ in COMMAND_LINE.values()]
    command_line = {name: value for name, (_, value) in COMMAND_LINE.items()}
    assert seen_options(project, *args, **texts) == {**command_line, "dist": "load"}

    mixed = {**ini, "ordered": False, "numprocesses": 4, "dist": "load"}
    assert seen_options(project, "-n4", ordered="0") == mixed


def test_dist_in_three_places(project: Project) -> None:
    """The same for --dist, which decides over -n."""
    project.file("conftest.py", DUMP)
    project.file("test_a.py", numbered(1))
    write_ini(project, {"dist": "no"})
    assert seen_options(project, "-n2")["dist"] == "no"
    assert seen_options(project, "-n2", dist="load")["dist"] == "load"
    assert seen_options(project, "-n2", "--dist=no", dist="load")["dist"] == "no"


def test_ini_keys_in_pyproject(project: Project) -> None:
    """Where the values may have types of their own."""
    where_tests_run(project)
    project.file(
        "pyproject.toml",
        '[tool.pytest.ini_options]\nfleetest_numprocesses = "2"\nfleetest_ordered = true\n',
    )
    assert_workers(project, project.fleetest().check(0), 2)


INVALID = [
    ("numprocesses", "-n", "many"),
    ("numprocesses", "-n", "-1"),
    ("maxprocesses", "--maxprocesses", "some"),
    ("dist", "--dist", "sideways"),
    ("max_worker_restart", "--max-worker-restart", "often"),
    ("start_method", "--start-method", "beam"),
    ("ordered", "--ordered", "perhaps"),
]


@pytest.mark.parametrize(("name", "flag", "value"), INVALID)
def test_invalid_value(project: Project, name: str, flag: str, value: str) -> None:
    """One clear line wherever it stands, exit code 4, and no test runs."""
    where_tests_run(project)
    if flag != "--ordered":
        result = project.fleetest(f"{flag}={value}" if flag != "-n" else f"-n{value}").check(4)
        lines = [line for line in result.err.splitlines() if "error: " in line]
        assert len(lines) == 1
        assert flag in lines[0]
        assert value in lines[0]
        assert result.out == ""

    variable = f"FLEETEST_{name.upper()}"
    line = one_line(project.fleetest(env={variable: value}).check(4))
    assert line.startswith(f"ERROR: {variable}: invalid value")
    assert value in line

    project.file("pytest.ini", f"[pytest]\nfleetest_{name} = {value}\n")
    line = one_line(project.fleetest().check(4))
    assert line.startswith(f"ERROR: fleetest_{name}: invalid value")
    assert value in line
    assert project.logged() == []


def test_missing_value(project: Project) -> None:
    """The message and the code are pytest's."""
    result = project.fleetest("-n").check(4)
    assert result.err.count("expected one argument") == 1

"""Plugins that the daemon has imported ahead: a run is none the wiser, and nothing out of date is used."""

from __future__ import annotations

import json
import os
from fnmatch import fnmatch
from typing import Any

import pytest
from daemon_runs import daemon_log, start_of
from lab import Project, Result, wait_for

REASONS = {
    "print('hello')": "importing plugins printed something",
    "import sys; sys.stderr.write('hello')": "importing plugins printed something",
    "import os; os.write(2, b'hello')": "importing plugins printed something",
    "import warnings; warnings.warn('old')": "importing plugins warns (UserWarning)",
    "import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()": (
        "importing plugins left 1 thread running"
    ),
    "FILE = open(__file__)": "importing plugins left a file open",
    "import subprocess; subprocess.run(['true'])": "importing aplugin started true",
    "import os; os.system('true')": "importing aplugin started true",
    "import sys; LAST = sys.argv[-1]": "aplugin asks for the command line when it is imported",
    "import sys; IS_QUIET = '-q' in sys.argv": (
        "aplugin asks for the command line when it is imported"
    ),
    "import sys; IN_COLOR = sys.stdout.isatty()": (
        "aplugin asks for sys.stdout.isatty() when it is imported"
    ),
    "import os; IN_COLOR = os.isatty(1)": "aplugin asks for os.isatty() when it is imported",
    "import os; PID = os.getpid()": "aplugin asks for os.getpid() when it is imported",
    "import uuid; RUN = uuid.uuid4()": "aplugin asks for os.urandom() when it is imported",
    "import random; RANDOM = random.Random()": "aplugin asks for random numbers when it is imported",
    "import sys; ERR = sys.stderr": "a plugin keeps sys.stderr",
    "import sys, io; sys.stdin = io.StringIO()": "a plugin replaced sys.stdin",
    "import os; os.chdir('/tmp')": "importing plugins changed the current folder",
    "import os; os.umask(0o27)": "importing plugins changed the umask",
    "import os; WORKER = os.environ.get('PYTEST_XDIST_WORKER')": (
        "a plugin asks whether it is in a worker when it is imported"
    ),
    "from sys import argv": "a plugin keeps sys.argv",
    "import sys; TEXT = str(sys.argv)": "aplugin asks for the command line when it is imported",
    "import sys; SAME = sys.argv == []": "aplugin asks for the command line when it is imported",
    "import sys; OUT = sys.stdout.buffer": "a plugin keeps sys.stdout.buffer",
    "import sys; sys.stdout.reconfigure(line_buffering=True)": (
        "a plugin changed how the standard streams work"
    ),
    "import random; random.seed(42)": (
        "plugins draw random numbers, or fix their seed, when they are imported"
    ),
    "import random; NUMBER = random.random()": (
        "plugins draw random numbers, or fix their seed, when they are imported"
    ),
    "import uuid; RUN = uuid.uuid1()": (
        "aplugin asks for uuid.generate_time_safe() when it is imported"
    ),
    "import os; os.environ['PYTEST_ADDOPTS'] = '-v'": (
        "a plugin changes PYTEST_ADDOPTS when it is imported"
    ),
    "import sys; sys.meta_path.insert(0, type('F', (), {'find_spec': lambda *a: None})())": (
        "plugins change how modules are found when they are imported"
    ),
    "import warnings; warnings.simplefilter('error')": (
        "a plugin changes the filters of warnings when it is imported"
    ),
    "import logging; logging.captureWarnings(True)": "a plugin replaced showwarning",
    "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))": (
        "importing plugins changed the resource limits"
    ),
    "import os; os.nice(1)": "importing plugins changed the nice value",
    "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])": (
        "importing plugins changed the blocked signals"
    ),
    "import signal; signal.setitimer(signal.ITIMER_REAL, 1000)": (
        "importing plugins changed the timers"
    ),
    "import os; os.register_at_fork(after_in_child=print)": (
        "aplugin asks for os.register_at_fork() when it is imported"
    ),
    "import os; PARENT = os.getppid()": "aplugin asks for os.getppid() when it is imported",
    "import sys; TEXT = sys.stdin.read()": "aplugin asks for sys.stdin.read() when it is imported",
    "import os; open('made', 'w').close(); os.replace('made', 'kept')": (
        "importing aplugin made */kept"
    ),
    "import os; os.path.exists('gone') and os.remove('gone')": (
        "importing aplugin removed or changed */gone"
    ),
    "open('/tmp/made-by-a-plugin-%d' % __import__('os').getuid(), 'w').close()": (
        "importing aplugin made /tmp/made-by-a-plugin-*"
    ),
}


class Site:
    """A folder of installed packages that the project's Python looks into."""

    def __init__(self, project: Project) -> None:
        self._project = project
        project.env.update(PYTHONPATH=str(project.path / "site-packages"), FLEETEST_DAEMON="1")
        project.file("test_a.py", "def test_a(): pass")

    def module(self, name: str, text: str) -> None:
        """Write a module."""
        self._project.file(f"site-packages/{name}.py", text)

    def plugin(self, name: str, text: str) -> None:
        """Install a plugin."""
        self.module(name, text)
        info = f"site-packages/{name}-1.0.dist-info"
        self._project.file(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        self._project.file(f"{info}/entry_points.txt", f"[pytest11]\n{name} = {name}\n")
        self._project.file(f"{info}/RECORD", f"{name}.py,,\n")


@pytest.fixture
def site(project: Project) -> Site:
    """Packages for a project with one test, whose runs ask the daemon."""
    return Site(project)


def run(project: Project, *args: str) -> Result:
    """Run the project's tests with one worker."""
    return project.fleetest("-n", "1", *args, leaves=True)


def prepared(project: Project) -> list[dict[str, Any]]:
    """The configurations that the daemon knows."""
    shown = project.fleetest("daemon", "status", "--json", leaves=True).check(0).out
    found: list[dict[str, Any]] = json.loads(shown)["prepared"]
    return found


def check_warm(project: Project, *args: str) -> Result:
    """A run comes from a process with its plugins imported."""
    result = run(project, *args).check(0)
    assert start_of(result) == "warm start"
    return result


SHOW = """
VALUE = {value}
def pytest_report_header():
    return f"aplugin says {{VALUE}}"
"""

LATE = """
import os
def pytest_report_header():
    return f"aplugin says {{os.environ.get('{}')}}"
"""
LATER = """
def pytest_report_header():
    return f"aplugin says {VALUE}"
"""


def test_imported_once(project: Project, site: Site) -> None:
    site.plugin("aplugin", SHOW.format(value="id(object)"))
    first = run(project).check(0)
    assert start_of(first) == "cold (nothing was prepared)"
    check_warm(project)
    check_warm(project, "-v")
    check_warm(project, "test_a.py", "-k", "a")
    check_warm(project, "-v").lines("aplugin says *", "plugins: *aplugin-1.0*")
    all_files, one_file = prepared(project)
    assert (all_files["runs"], one_file["runs"]) == (4, 1)
    assert all_files["parked"] == one_file["parked"] is not None


def test_no_plugins(project: Project) -> None:
    project.file("test_a.py", "def test_a(): pass")
    project.env.update(FLEETEST_DAEMON="1", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    run(project).check(0)
    check_warm(project)
    assert prepared(project) == []


@pytest.mark.parametrize(("code", "reason"), REASONS.items(), ids=range(len(REASONS)))
def test_unfit(project: Project, site: Site, code: str, reason: str) -> None:
    site.plugin("aplugin", code)
    try:
        project.file("gone")
        cold = run(project, "--no-daemon").check(0)
        project.file("gone")
        run(project).check(0)
        warm = run(project).check(0)
        expected = f"warm start (plugins imported anew: {reason})"
        assert fnmatch(start_of(warm), expected), start_of(warm)
        assert warm.err == cold.err
        (one,) = prepared(project)
        assert one["parked"] is None
    finally:
        if "made-by-a-plugin" in code:
            os.unlink(f"/tmp/made-by-a-plugin-{os.getuid()}")


def test_plugin_that_cannot_be_imported(project: Project, site: Site) -> None:
    site.plugin("aplugin", "raise RuntimeError('no luck')")
    cold = run(project, "--no-daemon")
    run(project)
    warm = run(project)
    assert cold.code == warm.code
    assert "no luck" in warm.err
    site.plugin("aplugin", "")
    run(project).check(0)
    check_warm(project)


def test_edited_plugin(project: Project, site: Site) -> None:
    site.plugin("aplugin", SHOW.format(value=1))
    run(project).check(0).lines("aplugin says 1")
    check_warm(project).lines("aplugin says 1")
    site.plugin("aplugin", SHOW.format(value=22))
    run(project).check(0).lines("aplugin says 22")
    check_warm(project).lines("aplugin says 22")


def test_edited_data(project: Project, site: Site) -> None:
    site.plugin("aplugin", SHOW.format(value="open(__file__ + '.txt').read()"))
    project.file("site-packages/aplugin.py.txt", "one")
    run(project).check(0)
    check_warm(project).lines("aplugin says one")
    project.file("site-packages/aplugin.py.txt", "two")
    run(project).check(0).lines("aplugin says two")


def test_edited_test_file(project: Project, site: Site) -> None:
    """What is in it has no say in which plugins there are: nobody has to look again."""
    site.plugin("aplugin", "")
    run(project, "test_a.py").check(0)
    check_warm(project, "test_a.py")
    before = daemon_log(project).count("parked process")
    project.file("test_a.py", "def test_a(): pass\ndef test_b(): pass")
    run(project, "test_a.py").check(0).counts(passed=2)
    assert daemon_log(project).count("parked process") == before + 1  # whose controller it is
    (project.path / "test_a.py").unlink()
    run(project, "test_a.py").check(4)


def test_installed_and_removed(project: Project, site: Site) -> None:
    site.plugin("aplugin", "")
    run(project).check(0)
    site.plugin("bplugin", SHOW.format(value=1).replace("aplugin", "bplugin"))
    run(project).check(0).lines("bplugin says 1")
    (project.path / "site-packages/bplugin-1.0.dist-info/entry_points.txt").unlink()
    (project.path / "site-packages/bplugin-1.0.dist-info/METADATA").unlink()
    (project.path / "site-packages/bplugin-1.0.dist-info/RECORD").unlink()
    (project.path / "site-packages/bplugin-1.0.dist-info").rmdir()
    assert "bplugin" not in run(project).check(0).out


def test_blocked_by_ini_file(project: Project, site: Site) -> None:
    site.plugin("aplugin", SHOW.format(value=1))
    run(project).check(0)
    check_warm(project).lines("aplugin says 1")
    project.file("pytest.ini", "[pytest]\naddopts = -p no:aplugin\n")
    assert "aplugin" not in run(project).check(0).out
    (project.path / "pytest.ini").unlink()
    check_warm(project).lines("aplugin says 1")


@pytest.mark.parametrize("way", ["argument", "variable", "ini"])
def test_named_plugin(project: Project, site: Site, way: str) -> None:
    site.module("named", SHOW.format(value=1).replace("aplugin", "named"))
    args = []
    if way == "argument":
        args = ["-p", "named"]
    elif way == "variable":
        project.env["PYTEST_PLUGINS"] = "named"
    else:
        project.file("pytest.ini", "[pytest]\naddopts = -p named\n")
    run(project, *args).check(0)
    check_warm(project, *args).lines("named says 1")
    site.module("named", SHOW.format(value=22).replace("aplugin", "named"))
    run(project, *args).check(0).lines("named says 22")


def test_plugin_of_a_plugin(project: Project, site: Site) -> None:
    site.plugin("aplugin", "pytest_plugins = ['helper']")
    site.module("helper", SHOW.format(value=1))
    run(project).check(0)
    check_warm(project).lines("aplugin says 1")
    site.module("helper", SHOW.format(value=22))
    run(project).check(0).lines("aplugin says 22")


def test_plugin_of_the_project(project: Project, site: Site) -> None:
    """It is not imported ahead, nor is what comes after it."""
    site.plugin("aplugin", SHOW.format(value="'mine' in __import__('sys').modules"))
    project.file("lib/mine.py", "import os; PID = os.getpid()")
    project.env["PYTHONPATH"] += f":{project.path / 'lib'}"
    run(project, "-p", "mine").check(0)
    check_warm(project, "-p", "mine").lines("aplugin says True")


def test_variables(project: Project, site: Site) -> None:
    site.plugin(
        "aplugin",
        """
        import os
        VALUE = os.environ.get("ASKED", "nothing")
        os.environ["SET"] = os.environ.get("SET", "") + "x"
        os.environ.pop("DELETED", None)
        def pytest_report_header():
            return f"aplugin says {VALUE} {os.environ.get('SET')} {os.environ.get('DELETED')}"
        """,
    )
    project.env["DELETED"] = "1"
    run(project).check(0)
    check_warm(project).lines("aplugin says nothing x None")
    project.env["ASKED"] = "something"
    run(project).check(0).lines("aplugin says something x None")
    check_warm(project).lines("aplugin says something x None")
    project.env["SET"] = "y"
    run(project).check(0).lines("aplugin says something yx None")


def test_rewritten_helper(project: Project, site: Site) -> None:
    """What a plugin asks for when it is imported holds for the run: its helper's asserts explain."""
    site.plugin("aplugin", "import pytest\npytest.register_assert_rewrite('helper')")
    site.module("helper", "def check(a, b):\n    assert a == b")
    project.file("test_a.py", "from helper import check\ndef test_a(): check([1, 2], [1, 3])")
    cold = run(project, "--no-daemon").check(1)
    run(project).check(1)
    warm = run(project).check(1)
    assert start_of(warm) == "warm start"
    warm.lines("*assert [[]1, 2[]] == [[]1, 3[]]", "*At index 1 diff: 2 != 3")
    assert warm.err == cold.err


def test_rewritten_plugin(project: Project, site: Site) -> None:
    site.plugin("aplugin", "def check(a, b):\n    assert a == b")
    project.file("test_a.py", "from aplugin import check\ndef test_a(): check(1, 2)")
    run(project).check(1)
    run(project).check(1).lines("E*assert 1 == 2")
    plain = run(project, "--assert=plain").check(1)
    assert "assert 1 == 2" not in plain.out.replace("assert a == b", "")


def test_seed_of_randomly(project: Project, site: Site) -> None:
    """A plugin of this name draws a seed when it is imported; each run has one of its own."""
    site.plugin(
        "pytest_randomly",
        """
        import random
        default_seed = random.Random().getrandbits(32)
        def pytest_report_header():
            return f"seed {default_seed}"
        """,
    )
    run(project).check(0)
    seeds = {
        line
        for _ in range(3)
        for line in check_warm(project).out.splitlines()
        if line.startswith("seed")
    }
    assert len(seeds) == 3


def test_python_path(project: Project, site: Site) -> None:
    """What a project has on its path is found there by plugins, and only in its own runs."""
    site.plugin(
        "aplugin",
        "try:\n    import extra\nexcept ImportError:\n    extra = None\n"
        + SHOW.format(value="extra and extra.NAME"),
    )
    project.file("src/extra.py", "NAME = 1")
    run(project).check(0)
    check_warm(project).lines("aplugin says None")
    project.file("pytest.ini", "[pytest]\npythonpath = src\n")
    new = "aplugin says 1" if _path_comes_first() else "aplugin says None"
    run(project).check(0).lines(new)
    check_warm(project).lines(new)
    project.file("src/extra.py", "NAME = 22")
    run(project).check(0).lines(new.replace("1", "22"))


def _path_comes_first() -> bool:
    """Whether pytest puts the ini file's path in place before it imports plugins."""
    return tuple(map(int, pytest.__version__.split(".")[:2])) >= (8, 4)


def test_folders_apart(project: Project, site: Site) -> None:
    """A plugin may have looked at the current folder."""
    site.plugin("aplugin", SHOW.format(value="__import__('os').getcwd()"))
    run(project).check(0)
    (project.path / "sub").mkdir()
    for folder in (project.path, project.path / "sub"):
        result = project.fleetest(
            "-n", "1", str(project.path / "test_a.py"), leaves=True, cwd=folder
        )
        result.check(0).lines(f"aplugin says {folder}")


def test_two_environments_at_once(project: Project, site: Site) -> None:
    """What a plugin reads is known only when it was imported: who waited for it may need another."""
    site.plugin(
        "aplugin",
        SHOW.format(value="__import__('os').environ.get('ASKED'), __import__('time').sleep(0.3)"),
    )
    started = []
    for value in ("one", "two", "one", "three"):
        project.env["ASKED"] = value
        started.append((value, project.start_fleetest("-n", "1")))
    for value, process in started:
        process.wait(leaves=True).check(0).lines(f"aplugin says ('{value}', None)")


def test_renewal(project: Project, site: Site) -> None:
    """The successor has the plugins, too, before it takes the place."""
    site.plugin("aplugin", SHOW.format(value="hash('a')"))
    project.fleetest("daemon", "start", "--renew-after", "1", leaves=True).check(0)
    run(project).check(0)
    before = prepared(project)[0]["parked"]
    wait_for(lambda: prepared(project)[0]["parked"] not in (before, None), "another process")
    check_warm(project)
    run(project, "test_a.py::test_a").check(0)
    assert [one["runs"] for one in prepared(project)] == [2, 1]


@pytest.mark.parametrize(
    "code",
    [
        "V = sorted(name for name in os.environ if name.startswith('MINE_'))",
        "V = os.environ.pop('MINE_B', 'nothing')",
    ],
)
def test_variables_that_come_later(project: Project, site: Site, code: str) -> None:
    """Who looks at all of the environment has also seen what is not there."""
    site.plugin("aplugin", "import os\n" + code + SHOW.format(value="V"))
    run(project).check(0)
    check_warm(project)
    project.env["MINE_B"] = "1"
    cold = run(project, "--no-daemon").check(0)
    (line,) = [line for line in cold.out.splitlines() if line.startswith("aplugin says")]
    assert line in run(project).check(0).out


def test_variable_that_is_set_to_what_it_was(project: Project, site: Site) -> None:
    site.plugin("aplugin", "import os\nos.environ['MODE'] = 'test'" + LATE.format("MODE"))
    project.env["MODE"] = "test"
    run(project).check(0)
    project.env["MODE"] = "prod"
    check_warm(project).lines("aplugin says test")


def test_version_variable(project: Project, site: Site) -> None:
    """By which plugins see, since pytest 8.2, that pytest runs."""
    site.plugin("aplugin", SHOW.format(value="__import__('os').environ.get('PYTEST_VERSION')"))
    cold = run(project, "--no-daemon").check(0)
    (line,) = [line for line in cold.out.splitlines() if line.startswith("aplugin says")]
    run(project).check(0)
    check_warm(project).lines(line)


def test_module_that_hides(project: Project, site: Site) -> None:
    """Its byte code is read, and it is not among the modules: the source counts all the same."""
    site.plugin(
        "aplugin", "import sys, helper\nVALUE = helper.VALUE\ndel sys.modules['helper']" + LATER
    )
    site.module("helper", "VALUE = 1")
    run(project, "--no-daemon").check(0).lines("aplugin says 1")
    run(project).check(0)
    check_warm(project).lines("aplugin says 1")
    site.module("helper", "VALUE = 22")
    run(project).check(0).lines("aplugin says 22")


def test_filters_of_warnings(project: Project, site: Site) -> None:
    """pytest applies them while it imports plugins, since 9.2."""
    site.plugin("aplugin", "import warnings\nwarnings.warn('old thing')")
    run(project, "-W", "ignore").check(0)
    run(project, "-W", "ignore").check(0)
    warm, cold = run(project), run(project, "--no-daemon")
    assert (warm.code, warm.out.count("old thing"), warm.err) == (
        *(cold.code, cold.out.count("old thing")),
        cold.err,
    )


def test_filter_with_a_category_of_the_project(project: Project, site: Site) -> None:
    """pytest imports it before the plugins: no process with plugins may have done so."""
    site.plugin("aplugin", "")
    project.file("src/mine.py", "import os\nPID = os.getpid()\nclass Old(Warning): pass")
    project.file("pytest.ini", "[pytest]\npythonpath = src\nfilterwarnings = error::mine.Old\n")
    project.file("conftest.py", "import mine, os\nassert mine.PID == os.getpid()")
    for _ in range(3):
        project.fleetest("-n", "0", leaves=True).check(0)


def test_file_of_arguments(project: Project, site: Site) -> None:
    site.plugin("aplugin", SHOW.format(value=1))
    project.file("args", "--color=no")
    if project.fleetest("@args", "--no-daemon", leaves=True).code:
        pytest.skip("this pytest has none")
    run(project, "@args").check(0)
    check_warm(project, "@args").lines("aplugin says 1")
    project.file("args", "--assert=plain\n-v")
    run(project, "@args").check(0).lines("*PASSED test_a.py::test_a*")


def test_entry_point_of_another_group(project: Project, site: Site) -> None:
    """What a plugin loads by itself may be the project's."""
    site.plugin(
        "aplugin",
        """
        import importlib.metadata
        points = importlib.metadata.distribution("aplugin").entry_points
        VALUE = [point.load().VALUE for point in points if point.group == "mine"]
        def pytest_report_header():
            return f"aplugin says {VALUE}"
        """,
    )
    info = project.path / "site-packages/aplugin-1.0.dist-info/entry_points.txt"
    info.write_text("[pytest11]\naplugin = aplugin\n[mine]\nx = mine\n", "utf-8")
    project.file("lib/mine.py", "VALUE = 1")
    project.env["PYTHONPATH"] += f":{project.path / 'lib'}"
    run(project).check(0).lines("aplugin says [[]1]")
    check_warm(project).lines("aplugin says [[]1]")


def test_file_from_the_future(project: Project, site: Site) -> None:
    """Its time says nothing of when it was changed."""
    site.plugin("aplugin", "")
    os.utime(project.file("pytest.ini", "[pytest]\n"), (2e9, 2e9))
    run(project).check(0)
    check_warm(project)


def test_long_reason(project: Project, site: Site) -> None:
    """It is cut, and not within a character."""
    for extra in ("", "x"):
        name = extra + "\u00e9" * 90
        site.plugin("aplugin", f"open('/tmp/{name}', 'w').close()")
        try:
            for _ in range(3):
                assert "imported anew" in start_of(run(project).check(0)) or _ == 0
        finally:
            os.unlink(f"/tmp/{name}")

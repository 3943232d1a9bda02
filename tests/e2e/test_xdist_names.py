"""What projects and plugins know of pytest-xdist is there under its names while fleetest runs."""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from pathlib import Path

import pytest
from lab import Project, numbered

WHO = """
    import json
    import os

    import pytest

    def write(name, value):
        with open(name, "a") as file:
            file.write(json.dumps(value) + "\\n")
"""


def entries(project: Project, name: str) -> list[object]:
    """The values that tests have written."""
    return [json.loads(line) for line in project.logged(name)]


def real_xdist() -> importlib.metadata.Distribution | None:
    """The real pytest-xdist, if it is installed beside fleetest."""
    # The look-up by name is what fleetest answers, should it be running these tests.
    for found in importlib.metadata.distributions():
        if found.metadata["Name"] == "pytest-xdist":
            return found
    return None


needs_xdist = pytest.mark.skipif(not real_xdist(), reason="pytest-xdist is not installed")
without_xdist = pytest.mark.skipif(bool(real_xdist()), reason="pytest-xdist is installed")

IMPORTS = (
    WHO
    + """
    import importlib.metadata

    import xdist
    import xdist.plugin
    from xdist import get_xdist_worker_id, is_xdist_controller, is_xdist_master, is_xdist_worker

    def look(config, where):
        if os.path.basename(os.path.dirname(xdist.__file__)) != "xdist_compat":
            raise RuntimeError(xdist.__file__)
        write("seen", [
            where,
            xdist.__version__,
            importlib.metadata.version("pytest-xdist"),
            importlib.metadata.distribution("pytest_xdist").metadata["Name"],
            config.pluginmanager.hasplugin("xdist"),
            config.pluginmanager.getplugin("xdist") is xdist.plugin,
        ])
"""
)


@pytest.mark.parametrize(
    ("args", "sessions"),
    [
        (["-n", "0"], 1),
        (["-n", "2", "--start-method=fork"], 1),
        (["-n", "2", "--start-method=configure"], 3),
        (["-n", "2", "--start-method=conftests"], 3),
        (["-n", "2", "--start-method=spawn"], 3),
    ],
)
def test_module_plugin_and_distribution(project: Project, args: list[str], sessions: int) -> None:
    """In conftests, hooks and tests, of the controller and of workers."""
    project.file(
        "conftest.py",
        IMPORTS
        + """
    def pytest_configure(config):
        look(config, "configure")
    """,
    )
    project.file(
        "test_a.py",
        """
        from conftest import look

        def test_1(pytestconfig):
            look(pytestconfig, "test")

        def test_2(pytestconfig):
            look(pytestconfig, "test")
        """,
    )
    project.fleetest(*args).check(0).counts(passed=2)
    seen = entries(project, "seen")
    assert all(entry[1:] == ["3.8.0", "3.8.0", "pytest-xdist", True, True] for entry in seen)
    assert sorted(entry[0] for entry in seen) == ["configure"] * sessions + ["test"] * 2


@pytest.mark.parametrize("required", ["pytest-xdist", "pytest-xdist>=3.0"])
@pytest.mark.parametrize("number", ["0", "2"])
def test_required_plugins(project: Project, required: str, number: str) -> None:
    """``required_plugins`` is content; also with ``pytest -p fleetest``."""
    project.file("pytest.ini", f"[pytest]\nrequired_plugins = {required}\n")
    project.file("test_a.py", numbered(2))
    project.fleetest("-n", number).check(0).counts(passed=2)
    project.pytest("-p", "fleetest", "-n", number).check(0).counts(passed=2)


def test_required_plugins_of_a_later_version(project: Project) -> None:
    """It is a version that is matched, not any."""
    project.file("pytest.ini", "[pytest]\nrequired_plugins = pytest-xdist>=4\n")
    project.fleetest("-n", "2").check(4).err_lines("*Missing required plugins: pytest-xdist>=4*")


ROLES = (
    WHO
    + """
    from xdist import get_xdist_worker_id, is_xdist_controller, is_xdist_master, is_xdist_worker

    def roles(about):
        return [
            is_xdist_worker(about),
            is_xdist_controller(about),
            is_xdist_master(about),
            get_xdist_worker_id(about),
        ]

    def pytest_sessionfinish(session):
        write("session", roles(session))
"""
)

ROLE_TESTS = """
    import os

    from conftest import roles, write

    def test_roles(request, worker_id, testrun_uid):
        write("test", [roles(request), worker_id, testrun_uid, worker_id == roles(request)[3]])

    def test_environment(request, worker_id, testrun_uid):
        names = ["PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"]
        write("environment", [[os.environ.get(name) for name in names], worker_id, testrun_uid])

    def test_role_of_config(pytestconfig):
        assert hasattr(pytestconfig, "workerinput") == ("PYTEST_XDIST_WORKER" in os.environ)
"""


@pytest.mark.parametrize("method", ["fork", "configure", "conftests", "spawn"])
def test_roles_with_workers(project: Project, method: str) -> None:
    """Functions, fixtures and variables in workers, and in the controller."""
    project.file("conftest.py", ROLES)
    project.file("test_a.py", ROLE_TESTS)
    project.fleetest("-n", "2", "--start-method", method).check(0).counts(passed=3)
    ids = {"gw0", "gw1"}
    [[roles, worker_id, uid, same]] = entries(project, "test")
    assert roles == [True, False, False, worker_id]
    assert worker_id in ids
    assert same
    assert re.fullmatch("[0-9a-f]{32}", uid)
    [[variables, other_id, other_uid]] = entries(project, "environment")
    assert variables == [other_id, "2", uid]
    assert other_uid == uid
    sessions = sorted(entries(project, "session"), key=lambda entry: entry[3])
    assert [entry[3] for entry in sessions] == ["gw0", "gw1", "master"]
    assert sessions[2] == [False, True, True, "master"]
    assert all(entry[:3] == [True, False, False] for entry in sessions[:2])


def test_roles_without_workers(project: Project) -> None:
    """There is no controller without workers, and ``worker_id`` is master."""
    project.file("conftest.py", ROLES)
    project.file("test_a.py", ROLE_TESTS)
    project.fleetest("-n", "0").check(0).counts(passed=3)
    [[roles, worker_id, uid, _]] = entries(project, "test")
    assert roles == [False, False, False, "master"]
    assert worker_id == "master"
    assert re.fullmatch("[0-9a-f]{32}", uid)
    assert entries(project, "environment") == [[[None] * 3, "master", uid]]
    assert entries(project, "session") == [[False, False, False, "master"]]


NODES = (
    WHO
    + """
    def pytest_configure_node(node):
        node.workerinput["told"] = {"id": node.gateway.id, "list": [1, None, "\\udcff", 2.5, b"x"]}
        write("controller", ["configure", node.workerinput["workerid"], node.gateway.spec.id])
        assert node.config.option.dist == "load"
        assert node.workerinfo["id"] == node.gateway.id

    def pytest_testnodeready(node):
        write("controller", ["ready", node.gateway.id, node.workerinfo["sysplatform"]])

    def pytest_testnodedown(node, error):
        answer, status = node.workeroutput["answer"], node.workeroutput["exitstatus"]
        write("controller", ["down", node.gateway.id, error, answer, status])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(session):
        config = session.config
        if hasattr(config, "workerinput"):
            told = config.workerinput["told"]
            config.workeroutput["answer"] = [told["id"], told == {
                "id": config.workerinput["workerid"], "list": [1, None, "\\udcff", 2.5, b"x"]
            }]
"""
)


@pytest.mark.parametrize("method", ["fork", "configure", "conftests", "spawn"])
def test_input_and_output_of_workers(project: Project, method: str) -> None:
    """What hooks put into workerinput arrives, and workeroutput comes back."""
    project.file("conftest.py", NODES)
    project.file("test_a.py", numbered(4))
    project.fleetest("-n", "2", "--start-method", method).check(0).counts(passed=4)
    seen = entries(project, "controller")
    assert seen[:2] == [["configure", "gw0", "gw0"], ["configure", "gw1", "gw1"]]
    assert sorted(seen[2:]) == [
        ["down", "gw0", None, ["gw0", True], 0],
        ["down", "gw1", None, ["gw1", True], 0],
        ["ready", "gw0", sys.platform],
        ["ready", "gw1", sys.platform],
    ]


def test_input_of_workers(project: Project) -> None:
    """What xdist puts there itself, and what options look like in a worker."""
    project.file(
        "test_a.py",
        """
        import sys

        def check(config):
            workerinput = config.workerinput
            assert workerinput["workerid"] in ("gw0", "gw1")
            assert workerinput["workercount"] == 2
            assert len(workerinput["testrunuid"]) == 32
            assert workerinput["mainargv"][1:] == ["-n", "2", "test_a.py"]
            assert sys.argv == ["-c"]
            option = config.option
            assert option.numprocesses is None
            assert option.maxprocesses is None
            assert option.dist == "no"
            assert option.usepdb is False
            assert config.pluginmanager.hasplugin("xdist")
            assert not config.pluginmanager.hasplugin("dsession")

        def test_1(pytestconfig):
            check(pytestconfig)

        def test_2(pytestconfig):
            check(pytestconfig)
        """,
    )
    project.fleetest("-n", "2", "test_a.py").check(0).counts(passed=2)


def test_controller_has_xdists_plugins_and_options(project: Project) -> None:
    """``dsession`` is there, but not with --collect-only and not without workers."""
    project.file(
        "conftest.py",
        WHO
        + """
    def pytest_sessionstart(session):
        config = session.config
        manager = config.pluginmanager
        if not hasattr(config, "workerinput"):
            write("seen", [manager.hasplugin("dsession"), config.option.dist,
                           config.option.numprocesses, list(config.option.tx)])
    """,
    )
    project.file("test_a.py", numbered(2))
    project.fleetest("-n", "2").check(0)
    project.fleetest("-n", "2", "--collect-only").check(0)
    project.fleetest("-n", "0").check(0)
    full, collected, serial = entries(project, "seen")
    assert full == [True, "load", 2, ["popen", "popen"]]
    assert collected[0] is False
    assert serial == [False, "no", 0, []]


def test_reports_name_their_worker(project: Project) -> None:
    """``report.node``, ``worker_id``, ``testrun_uid`` and ``item_index``."""
    project.file(
        "conftest.py",
        WHO
        + """
    def pytest_runtest_logreport(report):
        if "PYTEST_XDIST_WORKER" not in os.environ:
            write("seen", [report.nodeid, report.when, report.node.gateway.id, report.worker_id,
                           len(report.testrun_uid), report.item_index])
    """,
    )
    project.file("test_a.py", numbered(3))
    project.fleetest("-n", "2").check(0).counts(passed=3)
    seen = entries(project, "seen")
    assert len(seen) == 9
    for nodeid, _, gateway, worker, length, index in seen:
        assert gateway == worker
        assert worker in ("gw0", "gw1")
        assert length == 32
        assert nodeid == f"test_a.py::test_{index}"


@pytest.mark.parametrize("method", ["fork", "configure", "conftests", "spawn"])
def test_reporter_of_workers(project: Project, method: str) -> None:
    """It shows nothing and has no summary, but knows what the worker has reported."""
    project.file(
        "conftest.py",
        """
        import os

        def pytest_terminal_summary(terminalreporter):
            terminalreporter.write_line("summary of " + os.environ.get("PYTEST_XDIST_WORKER", "all"))
        """,
    )
    project.file(
        "test_a.py",
        """
        import warnings

        def test_one():
            warnings.warn("look")
            assert 0

        def test_two(pytestconfig):
            reporter = pytestconfig.pluginmanager.getplugin("terminalreporter")
            assert [report.nodeid for report in reporter.stats["failed"]] == ["test_a.py::test_one"]
            assert len(reporter.stats["warnings"]) == 1
            assert type(reporter).__mro__[-2].__name__ == "TerminalReporter"
        """,
    )
    result = project.fleetest("-n", "1", "--start-method", method).check(1)
    result.counts(passed=1, failed=1, warning=1)
    assert result.out.count("summary of") == 1
    result.lines("summary of all")


@pytest.mark.parametrize("number", ["0", "2"])
def test_names_can_be_taken_away(project: Project, number: str) -> None:
    """``-p no:xdist`` leaves -n, and no name of xdist's plugin."""
    project.file(
        "conftest.py",
        WHO
        + """
    def pytest_configure(config):
        manager = config.pluginmanager
        write("seen", [manager.hasplugin("xdist"), manager.is_blocked("xdist")])
    """,
    )
    project.file("test_a.py", "def test_fixture(worker_id): pass\n" + numbered(3))
    result = project.fleetest("-p", "no:xdist", "-n", number, "--start-method=fork").check(1)
    result.counts(passed=3, error=1)
    result.lines("*fixture 'worker_id' not found")
    assert entries(project, "seen") == [[False, True]]
    if number == "2":
        result.lines("created: 2/2 workers")


@pytest.mark.parametrize("name", ["xdist", "xdist.plugin"])
@pytest.mark.parametrize("number", ["0", "2"])
def test_plugin_asked_for_by_name(project: Project, name: str, number: str) -> None:
    """As is done where plugins do not load by themselves."""
    project.file("test_a.py", "def test_id(worker_id, testrun_uid): pass\n" + numbered(3))
    env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    result = project.fleetest("-p", name, "-n", number, env=env).check(0).counts(passed=4)
    assert ("created: 2/2 workers" in result.out) == (number == "2")


def test_markers_and_fixtures_are_listed(project: Project) -> None:
    """As with xdist."""
    project.fleetest("--markers").check(0).lines("@pytest.mark.xdist_group*")
    shown = project.fleetest("--fixtures").check(0)
    shown.lines("*worker_id [[]session scope]*")
    shown.lines("*testrun_uid [[]session scope]*")


def test_group_marker_is_known(project: Project) -> None:
    """Strict markers have nothing against it."""
    project.file("test_a.py", "import pytest\n\n@pytest.mark.xdist_group('a')\n" + numbered(2))
    project.fleetest("-n", "2", "--strict-markers", "-W", "error").check(0).counts(passed=2)


# ---- beside plain pytest ----


@without_xdist
def test_plain_pytest_knows_no_xdist(project: Project) -> None:
    """Installed but not asked for, fleetest takes no name."""
    project.file(
        "test_a.py",
        """
        import importlib.metadata
        import sys

        import pytest

        def test_names(pytestconfig):
            with pytest.raises(ImportError):
                import xdist
            with pytest.raises(importlib.metadata.PackageNotFoundError):
                importlib.metadata.version("pytest-xdist")
            assert not pytestconfig.pluginmanager.hasplugin("xdist")
            assert not pytestconfig.pluginmanager.hasplugin("dsession")
            assert not hasattr(pytestconfig.option, "numprocesses")
            assert "fleetest._core" not in sys.modules
            assert "fleetest.plugin" not in sys.modules
        """,
    )
    project.pytest().check(0).counts(passed=1)
    project.pytest("-n", "2").check(4).err_lines("*unrecognized arguments: -n*")
    project.pytest("--ordered").check(4)


def test_plain_pytest_has_but_the_ini_keys(project: Project) -> None:
    """They are known, without effect, and output is what it is without fleetest."""
    project.file("test_a.py", "def test_bad(): assert 0\n" + numbered(3))
    args = ["-p", "no:cacheprovider", "--strict-config", "-v"]
    expected = project.pytest(*args, "-p", "no:fleetest-ini").check(1)
    project.file("pytest.ini", "[pytest]\nfleetest_numprocesses = 2\nfleetest_ordered = nonsense\n")
    result = project.pytest(*args).check(1)
    drop = re.compile(r"^(configfile|plugins): .*\n|in \d+\.\d+s", re.MULTILINE)
    assert drop.sub("", result.out) == drop.sub("", expected.out)
    assert result.err == expected.err == ""


def test_plain_pytest_loads_little(project: Project) -> None:
    """The ini keys cost no more than the modules that declare them."""
    project.file(
        "test_a.py",
        """
        import sys

        def test_modules():
            ours = {name for name in sys.modules if name.partition(".")[0] == "fleetest"}
            assert ours == {"fleetest", "fleetest.ini", "fleetest.options"}
        """,
    )
    project.pytest().check(0)


@needs_xdist
def test_plain_pytest_has_the_real_xdist(project: Project) -> None:
    """``pytest -n 2`` beside fleetest is xdist's."""
    project.file(
        "test_a.py",
        """
        import sys

        import xdist

        def test_real(worker_id):
            assert "xdist_compat" not in xdist.__file__
            assert worker_id.startswith("gw")
            assert "execnet" in sys.modules
            assert "fleetest.plugin" not in sys.modules
        """,
    )
    project.pytest("-n", "2").check(0).counts(passed=1).no_line("fleetest: *")


@needs_xdist
@pytest.mark.parametrize("number", ["0", "2"])
def test_real_xdist_is_kept_out(project: Project, number: str) -> None:
    """When fleetest runs the session, however it was asked for; even if xdist was loaded first."""
    project.file(
        "test_a.py",
        """
        import sys

        import xdist
        from xdist import plugin

        def test_ours():
            assert "xdist_compat" in xdist.__file__
            assert "xdist_compat" in plugin.__file__
            assert "execnet" not in sys.modules
        """,
    )
    for words in ([], ["-p", "xdist"]):
        project.fleetest(*words, "-n", number).check(0).counts(passed=1)
    project.pytest("-p", "fleetest", "-n", number).check(0).counts(passed=1)


@needs_xdist
def test_real_xdist_is_listed_once(project: Project) -> None:
    """In the header, with its version."""
    result = project.fleetest("-n", "2").check(5)
    result.lines("plugins: *xdist-*")
    assert result.out.count("xdist-") == 1


@needs_xdist
def test_files_of_the_real_xdist_are_not_touched(project: Project) -> None:
    """They are after a run what they were before."""
    project.file("test_a.py", numbered(2))
    files = [file.locate() for file in real_xdist().files if file.suffix == ".py"]
    before = [Path(file).read_bytes() for file in files]
    project.fleetest("-n", "2").check(0)
    assert [Path(file).read_bytes() for file in files] == before
    project.python("-c", "import xdist.dsession").check(0)

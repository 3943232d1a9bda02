"""Phases that pass have no report in a worker, unless somebody looks at it."""

from __future__ import annotations

import re
import textwrap

import pytest
from lab import Project, numbered
from meeting import meet

KNOWN = (8, 4)
"""The first pytest whose runner is known."""

CASE = re.compile(r"<testcase (classname=.*?) time=")

LISTENS = """
    import pytest
    from meet import log

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(item, call):
        report = (yield).get_result()
        log(f"{item.nodeid} {call.when} {report.outcome} {report.sections} {report.user_properties}")
        log(f"{item.nodeid} {sorted(report.keywords)} {report.location}")
"""


def test_hooks_of_a_folder(project: Project) -> None:
    """A conftest is asked about the tests below it, with all that belongs to a report."""
    meet(project)
    project.file("sub/conftest.py", LISTENS)
    tests = """
        import pytest

        @pytest.fixture
        def marks(request):
            request.applymarker(pytest.mark.late)
            yield

        def test_plain(): pass
        def test_marks(marks): pass
        def test_output(): print("said")
        def test_property(record_property): record_property("name", "value")
        def test_more(): pass
    """
    for name in ("test_it.py", "sub/test_below.py"):
        project.file(name, tests)
    project.file("pytest.ini", "[pytest]\nmarkers = late\npythonpath = .")
    project.pytest().check(0)
    expected = sorted(project.logged())
    assert len(expected) == 5 * 3 * 2
    (project.path / "log").unlink()
    project.fleetest("-n2").check(0).counts(passed=10)
    assert sorted(project.logged()) == expected


def test_a_plugin_that_comes_late(project: Project) -> None:
    """It sees the report of the phase in which a test has registered it, and all that follow."""
    meet(project)
    project.file(
        "test_it.py",
        """
        from meet import log

        class Late:
            def pytest_runtest_logreport(self, report):
                log(f"{report.nodeid} {report.when} {report.outcome} {sorted(report.keywords)}")

        def test_before(): pass

        def test_registers(request):
            request.config.pluginmanager.register(Late(), "late")

        def test_after(): pass

        def test_unregisters(request):
            request.config.pluginmanager.unregister(name="late")

        def test_last(): pass
        """,
    )
    project.pytest().check(0)
    expected = project.logged()
    phases = ["call", "teardown", "setup", "call", "teardown", "setup"]
    assert [line.split()[1] for line in expected] == phases
    (project.path / "log").unlink()
    project.fleetest("-n1").check(0).counts(passed=5)
    assert project.logged() == expected


def test_folders_of_tests_that_passed(project: Project) -> None:
    """They are removed where only those of failed ones are to stay."""
    meet(project)
    project.file(
        "test_it.py",
        """
        import pytest
        from meet import log

        @pytest.mark.parametrize("passes", [True, False])
        def test_it(tmp_path, passes):
            log(f"{passes}={tmp_path}")
            assert passes
        """,
    )
    project.file("pytest.ini", "[pytest]\ntmp_path_retention_policy = failed\npythonpath = .")
    project.fleetest("-n1").check(1).counts(passed=1, failed=1)
    folders = dict(line.split("=") for line in project.logged())
    assert not project.path.joinpath(folders["True"]).exists()
    assert project.path.joinpath(folders["False"]).exists()


STACK = """
    import inspect, os
    from meet import log

    def frames():
        found = ((os.path.basename(each.filename), each.lineno, each.function) for each in inspect.stack())
        return [each for each in found if each[0] == "runner.py"]

    def test_it(request):
        request.addfinalizer(lambda: log(f"teardown {frames()}"))
        log(f"call {frames()}")
"""


def test_frames(project: Project) -> None:
    """A test is called by the same functions of pytest's runner, from the same lines."""
    meet(project)
    project.file("test_it.py", STACK)
    project.pytest().check(0)
    expected = project.logged()
    assert len(expected) == 2
    assert "call_and_report" in expected[0]
    (project.path / "log").unlink()
    project.fleetest("-n1").check(0)
    assert project.logged() == expected


def test_the_last_failed(project: Project) -> None:
    """A test that passes is no longer among those that a worker knows as failed."""
    meet(project)
    project.file(
        "test_it.py",
        """
        import os
        from meet import log

        def test_first():
            assert os.path.exists("mended")

        def test_second(request):
            plugin = request.config.pluginmanager.get_plugin("lfplugin")
            log(sorted(map(str, plugin.lastfailed)).__repr__())
        """,
    )
    project.fleetest("-n1").check(1)
    project.file("mended")
    project.fleetest("-n1").check(0)
    assert project.logged() == ["['test_it.py::test_first']", "[]"]


@pytest.mark.parametrize("command", ["-n0", "-n2"])
def test_where_tests_are(project: Project, command: str) -> None:
    """Whatever a test function is made of, its place is what pytest says."""
    meet(project)
    project.file(
        "conftest.py",
        """
        from meet import log

        def pytest_runtest_logstart(nodeid, location):
            log(f"{nodeid} {location}")
        """,
    )
    project.file("other.py", "def helper(function): return lambda: function()")
    project.file(
        "sub/test_it.py",
        """
        import functools, unittest

        import pytest
        from other import helper

        def decorated(function):
            @functools.wraps(function)
            def inner(*args):
                return function(*args)
            return inner

        def test_plain(): pass

        @decorated
        def test_decorated(): pass

        test_elsewhere = helper(lambda: None)
        test_partial = functools.partial(test_plain)

        def test_placed(): pass
        test_placed.place_as = test_plain

        exec(compile("def test_made(): pass", "made.py", "exec"))
        exec(compile("def test_absolute(): pass", "/a/../made.py", "exec"))
        exec(compile("def test_nowhere(): pass", "", "exec"))

        class TestClass:
            def test_method(self): pass

            @staticmethod
            def test_static(): pass

            @decorated
            def test_decorated(self): pass

            class TestInner:
                @pytest.mark.parametrize("n", [1, 2])
                def test_inner(self, n): pass

        class TestUnittest(unittest.TestCase):
            def test_method(self): pass
        """,
    )
    project.file("test_many.py", numbered(5))
    project.file("pytest.ini", "[pytest]\npythonpath = .")
    project.pytest().check(0)
    expected = sorted(project.logged())
    (project.path / "log").unlink()
    project.fleetest(command).check(0)
    # A controller's conftest is told, too.
    assert sorted(set(project.logged())) == expected


def test_reports_that_nobody_asks_for(project: Project) -> None:
    """They are not made."""
    if tuple(map(int, pytest.__version__.split(".")[:2])) < KNOWN:
        pytest.skip(f"pytest {pytest.__version__} makes all of them")
    meet(project)
    project.file(
        "test_it.py",
        """
        import sys
        from meet import log

        def see(frame, event, arg):
            if event == "call" and frame.f_code.co_name == "from_item_and_call":
                log(f"{frame.f_locals['item'].name} {frame.f_locals['call'].when}")

        def test_first(): sys.setprofile(see)
        def test_second(): pass
        def test_fails(): assert 0
        def test_last(): sys.setprofile(None)
        """,
    )
    project.fleetest("-n1").check(1).counts(passed=3, failed=1)
    assert project.logged() == ["test_fails call"]


PATCHES = {
    "how reports are made": """
        make = pytest.TestReport.from_item_and_call

        def made(item, call):
            log(f"{item.name} {call.when}")
            return make(item, call)

        pytest.TestReport.from_item_and_call = made
        """,
    "what a report is": """
        begin = pytest.TestReport.__init__

        def made(self, nodeid, *args, **kwargs):
            begin(self, nodeid, *args, **kwargs)
            log(f"{self.nodeid} {self.when}")

        pytest.TestReport.__init__ = made
        """,
    "the protocol": """
        run = _pytest.runner.runtestprotocol

        def runs(item, *args, **kwargs):
            reports = run(item, *args, **kwargs)
            log(str([(report.nodeid, report.when) for report in reports]))
            return reports

        _pytest.runner.runtestprotocol = runs
        """,
}


@pytest.mark.parametrize("what", PATCHES)
def test_whoever_patches_pytest(project: Project, what: str) -> None:
    """They see each report, as with pytest."""
    meet(project)
    conftest = "import _pytest.runner\nimport pytest\nfrom meet import log\n"
    project.file("conftest.py", conftest + textwrap.dedent(PATCHES[what]))
    project.file("test_it.py", "def test_it(): pass")
    project.pytest().check(0)
    expected = set(project.logged())
    (project.path / "log").unlink()
    project.fleetest("-n1").check(0)
    assert set(project.logged()) >= expected


def test_places_that_a_project_gives(project: Project) -> None:
    """A conftest may say where a test is, by its report or by its place, also while it runs."""
    project.file(
        "conftest.py",
        """
        def pytest_itemcollected(item):
            if "reportinfo" in item.name:
                item.reportinfo = lambda: ("nb.ipynb", 0, "cell 1")
            if not hasattr(item, "id"):
                item.id = [17, 18]

        def pytest_runtest_setup(item):
            if "setup" in item.name:
                item.location = ("there.py", 7, "another")
        """,
    )
    project.file("test_it.py", "def test_reportinfo(): pass\ndef test_setup(): pass")
    options = ("-v", "--junitxml=out.xml", "-o", "junit_family=xunit1")
    project.pytest(*options).check(0)
    expected = CASE.findall(project.read("out.xml"))
    for workers in ("-n0", "-n1"):
        project.fleetest(workers, *options).check(0)
        assert CASE.findall(project.read("out.xml")) == expected

"""What is said about passing tests when nobody seems to listen: whoever does hears all of it."""

from __future__ import annotations

import re
import textwrap

import pytest
from lab import Project, Result, numbered
from observing import NOTE, notes

WORKERS = pytest.mark.parametrize("args", [("-n", "0"), ("-n", "2"), ("-n", "2", "--ordered")])

PHASES = {"": ["setup", "teardown"], "passed": ["call"]}

READERS = {
    "item": "stats[category]",
    "get": "stats.get(category)",
    "values": "[it for reports in stats.values() for it in reports if it.when in phases]",
    "items": "dict(stats.items())[category]",
    "copy": "stats.copy()[category]",
    "dict": "dict(stats)[category]",
    "unpacked": "{**stats}[category]",
    "setdefault": "stats.setdefault(category, [])",
    "pop": "stats.pop(category)",
    "getreports": "terminalreporter.getreports(category)",
}


@WORKERS
@pytest.mark.parametrize("category", PHASES, ids=["phases", "calls"])
@pytest.mark.parametrize("reader", READERS)
def test_statistics(project: Project, reader: str, category: str, args: tuple[str, ...]) -> None:
    """The reports of tests that passed are among them, however they are read."""
    project.file("note.py", NOTE)
    project.file(
        "conftest.py",
        f"""
        from note import note

        def pytest_terminal_summary(terminalreporter):
            stats = terminalreporter.stats
            category, phases = {category!r}, {PHASES[category]!r}
            note(sorted(stats))
            for report in {READERS[reader]}:
                assert report.duration >= 0 and "test_it.py" in report.keywords
                note([report.nodeid, report.when, report.outcome, report.location[0]])
        """,
    )
    project.file("test_it.py", numbered(4))
    result = project.fleetest(*args).check(0)
    # What is taken out of the statistics is not counted in the last line.
    result.counts(**({} if (reader, category) == ("pop", "passed") else {"passed": 4}))
    expected = [
        [f"test_it.py::test_{number}", when, "passed", "test_it.py"]
        for number in range(4)
        for when in PHASES[category]
    ]
    assert notes(project) == sorted([*expected, ["", "passed"]], key=repr)


@WORKERS
@pytest.mark.parametrize("style", ["classic", "progress", "count", "times"])
def test_summary(project: Project, style: str, args: tuple[str, ...]) -> None:
    """Tests that passed are counted and listed among others."""
    project.file(
        "test_it.py",
        numbered(150) + "\ndef test_fails(): assert 0\n\ndef test_last(): print('said')\n",
    )
    options = (*args, "-o", f"console_output_style={style}")
    result = project.fleetest(*options, "-rpP").check(1).counts(passed=151, failed=1)
    result.lines("*_ test_last _*", "said", "PASSED test_it.py::test_149", "PASSED *::test_last")
    project.fleetest(*options, "-q").check(1).counts(passed=151, failed=1)
    result = project.fleetest(*options, "-v").check(1).counts(passed=151, failed=1)
    assert len(set(re.findall(r"test_it.py::test_\w+", result.out))) == 152
    assert result.out.count("PASSED") == 151


@WORKERS
def test_last_failed(project: Project, args: tuple[str, ...]) -> None:
    """A test that passes is no longer among those that failed last."""
    project.file("test_it.py", numbered(3) + "\ndef test_fails(): assert 0\n")
    project.fleetest(*args).check(1)
    project.file("test_it.py", numbered(3) + "\ndef test_fails(): pass\n")
    project.fleetest(*args).check(0).counts(passed=4)
    project.fleetest(*args, "--lf", "--lfnf=none").check(5)


@WORKERS
@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        ("pytest_runtest_logreport(report): note([report.when, report.nodeid])", 12),
        ("pytest_runtest_logstart(nodeid, location): note([nodeid, location])", 4),
        ("pytest_runtest_logfinish(nodeid, location): note([nodeid, location])", 4),
    ],
)
def test_hooks(project: Project, hook: str, expected: int, args: tuple[str, ...]) -> None:
    """A hook that a conftest implements is called about each test, in the controller too."""
    project.file("note.py", NOTE)
    project.file(
        "conftest.py",
        f"""
        import os
        from note import note as write

        def note(what):
            if "PYTEST_XDIST_WORKER" not in os.environ:
                write(what)

        def {hook}
        """,
    )
    project.file("test_it.py", numbered(4))
    project.fleetest("--start-method=fork", *args).check(0).counts(passed=4)
    assert len(notes(project)) == expected


@WORKERS
def test_a_plugin_that_comes_late(project: Project, args: tuple[str, ...]) -> None:
    """One that is registered during the run hears of what follows."""
    project.file("note.py", NOTE)
    project.file(
        "conftest.py",
        """
        import os
        from note import note

        class Late:
            def pytest_runtest_logreport(self, report):
                if "PYTEST_XDIST_WORKER" not in os.environ:
                    note(report.when)

        class Watcher:
            def pytest_report_teststatus(self, report, config):
                if report.failed and not config.pluginmanager.hasplugin("late"):
                    config.pluginmanager.register(Late(), "late")

        def pytest_configure(config):
            config.pluginmanager.register(Watcher())
        """,
    )
    project.file("test_it.py", "def test_first(): assert 0\n" + numbered(4))
    project.fleetest("--start-method=fork", *args).check(1).counts(passed=4, failed=1)
    assert "teardown" in notes(project)


@WORKERS
@pytest.mark.parametrize("status", ["('', '', '')", "('kept', 'k', 'KEPT')"])
def test_a_status_of_ones_own(project: Project, status: str, args: tuple[str, ...]) -> None:
    """pytest_report_teststatus is asked about set-ups and tear-downs if somebody implements it."""
    project.file(
        "conftest.py",
        f"""
        def pytest_report_teststatus(report):
            if report.when == "teardown":
                return {status}
        """,
    )
    project.file("test_it.py", numbered(4))
    result = project.fleetest(*args).check(0)
    assert ("4 kept" in result.out) == ("kept" in status)


@WORKERS
def test_durations(project: Project, args: tuple[str, ...]) -> None:
    """--durations lists set-ups and tear-downs."""
    project.file("test_it.py", numbered(2))
    result = project.fleetest(*args, "--durations=0", "-vv").check(0)
    for when in ("setup", "call", "teardown"):
        result.lines(f"*s {when} *test_it.py::test_1")


@pytest.mark.parametrize("others", ["", "def pytest_runtest_logreport(report): report.mine = 1\n"])
def test_statistics_of_a_worker(project: Project, others: str) -> None:
    """Its own reporter has counted what it ran, with what its plugins have added."""
    project.file("note.py", NOTE)
    project.file(
        "conftest.py",
        others
        + """
from note import note

def pytest_sessionfinish(session):
    if hasattr(session.config, "workerinput"):
        stats = session.config.pluginmanager.getplugin("terminalreporter").stats
        for category, reports in stats.items():
            for report in reports:
                assert report.keywords["test_it.py"] and report.longrepr is None
                note([category, report.nodeid, report.when, getattr(report, "mine", 0)])
""",
    )
    project.file("test_it.py", numbered(6))
    project.fleetest("-n", "2").check(0)
    assert notes(project) == sorted(
        [
            [
                "passed" if when == "call" else "",
                f"test_it.py::test_{number}",
                when,
                int(bool(others)),
            ]
            for number in range(6)
            for when in ("setup", "call", "teardown")
        ],
        key=repr,
    )


@WORKERS
@pytest.mark.parametrize("twice", [(), ("--keep-duplicates", "test_it.py", "test_it.py")])
def test_progress(project: Project, twice: tuple[str, ...], args: tuple[str, ...]) -> None:
    """Each test counts once for the progress, whatever its phases and subtests report."""
    project.file("note.py", NOTE)
    project.file(
        "conftest.py",
        """
        from note import note

        def pytest_terminal_summary(terminalreporter):
            reported = terminalreporter._progress_nodeids_reported
            note([len(reported), bool(reported), sorted(str(nodeid) for nodeid in reported)])
            known = next(iter(reported))
            note([known in reported, "nothing" in reported])
            reported.add(known)
            note(len(reported))
            reported.discard(known)
            note([len(reported), known in reported])
        """,
    )
    project.file(
        "test_it.py",
        """
        import unittest
        import pytest

        @pytest.fixture
        def broken():
            yield
            assert 0

        def test_passes(): pass
        def test_breaks(broken): pass
        def test_fails(): assert 0
        def test_skips(): pytest.skip()

        class TestParts(unittest.TestCase):
            def test_parts(self):
                for n in range(3):
                    with self.subTest(n=n):
                        assert n != 1
        """,
    )
    project.fleetest(*args, *twice).check(1)
    ours = notes(project)
    project.pytest(*twice).check(1)
    assert ours == notes(project)
    assert len(ours) == 4


SUBTESTS = """
    import unittest
    import pytest

    class TestFirst(unittest.TestCase):
        def test_parts(self):
            for n in range(3):
                with self.subTest(n=n):
                    assert n != 1

        def test_no_parts(self): pass

    @pytest.mark.parametrize("n", range(6))
    def test_other(n): pass
"""


@WORKERS
def test_failed_subtests(project: Project, args: tuple[str, ...]) -> None:
    """Since pytest 9 the test of a subtest that failed fails with it; no other one does."""
    project.file("test_it.py", SUBTESTS)
    plain = project.pytest("-rA", "--tb=no")
    result = project.fleetest(*args, "-rA", "--tb=no").check(plain.code)
    assert result.summary() == plain.summary()
    assert _named(result) == _named(plain)


def _named(result: Result) -> list[str]:
    """The lines of the short summary."""
    return sorted(re.findall(r"^(?:SUB)?(?:PASSED|FAILED).*", result.out, re.MULTILINE))


@WORKERS
def test_failed_subtests_that_are_run_again(project: Project, args: tuple[str, ...]) -> None:
    """What counts is the number of failed subtests that the test's process knows."""
    if pytest.version_tuple < (9,):
        pytest.skip("it has no subtests")
    project.file(
        "conftest.py",
        """
        import pytest
        from _pytest.runner import runtestprotocol
        from _pytest.subtests import failed_subtests_key

        def pytest_runtest_protocol(item, nextitem):
            counts = item.config.stash[failed_subtests_key]
            while True:
                reports = runtestprotocol(item, nextitem=nextitem, log=False)
                if not counts.get(getattr(item, "id", item.nodeid)):
                    break
                counts.clear()
            for report in reports:
                item.ihook.pytest_runtest_logreport(report=report)
            return True
        """,
    )
    project.file(
        "test_it.py",
        """
        import pytest
        times = []

        def test_better_then(subtests):
            times.append(1)
            with subtests.test("part"):
                assert len(times) > 1

        @pytest.mark.parametrize("n", range(3))
        def test_other(n): pass
        """,
    )
    plain = project.pytest("-rA", "--tb=no")
    result = project.fleetest(*args, "-rA", "--tb=no").check(plain.code)
    assert result.summary() == plain.summary()
    assert _named(result) == _named(plain)


@WORKERS
@pytest.mark.parametrize(
    "change",
    [
        "del stats['passed']",
        "stats['passed'] = []",
        "stats.clear()",
        "stats.update(passed=[])",
        "stats |= {'passed': []}",
    ],
)
def test_statistics_that_are_changed(project: Project, change: str, args: tuple[str, ...]) -> None:
    """What is taken out of them without a look is not counted either."""
    project.file(
        "conftest.py",
        f"""
        def pytest_terminal_summary(terminalreporter):
            stats = terminalreporter.stats
            {change}
        """,
    )
    project.file("test_it.py", numbered(4))
    project.fleetest(*args).check(0).lines("*no tests ran*")


ADAPTED = {
    "another reporter": """
        from _pytest.terminal import TerminalReporter

        @pytest.hookimpl(trylast=True)
        def pytest_configure(config):
            if not hasattr(config, "workerinput"):
                config.pluginmanager.register(
                    TerminalReporter(config, open("other.txt", "w")), "second-reporter")
        """,
    "statistics of another class": """
        from collections import defaultdict

        def pytest_sessionstart(session):
            reporter = session.config.pluginmanager.get_plugin("terminalreporter")
            if not hasattr(session.config, "workerinput"):
                reporter.stats = defaultdict(list, reporter.stats)

        def pytest_terminal_summary(terminalreporter):
            assert terminalreporter.stats["flaky"] == []
        """,
    "a method of the object": """
        def pytest_sessionstart(session):
            reporter = session.config.pluginmanager.get_plugin("terminalreporter")
            add = reporter._add_stats
            reporter._add_stats = lambda category, items: add(
                "mine" if category == "passed" else category, items)
        """,
    "a method of the class": """
        from _pytest.terminal import TerminalReporter
        seen, original = [], TerminalReporter.pytest_runtest_logreport

        @pytest.hookimpl
        def patched(self, report):
            if "PYTEST_XDIST_WORKER" not in os.environ:
                seen.append((report.nodeid, report.when))
            return original(self, report)

        TerminalReporter.pytest_runtest_logreport = patched

        def pytest_terminal_summary(terminalreporter):
            terminalreporter.write_line(f"PASSED seen {len(set(seen))}")
        """,
}


@WORKERS
@pytest.mark.parametrize("adapted", ADAPTED)
def test_a_reporter_that_is_adapted(project: Project, adapted: str, args: tuple[str, ...]) -> None:
    """Whatever a project has changed about the reporter sees each report."""
    project.file("conftest.py", "import os\nimport pytest\n" + textwrap.dedent(ADAPTED[adapted]))
    project.file("test_it.py", numbered(4))
    plain = project.pytest("-rA")
    others = [_named(plain), sorted(project.logged("other.txt"))]
    result = project.fleetest(*args, "-rA").check(plain.code)
    assert result.summary() == plain.summary()
    named = [line for line in sorted(project.logged("other.txt")) if "PASSED" in line]
    assert [_named(result), named] == [
        others[0],
        [line for line in others[1] if "PASSED" in line],
    ]


def test_statistics_of_a_worker_can_be_replaced(project: Project) -> None:
    """A plugin may put others in their place for a while."""
    project.file(
        "test_it.py",
        """
        import pytest

        @pytest.fixture
        def fresh(request):
            reporter = request.config.pluginmanager.get_plugin("terminalreporter")
            old, reporter.stats = reporter.stats, {}
            assert reporter.stats == {}
            yield
            reporter.stats = old

        def test_first(): pass
        def test_fresh(fresh): pass
        """,
    )
    project.fleetest("-n", "1").check(0).counts(passed=2)


@WORKERS
def test_keywords_from_another_test(project: Project, args: tuple[str, ...]) -> None:
    """What a fixture of an earlier test has marked is marked in the reports of later ones."""
    project.file(
        "conftest.py",
        """
        def pytest_report_teststatus(report, config):
            if report.when == "call" and "slow" in report.keywords:
                return "slow", "S", "SLOW"
        """,
    )
    project.file(
        "test_it.py",
        """
        import pytest

        class TestMarked:
            @pytest.fixture(autouse=True, scope="class")
            def mark(self, request):
                request.node.keywords["slow"] = True

            @pytest.mark.parametrize("n", range(4))
            def test_it(self, n): pass

        def test_other(): pass
        """,
    )
    result = project.fleetest(*args).check(0)
    assert re.search("1 passed, .*4 slow", result.out)


def test_subtests_without_their_plugin(project: Project) -> None:
    """Unittest's are reported all the same (pytest 9)."""
    project.file("test_it.py", SUBTESTS)
    plain = project.pytest("-p", "no:subtests", "-rA", "--tb=no")
    result = project.fleetest("-n", "2", "-p", "no:subtests", "-rA", "--tb=no").check(plain.code)
    assert result.summary() == plain.summary()
    assert _named(result) == _named(plain)


def test_inner_sessions_are_freed(project: Project) -> None:
    """A worker keeps nothing of the sessions that its tests run in its process."""
    project.file(
        "test_it.py",
        """
        import gc
        import weakref

        pytest_plugins = ["pytester"]
        items = []

        class Keep:
            def pytest_itemcollected(self, item):
                items.append(weakref.ref(item))

        def test_inner(pytester):
            pytester.makepyfile("def test_it(): pass")
            pytester.inline_run(plugins=[Keep()]).assertoutcome(passed=1)

        def test_after():
            gc.collect()
            assert [item for item in items if item() is not None] == []
            assert len(items) == 1
        """,
    )
    project.fleetest("-n", "1").check(0).counts(passed=2)

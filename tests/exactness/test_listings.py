"""Tests are listed and run in turns, as editors do: one session has collected for both."""

from __future__ import annotations

import shlex

import pytest
from exact import Scene, write

FILES = {
    "conftest.py": """
        import pytest

        def pytest_report_collectionfinish(items): return f"{len(items)} are there"

        def pytest_collection_modifyitems(items): items.reverse()

        @pytest.fixture(scope="module")
        def big():
            "It is."
        """,
    "test_a.py": '''
        """A module."""
        import pytest

        def test_one(big): "It is one."

        @pytest.mark.slow
        def test_two(): assert 0

        class TestClass:
            """A class."""
            @pytest.mark.parametrize("n", ["a", "b::c", "d e"])
            def test_three(self, n): pass

            @pytest.mark.skip
            def test_four(self): pass
        ''',
    "sub/test_s.py": """
        import unittest

        class Case(unittest.TestCase):
            def test_case(self): print("case")
        """,
    "pytest.ini": "[pytest]\nmarkers = slow\n",
}

RUN, LISTED = ("-v", "-rA"), ("--collect-only", "-q")

LINES = """
--co
--co -v
--co -vv
--co -q
--co -qq
--co -qqq
--co -k one
--co -q -k "not one"
--co -q -k nothing_like_it
--co -k "one or"
--co -q -m slow
--co -q -m "not slow"
--co -q --deselect test_a.py::test_one --deselect test_a.py::TestClass
--co -q --ff
--co -q --nf
--co -x
--co -rA
--co --durations=3
--co --no-header
--co --no-summary
--co -q --disable-warnings
""".strip().splitlines()


@pytest.mark.parametrize("line", LINES)
def test_listed_after_a_run(scene: Scene, line: str) -> None:
    """Then run again, listed again."""
    words = shlex.split(line)
    scene.files(FILES)
    scene.warm_up(*RUN, resumed=True)
    scene.compare(*words, still=True, again=False)
    scene.compare(*RUN, still=True, again=False)
    scene.compare(*words, still=True, again=False)


@pytest.mark.parametrize("line", ["-v", "-q", "-x --tb=short", "-k one", "-m slow -rA", "--ff -v"])
def test_run_after_a_listing(scene: Scene, line: str) -> None:
    words = shlex.split(line)
    scene.files(FILES)
    scene.warm_up(*LISTED, resumed=True)
    scene.compare(*words, still=True, again=False)
    scene.compare(*LISTED, still=True, again=False)
    scene.compare(*words, still=True, again=False)


@pytest.mark.parametrize("first", [RUN, LISTED])
def test_changes_in_between(scene: Scene, first: tuple[str, ...]) -> None:
    """A test more, a failure more, a module that cannot be imported, nothing at all."""
    scene.files(FILES)
    scene.warm_up(*first, resumed=True)
    for text in (
        "def test_one(): pass\n\ndef test_more(): pass\n",
        "def test_one(): assert 0\n",
        "def test_one(: pass\n",
        "import no_such_module\n",
        "raise KeyboardInterrupt\n",
        "import pytest\npytest.skip('not here', allow_module_level=True)\n",
        "",
    ):
        write("test_a.py", text)(scene)
        scene.compare(*LISTED)
        scene.compare(*RUN)
        scene.compare(*LISTED, "--continue-on-collection-errors", again=False)


def test_nothing_is_there(scene: Scene) -> None:
    scene.file("test_a.py", "")
    scene.warm_up(*RUN, resumed=True)
    for line in ("--co", "--co -q", "--co -qq", "-v"):
        assert scene.compare(*shlex.split(line), still=True, again=False).plain.code == 5


def test_what_was_remembered(scene: Scene) -> None:
    """A listing leaves what failed and what was new as it was."""
    scene.files(FILES)
    scene.warm_up(*RUN, resumed=True)
    scene.compare(*LISTED, "--nf", still=True, again=False)
    write("test_new.py", "def test_new(): assert 0\n")(scene)
    scene.compare(*LISTED, "--nf")
    scene.compare(*RUN, "--nf", again=False)
    scene.compare(*LISTED, "--ff")
    scene.compare(*LISTED, "--lf", again=False)
    scene.compare(*RUN, "--lf", again=False)


READERS = {
    "an option": "metafunc.config.option.collectonly",
    "by its flag": "metafunc.config.getoption('--co')",
    "all options": "vars(metafunc.config.option)['collectonly']",
    "the command line": "'--collect-only' in __import__('sys').argv",
    "the arguments": "'--collect-only' in metafunc.config.invocation_params.args",
}


@pytest.mark.parametrize("reader", READERS)
def test_looked_at_before(scene: Scene, reader: str) -> None:
    """What is collected is another then."""
    text = f"def pytest_generate_tests(metafunc): metafunc.parametrize('n', [{READERS[reader]}])\n"
    scene.file("conftest.py", text)
    scene.file("test_a.py", "def test_a(n): assert not n\n")
    scene.warm_up(*RUN, resumed=True)
    assert "test_a[True]" in scene.compare(*LISTED).plain.out
    scene.compare(*RUN, still=True, again=False)
    scene.compare(*LISTED, still=True, again=False)


def test_looked_at_while_it_is_configured(scene: Scene) -> None:
    text = """
        def pytest_configure(config):
            if not config.option.collectonly:
                config.addinivalue_line("markers", "mine: it is")

        def pytest_report_header(config):
            return [line for line in config.getini("markers") if line.startswith("mine")]
        """
    scene.file("conftest.py", text)
    scene.file("test_a.py", "def test_a(): pass\n")
    scene.warm_up(*RUN, resumed=True)
    scene.compare("--co")
    scene.compare(*RUN, still=True, again=False)


def test_hook_of_the_loop(scene: Scene) -> None:
    """It is called in both."""
    text = """
        def pytest_runtestloop(session):
            print("the loop", session.config.option.collectonly)

        def pytest_sessionfinish(exitstatus): print("finish", exitstatus)
        """
    scene.file("conftest.py", text)
    scene.file("test_a.py", "def test_a(): pass\n")
    scene.warm_up("-s", resumed=True)
    scene.compare("-s", "--co", still=True, again=False)
    scene.compare("-s", "--co", "-q", still=True, again=False)

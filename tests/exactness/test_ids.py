"""Tests are named by their ids, as editors do: one session has collected their files for all of them."""

from __future__ import annotations

import shlex

import pytest
from exact import Scene, write
from tree import Tree

OF_FILES = """
def pytest_collect_file(file_path): seen.append(("file", file_path.name))
def pytest_ignore_collect(collection_path):
    if collection_path.name != "__pycache__":
        seen.append(("ignore", collection_path.name))
"""
"""Before pytest 8 these may be called once for each id: then nothing is shared."""

FILES = {
    "conftest.py": """
        seen = []

        def pytest_collectstart(collector): seen.append(("start", collector.nodeid))
        def pytest_collectreport(report): seen.append(("report", report.nodeid, report.outcome))
        def pytest_itemcollected(item): seen.append(("item", item.nodeid))
        def pytest_pycollect_makeitem(collector, name):
            if "est" in name:
                seen.append(("make", collector.nodeid, name))
        def pytest_generate_tests(metafunc): seen.append(("generate", metafunc.definition.nodeid))
        def pytest_deselected(items): seen.append(("deselected", len(items)))
        def pytest_collection_modifyitems(items):
            seen.append(("modify", [item.nodeid for item in items]))
        def pytest_collection_finish(session):
            seen.append(("finish", len(session.items)))
            for each in seen:
                print(*each)
            for node in {node for item in session.items for node in item.listchain()}:
                assert node.session is session
        """,
    "test_a.py": '''
        """A module."""
        import unittest

        import pytest

        print("test_a is imported")

        def test_one(request): print(request.config.args, request.session.isinitpath(request.path))

        def test_two(): assert 0

        @pytest.mark.parametrize("n", ["a", "b::c", "d e", "[x]", ""])
        def test_many(n): pass

        class TestClass:
            @pytest.fixture(autouse=True)
            def mine(self): print("for the class")

            def test_three(self, request): print([node.nodeid for node in request.node.listchain()])

            @pytest.mark.parametrize("n", [1, 2, 3])
            def test_four(self, n): assert n != 2

            class TestInner:
                def test_five(self): pass

        class TestOther:
            def pytest_generate_tests(self, metafunc): metafunc.parametrize("n", "ab")
            def test_six(self, n): pass

        class TestWithInit:
            def __init__(self): pass
            def test_seven(self): pass

        class Case(unittest.TestCase):
            def setUp(self): print("of the case")
            def test_case(self): pass
            def test_other(self): self.fail("so")

        test_again = test_one
        ''',
    "sub/conftest.py": "def pytest_itemcollected(item): item.user_properties.append(('sub', 1))\n",
    "sub/test_s.py": "def test_s(tmp_path): (tmp_path / 'x').touch()\n\ndef test_t(): pass\n\n"
    "class TestS:\n    def test_u(self): pass\n",
    "pack/__init__.py": "print('the package')\n",
    "pack/inner/__init__.py": "",
    "pack/inner/test_p.py": "from . import __name__ as name\n\ndef test_p(): assert name == 'pack.inner'\n\n"
    "def test_q(): pass\n",
    "notes.txt": ">>> 1 + 1\n2\n",
    "lib.py": "def f():\n    '''\n    >>> f()\n    1\n    '''\n    return 1\n\n"
    "def g():\n    '''\n    >>> g()\n    '''\n",
    "pytest.ini": "[pytest]\nmarkers = slow\n",
}

LINES = """
test_a.py::test_one
test_a.py::test_one -rP
test_a.py::test_two -v
test_a.py::test_many
test_a.py::test_many[a]
test_a.py::test_many[b::c]
"test_a.py::test_many[d e]" -v
test_a.py::test_many[[x]]
test_a.py::test_many[]
test_a.py::test_many[zz]
test_a.py::TestClass -v
test_a.py::TestClass::test_three
test_a.py::TestClass::test_four
test_a.py::TestClass::test_four[2]
test_a.py::TestClass::TestInner
test_a.py::TestClass::TestInner::test_five
test_a.py::TestOther
test_a.py::TestOther::test_six[b]
test_a.py::TestWithInit
test_a.py::TestWithInit::test_seven
test_a.py::Case
test_a.py::Case::test_other
test_a.py::test_again
test_a.py::test_two test_a.py::test_one
test_a.py::test_one test_a.py::test_one
test_a.py::TestClass::test_three test_a.py::TestClass
test_a.py::TestClass test_a.py::TestClass::test_three
test_a.py::test_many[a] test_a.py::TestOther test_a.py::test_many
--keep-duplicates test_a.py::test_one test_a.py::test_one
./test_a.py::test_one
sub/../test_a.py::test_one -v
test_a.py::no_such_test
test_a.py::no_such_test test_a.py::test_one
test_a.py::test_one::deeper
test_a.py::TestClass::no_such_test
test_a.py::Test
test_a.py::
test_a.py::TestClass::
test_a.py::TestClass -k four
test_a.py::TestClass -k nothing_like_it
test_a.py::TestClass --deselect test_a.py::TestClass::test_three
test_a.py::TestClass -x
test_a.py::test_two --tb=line -q
test_a.py::test_two --ff
--co -q test_a.py::TestClass
--co test_a.py::TestClass::test_four[2] test_a.py::test_one
--co -q test_a.py::no_such_test
""".strip().splitlines()


@pytest.fixture(scope="module")
def prepared(shared_scene: Scene) -> tuple[Scene, Tree]:
    """A project of which one test was named, and how that left it."""
    shared_scene.files(FILES)
    shared_scene.warm_up("test_a.py::test_one", resumed=True)
    return shared_scene, shared_scene.saved()


@pytest.mark.parametrize("line", LINES)
def test_line(prepared: tuple[Scene, Tree], line: str) -> None:
    """Other names in the file, from the session for the first one; hooks are called for these, once."""
    scene, tree = prepared
    tree.put_back()
    words = shlex.split(line)
    scene.compare(*words, still="--keep-duplicates" not in words, again=False)


@pytest.mark.parametrize("args", ["test_a.py::test_two", "pack/inner/test_p.py::test_q"])
def test_hooks_of_files(scene: Scene, args: str) -> None:
    scene.files(FILES)
    scene.file("conftest.py", scene.read("conftest.py") + OF_FILES)
    scene.warm_up("test_a.py::test_one", resumed=True)
    scene.warm_up("pack/inner/test_p.py::test_p", resumed=True)
    scene.compare(args, still=pytest.version_tuple >= (8,), again=False)
    scene.compare("pack/inner/test_p.py::test_p", still=True, again=False)


SEVERAL = [
    (
        "sub/test_s.py::test_s test_a.py::test_one",
        "sub/test_s.py::test_t test_a.py::TestClass::test_three",
    ),
    (
        "sub/test_s.py::test_s test_a.py::test_one",
        "sub/test_s.py::TestS test_a.py::TestOther test_a.py::Case",
    ),
    ("sub/test_s.py::test_s test_a.py::test_one", "sub/test_s.py::nothing test_a.py::nothing"),
    ("pack/inner/test_p.py::test_p", "pack/inner/test_p.py::test_q -v"),
    (
        "pack/inner/test_p.py::test_p sub/test_s.py::test_s",
        "./pack/inner/test_p.py::test_q sub/test_s.py::TestS",
    ),
    ("lib.py::lib.f --doctest-modules", "lib.py::lib.g --doctest-modules -v"),
    ("notes.txt::notes.txt", "notes.txt::notes.txt -v"),
    ("test_a.py::test_one --import-mode=importlib", "test_a.py::test_two --import-mode=importlib"),
    (
        "test_a.py::test_one -p no:doctest --rootdir=sub",
        "test_a.py::test_two -p no:doctest --rootdir=sub",
    ),
]


@pytest.mark.parametrize(("first", "second"), SEVERAL)
def test_files(scene: Scene, first: str, second: str) -> None:
    scene.files(FILES)
    scene.warm_up(*shlex.split(first), resumed=True)
    scene.compare(*shlex.split(second), still=True, again=False)


OTHERS = [
    ("test_a.py::test_one", "test_a.py"),
    ("test_a.py", "test_a.py::test_one"),
    ("test_a.py::test_one", "test_a.py::test_one sub"),
    ("test_a.py::test_one", "sub/test_s.py::test_s"),
    ("test_a.py::test_one sub/test_s.py::test_s", "sub/test_s.py::test_s test_a.py::test_one"),
    (
        "test_a.py::test_one sub/test_s.py::test_s",
        "test_a.py::TestClass::test_three sub/test_s.py::test_s",
    ),
    (
        "test_a.py::TestOther::test_six sub/test_s.py::test_s",
        "test_a.py::TestOther sub/test_s.py::test_s",
    ),
    (
        "test_a.py::test_one sub/test_s.py::test_s",
        "test_a.py::test_one sub/test_s.py::test_t test_a.py::test_two",
    ),
    ("test_a.py::test_one", "test_a.py::test_one --doctest-modules"),
    ("test_a.py::test_one", "--pyargs test_a.py::test_one"),
    ("pack/__init__.py::test_x", "pack/__init__.py::test_y"),
    ("-s test_a.py::test_one -v", "-s test_a.py::test_one -v sub/test_s.py::test_s"),
    (
        "-s test_a.py::test_one -v sub/test_s.py::test_s",
        "-s test_a.py::test_two -v sub/test_s.py::test_t",
    ),
]


@pytest.mark.parametrize(("first", "second"), OTHERS)
def test_other_files(scene: Scene, first: str, second: str) -> None:
    """One set of files was prepared for, another one, or in another order, is run."""
    scene.files(FILES)
    scene.warm_up(*shlex.split(first))
    scene.compare(*shlex.split(second))


def test_changes_in_between(scene: Scene) -> None:
    scene.files(FILES)
    scene.warm_up("test_a.py::test_one", resumed=True)
    for text in (
        "def test_one(): assert 0\n\ndef test_two(): pass\n",
        "class TestClass:\n    def test_three(self): pass\n",
        "def test_one(: pass\n",
        "import pytest\npytest.skip('not here', allow_module_level=True)\n",
        "import pytest\npytest.importorskip('no_such_module')\ndef test_one(): pass\n",
        "import sys\nsys.exit(3)\n",
        "",
        "def test_one(): pass\n\ndef test_two(): pass\n",
    ):
        write("test_a.py", text)(scene)
        scene.compare("test_a.py::test_two")
        scene.compare("test_a.py::test_one", "test_a.py::test_two", again=False)
        scene.compare("test_a.py::TestClass::test_three", again=False)


@pytest.mark.parametrize("name", ["test_a.py", "conftest.py"])
def test_file_is_gone(scene: Scene, name: str) -> None:
    scene.files(FILES)
    scene.warm_up("test_a.py::test_one", resumed=True)
    (scene.path / name).unlink()
    scene.compare("test_a.py::test_two")
    scene.compare("test_a.py::test_one")


READERS = {
    "arguments": "metafunc.config.args",
    "option": "metafunc.config.option.file_or_dir",
    "by its name": "metafunc.config.getoption('file_or_dir')",
    "what was invoked": "metafunc.config.invocation_params.args",
    "the command line": "__import__('sys').argv[1:]",
    "all options": "vars(metafunc.config.option)['file_or_dir']",
}


@pytest.mark.parametrize("reader", READERS)
def test_looked_at_before(scene: Scene, reader: str) -> None:
    """Then each has a session of its own."""
    text = f"""
        def pytest_generate_tests(metafunc):
            metafunc.parametrize("n", [any("two" in each for each in {READERS[reader]})], ids=str)
        """
    scene.file("conftest.py", text)
    scene.file("test_a.py", "def test_one(n): assert not n\n\ndef test_two(n): assert n\n")
    scene.warm_up("-v", "test_a.py::test_one", resumed=True)
    scene.compare("-v", "test_a.py::test_two")
    scene.compare("-v", "test_a.py::test_one", still=True, again=False)
    scene.compare("-v", "test_a.py::test_two", still=True, again=False)


CHANGERS = {
    "arguments replaced": "def pytest_configure(config): config.args = ['test_a.py::test_two']\n",
    "arguments changed": "def pytest_configure(config): config.args[:] = ['test_a.py::test_two']\n",
    "collected in another way": """
        def pytest_collection(session):
            session.perform_collect(["test_a.py::test_two"])
            return True
        """,
    "collected twice": """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_collection(session): session.perform_collect()
        """,
    "a wrapper": """
        import pytest

        @pytest.hookimpl(hookwrapper=True)
        def pytest_make_collect_report(collector):
            outcome = yield
            if collector.nodeid.endswith("test_a.py"):
                outcome.get_result().result.reverse()
        """,
    "no wrapper": "def pytest_make_collect_report(collector): print(collector.nodeid)\n",
    "its own items": """
        import pytest

        class Item(pytest.Item):
            def runtest(self): print("runs")
            def reportinfo(self): return self.path, 0, self.name

        class File(pytest.File):
            def collect(self):
                for name in ("test_one", "test_two", "extra"):
                    yield Item.from_parent(self, name=name)

        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".py":
                return File.from_parent(parent, path=file_path)
        """,
}


@pytest.mark.parametrize("changer", CHANGERS)
def test_changed_on_the_way(scene: Scene, changer: str) -> None:
    scene.file("conftest.py", CHANGERS[changer])
    scene.file("test_a.py", "def test_one(): pass\n\ndef test_two(): pass\n")
    scene.warm_up("-v", "test_a.py::test_one")
    scene.compare("-v", "test_a.py::test_two")
    scene.compare("-v", "test_a.py::extra", "test_a.py::test_one", again=False)
    scene.compare("-v", "test_a.py::test_one", again=False)


def test_identity_is_asked_for_later(scene: Scene) -> None:
    """In the run, by a class that the session did not collect: workers cannot share that."""
    text = """
        import os

        def test_one(): pass

        class TestClass:
            def pytest_generate_tests(self, metafunc):
                TestClass.pid = os.getpid()

            def test_two(self): assert os.getpid() == self.pid
            def test_three(self): assert os.getpid() == self.pid
        """
    scene.file("test_a.py", text)
    scene.warm_up("-v", "test_a.py::test_one", resumed=True)
    scene.compare("-v", "test_a.py::TestClass", "test_a.py::test_one", still=True, again=False)
    scene.compare("-v", "test_a.py::TestClass::test_two", still=True, again=False)


def test_option_of_a_conftest(scene: Scene) -> None:
    """What follows it may be its value, or a test."""
    text = "def pytest_addoption(parser): parser.addoption('--mine')\n"
    scene.file(
        "conftest.py", text + "def pytest_report_header(config): return config.option.mine\n"
    )
    scene.file("test_a.py", "def test_one(): pass\n\ndef test_two(): pass\n")
    scene.warm_up("-v", "--mine", "test_a.py::test_one", "test_a.py::test_one", resumed=True)
    scene.compare("-v", "--mine", "test_a.py::test_two", "test_a.py::test_one")
    scene.compare("-v", "--mine", "test_a.py::test_two", "test_a.py::test_two", again=False)
    scene.warm_up("-v", "--mine=a", "test_a.py::test_one", resumed=True)
    scene.compare("-v", "--mine=a", "test_a.py::test_two", still=True, again=False)
    scene.compare("-v", "--mine=b", "test_a.py::test_two", again=False)


def test_arguments_in_the_ini_file(scene: Scene) -> None:
    scene.file("pytest.ini", "[pytest]\naddopts = -v test_a.py::test_one\n")
    scene.file("test_a.py", "def test_one(): pass\n\ndef test_two(): pass\n")
    scene.warm_up("test_a.py::test_one", resumed=True)
    # Before pytest 9 arguments behind an option that stands behind others are found later.
    scene.compare("test_a.py::test_two", still=pytest.version_tuple >= (9,), again=False)
    scene.compare()
    scene.env["PYTEST_ADDOPTS"] = "test_a.py::test_two"
    scene.compare("test_a.py::test_two")

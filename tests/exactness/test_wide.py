"""``--wide``: what is named is selected within the session of the whole project.

What must be pytest's own all the same is which tests these are, in which order, and all that is told of them.
"""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from exact import FLAGS, Change, Compared, How, Scene, header, remove, rename, write
from tree import Tree

FILES = {
    "conftest.py": """
        import pytest

        @pytest.fixture(autouse=True)
        def top(): print("top")
        """,
    "test_a.py": """
        import pytest

        def test_one(): pass

        def test_two(): assert 0

        class TestClass:
            def test_three(self): print("three")

            @pytest.mark.parametrize("n", [1, 2, 3])
            def test_four(self, n): assert n != 2

        class TestOther:
            class TestInner:
                def test_five(self): pass

        @pytest.mark.parametrize("name", ["a", "b"])
        def test_six(name): pass
        """,
    "test_b.py": "def test_seven(): pass\n\ndef test_eight(tmp_path): (tmp_path / 'x').touch()\n",
    "test_skipped.py": "import pytest\n\npytest.skip('not here', allow_module_level=True)\n",
    "api/conftest.py": """
        import pytest

        @pytest.fixture(scope="module")
        def made(request): return [request.node.name]
        """,
    "api/test_c.py": "def test_nine(made): assert made == ['api/test_c.py'] or made == ['test_c.py']\n",
    "api/deep/test_d.py": "def test_ten(made): pass\n\ndef test_eleven(): pass\n",
    "api/deep/test_e.py": "import pytest\n\n@pytest.mark.skip\ndef test_twelve(): pass\n",
    "pack/__init__.py": "",
    "pack/test_f.py": "def test_thirteen(): pass\n",
    "early/conftest.py": "def pytest_report_header(): return 'early'\n",
    "early/test_g.py": "def test_fourteen(): pass\n",
    "check.py": "def test_fifteen(): pass\n",
    "not_here/test_h.py": "def test_sixteen(): pass\n",
    "pytest.ini": "[pytest]\naddopts = --ignore=not_here\n",
}

WIDE = How(flags=(*FLAGS, "--wide"))
SAYS = ", selected within the whole project (--wide)"


def says(compared: Compared) -> str:
    """What the run says of itself."""
    return header(compared.result).removeprefix("fleetest: ").partition("; ")[0]


def compare(scene: Scene, *args: str, wide: bool = True, **options: Any) -> Compared:
    """Compare, and see to it that runs are wide."""
    found = scene.compare("-v", *args, how=WIDE, **options)
    assert wide == says(found).endswith(SAYS), says(found)
    assert wide or ", not wide (" in says(found)
    return found


def warm_up(scene: Scene, *args: str) -> None:
    """Have the whole project prepared for."""
    scene.warm_up("-v", *args, resumed=True, how=WIDE)


@pytest.fixture(scope="module")
def prepared(shared_scene: Scene) -> tuple[Scene, Tree]:
    """A project that was prepared for, and how that left it."""
    shared_scene.files(FILES)
    warm_up(shared_scene)
    return shared_scene, shared_scene.saved()


LINES = """
test_a.py
test_b.py test_a.py
api
api/deep api/test_c.py
test_b.py api/deep/test_d.py::test_eleven test_a.py::TestClass
test_a.py::test_one
test_a.py::test_two test_a.py::test_one
test_a.py::TestClass
test_a.py::TestClass::test_four
test_a.py::TestClass::test_four[2]
test_a.py::TestClass::test_four[3] test_a.py::TestClass::test_four[1]
test_a.py::TestOther::TestInner::test_five test_b.py::test_seven
test_a.py::test_six[b] test_a.py::test_six[a]
test_a.py::test_one test_a.py::test_one
test_a.py::test_six[a] test_a.py::test_six
pack
pack/test_f.py
./api/../test_a.py
test_skipped.py
test_skipped.py test_b.py
api/deep -k ten
api/deep --deselect api/deep/test_d.py::test_ten
test_a.py -k "not one" -x
test_a.py --maxfail=2
api -k nothing_like_it
test_b.py --co
test_b.py --co -q
api -q
api --ff
test_a.py test_b.py --nf
test_a.py --tb=line
""".strip().splitlines()


@pytest.mark.parametrize("line", LINES)
def test_line(prepared: tuple[Scene, Tree], line: str) -> None:
    """From one snapshot, that nothing changes."""
    scene, tree = prepared
    tree.put_back()
    words = shlex.split(line)
    found = scene.compare("-v", *words, how=WIDE, again=False)
    how = says(found) or scene.status()["last_run"]
    assert how == "warm" + SAYS


OUTSIDE = {
    "early/test_g.py": "has a pytest_report_header",
    "test_a.py early": "has a pytest_report_header",
    "check.py": "is collected only if it is named",
    "not_here/test_h.py": "(not_here/test_h.py is not in the whole project)",
    "not_here": "(not_here is not in the whole project)",
    "test_a.py::no_such_test": "is not in the whole project",
    "test_a.py::test_one test_b.py::nothing": "is not in the whole project",
    "no_such_file.py": "not found",
    "--keep-duplicates test_a.py test_a.py": "with --keep-duplicates",
    "--pyargs pack": "with --pyargs",
    "--lf test_a.py": "with --lf",
    "-p no:cacheprovider test_a.py": "has no snapshot",
    "--mine=test_a.py test_a.py": "",
}


@pytest.mark.parametrize("line", OUTSIDE)
def test_outside(prepared: tuple[Scene, Tree], line: str) -> None:
    """Runs that are not wide, and say why."""
    scene, tree = prepared
    tree.put_back()
    found = scene.compare("-v", *shlex.split(line), how=WIDE)
    if OUTSIDE[line] and says(found):
        assert ", not wide (" in says(found)
        assert OUTSIDE[line] in says(found)
    assert SAYS not in says(found)


CHANGES: dict[str, tuple[Change, bool]] = {
    "a test is gone": (write("test_b.py", "def test_seven(): pass\n"), True),
    "the named test is gone": (write("test_b.py", "def test_eight(): pass\n"), False),
    "the file is gone": (remove("test_b.py"), False),
    "renamed": (rename("test_b.py", "test_z.py"), False),
    "another file": (write("test_0.py", "def test_new(): pass\n"), True),
    "another file is broken": (write("test_0.py", "def test_new(\n"), False),
    "fails": (write("test_b.py", "def test_seven(): assert 0\n\ndef test_eight(): pass\n"), True),
    "a conftest": (write("conftest.py", "def pytest_report_header(): return 'new'\n"), True),
    "a conftest of others": (
        write("api/conftest.py", "import pytest\n\n@pytest.fixture\ndef made(): pass\n"),
        True,
    ),
    "ignored from now on": (write("conftest.py", "collect_ignore = ['test_b.py']\n"), False),
}


@pytest.mark.parametrize("name", CHANGES)
def test_change(scene: Scene, name: str) -> None:
    """Between two runs."""
    change, wide = CHANGES[name]
    scene.files(FILES)
    warm_up(scene, "test_b.py::test_seven", "test_a.py::test_one")
    change(scene)
    args = ("-v", "test_b.py::test_seven", "test_a.py::test_one")
    found = scene.compare(*args, how=WIDE)
    if found.again is not None and header(found.again):
        assert wide == (SAYS in header(found.again)), header(found.again)


def test_mended(scene: Scene) -> None:
    """One after the other, with what the cache says in between."""
    scene.files(FILES)
    warm_up(scene, "test_a.py")
    compare(scene, "test_a.py", "--ff", still=True, again=False)
    scene.file("test_a.py", "def test_two(): pass\n\ndef test_one(): pass\n")
    found = scene.compare("-v", "test_a.py", "--ff", how=WIDE)
    assert found.again is not None
    assert SAYS in header(found.again), "the first one may come before the snapshot"
    compare(scene, "test_a.py::test_one", "test_a.py::test_two", still=True, again=False)
    scene.compare("-v", how=WIDE, still=True, again=False)
    scene.compare("-v", still=True, again=False)


def test_shares_with_the_whole(scene: Scene) -> None:
    """Its snapshot is the one of a run without arguments."""
    scene.files(FILES)
    scene.warm_up("-v", resumed=True)
    compare(scene, "api", still=True, again=False)
    compare(scene, "test_a.py::test_one", still=True, again=False)
    found = scene.compare("-v", "test_b.py", again=False)
    assert SAYS not in says(found)
    assert "not wide" not in says(found)


def test_what_it_changes(scene: Scene) -> None:
    """A test that passes only since another module was imported: what the user accepts."""
    scene.file("test_a.py", "def test_one(): pass\n")
    scene.file("test_b.py", "import sys\n\ndef test_two(): assert 'test_a' in sys.modules\n")
    warm_up(scene)
    found = scene.run_fleetest("-v", "test_b.py", how=WIDE)
    assert header(found).startswith(f"fleetest: warm{SAYS}; ")
    assert found.outcomes() == {"test_b.py::test_two": "PASSED"}
    found = scene.run_fleetest("-v", "--cold", "test_b.py", how=WIDE)
    assert found.outcomes() == {"test_b.py::test_two": "FAILED"}


def test_paths_of_tests(scene: Scene) -> None:
    """The ini file says where they are; others are outside."""
    scene.file("pytest.ini", "[pytest]\ntestpaths = tests\n")
    scene.file("tests/conftest.py", "def pytest_report_header(): return 'tests'\n")
    scene.file("tests/test_a.py", "def test_one(): pass\n\ndef test_two(): pass\n")
    scene.file("tests/sub/test_b.py", "def test_three(): pass\n")
    scene.file("test_c.py", "def test_four(): pass\n")
    warm_up(scene)
    compare(scene, "tests/test_a.py", still=True, again=False)
    compare(scene, "tests/sub", "tests/test_a.py::test_two", still=True, again=False)
    compare(scene, "tests", still=True, again=False)
    compare(scene, "test_c.py", wide=False)
    compare(scene, "tests/sub", "test_c.py", wide=False, again=False)


def test_other_root(scene: Scene) -> None:
    """A folder with an ini file of its own."""
    scene.files(FILES)
    scene.file("inner/pytest.ini", "[pytest]\n")
    scene.file("inner/test_i.py", "def test_i(): pass\n")
    warm_up(scene)
    found = compare(scene, "inner/test_i.py", wide=False)
    assert "the root folder or the ini file is another one" in says(found)


def test_other_folder(scene: Scene) -> None:
    """The whole is what is collected there."""
    scene.files(FILES)
    how = How(flags=WIDE.flags, cwd="api")
    scene.warm_up("-v", resumed=True, how=how)
    found = scene.compare("-v", "deep/test_d.py::test_ten", how=how, still=True, again=False)
    assert says(found).endswith(SAYS)
    found = scene.compare("-v", "../test_a.py", how=how, again=False)
    assert "not wide" in says(found)


HOOKS = """
    def pytest_itemcollected(item): item.name_seen = getattr(item, "name_seen", 0) + 1

    def pytest_collection_modifyitems(session, config, items):
        assert all(item.name_seen == 1 for item in items)
        print([item.nodeid for item in items], config.args, session.isinitpath(items[0].path))

    def pytest_report_collectionfinish(items): return f"{len(items)} of {items[0].session.name}"

    def pytest_deselected(items): print("without", [item.nodeid for item in items])
    """


def test_hooks(scene: Scene) -> None:
    """Those behind the collection know only what was selected; none is called twice."""
    scene.files({**FILES, "conftest.py": HOOKS})
    warm_up(scene)
    compare(scene, "api", "test_a.py::test_one", still=True, again=False)
    compare(scene, "test_a.py", "-k", "three or one", still=True, again=False)


def test_arguments_are_read(scene: Scene) -> None:
    """By a conftest: then each command line has a session of its own."""
    scene.file("conftest.py", "import sys\nLAST = sys.argv[-1]\n")
    scene.file(
        "test_a.py",
        "import conftest\n\ndef test_one(): assert conftest.LAST.startswith('test_a')\n",
    )
    scene.warm_up("-v", "test_a.py", how=WIDE)
    compare(scene, "test_a.py::test_one", wide=False)
    compare(scene, "test_a.py", wide=False)


def test_report(scene: Scene) -> None:
    """A JUnit report has what was selected."""
    scene.files(FILES)
    warm_up(scene, "--junitxml=out.xml")
    for line in ("test_a.py test_skipped.py", "test_b.py", "api"):
        compare(scene, "--junitxml=out.xml", *shlex.split(line), still=True, again=False)


def test_said_elsewhere(scene: Scene) -> None:
    """In the ini file, and taken back by a variable."""
    scene.files({**FILES, "pytest.ini": "[pytest]\nfleetest_wide = true\n"})
    scene.warm_up("-v", resumed=True)
    found = scene.compare("-v", "test_b.py", still=True, again=False)
    assert says(found) == "warm" + SAYS
    found = scene.compare("-v", "test_b.py", how=How(env={"FLEETEST_WIDE": "0"}), again=False)
    assert "wide" not in says(found)


@pytest.mark.parametrize("flags", [("--cold",), ("--no-daemon", "-n0")])
def test_without_daemon(scene: Scene, flags: tuple[str, ...]) -> None:
    """It changes nothing."""
    scene.files(FILES)
    how = How(flags=("--ordered", "--wide", *flags))
    assert "wide" not in says(scene.compare("-v", "test_b.py", "api", how=how, again=False))


def test_an_option_of_a_conftest(scene: Scene) -> None:
    """What follows it may be its value, or a file."""
    scene.file("conftest.py", "def pytest_addoption(parser): parser.addoption('--mine')\n")
    scene.file("test_a.py", "def test_one(): pass\n")
    scene.warm_up("-v", "--mine=a", resumed=True, how=WIDE)
    compare(scene, "--mine=a", "test_a.py", still=True, again=False)
    compare(scene, "--mine", "a", "test_a.py", wide=False)
    compare(scene, "-k", "test_a.py", "test_a.py", wide=False, again=False)

"""Another command line, folder or circumstance than the one that was prepared for."""

from __future__ import annotations

import shlex

import pytest
from exact import FLAGS, How, Scene, remove, write
from tree import Tree

FILES = {
    "test_a.py": """
        import warnings

        import pytest

        def test_one(): pass

        @pytest.mark.slow
        def test_two(): assert 0

        class TestClass:
            def test_three(self):
                print("three")

            @pytest.mark.parametrize("n", [1, 2, 3])
            def test_four(self, n): assert n != 2

        def test_warns(): warnings.warn("careful")

        @pytest.mark.xfail
        def test_five(): assert 0

        @pytest.mark.skip(reason="no")
        def test_six(): pass
        """,
    "test_b.py": """
        import sys

        def test_alone(): assert "test_a" in sys.modules

        def test_fails(): raise ValueError
        """,
    "sub/test_s.py": "def test_s(tmp_path): (tmp_path / 'x').touch()\n",
    "sub/conftest.py": "def pytest_report_header(): return 'sub'\n",
    "pytest.ini": "[pytest]\nmarkers = slow\n",
}

LINES = """
test_a.py
test_b.py
test_a.py test_b.py
test_b.py test_a.py
sub
sub test_a.py
test_a.py::test_one
test_a.py::TestClass
test_a.py::TestClass::test_three
test_a.py::TestClass::test_four
test_a.py::TestClass::test_four[2]
test_a.py::test_two test_a.py::test_one
test_a.py::test_one test_a.py::test_one
test_a.py test_a.py::test_one
test_a.py::no_such_test
test_b.py::test_alone
no_such_file.py
./test_a.py
sub/../test_a.py
sub/test_s.py test_b.py
. sub
--keep-duplicates sub sub
--pyargs sub
-k one
-k "not one"
-k "four and 2"
-k nothing_like_it
-k "one or"
-m slow
-m "not slow"
--deselect test_a.py::test_one
--deselect test_a.py::TestClass
-x
--maxfail=2
-v
-vv
-q
-qq
-q -v
-rA
-rN
-rfE
-ra -q
--tb=short
--tb=line
--tb=no
--tb=native -l
--showlocals
--durations=3 --durations-min=5
--durations=0 --durations-min=5 -vv
--co
--co -q
--co -k one
-p no:doctest
-p no:cacheprovider
-p no:terminal
-p no:logging
-p no:warnings
-o python_functions=test_o*
-o xfail_strict=true
-o console_output_style=count
-W error
-W ignore
-W "error:careful"
--disable-warnings
--lf
--ff
--nf
--lf --lfnf=none
--sw
--sw-skip
--cache-clear
--junitxml=out.xml
--junitxml=out.xml --junitprefix=x
--basetemp=base
--rootdir=sub
--rootdir=sub sub
-c /dev/null
--confcutdir=sub sub
--noconftest
--import-mode=importlib
--import-mode=append
--ignore=sub
--ignore-glob=*_a.py
--runxfail
--color=yes
--code-highlight=no --color=yes
--strict-markers
--doctest-modules
--capture=sys
--capture=tee-sys
-s -k three
--no-header
--no-summary
--show-capture=no
--setup-show test_b.py
--setup-only test_b.py
--setup-plan test_b.py
--no-such-option
--verbosity=2
--full-trace test_b.py
--assert=plain
--log-level=INFO
--log-cli-level=INFO
-v -v -v -k one
""".strip().splitlines()


@pytest.fixture(scope="module")
def prepared(shared_scene: Scene) -> tuple[Scene, Tree]:
    """A project of which all was run, and how that left it."""
    shared_scene.files(FILES)
    shared_scene.warm_up("-v", resumed=True)
    return shared_scene, shared_scene.saved()


@pytest.mark.parametrize("line", LINES)
def test_line(prepared: tuple[Scene, Tree], line: str) -> None:
    """Another command line than before; and that again when it was prepared for."""
    scene, tree = prepared
    tree.put_back()
    scene.compare(*shlex.split(line))


PAIRS = [
    ("test_a.py", "test_b.py"),
    ("test_b.py", "test_a.py test_b.py"),
    ("test_a.py test_b.py", "test_b.py"),
    ("test_b.py test_a.py", "test_a.py test_b.py"),
    ("test_a.py::test_one", "test_a.py"),
    ("test_a.py::test_one", "test_a.py::test_two"),
    ("-k one", "-k two"),
    ("-k one", ""),
    ("-k one test_a.py", "-k one"),
    ("-x", ""),
    ("--lf", "--lf --lfnf=none"),
    ("sub", ""),
    ("--co", ""),
    ("", "--co"),
    ("-p no:cacheprovider", ""),
    ("--import-mode=importlib", ""),
    ("-W error", ""),
    ("-q", "-v"),
    ("--tb=no", "--tb=long"),
    ("--noconftest", ""),
    ("-s", ""),
    ("-m slow", "-m 'not slow'"),
    ("--junitxml=a.xml", "--junitxml=b.xml"),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_pair(scene: Scene, first: str, second: str) -> None:
    """One line was prepared for, the other one is run."""
    scene.files(FILES)
    scene.warm_up(*shlex.split(first))
    scene.compare(*shlex.split(second), again=False)


REPEATED = [
    "--lf",
    "--ff",
    "--nf",
    "--sw",
    "--sw --sw-skip",
    "--lf -k 'not one'",
    "--junitxml=x.xml",
]


@pytest.mark.parametrize("line", REPEATED)
def test_memory(scene: Scene, line: str) -> None:
    """What pytest remembers changes from run to run."""
    words = shlex.split(line)
    scene.files(FILES)
    scene.run_fleetest("-q")
    scene.compare(*words, again=False)
    write("test_a.py", "def test_one(): assert 0\n\ndef test_two(): pass\n")(scene)
    scene.compare(*words, again=False)
    scene.compare(*words, again=False)
    remove("test_b.py")(scene)
    scene.compare(*words)


HOW: dict[str, How] = {
    "other folder": How(cwd="sub"),
    "umask": How(umask=0o077),
    "no workers": How(flags=("--ordered", "-n0")),
    "one worker": How(flags=("--ordered", "-n1")),
    "three workers": How(flags=("--ordered", "-n3")),
    "workers in the daemon's default number": How(flags=("--ordered",)),
    "load": How(flags=(*FLAGS, "--dist=load")),
    "loadscope": How(flags=(*FLAGS, "--dist=loadscope")),
    "loadfile": How(flags=(*FLAGS, "--dist=loadfile")),
    "loadgroup": How(flags=(*FLAGS, "--dist=loadgroup")),
    "worksteal": How(flags=(*FLAGS, "--dist=worksteal")),
    "no": How(flags=("--dist=no",)),
    "without daemon": How(flags=(*FLAGS, "--no-daemon")),
    "forked before configuration": How(flags=(*FLAGS, "--start-method=configure")),
    "spawned": How(flags=(*FLAGS, "--start-method=spawn")),
}


@pytest.mark.parametrize("name", HOW)
def test_circumstance(scene: Scene, name: str) -> None:
    """Changed after the preparation."""
    scene.files(FILES)
    scene.warm_up("-v")
    scene.file("test_made.py", "def test_made(): open('made', 'w').close()\n")
    scene.compare("-v", how=HOW[name])
    if name == "umask":
        assert (scene.path / "made").stat().st_mode & 0o777 == 0o600


def test_tests_see_umask(scene: Scene) -> None:
    files = {"test_a.py": "import os\nM = os.umask(0)\nos.umask(M)\ndef test_a(): assert M == 0\n"}
    scene.play(files, lambda scene: None, how=How(umask=0o022), then=How(umask=0o027))


STDIN = "import sys\n\ndef test_a(): assert sys.stdin.read() == 'one'\n"


@pytest.mark.parametrize("args", [("-v",), ("-v", "-s")])
def test_standard_input(scene: Scene, args: tuple[str, ...]) -> None:
    """Each run reads its own, in the session's process."""
    flags = ("--ordered", "-n0")
    scene.play(
        {"test_a.py": STDIN},
        lambda scene: None,
        args,
        resumed=False,
        how=How(stdin="one", flags=flags),
        then=How(stdin="two", flags=flags),
    )


def test_standard_input_at_import(scene: Scene) -> None:
    files = {
        "conftest.py": "import os, sys\nTEXT = os.read(0, 9)\n",
        "test_a.py": "import conftest\ndef test_a(): assert conftest.TEXT == b'one'\n",
    }
    flags = ("--ordered", "-n0")
    scene.play(
        files,
        lambda scene: None,
        ("-v", "-s"),
        resumed=False,
        how=How(stdin="one", flags=flags),
        then=How(stdin="two", flags=flags),
    )


def test_option_of_a_conftest(scene: Scene) -> None:
    files = {
        "conftest.py": "def pytest_addoption(parser): parser.addoption('--mine', default='x')\n"
        "def pytest_generate_tests(metafunc): metafunc.parametrize('n', metafunc.config.option.mine)\n",
        "test_a.py": "def test_a(n): pass\n",
    }
    scene.files(files)
    scene.warm_up("-v", resumed=True)
    scene.compare("-v", "--mine=abc")
    scene.compare("-v", "--mine", "bc", again=False)


def test_plugin_of_the_project(scene: Scene) -> None:
    scene.env["PYTHONPATH"] = str(scene.path)
    scene.file("plug.py", "def pytest_report_header(): return 'plug 1'\n")
    scene.file("test_a.py", "def test_a(): pass\n")
    scene.warm_up("-v")
    scene.compare("-v", "-p", "plug")
    write("plug.py", "def pytest_report_header(): return 'plug 22'\n")(scene)
    scene.compare("-v", "-p", "plug", again=False)
    scene.compare("-v", again=False)


def test_arguments_in_a_file(scene: Scene) -> None:
    scene.file("arguments", "-v\ntest_a.py\n")
    scene.files(FILES)
    scene.warm_up("@arguments")
    write("arguments", "-v\n-k\none\n")(scene)
    scene.compare("@arguments")


def test_whole_project_then_one_file(scene: Scene) -> None:
    """It passes only because another module was imported."""
    scene.files(FILES)
    whole = scene.warm_up("-v", resumed=True)
    assert whole.outcomes()["test_b.py::test_alone"] == "PASSED"
    alone = scene.compare("-v", "test_b.py")
    assert alone.result.outcomes()["test_b.py::test_alone"] == "FAILED"
    alone = scene.compare("-v", "test_b.py::test_alone")
    assert alone.result.outcomes()["test_b.py::test_alone"] == "FAILED"


def test_deleted_tests_do_not_run(scene: Scene) -> None:
    scene.file("test_a.py", "def test_a(): pass\n")
    scene.file("test_b.py", "def test_b(): open('ran', 'w').close()\n")
    scene.warm_up("-v", resumed=True)
    (scene.path / "ran").unlink()
    (scene.path / "test_b.py").unlink()
    scene.compare("-v")
    assert not (scene.path / "ran").exists()

"""What has failed last: ``--lf`` collects other files for its sake, ``--ff`` and ``--nf`` order what was collected,
``--stepwise`` begins in its midst.
"""

from __future__ import annotations

import shlex

import pytest
from exact import Change, Scene, nothing, remove, rename, write

FILES = {
    "test_a.py": "def test_one(): pass\n\ndef test_two(): assert 0\n",
    "test_b.py": "def test_three(): pass\n",
    "test_c.py": """
        import pytest

        @pytest.mark.parametrize("n", [1, 2])
        def test_four(n): assert n == 1

        class TestClass:
            def test_five(self): assert 0
            def test_six(self): pass
        """,
    "sub/test_s.py": "def test_seven(): pass\n",
}

MENDED = "def test_one(): pass\n\ndef test_two(): pass\n"


def _failed(scene: Scene, line: str = "--lf") -> None:
    """A project of which all was run, and then what has failed."""
    scene.files(FILES)
    scene.run_fleetest("-q")
    scene.warm_up("-v", *shlex.split(line), resumed=True)


CHANGES: dict[str, Change] = {
    "nothing": nothing,
    "mended": write("test_a.py", MENDED),
    "the failing test is gone": write("test_a.py", "def test_one(): pass\n"),
    "the failing file is gone": remove("test_a.py"),
    "renamed": rename("test_a.py", "test_d.py"),
    "another one fails in a file that is skipped": write(
        "test_b.py", "def test_three(): assert 0\n"
    ),
    "a file that fails is there": write("test_0.py", "def test_new(): assert 0\n"),
    "a file that is skipped is broken": write("test_b.py", "def test_three(\n"),
    "a conftest": write("conftest.py", "def pytest_report_header(): return 'new'\n"),
    "what has failed is another": write(
        ".pytest_cache/v/cache/lastfailed", '{"test_b.py::test_three": true}'
    ),
    "all was forgotten": remove(".pytest_cache/v/cache/lastfailed"),
    "what has failed cannot be read": write(".pytest_cache/v/cache/lastfailed", "{"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_change(scene: Scene, name: str) -> None:
    _failed(scene)
    CHANGES[name](scene)
    scene.compare("-v", "--lf", still=name == "nothing")
    scene.compare("-v", "--lf", again=False)


@pytest.mark.parametrize(
    "line", ["--lf", "--lf --lfnf=none", "--lf --lfnf=all", "--ff", "--ff --nf"]
)
def test_mended_one_by_one(scene: Scene, line: str) -> None:
    """Until nothing fails: then all are run, or none."""
    args = ("-v", *shlex.split(line))
    _failed(scene, line)
    scene.compare(*args, still=True, again=False)
    scene.file("test_a.py", MENDED)
    scene.compare(*args)
    scene.file(
        "test_c.py", "def test_four(): pass\n\nclass TestClass:\n    def test_five(self): pass\n"
    )
    scene.compare(*args)
    scene.compare(*args)
    scene.file("test_b.py", "def test_three(): assert 0\n")
    scene.compare(*args, again=False)
    scene.compare(*args, again=False)


@pytest.mark.parametrize(
    "line", ["-k two", "-k 'not two'", "--deselect test_a.py::test_two", "-x", "-q", "--co -q"]
)
def test_selected_inside(scene: Scene, line: str) -> None:
    """From the same snapshot."""
    _failed(scene)
    scene.compare("-v", "--lf", *shlex.split(line), still=True, again=False)
    scene.compare("-v", "--lf", "--ff", *shlex.split(line), still=True)


LINES = [
    *(
        "test_a.py::test_two",
        "test_a.py::test_one",
        "test_c.py::TestClass",
        "test_c.py::test_four[2]",
    ),
    *("test_c.py test_a.py", "test_b.py", "sub", ". sub", "test_b.py test_a.py::test_two"),
    *(
        "test_c.py::test_four[1] test_c.py::TestClass::test_five",
        "test_a.py::nothing",
        "nothing.py",
    ),
]


@pytest.mark.parametrize("line", LINES)
def test_arguments(scene: Scene, line: str) -> None:
    """Which files are collected first depends on them, too."""
    args = ("-v", "--lf", *shlex.split(line))
    scene.files(FILES)
    scene.run_fleetest("-q")
    scene.warm_up(*args)
    scene.compare(*args)
    scene.file("test_a.py", "def test_one(): assert 0\n\ndef test_two(): pass\n")
    scene.compare(*args)


def test_other_ids(scene: Scene) -> None:
    """Of a file that was prepared for."""
    _failed(scene, "--lf test_a.py::test_two")
    scene.compare("-v", "--lf", "test_a.py::test_one", still=True, again=False)
    scene.compare(
        "-v", "--lf", "test_a.py::test_one", "test_a.py::test_two", still=True, again=False
    )


def test_forgotten_in_between(scene: Scene) -> None:
    """Other runs change what has failed, and put it back."""
    _failed(scene)
    path = scene.path / ".pytest_cache/v/cache/lastfailed"
    before = path.read_bytes()
    scene.compare("-v", "test_b.py", again=False)
    scene.compare("-v", "--lf", still=True, again=False)
    path.write_text("{}")
    scene.compare("-v", "--lf", again=False)
    path.write_bytes(before)
    scene.compare("-v", "--lf")


@pytest.mark.parametrize("name", ["lastfailed", "nodeids"])
def test_read_by_a_conftest(scene: Scene, name: str) -> None:
    """As pytest's own plugins do, before it and whenever they run: there it counts, here it does not."""
    scene.files(FILES)
    scene.file(
        "conftest.py",
        "def pytest_generate_tests(metafunc):\n    if 'known' in metafunc.fixturenames:\n"
        f"        known = metafunc.config.cache.get('cache/{name}', [])\n"
        "        metafunc.parametrize('known', sorted(known))\n",
    )
    scene.file("test_a.py", "def test_one(known): pass\n\ndef test_two(): assert 0\n")
    scene.run_fleetest("-q")
    scene.warm_up("-v", "test_a.py", "test_c.py")
    (scene.path / ".pytest_cache/v/cache" / name).unlink()
    scene.compare("-v", "test_a.py", "test_c.py")


def test_without_cache(scene: Scene) -> None:
    """There are no such options then."""
    scene.files(FILES)
    scene.warm_up("-v", "-p", "no:cacheprovider", resumed=True)
    scene.compare("-v", "-p", "no:cacheprovider", "-k", "two", still=True, again=False)


def test_new_first(scene: Scene) -> None:
    """Selection behind the snapshot: a file that is new is in it."""
    _failed(scene, "--nf")
    scene.compare("-v", "--nf", "-k", "not five", still=True, again=False)
    scene.file("test_new.py", "def test_new(): pass\n")
    scene.compare("-v", "--nf")
    scene.compare("-v", "--nf", still=True, again=False)
    scene.compare("-v", "--ff", still=True, again=False)


@pytest.mark.parametrize("line", ["--sw", "--sw-skip", "--sw --ff"])
def test_stepwise(scene: Scene, line: str) -> None:
    """Each run begins where the last one has stopped."""
    args = ("-v", *shlex.split(line))
    _failed(scene, line)
    scene.compare(*args, still=True, again=False)
    scene.compare(*args, still=True, again=False)
    scene.file("test_a.py", MENDED)
    scene.compare(*args)
    scene.compare(*args, again=False)
    scene.compare(*args, "-k", "not four", still=True, again=False)
    (scene.path / ".pytest_cache/v/cache/stepwise").write_text('{"last": 1}')
    scene.compare(*args, still=True)

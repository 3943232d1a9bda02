"""``--rsyncdir``: folders that are copied to where workers with ``chdir=`` run."""

from __future__ import annotations

import pytest
from lab import Project, Result, numbered
from observing import NOTE, notes

TEST = """
import os
import pytest
from note import note

@pytest.mark.parametrize("n", range(2))
def test_it(n, worker_id):
    note([worker_id, os.getcwd(), __file__])

class TestInside:
    def test_fails(self):
        assert 0
"""


def write(project: Project, folder: str = "source/pack") -> None:
    """A package with a test that fails, in a folder to be copied."""
    project.file(
        "lib/note.py", NOTE.replace("open(name", f"open({str(project.path)!r} + '/' + name")
    )
    project.file("conftest.py", "import sys; sys.path.insert(0, __file__[:-11] + 'lib')")
    project.file(
        f"{folder}/conftest.py",
        project.read("conftest.py").replace("__file__[:-11] + ", f"{str(project.path)!r} + '/' + "),
    )
    project.file(f"{folder}/__init__.py", "")
    project.file(f"{folder}/test_pack.py", TEST)


def run(project: Project, *args: str, dest: str = "dest") -> Result:
    """Run with two workers of which one is elsewhere."""
    return project.fleetest(
        "--dist=each", "-v", "--tx", f"popen//chdir={dest}", "--tx=popen", *args
    )


def places(project: Project) -> dict[str, str]:
    """Worker -> the file of its tests."""
    return {entry[0]: entry[2] for entry in notes(project)}  # type: ignore[index]


@pytest.mark.parametrize("rootdir", [(), ("--rootdir=source/pack",), ("--rootdir=source",)])
def test_the_copy_is_run(project: Project, rootdir: tuple[str, ...]) -> None:
    """Tests and results are those of the session."""
    write(project)
    args = (*rootdir, "--rsyncdir=source/pack", "source/pack")
    result = run(project, *args).check(1).counts(passed=4, failed=2)
    assert places(project) == {
        "gw0": str(project.path / "dest/pack/test_pack.py"),
        "gw1": str(project.path / "source/pack/test_pack.py"),
    }
    ids = project.fleetest("--collect-only", "-q", *rootdir, "source/pack").out.splitlines()[:3]
    for nodeid in ids:
        where = [
            line.split()[0] for line in result.out.splitlines() if nodeid in line and "[gw" in line
        ]
        assert sorted(where)[:1] == ["[gw0]"], nodeid
    assert "gw1" in result.out


def test_a_single_test(project: Project) -> None:
    """Only arguments that are files are changed."""
    write(project)
    nodeid = "source/pack/test_pack.py::test_it"
    run(project, "--rsyncdir", "source/pack", nodeid, "-k", "not lib").check(0).counts(passed=4)
    assert places(project)["gw0"] == str(project.path / "dest/pack/test_pack.py")


def test_the_whole_project(project: Project) -> None:
    """The folder that is copied may have the copies in it; nothing is copied twice."""
    write(project, "pack")
    project.file("pytest.ini", "[pytest]\nrsyncdirs = .\nrsyncignore = *.dat\n")
    project.file("pack/big.dat", "")
    project.file("pack/.hidden", "")
    for _ in range(2):
        run(project, "-o", "norecursedirs=dest", dest="dest").check(1).counts(passed=4, failed=2)
        copy = project.path / "dest" / project.path.name
        assert places(project)["gw0"] == str(copy / "pack/test_pack.py")
        names = {path.name for path in (copy / "pack").iterdir()}
        assert names - {"__pycache__"} == {"__init__.py", "conftest.py", "test_pack.py"}
        assert not (copy / "dest").exists()


def test_links(project: Project) -> None:
    """One in a folder is copied; a folder may be reached by one."""
    write(project)
    project.file("far/test_far.py", numbered(2))
    (project.path / "source/pack/test_far.py").symlink_to(project.path / "far/test_far.py")
    (project.path / "way").symlink_to(project.path / "source")
    args = ("--rsyncdir=way/pack", "source/pack/test_pack.py", "source/pack/test_far.py")
    run(project, *args, "-k", "far or fails").check(1).counts(passed=4, failed=2, deselected=2)


def test_what_is_deleted_is_deleted_there(project: Project) -> None:
    """A copy has nothing of the one before."""
    write(project)
    project.file("source/pack/test_more.py", numbered(2))
    args = ("--rsyncdir=source/pack", "--rsyncdir", "lib/note.py", "source/pack")
    run(project, *args).check(1).counts(passed=8, failed=2)
    (project.path / "source/pack/test_more.py").unlink()
    run(project, *args).check(1).counts(passed=4, failed=2)
    names = {path.name for path in (project.path / "dest").iterdir()}
    assert names - {"__pycache__"} == {"note.py", "pack"}


def test_hooks(project: Project) -> None:
    """Each copy is told of, and the folders are where pytest-cov looks for them."""
    write(project)
    project.file(
        "plug.py",
        """
        def pytest_xdist_rsyncstart(source, gateways):
            print("start", source.name, [gateway.id for gateway in gateways])

        def pytest_xdist_rsyncfinish(source, gateways):
            print("finish", source.name)

        def pytest_configure_node(node):
            print(node.gateway.id, [root.name for root in node.nodemanager.roots])
        """,
    )
    args = (
        "--tx",
        "2*popen//chdir=dest",
        "--rsyncdir=source/pack",
        "-s",
        "-p",
        "plug",
        "source/pack",
    )
    result = project.fleetest("-d", *args, env={"PYTHONPATH": "."}).check(1)
    result.lines("start pack *'gw0'*", "finish pack", "gw0 *'pack'*", "gw1 *'pack'*")
    assert result.out.count("start pack") == 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--rsyncdir=nowhere",), "--rsyncdir: *nowhere does not exist"),
        (
            ("--rsyncdir=source/pack", "--rsyncdir=lib/pack"),
            "--rsyncdir: two of them are named pack",
        ),
        (("--rsyncdir=lib", "--tx=popen//chdir=no/such/place"), "--rsyncdir: cannot copy *lib: *"),
        (("--rsyncdir=lib", "source"), "source is in none of the folders that --rsyncdir copies"),
        (("--rsyncdir=in/dest/in/way",), "--rsyncdir: cannot copy *way*: * is in the way*"),
    ],
)
def test_what_cannot_be_copied(project: Project, args: tuple[str, ...], message: str) -> None:
    """One line, and no worker is left."""
    write(project)
    project.file("lib/pack/text", "")
    project.file("in/dest/in/way/in/way/text", "")
    if "way" in args[0]:
        args = ("--rsyncdir=in/dest/way/in/way",)
        project.file("in/dest/way/in/way/text", "")
    run(project, *args, dest="in/dest").check(4).err_lines(f"ERROR: {message}")


def test_without_a_place_nothing_is_copied(project: Project) -> None:
    """As with pytest-xdist: a command line may have the option for good."""
    project.file("test_it.py", numbered(2))
    project.fleetest("-n", "2", "--rsyncdir=nowhere", "--rsyncignore=*.o").check(0).counts(passed=2)

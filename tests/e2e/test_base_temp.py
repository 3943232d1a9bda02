"""The base folder for temporary files: made by the first who needs it, for all workers, and cleaned up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lab import Project
from meeting import MODULE

FOUND = """
import json, os
def found(name, path):
    with open({out!r} + "/" + name, "w") as file:
        json.dump(str(path), file)
"""


@pytest.fixture
def out(project: Project, tmp_path: Path) -> Path:
    """Where the tests of the project say which folders they have."""
    folder = tmp_path / "out"
    folder.mkdir()
    project.file("found.py", FOUND.format(out=str(folder)))
    project.file("meet.py", MODULE)
    return folder


def told(out: Path) -> dict[str, Path]:
    """What they have said."""
    return {path.name: Path(json.loads(path.read_text("utf-8"))) for path in out.iterdir()}


def bases(project: Project) -> list[str]:
    """The folders of runs."""
    return sorted(path.name for path in project.temproot.glob("pytest-of-*/pytest-[0-9]*"))


def locks(project: Project) -> list[Path]:
    """What says that they are in use."""
    return [*project.temproot.glob("pytest-of-*/pytest-[0-9]*/.lock")]


def test_none_where_nobody_needs_it(project: Project) -> None:
    project.file(
        "test_a.py", "def test_a(pytestconfig): assert pytestconfig.getoption('verbose') == 0"
    )
    project.fleetest("-n2").check(0)
    assert bases(project) == []


def test_one_for_all_workers(project: Project, out: Path) -> None:
    """Both of which want it at the same time; those of earlier runs are removed."""
    text = """
        import meet, os
        from found import found
        def test_{0}(request):
            run = os.environ["RUN"]
            meet.say("begun {0} " + run)
            meet.hear("begun {1} " + run)
            found("{0}", request.getfixturevalue("tmp_path"))
            meet.say("found {0} " + run)
            meet.hear("found {1} " + run)
    """
    for pair in ("ab", "ba"):
        project.file(f"test_{pair[0]}.py", text.format(*pair))
    for number in range(5):
        project.fleetest("-n2", env={"RUN": str(number)}).check(0).counts(passed=2)
        folders = told(out)
        assert folders["a"].parent.parent == folders["b"].parent.parent
        assert {folders["a"].parent.name, folders["b"].parent.name} == {"popen-gw0", "popen-gw1"}
        assert folders["a"].parent.parent.name == f"pytest-{number}"
        assert all(path.is_dir() for path in folders.values())
        kept = range(max(0, number - 2), number + 1)
        assert bases(project) == [f"pytest-{each}" for each in kept]
        assert locks(project) == []


WAYS = {
    "fixture": "request.getfixturevalue('tmp_path_factory').getbasetemp()",
    "attribute": "request.config._tmp_path_factory.getbasetemp()",
    "option": "request.config.option.basetemp",
    "getoption": "request.config.getoption('basetemp')",
    "made": "request.config._tmp_path_factory.mktemp('x').parent",
    "thread": "in_thread(request.config._tmp_path_factory.getbasetemp)",
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_ask(project: Project, out: Path, way: str) -> None:
    """Whatever is asked for first, all have the same answer afterwards."""
    project.file(
        "test_a.py",
        f"""
        import argparse, copy, os, pickle, threading
        from found import found

        def in_thread(call):
            answers = []
            thread = threading.Thread(target=lambda: answers.append(call()))
            thread.start()
            thread.join()
            return answers[0]

        def test_a(request):
            option = request.config.option
            assert isinstance(option, argparse.Namespace)
            assert vars(copy.copy(option)) == vars(pickle.loads(pickle.dumps(option))) == vars(option)
            first = str({WAYS[way]})
            assert os.path.isdir(request.getfixturevalue("tmp_path"))
            ways = [{", ".join(WAYS.values())}]
            assert {{str(each) for each in ways}} == {{first}}
            assert type(option) is argparse.Namespace
            assert vars(option)["basetemp"] == first
            found("base", first)
        """,
    )
    project.fleetest("-n2").check(0)
    base = told(out)["base"]
    assert base.name == "popen-gw0"
    assert base.parent.name == "pytest-0"
    assert locks(project) == []


def test_it_is_where_the_session_would_have_it(project: Project, out: Path) -> None:
    """Also where a test has changed what decides that; its changes stay."""
    project.file(
        "test_a.py",
        """
        import os, tempfile
        from found import found

        def test_a(monkeypatch, request):
            changed = {"PYTEST_DEBUG_TEMPROOT": "/elsewhere", "LOGNAME": "nobody", "USER": None, "TMPDIR": "/x"}
            for name, value in changed.items():
                if value is None:
                    monkeypatch.delenv(name, raising=False)
                else:
                    monkeypatch.setenv(name, value)
            monkeypatch.setattr(tempfile, "tempdir", "/y")
            found("changed", request.getfixturevalue("tmp_path"))
            assert tempfile.tempdir == "/y"
            assert {name: os.environ.get(name) for name in changed} == changed
        """,
    )
    project.fleetest("-n2", env={"LOGNAME": "somebody"}).check(0)
    assert told(out)["changed"].is_relative_to(
        project.temproot / "pytest-of-somebody/pytest-0/popen-gw0"
    )


def test_a_forked_child_makes_it(project: Project, out: Path) -> None:
    project.file(
        "test_a.py",
        """
        import os
        from found import found
        def test_a(pytestconfig):
            pid = os.fork()
            if pid == 0:
                try:
                    found("child", pytestconfig._tmp_path_factory.getbasetemp())
                finally:
                    os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        """,
    )
    project.file(
        "test_b.py", "from found import found\ndef test_b(tmp_path): found('b', tmp_path)\n"
    )
    project.fleetest("-n1").check(0).counts(passed=2)
    folders = told(out)
    assert folders["b"].parent == folders["child"]
    assert bases(project) == ["pytest-0"]
    assert locks(project) == []


CONTROLLER = """
import pytest
from found import found

def pytest_testnodedown(node):
    if ASKS_EARLY:
        found("down", node.config._tmp_path_factory.getbasetemp())

@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    if not hasattr(session.config, "workerinput"):
        assert session.config.option.basetemp is None
        found("finish", session.config._tmp_path_factory.getbasetemp())
    yield
"""


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("used", [False, True])
def test_the_controller_asks(project: Project, out: Path, used: bool, early: bool) -> None:
    """It is the one that has the workers' in it, or is made for the controller alone."""
    project.file("conftest.py", f"ASKS_EARLY = {early}\n{CONTROLLER}")
    test = "found('a', tmp_path)" if used else "pass"
    name = "tmp_path" if used else ""
    project.file("test_a.py", f"from found import found\ndef test_a({name}): {test}\n")
    project.fleetest("-n1").check(0)
    folders = told(out)
    assert folders["finish"] == next(project.temproot.glob("pytest-of-*/pytest-0"))
    assert folders.get("down", folders["finish"]) == folders["finish"]
    if used:
        assert folders["a"].parent == folders["finish"] / "popen-gw0"
    assert bases(project) == ["pytest-0"]
    assert locks(project) == []


def test_a_replacement_has_its_own_in_it(project: Project, out: Path) -> None:
    project.file(
        "test_a.py",
        """
        import os
        from found import found
        def test_a(tmp_path):
            found("a", tmp_path)
            os._exit(3)
        def test_b(tmp_path): found("b", tmp_path)
        """,
    )
    project.fleetest("-n1").check(1).counts(failed=1, passed=1)
    folders = told(out)
    assert folders["a"].parent.parent == folders["b"].parent.parent
    assert [folders[name].parent.name for name in "ab"] == ["popen-gw0", "popen-gw1"]
    assert locks(project) == []


@pytest.mark.parametrize("keeps", ["all", "failed", "none"])
def test_what_is_kept(project: Project, out: Path, keeps: str) -> None:
    """As with pytest, the workers' folders aside."""
    project.file("test_a.py", "def test_a(tmp_path): (tmp_path / 'file').touch()\n")
    arguments = ("-o", f"tmp_path_retention_policy={keeps}")
    for command in (project.pytest, project.fleetest):
        kept = []
        for _ in range(2):
            command(*arguments, *(["-n1"] if command == project.fleetest else [])).check(0)
            kept.append(len([*project.temproot.glob("pytest-of-*/pytest-[0-9]*/**/file")]))
        assert kept == ([1, 2] if keeps == "all" else [0, 0])
        assert locks(project) == []
        for path in project.temproot.glob("pytest-of-*"):
            path.rename(out / "kept")
            out = out / "kept"


def test_it_cannot_be_made(project: Project) -> None:
    """An error of each test that wants it, as with pytest."""
    user = "somebody"
    (project.temproot / f"pytest-of-{user}").symlink_to("/")
    project.file("test_a.py", "def test_a(tmp_path): pass\ndef test_b(): pass\n")
    env = {"LOGNAME": user}
    plain = project.pytest(env=env).check(1).counts(error=1, passed=1)
    result = project.fleetest("-n2", env=env).check(1).counts(error=1, passed=1)
    shown = [
        [line for line in one.out.splitlines() if "OSError: The" in line] for one in (plain, result)
    ]
    assert {line.replace("       >", "").lstrip("E ") for line in shown[0]} == {
        line.lstrip("E ") for line in shown[1]
    }


def test_it_was_removed_by_a_test(project: Project) -> None:
    project.file(
        "test_a.py",
        """
        import shutil
        def test_a(tmp_path_factory): shutil.rmtree(tmp_path_factory.getbasetemp().parent)
        """,
    )
    project.fleetest("-n2").check(0)
    assert bases(project) == []

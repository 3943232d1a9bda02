"""Files that were read are changed, in all the ways in which files change."""

from __future__ import annotations

import mmap
import os
import shutil
from pathlib import Path

import pytest
from exact import (
    ARGS,
    Change,
    Scene,
    both,
    env,
    folder,
    keeping_times,
    link,
    nothing,
    remove,
    rename,
    write,
)

FILES = {
    "test_a.py": "import lib\n\ndef test_a(): assert lib.VALUE == 1\n\ndef test_b(): pass\n",
    "lib.py": "VALUE = 1\n",
    "test_c.py": "def test_c(): pass\n",
}


def by_rename(name: str, text: str) -> Change:
    """As editors and git write: a new file takes the place of the old one."""

    def change(scene: Scene) -> None:
        scene.file("new~", text)
        (scene.path / "new~").rename(scene.path / name)

    return change


def by_mmap(name: str, text: str) -> Change:
    """Written through memory: of the same size, and inotify does not say it."""

    def change(scene: Scene) -> None:
        path = scene.path / name
        assert path.stat().st_size == len(text)
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            memory[:] = text.encode()

    return change


def aged(name: str, seconds: int) -> Change:
    """Its modification time is set back."""

    def change(scene: Scene) -> None:
        path = scene.path / name
        old = path.stat().st_mtime_ns - seconds * 10**9
        os.utime(path, ns=(old, old))

    return change


def touch(name: str) -> Change:
    return lambda scene: (scene.path / name).touch()


def same_content(name: str) -> Change:
    return lambda scene: scene.file(name, scene.read(name))


CHANGED = {
    "nothing": nothing,
    "touched": touch("lib.py"),
    "older": aged("lib.py", 1000),
    "written again": same_content("lib.py"),
    "replaced by the same": by_rename("lib.py", FILES["lib.py"]),
    "written with same size": write("lib.py", "VALUE = 2\n"),
    "written with other size": write("lib.py", "VALUE = 1 + 1\n"),
    "test fails now": write("test_a.py", "def test_a(): assert 0\n"),
    "comment added above": write("test_c.py", "# more\ndef test_c(): pass\n"),
    "written and made older": both(write("lib.py", "VALUE = 20\n"), aged("lib.py", 1000)),
    "written keeping its time": keeping_times(write("lib.py", "VALUE = 2\n"), "lib.py"),
    "replaced keeping its time": keeping_times(by_rename("lib.py", "VALUE = 2\n"), "lib.py"),
    "test written keeping its time": keeping_times(
        write("test_c.py", "def test_c(): fail\n"), "test_c.py"
    ),
    "replaced": by_rename("lib.py", "VALUE = 20\n"),
    "replaced with same size": by_rename("lib.py", "VALUE = 2\n"),
    "written through memory": both(by_mmap("lib.py", "VALUE = 2\n"), aged("lib.py", -1)),
    "written through memory with same size": by_mmap("lib.py", "VALUE = 2\n"),
    "written through memory keeping its time": keeping_times(
        by_mmap("lib.py", "VALUE = 2\n"), "lib.py"
    ),
    "removed": remove("lib.py"),
    "emptied": write("lib.py", ""),
    "no longer Python": write("lib.py", "VALUE ="),
    "no UTF-8": lambda scene: (scene.path / "lib.py").write_bytes(b"VALUE = '\xff'"),
    "a folder now": both(remove("lib.py"), folder("lib.py")),
    "an empty folder of its name": both(remove("lib.py"), folder("lib")),
    "written to and back": both(write("lib.py", "VALUE = 2\n"), write("lib.py", FILES["lib.py"])),
}
STILL = {"nothing", "touched", "older", "written again"}
SAME_SIZE = [name for name in CHANGED if "its time" in name or "same size" in name]
"""Python itself takes the old byte code of these for that of the file."""


@pytest.mark.parametrize("name", [name for name in CHANGED if name not in SAME_SIZE])
def test_changed(scene: Scene, name: str) -> None:
    scene.play(FILES, CHANGED[name], still=name in STILL)


@pytest.mark.parametrize("name", SAME_SIZE)
def test_changed_with_same_size(scene: Scene, name: str) -> None:
    scene.play(FILES, CHANGED[name])


@pytest.mark.parametrize("name", SAME_SIZE)
def test_changed_without_byte_code(scene: Scene, name: str) -> None:
    """Only what fleetest itself keeps can be old."""
    scene.env["PYTHONDONTWRITEBYTECODE"] = "1"
    scene.play(FILES, CHANGED[name])


def test_permissions(scene: Scene) -> None:
    """For root, who may read it all the same, nothing changes."""
    scene.play(FILES, lambda scene: (scene.path / "lib.py").chmod(0))


def test_passes_now(scene: Scene) -> None:
    compared = scene.play({**FILES, "lib.py": "VALUE = 2\n"}, write("lib.py", "VALUE = 1  # now\n"))
    assert compared.result.code == 0


def test_many_edits_at_once(scene: Scene) -> None:
    """Nobody gives it time: each run comes right after the edit."""
    scene.env["PYTHONDONTWRITEBYTECODE"] = "1"
    scene.files(FILES)
    scene.warm_up(*ARGS)
    for number in range(6):
        scene.file("lib.py", f"VALUE = {number % 2}\n")
        assert scene.run_fleetest(*ARGS).code == (number + 1) % 2


def test_edits_in_one_tick(scene: Scene) -> None:
    """Same size, same time: nothing but the content tells."""
    scene.env["PYTHONDONTWRITEBYTECODE"] = "1"
    scene.files(FILES)
    scene.warm_up(*ARGS)
    for number in range(6):
        keeping_times(write("lib.py", f"VALUE = {number % 2}\n"), "lib.py")(scene)
        assert scene.run_fleetest(*ARGS).code == (number + 1) % 2


@pytest.mark.parametrize("kept", [False, True])
def test_hard_link(scene: Scene, kept: bool) -> None:
    """Written under a name outside of the project."""
    scene.env["PYTHONDONTWRITEBYTECODE"] = "1"
    scene.files(FILES)
    os.link(scene.path / "lib.py", scene.other / "lib.py")

    def change(scene: Scene) -> None:
        (scene.other / "lib.py").write_text("VALUE = 2\n")

    scene.play({}, keeping_times(change, "lib.py") if kept else change)


LINKED = {
    "one.py": "VALUE = 1\n",
    "two.py": "VALUE = 20\n",
    "folder1/__init__.py": "",
    "folder1/lib.py": "VALUE = 1\n",
    "folder2/__init__.py": "",
    "folder2/lib.py": "VALUE = 20\n",
}


def test_linked_module(scene: Scene) -> None:
    scene.files({**FILES, **LINKED})
    link("lib.py", "one.py")(scene)
    scene.play({}, link("lib.py", "two.py"))


def test_target_of_a_link(scene: Scene) -> None:
    scene.files({**FILES, **LINKED})
    link("lib.py", "one.py")(scene)
    scene.play({}, write("one.py", "VALUE = 30\n"))


def test_linked_package(scene: Scene) -> None:
    scene.files(LINKED)
    link("pack", "folder1")(scene)
    test = "from pack import lib\n\ndef test_a(): assert lib.VALUE == 1\n"
    scene.play({"test_a.py": test}, link("pack", "folder2"))


def test_linked_folder_of_tests(scene: Scene) -> None:
    scene.file("apart1/test_a.py", "def test_a(): pass\n")
    scene.file("apart2/test_b.py", "def test_b(): assert 0\n")
    link("tests", "apart1")(scene)
    scene.play({}, link("tests", "apart2"), ("-v", "-rA", "tests"))


def test_link_to_a_link(scene: Scene) -> None:
    scene.files({**FILES, **LINKED})
    link("middle.py", "one.py")(scene)
    link("lib.py", "middle.py")(scene)
    scene.play({}, link("middle.py", "two.py"))


def test_link_into_nothing(scene: Scene) -> None:
    scene.files({**FILES, **LINKED})
    link("lib.py", "one.py")(scene)
    scene.play({}, link("lib.py", "nowhere.py"))


def test_renamed_ancestor(scene: Scene) -> None:
    """A folder above the project is another one now; no file in it was touched."""
    for name, value in (("now", 1), ("later", 2)):
        scene.files({f"{name}/deep/{path}": text for path, text in FILES.items()})
        scene.file(f"{name}/deep/lib.py", f"VALUE = {value:{value}}\n")

    scene.play({}, both(rename("now", "before"), rename("later", "now")), (*ARGS, "now/deep"))


def test_renamed_folder(scene: Scene) -> None:
    files = {"pack/__init__.py": "", "pack/lib.py": "VALUE = 1\n"}
    test = "from pack import lib\n\ndef test_a(): pass\n"
    scene.play({**files, "test_a.py": test}, rename("pack", "moved"))


def _many(value: int) -> dict[str, str]:
    files = {f"lib{n}.py": f"VALUE = {value * n} # {'x' * value}\n" for n in range(50)}
    for n in range(50):
        files[f"test_{n}.py"] = (
            f"import lib{n}\n\ndef test_{n}(): assert lib{n}.VALUE % {n + 2} < {n + 1}\n"
        )
    return files


def test_checkout(scene: Scene) -> None:
    """As git changes to another branch: a hundred files at once."""

    def change(scene: Scene) -> None:
        for name, text in {**_many(3), "new.py": "", "test_new.py": "def test_new(): pass"}.items():
            (scene.path / name).unlink(missing_ok=True)
            scene.file(name, text)
        (scene.path / "test_7.py").unlink()

    scene.play(_many(2), change, ("-v",))


# ---- byte code ----


def test_stale_byte_code(scene: Scene) -> None:
    """It says that it belongs to the source, whose time and size are the same."""
    scene.files(FILES)
    scene.run_fleetest(*ARGS)
    assert list(scene.path.glob("__pycache__/lib.*.pyc"))
    scene.play({}, keeping_times(write("lib.py", "VALUE = 2\n"), "lib.py"))


def test_stale_byte_code_without_daemon(scene: Scene) -> None:
    """It was there before the daemon."""
    scene.files(FILES)
    scene.env["FLEETEST_DAEMON"] = "0"
    scene.run_fleetest(*ARGS).check(0)
    scene.env["FLEETEST_DAEMON"] = "1"
    scene.play({}, write("lib.py", "VALUE = 3\n"))


def test_byte_code_left(scene: Scene) -> None:
    """The source is gone, its byte code in __pycache__ does not count."""
    scene.play(FILES, both(remove("lib.py"), env(NOTHING="1")))


def test_byte_code_removed(scene: Scene) -> None:
    def change(scene: Scene) -> None:
        shutil.rmtree(scene.path / "__pycache__")

    scene.play(FILES, change, still=True)


def test_cache_removed(scene: Scene) -> None:
    def change(scene: Scene) -> None:
        shutil.rmtree(scene.path / ".pytest_cache")

    scene.play(FILES, change, still=True)


def test_swap_files(scene: Scene) -> None:
    """What editors put beside the file."""
    names = (".lib.py.swp", "lib.py~", "#lib.py#", "4913")

    def change(scene: Scene) -> None:
        for name in names:
            scene.file(name, "x")
        link(".#lib.py", "me@here.1:2")(scene)  # the lock of Emacs

    scene.play(FILES, change, still=True)


def test_byte_code_beside_the_source(scene: Scene, tmp_path: Path) -> None:
    """A module without source is found by its old name."""
    import py_compile

    source = tmp_path / "source.py"
    source.write_text("VALUE = 1\n")
    py_compile.compile(str(source), str(scene.path / "lib.pyc"))
    source.write_text("VALUE = 2\n")

    def change(scene: Scene) -> None:
        py_compile.compile(str(source), str(scene.path / "lib.pyc"))

    scene.play({"test_a.py": FILES["test_a.py"]}, change)


def test_printed_before_a_module_that_has_changed(scene: Scene) -> None:
    """A session is parked inside that import, where output is captured; what was printed before it is shown."""
    files = {
        "first/test_a.py": "def test_a(): pass\n",
        "sub/conftest.py": "print('at import')\n",
        "sub/test_s.py": "import slow, lib\ndef test_s(): assert lib.VALUE < 2\n",
        "slow.py": "TOTAL = sum(n % 7 for n in range(2_000_000))\n",
        "lib.py": "VALUE = 0\n",
        "pytest.ini": "[pytest]\npythonpath = .\n",
    }
    scene.play(files, write("lib.py", "VALUE = 1\n"))
    write("lib.py", "VALUE = 2\n")(scene)
    scene.compare(*ARGS)

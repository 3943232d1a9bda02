"""The daemon prepares again when files are saved."""

from __future__ import annotations

from typing import Callable

import pytest
from ahead_runs import AHEAD, again, prepare
from daemon_runs import parked, status, watched_folders
from lab import Project, wait_for


@pytest.fixture
def saved(project: Project) -> Project:
    """A project for which the daemon prepares as soon as something is saved."""
    project.env.update({**AHEAD, "FLEETEST_DAEMON_AHEAD": "3"})
    project.file("helper.py", "X = 1\n")
    project.file("test_a.py", "import helper\ndef test_a(): assert helper.X\n")
    prepare(project)
    return project


def another(project: Project, change: Callable[[], object]) -> None:
    """Do something, and wait until another snapshot is there."""
    before = parked(project, "tests collected")
    change()
    wait_for(
        lambda: (
            parked(project, "tests collected") not in ([], before)
            and not status(project)["preparing"]
        ),
        "another snapshot",
    )


def by_rename(project: Project, name: str, text: str) -> None:
    """As many editors write."""
    project.file(f"{name}.new", text)
    (project.path / f"{name}.new").rename(project.path / name)


CHANGES: dict[str, Callable[[Project], object]] = {
    "written": lambda project: project.file("helper.py", "X = 0\n"),
    "renamed": lambda project: by_rename(project, "helper.py", "X = 0\n"),
    "new file": lambda project: project.file("test_b.py", "def test_b(): assert 0\n"),
    "new folder": lambda project: project.file("more/test_b.py", "def test_b(): assert 0\n"),
    "hidden by another": lambda project: project.file("helper/__init__.py", "X = 0\n"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_next_run_is_warm(saved: Project, name: str) -> None:
    """And sees the change."""
    another(saved, lambda: CHANGES[name](saved))
    assert "1 failed" in again(saved).check(1).out


def test_error_and_its_correction(saved: Project) -> None:
    """A session with an error is made again, too, when that is mended."""
    saved.file("test_a.py", "def test_a(: pass\n")
    wait_for(
        lambda: not parked(saved, "tests collected") and not status(saved)["preparing"], "the error"
    )
    another(saved, lambda: saved.file("test_a.py", "def test_a(): pass\n"))
    again(saved).check(0).counts(passed=1)


def test_what_was_not_read(saved: Project) -> None:
    """Nothing is made again for its sake."""
    before = parked(saved, "tests collected")
    saved.file("notes.md", "")
    saved.file("helper.py", "X = 1\n")  # as it was
    saved.file("test_b.py", "def test_b(): pass\n")  # this is heard of later than the others
    wait_for(lambda: parked(saved, "tests collected") not in ([], before), "another snapshot")
    again(saved).check(0).counts(passed=2)


def test_no_end_is_prevented(saved: Project) -> None:
    """Each is made three times until the next run, whoever saves."""
    for number in range(3):
        another(saved, lambda number=number: saved.file("helper.py", f"X = {number + 2}\n"))
    before = parked(saved, "tests collected")
    saved.file("helper.py", "X = 7\n")
    wait_for(lambda: not status(saved)["preparing"], "the comparison")
    assert parked(saved, "tests collected") == before
    assert "rewound to" in saved.fleetest(leaves=True).check(0).out
    another(saved, lambda: saved.file("helper.py", "X = 8\n"))


def test_checkout_of_many(saved: Project) -> None:
    """Once, when all is quiet; and the run has all of it."""
    for number in range(200):
        saved.file(f"m{number}.py", "X = 1\n")
    imports = "".join(f"import m{number}\n" for number in range(200))
    total = "+".join(f"m{number}.X" for number in range(200))
    another(
        saved, lambda: saved.file("test_a.py", f"{imports}def test_a(): assert {total} != 400\n")
    )
    again(saved).check(0)

    def check_out() -> None:
        for number in range(200):
            by_rename(saved, f"m{number}.py", "X = 2\n")

    another(saved, check_out)
    wait_for(lambda: not status(saved)["preparing"], "the last of them")
    assert "1 failed" in again(saved).check(1).out


def test_without(project: Project) -> None:
    """Zero: nothing is made ahead, and the project is not watched."""
    project.env.update(AHEAD)
    project.file("test_a.py", "def test_a(): pass\n")
    prepare(project)
    watched = watched_folders(project)
    assert watched, "installed packages"
    assert project.path.stat().st_ino not in watched

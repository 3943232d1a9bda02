"""Installed packages, which are looked at again only where something was heard of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Callable

import pytest
from ahead_runs import AHEAD, again, prepare, settle
from daemon_runs import daemon_log, watched_folders
from lab import Project

PACKAGE = "site-packages/package"
MODULE = f"{PACKAGE}/module.py"


@pytest.fixture
def using(project: Project) -> Project:
    """A project that uses a package, which the daemon hears of."""
    packages = str(project.path / "site-packages")
    # Python takes byte code for that of a package whose size and second are the same, and so does pytest.
    project.env.update(AHEAD, PYTHONPATH=packages, PYTHONDONTWRITEBYTECODE="1")
    project.file(f"{PACKAGE}/__init__.py", "")
    project.file(MODULE, "VALUE = 1\n")
    project.file(
        "test_a.py", "from package import module\ndef test_a(): assert module.VALUE == 1\n"
    )
    prepare(project)
    again(project).check(0)
    settle(project)
    assert (project.path / PACKAGE).stat().st_ino in watched_folders(project)
    return project


def write(project: Project) -> None:
    """In place, with the size and the time that it had."""
    path = project.path / MODULE
    was = path.stat()
    path.write_text("VALUE = 2\n")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def write_by_descriptor(project: Project) -> None:
    """While it is open still."""
    fd = os.open(project.path / MODULE, os.O_WRONLY)
    os.pwrite(fd, b"VALUE = 2\n", 0)


def replace(project: Project) -> None:
    """As installers do."""
    project.file("new", "VALUE = 2\n")
    (project.path / "new").rename(project.path / MODULE)


def add(project: Project) -> None:
    """Another one that is found before it."""
    project.file(f"{PACKAGE}/module/__init__.py", "VALUE = 2\n")


def other(project: Project, name: str) -> Path:
    """A copy of the packages with another module."""
    copy = project.path / "other"
    shutil.copytree(project.path / "site-packages", copy)
    shutil.rmtree(copy / "package/__pycache__", ignore_errors=True)
    (copy / "package/module.py").write_text("VALUE = 2\n")
    return copy / name


def replace_package(project: Project) -> None:
    """By a folder."""
    new = other(project, "package")
    (project.path / PACKAGE).rename(project.path / "old")
    new.rename(project.path / PACKAGE)


def replace_all(project: Project) -> None:
    """The folder above all that is heard of."""
    new = other(project, "")
    (project.path / "site-packages").rename(project.path / "old")
    new.rename(project.path / "site-packages")


def link_all(project: Project) -> None:
    """A link in its place."""
    new = other(project, "")
    (project.path / "site-packages").rename(project.path / "old")
    (project.path / "site-packages").symlink_to(new)


def remove(project: Project) -> None:
    """It is not there any more."""
    (project.path / MODULE).unlink()


@pytest.mark.parametrize(
    "change",
    [write, write_by_descriptor, replace, add, replace_package, replace_all, link_all, remove],
)
def test_each_change_is_seen(using: Project, change: Callable[[Project], None]) -> None:
    change(using)
    result = using.fleetest(leaves=True)
    assert result.code in (1, 2), (result.out, daemon_log(using))
    assert "fleetest: warm;" not in result.out


def test_what_changes_time_and_again(using: Project) -> None:
    """It is heard of again each time that it was looked at."""
    module = using.path / MODULE
    for number in (2, 1, 3, 1):
        module.write_text(f"VALUE = {number}\n")
        using.fleetest(leaves=True).check(0 if number == 1 else 1)
        settle(using)
        again(using).check(0 if number == 1 else 1)
        settle(using)


def test_names_that_do_not_matter(using: Project) -> None:
    """What else comes into the folder is heard, and changes nothing."""
    for number in range(3):
        using.file(f"{PACKAGE}/notes{number}.bin", "")
        again(using).check(0)


def test_a_link_later(using: Project) -> None:
    """What is behind it is looked at each time from then on."""
    using.file("elsewhere.py", "VALUE = 1\n")
    (using.path / MODULE).unlink()
    (using.path / MODULE).symlink_to(using.path / "elsewhere.py")
    using.fleetest(leaves=True).check(0)
    settle(using)
    again(using).check(0)
    settle(using)
    (using.path / "elsewhere.py").write_text("VALUE = 2\n")
    using.fleetest(leaves=True).check(1)

"""What is compared: projects, their cases, and how ``parity.toml`` describes them.

A project is a folder with a ``parity.toml``::

    about = "one line: what is awkward here"
    requires = ["pytest-cov"]      # distributions that must be installed (plugins/ only)
    plugins = ["pytest_cov"]       # plugins loaded with -p (plugins/ only)
    tree = "../../examples/shop"   # what is copied, from here, in place of the project's folder

    [[case]]
    args = ["-v"]                  # the command line after the runner
    then = [["--lf"]]              # further command lines, one after the other in the same tree
    twice = true                   # short for: then = [args]
    cwd = "sub"                    # run in this folder of the project
    env = { NAME = "value" }       # added to the environment
    pytest = ">=9"                 # only for these versions of pytest
    python = ">=3.11"              # only for these versions of Python
    ordered = false                # do not compare what is printed with --ordered
    stops = true                   # ends before its last test: unordered, other tests may run
    races = true                   # what ends it depends on timing: unordered, any exit code
    junit = false                  # do not write and compare a JUnit report
    outcomes_only = true           # compare exit codes, outcomes and artifacts, nothing else
    artifacts = { coverage = "cov.json" }  # reports written by plugins, see parity_artifacts.py
    known = "reason"               # a true and documented difference
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomllib

HERE = Path(__file__).resolve().parent
PROJECTS = HERE / "projects"
PLUGINS = HERE / "plugins"
DESCRIPTION = "parity.toml"


class DescriptionError(Exception):
    """A ``parity.toml`` says something that the harness does not understand."""


@dataclass(frozen=True)
class Case:
    """One or more command lines in one tree, and what of them is compared."""

    args: Sequence[str] = ()
    then: Sequence[Sequence[str]] = ()
    twice: bool = False
    cwd: str = "."
    env: Mapping[str, str] = field(default_factory=dict)
    pytest: str = ""
    python: str = ""
    ordered: bool = True
    stops: bool = False
    races: bool = False
    junit: bool = True
    outcomes_only: bool = False
    artifacts: Mapping[str, str] = field(default_factory=dict)
    known: str = ""

    @property
    def command_lines(self) -> list[Sequence[str]]:
        """All command lines of the case, in order."""
        return [self.args, *([self.args] if self.twice else []), *self.then]


@dataclass(frozen=True)
class Project:
    """A folder of test files with its cases."""

    path: Path
    about: str
    cases: Sequence[Case]
    requires: Sequence[str] = ()
    plugins: Sequence[str] = ()
    tree: Path | None = None

    @property
    def files(self) -> Path:
        """The folder that is copied and run."""
        return self.tree or self.path

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.path.name


def _known_keys(table: Mapping[str, Any], allowed: set[str], where: str) -> None:
    unknown = sorted(set(table) - allowed)
    if unknown:
        raise DescriptionError(f"{where}: unknown keys {', '.join(unknown)}")


def load_project(path: Path) -> Project:
    """Read the description of the project in ``path``."""
    description = path / DESCRIPTION
    table = tomllib.loads(description.read_text(encoding="utf-8"))
    _known_keys(table, {"about", "requires", "plugins", "tree", "case"}, str(description))
    cases = []
    for index, entry in enumerate(table.get("case", [])):
        _known_keys(entry, set(Case.__dataclass_fields__), f"{description}, case {index}")
        cases.append(Case(**entry))
    if not cases or not table.get("about"):
        raise DescriptionError(f"{description}: needs 'about' and at least one [[case]]")
    return Project(
        path=path,
        about=table["about"],
        cases=cases,
        requires=table.get("requires", ()),
        plugins=table.get("plugins", ()),
        tree=(HERE / table["tree"]).resolve() if "tree" in table else None,
    )


def load_projects(folder: Path) -> Iterator[Project]:
    """All projects in ``folder``, by name."""
    for description in sorted(folder.glob(f"*/{DESCRIPTION}")):
        yield load_project(description.parent)


def find_project(name: str) -> Project:
    """The project called ``name``, from projects/ or plugins/."""
    for folder in (PROJECTS, PLUGINS):
        if (folder / name / DESCRIPTION).is_file():
            return load_project(folder / name)
    raise DescriptionError(f"no project {name!r} in {PROJECTS} or {PLUGINS}")

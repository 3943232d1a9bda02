"""What tests of a project note down about the process that they run in."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from lab import Project

METHODS = pytest.mark.parametrize("method", ["fork", "configure", "conftests", "spawn"])

NOTE = """
    import json

    def note(value, name="notes"):
        with open(name, "a") as file:
            file.write(json.dumps(value) + "\\n")
"""


def notes(project: Project, name: str = "notes") -> list[object]:
    """What the tests of the last run wrote down, sorted."""
    found = [json.loads(line) for line in project.logged(name)]
    (project.path / name).unlink(missing_ok=True)
    return sorted(found, key=repr)


def observed(project: Project, text: str, *args: str) -> tuple[list[object], list[object]]:
    """What the tests of a module see under plain pytest, and in workers."""
    project.file("note.py", NOTE)
    project.file("conftest.py", "")
    project.file("test_seen.py", text)
    plain_args = [arg for arg in args if not arg.startswith("--start-method")]
    project.pytest(*plain_args).check(0)
    plain = notes(project)
    project.fleetest("-n", "2", *args).check(0)
    return plain, notes(project)


def captured(project: Project) -> dict[str, str]:
    """Test -> what JUnit's file has as its standard output."""
    root = ET.parse(project.path / "junit.xml").getroot()
    return {case.get("name"): case.findtext("system-out") or "" for case in root.iter("testcase")}


def last_record(project: Project) -> list[Any]:
    """The lines of the last run's record."""
    path = max((project.path / ".pytest_cache/d/fleetest/runs").glob("*.jsonl"))
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def ran(project: Project) -> dict[str, list[str]]:
    """Worker -> the tests that it ran in the last run, in this order."""
    _, plan, *entries = last_record(project)
    found: dict[str, list[str]] = {}
    for entry in entries:
        if "end" in entry:
            found.setdefault(entry["worker"], []).append(plan["tests"][entry["end"]])
    return found

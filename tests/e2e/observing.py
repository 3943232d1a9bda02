"""What tests of a project note down about the process that they run in."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

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

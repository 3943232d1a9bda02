"""What came of each test, read from a JUnit file."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from pathlib import Path


def outcomes(report: Path) -> dict[str, str]:
    """Node id -> passed, failed or skipped, of a JUnit file with the names of xunit1."""
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = (
            "failed"
            if kinds & {"failure", "error"}
            else "skipped"
            if "skipped" in kinds
            else "passed"
        )
        file = case.get("file", "")
        module = file.removesuffix(".py").replace("/", ".")
        classes = case.get("classname", "").removeprefix(module).strip(".").split(".")
        nodeid = "::".join([file, *filter(None, classes), case.get("name", "")])
        found[nodeid] = "failed" if found.get(nodeid) == "failed" else outcome
    return found

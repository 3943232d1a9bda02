"""JUnit reports in a form that can be compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

_VOLATILE = {"time", "timestamp", "hostname"}


def _element(node: ElementTree.Element) -> list[Any]:
    attributes = {name: node.attrib[name] for name in sorted(set(node.attrib) - _VOLATILE)}
    return [node.tag, attributes, (node.text or "").strip(), [_element(child) for child in node]]


def parse_junit(text: bytes) -> list[Any]:
    """A report as nested ``[tag, attributes, text, children]``."""
    try:
        return _element(ElementTree.fromstring(text))
    except ElementTree.ParseError as error:
        return ["not well-formed", {}, str(error), []]


def read_junit(path: Path) -> list[Any] | None:
    """The same of the report in ``path``; nothing if there is none."""
    return parse_junit(path.read_bytes()) if path.exists() else None


def without_order(report: list[Any] | None) -> list[Any] | None:
    """The report with its cases and suite properties sorted, for runs that end in any order."""
    if report is None:
        return None
    tag, attributes, text, children = report
    if tag == "testcase":
        return report
    children = [without_order(child) for child in children]
    if tag in {"testsuite", "properties"}:
        children.sort(key=repr)
    return [tag, attributes, text, children]

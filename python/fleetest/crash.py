"""What is reported when a worker process dies."""

from __future__ import annotations

import difflib
import itertools
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fleetest.node import Node

DIFF_LINES = 100
"""Lines of the difference of two collections that are shown."""

_NAMES = {1: "stdout", 2: "stderr"}


def describe_status(status: int) -> str:
    """The end of a process in words.

    :param status: as of ``waitpid``
    """
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = "unknown"
        text = f"killed by signal {number} ({name})"
        if number == signal.SIGKILL:
            text += "; if nobody did that, the machine may have run out of memory"
        return text
    return f"exited with status {os.waitstatus_to_exitcode(status)}"


def _report(nodeid: str, location: Any, node: Node, text: str) -> pytest.TestReport:
    sections = list(node.sections)
    if node.plumbing is not None:
        for number, captured in node.plumbing.read_captured().items():
            if captured:
                sections.append((f"Captured {_NAMES[number]} before the crash", captured))
    if node.fault_text:
        sections.append(("Written to stderr by the crash", node.fault_text))
    report = pytest.TestReport(
        nodeid=nodeid,
        location=location,
        keywords={},
        outcome="failed",
        longrepr=text,
        when="???",  # type: ignore[arg-type]
        sections=sections,
    )
    report.node = node  # type: ignore[attr-defined]
    return report


def crash_report(item: pytest.Item, node: Node, status: int) -> pytest.TestReport:
    """The failure of the test that a worker was running when it died."""
    text = f"worker {node.id!r} crashed while running {item.nodeid!r}\n{describe_status(status)}"
    return _report(item.nodeid, item.location, node, text)


def lost_worker_report(node: Node, status: int) -> pytest.TestReport:
    """The failure of a worker that died while it was running no test."""
    text = f"worker {node.id!r} crashed while it ran no test\n{describe_status(status)}"
    return _report(node.id, (node.id, None, node.id), node, text)


def collection_report(node: Node, ours: list[str], theirs: list[str]) -> pytest.TestReport:
    """The failure of a spawned worker that has collected other tests than the controller."""
    lines = difflib.unified_diff(ours, theirs, "controller", node.id, n=2, lineterm="")
    text = "\n".join(
        [
            f"Different tests were collected by {node.id}, which ran none of them. The difference is:",
            *itertools.islice(lines, DIFF_LINES),
            "To see why this happens see 'Workers that collect for themselves' in the manual.",
        ]
    )
    return _report(node.id, (node.id, None, node.id), node, text)

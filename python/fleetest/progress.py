"""The text of the status line: done of total, failures, what is running for how long, time left."""

from __future__ import annotations

import time
import unicodedata
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from fleetest.node import Node


def harmless(text: str) -> str:
    """The text with everything replaced that could move the cursor or change colours."""
    return "".join(char if char.isprintable() else "?" for char in text)


def width(text: str) -> int:
    """Columns that the text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def cut(text: str, columns: int) -> str:
    """The beginning of the text that fits into `columns`."""
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return text + "…" if columns > 0 else ""


def duration(seconds: float) -> str:
    """``4.2s``, ``1:07`` or ``2:03:04``."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Progress:
    """What is known of the run's progress."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.done = 0
        self.failed = 0
        self._clock = clock
        self._begin = clock()
        self._running: dict[Node, tuple[str, float]] = {}

    def started(self, node: Node, nodeid: str) -> None:
        """A worker began a test."""
        self._running[node] = (nodeid, self._clock())

    def reported(self, report: Any) -> None:
        """A report came."""
        if report.failed and not hasattr(report, "wasxfail"):
            self.failed += 1

    def _left(self) -> str:
        if not self.done or self.done >= self.total:
            return ""
        elapsed = self._clock() - self._begin
        return duration(elapsed * (self.total - self.done) / self.done)

    def _longest(self) -> str:
        current = [
            (since, nodeid)
            for node, (nodeid, since) in self._running.items()
            if node.item is not None
        ]
        if not current:
            return ""
        since, nodeid = min(current)
        others = f" +{len(current) - 1}" if len(current) > 1 else ""
        return f"{harmless(nodeid)} ({duration(self._clock() - since)}){others}"

    def line(self, columns: int) -> str:
        """The status line, of at most `columns` columns."""
        parts = [f"{self.done}/{self.total}"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        left = self._left()
        if left:
            parts.append(f"{left} left")
        text = "  ".join(parts)
        longest = self._longest()
        room = columns - width(text) - 2
        if longest and room >= 12:
            text += "  " + cut(longest, room)
        return cut(text, columns)

"""What workers write to their standard output and error, uncaptured: shown live, in whole lines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fleetest.privates import private

if TYPE_CHECKING:
    from fleetest.node import Node
    from fleetest.run import Run

LONGEST_LINE = 16 * 1024
"""Bytes without a newline that are held back."""

FAULT = b"Fatal Python error: "
"""How faulthandler begins; what follows belongs into the report of the crash."""


class Outputs:
    """Writes workers' output where the controller's own goes."""

    def __init__(self, run: Run) -> None:
        assert run.distribution is not None
        self.run = run
        self.whole_lines = not run.distribution.ordered
        self.partial: dict[tuple[Node, int], bytes] = {}

    def write(self, node: Node, stream: int, data: bytes) -> None:
        """A worker wrote `data`.

        :param stream: 0 for standard output, 1 for standard error
        """
        data = self._keep_fault(node, stream, data)
        key = (node, stream)
        begun = self.partial.pop(key, b"")
        if self.whole_lines and not self.run.screen.lent:
            whole = data.rfind(b"\n") + 1
            if whole == 0 and len(begun) + len(data) <= LONGEST_LINE:
                self.partial[key] = begun + data
                return
            if whole and whole < len(data):
                self.partial[key] = data[whole:]
                data = data[:whole]
        if begun or data:
            self._put(stream, begun + data)

    def _keep_fault(self, node: Node, stream: int, data: bytes) -> bytes:
        if stream == 0 and (node.plumbing is None or node.plumbing.err >= 0):
            return data  # standard error has a pipe of its own
        if node.fault_text:
            node.fault_text += data.decode("utf-8", "replace")
            return b""
        at = data.find(FAULT)
        if at < 0 or (at > 0 and data[at - 1 : at] != b"\n"):
            return data
        node.fault_text = data[at:].decode("utf-8", "replace")
        return data[:at]

    def finish_line(self, node: Node) -> None:
        """A worker's test has ended: write what it left of an unfinished line.

        If the worker lives, what looked like a crash was none.
        """
        if not self.partial and not node.fault_text:
            return
        if node.fault_text and not node.shutting_down:
            text, node.fault_text = node.fault_text, ""
            self._put(1, text.encode("utf-8", "replace"))
        for stream in (0, 1):
            data = self.partial.pop((node, stream), b"")
            if data:
                self._put(stream, data)

    def finish(self) -> None:
        """The run has ended."""
        for node, _ in list(self.partial):
            self.finish_line(node)

    def _put(self, stream: int, data: bytes) -> None:
        self.run.screen.before_output()
        reporter = private.terminal(self.run.config)
        if stream == 0 and reporter is not None:
            file = private.writer_file(private.writer(reporter))
        else:
            file = sys.stderr if stream else sys.stdout
        file.flush()
        buffer = getattr(file, "buffer", None)
        if buffer is None:
            file.write(data.decode("utf-8", "replace"))
        else:
            buffer.write(data)
            buffer.flush()
        file.flush()
        self.run.screen.wrote(data)

"""``fleetest daemon explain``: what a session reads on its way to its tests, and what keeps others from sharing it."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import TYPE_CHECKING

from fleetest import _core
from fleetest.inputs import source_of
from fleetest.observed import (
    bars_for_others,
    bars_for_runs,
    bars_for_workers,
    is_own_change,
    place,
    shown,
)
from fleetest.plugin import Command
from fleetest.process import let_output_go
from fleetest.trial import Trial
from fleetest.watching import LIBRARY, is_installed_file

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleetest.start import Start
    from fleetest.trial import Findings, Look

SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib/", "/lib64/", "/bin/")
"""Where no project is."""

_HEADS = {
    "files": "files that were read",
    "folders": "folders whose names were asked for",
    "status": "files whose size or times were asked for",
    "absent": "paths that were looked for in vain",
    "changed": "paths that were made, changed or removed",
    "programs": "programs that were started",
    "sockets": "addresses that were talked to",
    "terminal": "what was asked of the terminal",
    "moments": "what is another each time",
    "unknown": "calls of which nobody knows what they read",
}

_GROUPS = {
    _core.TRACE_READ: "files",
    _core.TRACE_LIST: "folders",
    _core.TRACE_CHANGE: "changed",
    _core.TRACE_PROGRAM: "programs",
    _core.TRACE_SOCKET: "sockets",
    _core.TRACE_OPAQUE: "unknown",
    _core.TRACE_TERMINAL: "terminal",
    _core.TRACE_MOMENT: "moments",
}


def explain(start: Start) -> int:
    """Look at the session of ``sys.argv``, and show it; the exit code.

    It is pytest's where the session ends before its tests are collected.
    """
    trial = Trial()
    code = trial.run(Command(dataclasses.replace(start, trial=trial)))
    findings = trial.findings
    output = b""
    if findings.tests < 0:
        output = trial.output
        lines = [f"fleetest: pytest ended with exit code {code} before its tests were collected"]
    else:
        code, lines = 0, [*_lines(findings)]
    try:
        # Paths may be in any encoding.
        sys.stdout.buffer.write(output + os.fsencode("\n".join(lines)) + b"\n")
        sys.stdout.flush()
    except BrokenPipeError:
        let_output_go()
    return code


def _lines(findings: Findings) -> Iterable[str]:
    noun = "test" if findings.tests == 1 else "tests"
    yield f"{findings.root}: {findings.tests} {noun} collected"
    groups: dict[str, _Group] = {name: _Group(findings.verbose) for name in _HEADS}
    variables = _Group(findings.verbose)
    for name, who in sorted(findings.variables.items()):
        variables.add(_variable(name), who, hidden=not who)
    for look in findings.looks:
        group = _group(look)
        if look.kind == _core.TRACE_VARIABLE:
            variables.add(look.path, look.who, hidden=not look.who)
        elif group and not _is_own(look, group) and not (group == "programs" and look.failed):
            path = source_of(look.path)
            hidden = group == "absent" or (
                group in ("files", "folders", "status") and _is_elsewhere(path)
            )
            groups[group].add(shown(path), look.who, hidden=hidden)
    for name, head in _HEADS.items():
        yield from groups[name].lines(head)
    yield from variables.lines("variables that were read")
    yield ""
    yield from _verdict(findings)


class _Group:
    """Entries of one kind, and how many of them are not shown."""

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose
        self._entries: dict[str, str] = {}
        self._hidden: set[str] = set()

    def add(self, what: str, who: str, *, hidden: bool) -> None:
        """Add one, if it is the first of the name.

        :param who: has looked at it
        :param hidden: it is shown only to who wants to see everything
        """
        if hidden and not self._verbose:
            self._hidden.add(what)
        else:
            self._entries.setdefault(what, place(who))

    def lines(self, head: str) -> Iterable[str]:
        """All of it."""
        hidden = len(self._hidden - self._entries.keys())
        if not self._entries and not hidden:
            return
        yield ""
        yield f"{head}:" if self._entries else f"{head}: {hidden}, which -v shows"
        width = min(max(map(len, self._entries), default=0), 48)
        for what, who in self._entries.items():
            yield f"  {what:<{width}}  {who}"
        if self._entries and hidden:
            yield f"  and {hidden} others, which -v shows"


def _variable(name: str) -> str:
    return "all variables" if name == "*" else name


def _group(look: Look) -> str:
    """Where it is shown; empty: nowhere."""
    if look.failed and look.kind in (
        _core.TRACE_READ,
        _core.TRACE_STATUS,
        _core.TRACE_LINK,
        _core.TRACE_LIST,
    ):
        return "absent"
    if look.kind in (_core.TRACE_STATUS, _core.TRACE_LINK):
        return "status" if look.aspect == _core.ASPECT_FULL else ""
    return _GROUPS.get(look.kind, "")


def _is_own(look: Look, group: str) -> bool:
    """Whether pytest, fleetest or the import system have it for themselves."""
    path = look.path
    if "/.pytest_cache" in path or path == os.devnull:
        return True
    if group == "absent":
        return "/__pycache__/" in path
    if group == "changed":
        return is_own_change(look, "")
    return group == "status" and not look.who


def _is_elsewhere(path: str) -> bool:
    """Whether a path is none of the project's."""
    return path.startswith((LIBRARY, sys.prefix + os.sep, *SYSTEM)) or is_installed_file(path)


def _verdict(findings: Findings) -> Iterable[str]:
    """What keeps others from going on from there."""
    runs, others = bars_for_runs(findings), bars_for_others(findings)
    barred = "others cannot go on from there" if runs else "only one run can go on from there"
    yield from _bars("others can go on from there", barred, [*runs, *others])
    workers = bars_for_workers(findings)
    yield from _bars("workers can share it", "workers cannot share it", workers)


def _bars(free: str, barred: str, reasons: list[str]) -> Iterable[str]:
    yield f"{barred}:" if reasons else f"{free}: nothing speaks against it"
    for reason in reasons:
        yield f"  {reason}"

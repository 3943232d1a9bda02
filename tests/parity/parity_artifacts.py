"""Reports that plugins write: each kind is read into something that has to be equal."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def _coverage(path: Path) -> Any:
    """coverage.py's JSON report: for each file, the lines and branches that ran or did not, and contexts."""
    fields = ("executed_lines", "missing_lines", "executed_branches", "missing_branches")
    files = json.loads(path.read_text("utf-8"))["files"]
    return {
        name: {field: data.get(field) for field in fields}
        | {"contexts": {line: sorted(names) for line, names in data.get("contexts", {}).items()}}
        for name, data in files.items()
    }


def _html(path: Path) -> Any:
    """pytest-html's report: how many tests of each outcome, and each test's results."""
    blob = re.search(r'data-jsonblob="([^"]*)"', path.read_text("utf-8"))
    if blob is None:
        return "no data in the report"
    tests = json.loads(html.unescape(blob[1]))["tests"]
    results = {
        nodeid: sorted(entry["result"] for entry in entries) for nodeid, entries in tests.items()
    }
    totals = Counter(result for entries in results.values() for result in entries)
    return {"totals": dict(totals), "tests": results}


def _benchmark(path: Path) -> Any:
    """pytest-benchmark's JSON: which benchmarks were measured, with which parameters."""
    benchmarks = json.loads(path.read_text("utf-8"))["benchmarks"]
    return sorted([entry["fullname"], entry["group"], entry["params"]] for entry in benchmarks)


def _text(path: Path) -> Any:
    """A text file as it is."""
    return path.read_bytes().decode("utf-8", "backslashreplace")


def _lines(path: Path) -> Any:
    """A text file whose lines may come in any order."""
    return sorted(_text(path).splitlines())


KINDS: dict[str, Callable[[Path], Any]] = {
    "coverage": _coverage,
    "html": _html,
    "benchmark": _benchmark,
    "text": _text,
    "lines": _lines,
}


def read(artifacts: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """Read each of the artifacts, given as kind and path below ``folder``."""
    return {
        kind: KINDS[kind](folder / name) if (folder / name).exists() else "not written"
        for kind, name in artifacts.items()
    }

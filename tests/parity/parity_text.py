"""Takes out of texts what may differ between any two runs: times, addresses, folders, worker lines.

Everything else has to be the same.
"""

from __future__ import annotations

import re
from typing import Any

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,}")
_WORKER_FOLDER = re.compile(r"/popen-gw\d+(?=/|\b)")
_WORKER_LINE = re.compile(
    r"""^(?:\x1b\[[\d;]*m)*(?:
        fleetest:\ .*
      | created:\ \d+/\d+\ workers?
      | \d+\ workers?\ \[\d+\ items?\]
      | scheduling\ tests\ via\ \w+
      | \[gw\d+\]\ \w+\ --\ Python\ .*
    )(?:\x1b\[[\d;]*m)*$\n?""",
    re.VERBOSE | re.MULTILINE,
)
# The header names the interpreter by one of its several links.
_EXECUTABLE = re.compile(r"^(platform .* -- \S+/python)[\d.]*$", re.MULTILINE)
# The end line: "in 0.12s", "in 61.20s (0:01:01)".
_ELAPSED = re.compile(r"\bin \d+\.\d+s(?: \(\d+:\d\d:\d\d\))?")
# A line of --durations, and its hint of how many were left out.
_DURATION = re.compile(r"^\d+\.\d\ds (setup|call|teardown) ", re.MULTILINE)
_HIDDEN = re.compile(r"^\(\d+ durations? < ", re.MULTILINE)
# The right-hand column of console_output_style = times.
_COLUMN = re.compile(r" +\d+(?:\.\d+)?(?:us|ms|s|m(?: \d+s)?)(?=(?:\x1b\[[\d;]*m)*$)", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_SUMMARY = re.compile(r"^(?:(?:SUB)?(?:PASSED|FAILED|SKIPPED|XFAIL|XPASS)|ERROR)\b|in <time>")
_RULE = re.compile(r"=+(?= )|(?<= )=+")
# The fixtures that every worker has beside pytest's.
_AVAILABLE = re.compile(r"^>?\s+available fixtures: .*$", re.MULTILINE)
_WORKER_FIXTURE = re.compile(r" (?:testrun_uid|worker_id)(?:,|$)")
# The name of the command in argparse's words.
_USAGE = re.compile(r"^(ERROR: )?usage: (?:fleetest|pytest)(?:\.py)?\b", re.MULTILINE)
_USAGE_ERROR = re.compile(r"^(?:fleetest|pytest)(?:\.py)?: error:", re.MULTILINE)


def _elapsed_line(line: str) -> str:
    """A longer time takes its room from the rule around the text."""
    if not _ELAPSED.search(line):
        return line
    return _RULE.sub("==", _ELAPSED.sub("in <time>", line))


def normalise(text: str, work: str) -> str:
    """``text`` of a run in the folder ``work``, without what any run may change."""
    text = text.replace(work, "<work>")
    if _ELAPSED.search(text):
        text = "\n".join(map(_elapsed_line, text.split("\n")))
    text = _WORKER_FOLDER.sub("", _ADDRESS.sub("0x<address>", text))
    text = _AVAILABLE.sub(lambda line: _WORKER_FIXTURE.sub("", line[0]).rstrip(","), text)
    text = _USAGE_ERROR.sub("pytest: error:", _USAGE.sub(r"\1usage: pytest", text))
    return _WORKER_LINE.sub("", text)


def normalise_output(text: str, work: str) -> str:
    """The same for what is printed on the terminal."""
    text = _EXECUTABLE.sub(r"\1", normalise(text, work))
    text = _DURATION.sub(r"<time> \1 ", text)
    text = _HIDDEN.sub("(<count> durations < ", text)
    return _COLUMN.sub(" <time>", text)


def normalise_all(value: Any, work: str) -> Any:
    """The same for every text in a structure as JSON has it."""
    if isinstance(value, str):
        return normalise(value, work)
    if isinstance(value, list):
        return [normalise_all(part, work) for part in value]
    if isinstance(value, dict):
        return {normalise(k, work): normalise_all(part, work) for k, part in value.items()}
    return value


def _sorted_counts(line: str) -> str:
    """Counts of a plugin's own outcomes stand in the last line as they first came up."""
    counts, found, end = line.strip("= ").partition(" in <time>")
    return ", ".join(sorted(counts.split(", "))) + found + end if found else line


def summary(printed: str) -> list[str]:
    """The lines of the short test summary and the last line, of normalised output, sorted."""
    _, _, end = _COLOUR.sub("", printed).rpartition("short test summary info")
    return sorted(map(_sorted_counts, filter(_SUMMARY.search, end.split("\n"))))

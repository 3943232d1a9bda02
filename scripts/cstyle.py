#!/usr/bin/env python3
"""Check the C files for what no compiler and no formatter checks here: cstyle.py [FILE ...]."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "tests/unit", "fuzz")
FILE_LINES = 600
FUNCTION_LINES = 60
LINE_LENGTH = 120

# What to use instead.
BANNED = {
    "strcpy": "snprintf or memcpy",
    "strncpy": "snprintf or memcpy",
    "stpcpy": "snprintf or memcpy",
    "strcat": "snprintf or ft_buf",
    "strncat": "snprintf or ft_buf",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "gets": "getline",
    "strtok": "strcspn",
    "strtok_r": "strcspn",
    "atoi": "strtol",
    "atol": "strtol",
    "alloca": "malloc",
    "asctime": "strftime",
    "ctime": "strftime",
    "gmtime": "gmtime_r",
    "localtime": "localtime_r",
    "mktemp": "mkstemp",
    "tmpnam": "mkstemp",
    "vfork": "posix_spawn",
    "system": "posix_spawn",
    "popen": "posix_spawn",
}
_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
_NO_CODE = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)


def code_only(text: str) -> str:
    """The text with comments and literals blanked out, lines kept."""
    return _NO_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def functions(lines: list[str]) -> Iterator[tuple[int, int]]:
    """First line and length of each body: its braces stand alone at the left edge."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number - start + 1
            start = None


def complaints(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of everything that is wrong with a file."""
    text = path.read_text("utf-8")
    lines = text.splitlines()
    code = code_only(text).splitlines()
    if text and not text.endswith("\n"):
        yield len(lines), "no newline at the end of the file"
    if len(lines) > FILE_LINES:
        yield len(lines), f"file of more than {FILE_LINES} lines"
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if "\t" in line:
            yield number, "tab"
        if len(line) > LINE_LENGTH:
            yield number, f"line of {len(line)} characters, {LINE_LENGTH} are allowed"
    for number, line in enumerate(code, 1):
        for found in _CALL.finditer(line):
            yield number, f"{found[1]} is banned: use {BANNED[found[1]]}"
    for number, length in functions(code):
        if length > FUNCTION_LINES:
            yield number, f"function of {length} lines, {FUNCTION_LINES} are allowed"
    if path.suffix == ".h" and not re.search(r"^#ifndef \w+_H\b|^#pragma once", text, re.MULTILINE):
        yield 1, "no include guard"


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    named = [Path(name) for name in sys.argv[1:]]
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.[ch]"))]
    wrong = 0
    for path in named or found:
        for line, text in sorted(complaints(path)):
            print(f"{path.relative_to(ROOT) if not named else path}:{line}: {text}")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Add up JUnit reports: summary.py REPORT ... prints one line each and "N passed, N failed"."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree


def count(report: Path) -> Counter[str]:
    """How many test cases passed, failed and were skipped."""
    counted: Counter[str] = Counter()
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            counted["failed"] += 1
        else:
            counted["skipped" if "skipped" in kinds else "passed"] += 1
    return counted


def main() -> int:
    """Print the sums; 1 if a test failed, none passed, or a report cannot be read."""
    total: Counter[str] = Counter()
    broken = False
    for path in sorted(Path(name) for name in sys.argv[1:]):
        try:
            counted = count(path)
        except (OSError, ElementTree.ParseError) as error:
            print(f"{path.stem}: {error}")
            broken = True
            continue
        print(f"{path.stem}: " + ", ".join(f"{n} {word}" for word, n in sorted(counted.items())))
        total += counted
    print(f"{total['passed']} passed, {total['failed']} failed")
    return 1 if broken or total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs another project's tests, and says what came of each."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

SECONDS = 900
"""How long one suite may take."""

_DROPPED = ("PYTEST", "PYTHON", "COV", "CI", "FLEETEST")


def run(
    python: Path,
    project: Path,
    arguments: Sequence[str | Path],
    env: Mapping[str, str],
    output: IO[bytes] | None = None,
) -> dict[str, str]:
    """Run pytest in a project, and return :func:`outcomes`; nothing if it did not get to report.

    :param env: added to the environment
    :param output: where to write; None: where this process does
    :raises subprocess.TimeoutExpired: it takes too long
    """
    with tempfile.TemporaryDirectory(prefix="fleetest-suite-") as temp:
        report = Path(temp) / "report.xml"
        options = ["-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1"]
        kept = {name: text for name, text in os.environ.items() if not name.startswith(_DROPPED)}
        # The suite's scripts, and whatever else its tests call by name.
        path = f"{python.parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
        places = {"PATH": path, "PYTEST_DEBUG_TEMPROOT": temp, "TMPDIR": temp}
        places["FLEETEST_DAEMON"] = "0"  # of the user's, who may use it meanwhile
        subprocess.run(
            [python, "-m", "pytest", *options, f"--junitxml={report}", *arguments],
            cwd=project,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            env={**kept, **places, **env},
            timeout=SECONDS,
        )
        return outcomes(report) if report.exists() else {}


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

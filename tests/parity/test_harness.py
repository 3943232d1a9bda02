"""The harness itself: blind to times and folders, and to nothing else."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from parity_cases import Case, DescriptionError, Project, load_project
from parity_diff import differences
from parity_junit import without_order
from parity_process import run
from parity_python import interpreters
from parity_sandbox import sandbox
from parity_text import normalise, normalise_output

SOURCE = """
import warnings

def test_passes(record_property):
    record_property("name", "value")
    warnings.warn("seen")

def test_fails():
    print("output")
    assert False
"""


@pytest.fixture(scope="module")
def observation(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What plain pytest does with a passing and a failing test."""
    path = tmp_path_factory.mktemp("project")
    (path / "test_it.py").write_text(SOURCE, "utf-8")
    case = Case()
    with sandbox(interpreters()[0]) as box:
        return box.run(("pytest",), Project(path, "two tests", [case]), case)[0]


def _aspects(plain: dict[str, Any], other: dict[str, Any], case: Case | None = None) -> set[str]:
    return {entry.aspect for entry in differences(plain, other, case or Case(), True)}


def test_same_is_the_same(observation: dict[str, Any]) -> None:
    """No difference between a run and itself."""
    assert observation["exit"] == 1
    assert not _aspects(observation, copy.deepcopy(observation))


def test_lost_test(observation: dict[str, Any]) -> None:
    """A test without reports is seen, in stopped runs too when the order was promised."""
    other = copy.deepcopy(observation)
    del other["record"]["tests"]["test_it.py::test_passes"]
    assert "outcomes" in _aspects(observation, other)
    assert "outcomes" in _aspects(observation, other, Case(stops=True))
    assert not differences(observation, other, Case(stops=True), False)


def test_started_and_not_reported(observation: dict[str, Any]) -> None:
    """A test that was in flight when a run stopped is not compared; without a stop it is lost."""
    other = copy.deepcopy(observation)
    other["record"]["tests"]["test_it.py::test_passes"]["reports"] = []
    assert "outcomes" in _aspects(observation, other)
    assert not differences(observation, other, Case(stops=True), False)


def test_doubled_report(observation: dict[str, Any]) -> None:
    """A report that came twice is seen."""
    other = copy.deepcopy(observation)
    reports = other["record"]["tests"]["test_it.py::test_passes"]["reports"]
    reports.append(reports[-1])
    assert "outcomes" in _aspects(observation, other, Case(outcomes_only=True))


def test_lost_details(observation: dict[str, Any]) -> None:
    """Each detail of a report has its aspect."""
    other = copy.deepcopy(observation)
    passed, failed = (test["reports"] for test in other["record"]["tests"].values())
    passed[1]["user_properties"] = []
    failed[1]["sections"] = []
    failed[1]["longrepr"] = "other"
    other["record"]["warnings"] = []
    found = {"properties", "sections", "explanations", "warnings", "order of warnings"}
    assert _aspects(observation, other) == found


def test_no_record(observation: dict[str, Any]) -> None:
    """A run that died before its end is seen."""
    other = {**observation, "record": None, "exit": -9}
    assert {"exit code", "a record was written"} <= _aspects(observation, other)


def test_normalised_texts() -> None:
    """Times, addresses, folders of workers and worker lines go; all else stays."""
    assert normalise("at 0x7f00aa in /w/temp/popen-gw1/x", "/w") == (
        "at 0x<address> in <work>/temp/x"
    )
    assert normalise_output("fleetest: warm\n2 workers [10 items]\n\ntext\n", "/w") == "\ntext\n"
    short = normalise_output("=== 1 passed in 0.12s ===", "/w")
    assert short == normalise_output("= 1 passed in 100.12s (0:01:40) =", "/w")
    assert normalise_output("2 workers are busy", "/w") == "2 workers are busy"


def test_junit_without_order() -> None:
    """Test cases may come in any order, what is inside of them may not."""
    parts: list[Any] = [["x", {}, "", []], ["y", {}, "", []]]
    one = ["testcase", {"name": "a"}, "", parts]
    two = ["testcase", {"name": "b"}, "", []]
    turned = ["testcase", {"name": "a"}, "", parts[::-1]]
    assert without_order(["testsuite", {}, "", [one, two]]) == without_order(
        ["testsuite", {}, "", [two, one]]
    )
    assert without_order(["testsuite", {}, "", [one, two]]) != without_order(
        ["testsuite", {}, "", [turned, two]]
    )


def test_left_running(tmp_path: Path) -> None:
    """Processes that outlive a run are found, in whatever group, and ended."""
    command = ["/bin/sh", "-c", "setsid sleep 100 & exit 3"]
    finished = run(command, tmp_path, {"PATH": "/usr/bin:/bin"}, tmp_path)
    assert finished.exit == 3
    assert finished.left_running == ["sleep 100"]


def test_unknown_key(tmp_path: Path) -> None:
    """A misspelt key is an error, not a comparison that silently does not happen."""
    (tmp_path / "parity.toml").write_text('about = "x"\n[[case]]\narguments = []\n', "utf-8")
    with pytest.raises(DescriptionError, match="arguments"):
        load_project(tmp_path)

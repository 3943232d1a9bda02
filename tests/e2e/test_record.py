"""The record of each run below pytest's cache folder, and what is decided by it."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from lab import Project, Result, numbered

FOLDER = ".pytest_cache/d/fleetest/runs"


def paths(project: Project) -> list[Path]:
    """The records, oldest first."""
    return sorted((project.path / FOLDER).glob("*"))


def record(project: Project) -> list[dict[str, Any]]:
    """The entries of the only record."""
    [path] = paths(project)
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def forked(result: Result) -> bool:
    """Whether the run had workers."""
    return "created: " in result.out


ALL_OUTCOMES = """
    import pytest

    @pytest.fixture
    def bad_setup():
        raise ValueError

    @pytest.fixture
    def bad_teardown():
        yield
        raise ValueError

    def test_passed(): pass
    def test_failed(): assert 0
    def test_skipped(): pytest.skip("why")
    @pytest.mark.skip
    def test_marked(): pass
    @pytest.mark.xfail
    def test_xfailed(): assert 0
    @pytest.mark.xfail
    def test_xpassed(): pass
    def test_setup(bad_setup): pass
    def test_teardown(bad_teardown): pass
    def test_both(bad_teardown): assert 0
"""

OUTCOMES = {
    "passed": "passed",
    "failed": "failed",
    "skipped": "skipped",
    "marked": "skipped",
    "xfailed": "xfailed",
    "xpassed": "xpassed",
    "setup": "error",
    "teardown": "error",
    "both": "error",
}


def test_record_of_a_run(project: Project) -> None:
    """The plan, then what began and ended where, then the exit code."""
    project.file("test_a.py", ALL_OUTCOMES)
    before = time.time()
    project.fleetest("-n", "2").check(1)
    after = time.time()
    first, plan, *middle, last = record(project)
    tests = [f"test_a.py::test_{name}" for name in OUTCOMES]
    assert first["record"] == 2
    assert first["workers"] == "forked after collection"
    assert plan["tests"] == tests
    assert last["exit"] == 1
    assert before - 1 <= first["time"] <= last["time"] <= after + 1

    assert sorted(entry["end"] for entry in middle) == list(range(len(tests)))
    assert {entry["worker"] for entry in middle} <= {"gw0", "gw1"}
    outcomes = {tests[entry["end"]]: entry["outcome"] for entry in middle}
    assert outcomes == {f"test_a.py::test_{name}": outcome for name, outcome in OUTCOMES.items()}


def end_of(entries: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """The end of a test."""
    return next(entry for entry in entries if entry.get("end") == number)


def test_durations(project: Project) -> None:
    """Of each phase that there was."""
    project.file(
        "test_a.py",
        """
        import time

        import pytest

        @pytest.fixture
        def slow():
            time.sleep(0.03)
            yield
            time.sleep(0.01)

        def test_0(slow): time.sleep(0.02)
        @pytest.mark.skip
        def test_1(): pass
        """,
    )
    project.fleetest("-n", "2").check(0)
    entries = record(project)
    seconds = end_of(entries, 0)["seconds"]
    assert seconds["setup"] >= 0.03
    assert seconds["call"] >= 0.02
    assert seconds["teardown"] >= 0.01
    assert sorted(end_of(entries, 1)["seconds"]) == ["setup", "teardown"]


@pytest.mark.parametrize("args", [[], ["--ordered"], ["--start-method=spawn"]])
def test_order_of_each_worker_is_in_the_record(project: Project, args: list[str]) -> None:
    """What a worker ran can be run again in the same order."""
    project.file(
        "test_a.py",
        "import os\n"
        + "\n".join(
            f"def test_{number}(worker_id): open(worker_id, 'a').write('{number}\\n')\n"
            for number in range(20)
        ),
    )
    project.fleetest("-n", "2", *args).check(0).counts(passed=20)
    ends = [entry for entry in record(project) if "end" in entry]
    for worker in ("gw0", "gw1"):
        ran = [int(line) for line in project.logged(worker)]
        assert [entry["end"] for entry in ends if entry["worker"] == worker] == ran


def test_unusual_node_ids(project: Project) -> None:
    """Whatever is in them, the record is JSON of one line an entry."""
    project.file(
        "test_a.py",
        """
        import pytest

        TEXTS = ["\\n", "\\u2028", '"', "\\\\", "\\ud800", "ä", "\\x00", "::"]

        @pytest.mark.parametrize("text", TEXTS)
        def test_text(text): pass
        """,
    )
    project.fleetest("-n", "2").check(0).counts(passed=8)
    [path] = paths(project)
    lines = path.read_bytes().split(b"\n")
    entries = [json.loads(line) for line in lines if line]
    assert len(entries[1]["tests"]) == 8
    assert len([entry for entry in entries if entry.get("outcome") == "passed"]) == 8


def test_crashed_test_is_in_the_record(project: Project) -> None:
    """With an outcome of its own, and nobody knows how long it would have taken."""
    project.file("test_a.py", "import os\n" + numbered(3) + "def test_bad(): os._exit(1)\n")
    project.fleetest("-n", "2").check(1).counts(passed=3, failed=1)
    entries = record(project)
    assert sorted(entry["end"] for entry in entries if "end" in entry) == [0, 1, 2, 3]
    assert end_of(entries, 3)["outcome"] == "crashed"
    assert end_of(entries, 3)["seconds"] == {}
    assert entries[-1]["exit"] == 1


def test_interrupted_run(project: Project) -> None:
    """The exit code says so."""
    project.file("test_a.py", numbered(4) + "def test_z(): import pytest; pytest.exit('enough')\n")
    project.fleetest("-n", "1").check(2)
    entries = record(project)
    assert [entry["end"] for entry in entries[2:-1]] == [0, 1, 2, 3]
    assert entries[-1]["exit"] == 2


@pytest.mark.parametrize(
    "args", [["-n", "0"], ["-n", "2", "--collect-only"], ["-n", "2", "-k", "nothing"], ["--help"]]
)
def test_no_record_where_nothing_was_distributed(project: Project, args: list[str]) -> None:
    """Nor of a collection alone."""
    project.file("test_a.py", numbered(2))
    project.fleetest(*args)
    assert paths(project) == []


def test_no_cacheprovider(project: Project) -> None:
    """Without pytest's cache there is no record, and no trace."""
    project.file("test_a.py", numbered(4))
    project.fleetest("-n", "2", "-p", "no:cacheprovider").check(0).counts(passed=4)
    project.fleetest("-p", "no:cacheprovider").check(0).counts(passed=4)
    assert sorted(path.name for path in project.path.iterdir()) == ["__pycache__", "test_a.py"]


def test_cache_dir_elsewhere(project: Project) -> None:
    """The record follows pytest's ``cache_dir``."""
    project.file("test_a.py", numbered(4))
    project.fleetest("-n", "2", "-o", "cache_dir=other/cache").check(0)
    assert len(list((project.path / "other/cache/d/fleetest/runs").iterdir())) == 1
    assert not (project.path / ".pytest_cache").exists()


def test_cache_clear(project: Project) -> None:
    """``--cache-clear`` forgets earlier runs and keeps this one's record."""
    project.file("test_a.py", numbered(4))
    project.fleetest("-n", "2").check(0)
    [old] = paths(project)
    project.fleetest("-n", "2", "--cache-clear").check(0).counts(passed=4)
    [new] = paths(project)
    assert new != old


def test_cache_folder_is_marked_as_pytest_marks_it(project: Project) -> None:
    """Version control is to ignore it, whoever made it."""
    project.file("test_a.py", numbered(4))
    project.fleetest("-n", "2").check(0)
    names = {path.name for path in (project.path / ".pytest_cache").iterdir()}
    assert {".gitignore", "CACHEDIR.TAG", "README.md"} <= names


def test_fifty_are_kept(project: Project) -> None:
    """The oldest go; what is no record stays."""
    project.file("test_a.py", numbered(4))
    for number in range(60):
        project.file(f"{FOLDER}/20000101T000000-{number:09}-1.jsonl", "{}\n")
    project.file(f"{FOLDER}/notes.txt", "mine")
    project.fleetest("-n", "2").check(0)
    names = [path.name for path in paths(project)]
    assert names[-1] == "notes.txt"
    records = names[:-1]
    assert len(records) == 50
    assert records[0] == "20000101T000000-000000011-1.jsonl"
    assert not records[-1].startswith("2000")


def test_record_is_not_written_through_a_link(project: Project) -> None:
    """A folder of records that is a dangling link costs only the record."""
    project.file("test_a.py", numbered(4))
    (project.path / FOLDER).parent.mkdir(parents=True)
    (project.path / FOLDER).symlink_to(project.path / "nowhere")
    result = project.fleetest("-n", "2").check(0).counts(passed=4)
    assert result.err == ""


def test_full_disk(project: Project) -> None:
    """A limit on file sizes stands for it: the record is given up, the run is not."""
    # One long name, so that the plan alone is over the limit.
    project.file(
        "test_a.py",
        """
        import pytest

        @pytest.mark.parametrize("name", ["x" * 400 + str(i) for i in range(100)])
        def test_it(name): pass
        """,
    )
    code = (
        "import os, resource, signal, sys;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:stepwise"]
    plain = project.python("-c", code, sys.executable, "-m", "pytest", *options).check(0)
    assert plain.summary() == {"passed": 100}
    command = str(Path(sys.executable).with_name("fleetest"))
    result = project.python("-c", code, command, "-q", "-n", "2").check(0)
    assert result.summary()["passed"] == 100
    assert "Traceback" not in result.err + result.out


# ---- small runs ----


def test_one_test_is_too_small(project: Project) -> None:
    """Unless -n says otherwise, wherever that stands."""
    project.file("test_a.py", numbered(1))
    result = project.fleetest().check(0).counts(passed=1)
    assert not forked(result)
    for args, env in (
        (["-n", "2"], {}),
        (["-n", "auto"], {}),
        ([], {"FLEETEST_NUMPROCESSES": "2"}),
        ([], {"PYTEST_ADDOPTS": "-n2"}),
        (["-o", "fleetest_numprocesses=2"], {}),
    ):
        assert forked(project.fleetest(*args, env=env).check(0).counts(passed=1))


def test_unknown_tests_are_worth_a_fork(project: Project) -> None:
    """Nothing is known of them."""
    project.file("test_a.py", numbered(2))
    assert forked(project.fleetest().check(0))


def slow_and_fast(project: Project) -> None:
    """Two tests that take long enough for workers, and two that do not."""
    project.file("test_slow.py", "import time\n" + numbered(2, "time.sleep(0.1)"))
    project.file("test_fast.py", numbered(2))


def test_cost_of_the_last_run_decides(project: Project) -> None:
    """In sum, and only where all tests are known."""
    slow_and_fast(project)
    assert forked(project.fleetest().check(0))
    assert forked(project.fleetest().check(0))
    result = project.fleetest("test_fast.py").check(0)
    assert not forked(result)
    result.counts(passed=2)
    assert forked(project.fleetest("test_slow.py").check(0))
    assert forked(project.fleetest("-n", "2", "test_fast.py").check(0))
    project.file("test_fast.py", numbered(3))
    assert forked(project.fleetest("test_fast.py").check(0))


def test_a_crashed_test_is_not_a_quick_one(project: Project) -> None:
    """Run in the session it would take the session with it."""
    project.file("test_a.py", "import os\n" + numbered(3) + "def test_bad(): os._exit(1)\n")
    for _ in range(2):
        result = project.fleetest().check(1).counts(passed=3, failed=1)
        assert forked(result)


def test_a_small_run_is_a_run_in_the_session(project: Project) -> None:
    """Its tests see no worker, and the tests of the run before do not matter."""
    project.file("test_a.py", numbered(4))
    project.fleetest().check(0)
    in_session = "assert 'PYTEST_XDIST_WORKER' not in os.environ"
    project.file("test_a.py", "import os\n" + numbered(4, in_session))
    result = project.fleetest("-v").check(0).counts(passed=4)
    assert not forked(result)
    assert list(result.outcomes()) == [f"test_a.py::test_{number}" for number in range(4)]


def test_a_small_run_keeps_what_is_known(project: Project) -> None:
    """However often it is repeated, it stays in the session."""
    slow_and_fast(project)
    project.fleetest().check(0)
    for _ in range(4):
        assert not forked(project.fleetest("test_fast.py").check(0))
    assert forked(project.fleetest("test_slow.py").check(0))


HEAD = '{"record":2,"workers":"forked after collection"}\n'
PLAN = HEAD + '{"tests":["test_a.py::test_0"]}\n'

DAMAGES = {
    "empty": "",
    "workers are a list": '{"record":2,"workers":["fork"]}\n{"tests":["test_a.py::test_0"]}\n',
    "head only": HEAD,
    "garbage": "\x00\x01\n\n[[[",
    "no plan": '{"start":0,"worker":"gw0"}\n',
    "plan is a list": "[1, 2]\n",
    "tests are none": HEAD + '{"tests":null}\n{"end":0,"seconds":{}}\n',
    "tests are numbers": HEAD + '{"tests":[1,2]}\n{"end":0,"seconds":{"call":1}}\n',
    "end is out of range": PLAN + '{"end":7,"seconds":{}}\n',
    "end is negative": PLAN + '{"end":-9,"seconds":{}}\n',
    "end is text": PLAN + '{"end":"x","seconds":{}}\n',
    "seconds are text": PLAN + '{"end":0,"seconds":"x"}\n',
    "seconds hold text": PLAN + '{"end":0,"seconds":{"a":"b"}}\n',
    "seconds hold none": PLAN + '{"end":0,"seconds":{"a":null}}\n',
    "seconds are no number": PLAN + '{"end":0,"seconds":{"a":NaN}}\n',
    "entry is a number": PLAN + "5\n",
    "cut off": HEAD + '{"tests":["test_a.py::test_0","test_a.py::test_1"]}\n{"end":0,"out',
    "deep": "[" * 100000,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_record(project: Project, damage: str) -> None:
    """It costs what it would have told, nothing else."""
    project.file("test_a.py", numbered(2))
    project.file(f"{FOLDER}/20990101T000000-000000000-1.jsonl").write_text(DAMAGES[damage])
    result = project.fleetest().check(0).counts(passed=2)
    assert result.err == ""
    assert forked(result)


def test_record_that_is_a_folder_or_a_pipe(project: Project) -> None:
    """Neither is opened for long."""
    project.file("test_a.py", numbered(2))
    (project.path / FOLDER).mkdir(parents=True)
    (project.path / FOLDER / "20990101T000000-000000000-1.jsonl").mkdir()
    result = project.fleetest().check(0).counts(passed=2)
    assert result.err == ""
    os.mkfifo(project.path / FOLDER / "20990101T000001-000000000-1.jsonl")
    result = project.fleetest(timeout=10).check(0).counts(passed=2)
    assert result.err == ""

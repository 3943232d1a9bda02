"""Where tests are run: which workers there are."""

from __future__ import annotations

from lab import Project, Result, numbered

WHERE = 'open("log", "a").write(os.environ.get("PYTEST_XDIST_WORKER", "main") + "\\n")'


def where_tests_run(project: Project, count: int = 6) -> None:
    """Write tests that log the worker they run in."""
    project.file("test_where.py", "import os\n\n" + numbered(count, WHERE))


def places(project: Project, count: int = 6) -> set[str]:
    """Where the tests of the last run were run; each of them once."""
    logged = project.logged()
    (project.path / "log").unlink()
    assert len(logged) == count, logged
    return set(logged)


def assert_serial(project: Project) -> None:
    """Assert that the last run had no workers."""
    assert places(project) == {"main"}


def assert_workers(project: Project, result: Result, count: int) -> None:
    """Assert that the last run had so many workers."""
    noun = "worker" if count == 1 else "workers"
    result.lines(f"created: {count}/{count} {noun}", f"{count} {noun} [[]6 items]")
    assert places(project) <= {f"gw{number}" for number in range(count)}


def one_line(result: Result) -> str:
    """The only line of stderr."""
    lines = [line for line in result.err.splitlines() if line.strip()]
    assert len(lines) == 1, result
    return lines[0]

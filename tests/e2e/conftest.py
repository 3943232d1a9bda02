"""The fixture of all end-to-end tests: a project to run commands in.

The command under test is the ``fleetest`` beside the Python that runs these tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import FLEETEST, Project


def pytest_sessionstart() -> None:
    """There is nothing to test without the command."""
    if not Path(FLEETEST).exists():
        raise pytest.UsageError(f"no command {FLEETEST}: install fleetest beside this Python")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project; what is still running afterwards is killed."""
    made = Project(tmp_path)
    yield made
    made.clean_up()

"""The fixture of all tests that fleetest is exact: a project with a daemon of its own.

The command under test is the ``fleetest`` beside the Python that runs these tests.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_TESTS = Path(__file__).resolve().parent.parent
sys.path += [str(_TESTS / "e2e"), str(_TESTS / "parity")]

from exact import Scene, Settings  # noqa: E402 - found by the above
from lab import FLEETEST  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    """Whether snapshots have to be used where they can be, and which half is run."""
    parser.addoption("--half", type=int, choices=(0, 1), help="run every second test: 0 or 1")
    help_text = "fail where a run that can go on from a snapshot does not"
    parser.addoption("--expect-warm", action="store_true", help=help_text)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what is the other half's."""
    half = config.getoption("--half")
    if half is not None:
        config.hook.pytest_deselected(items=items[1 - half :: 2])
        items[:] = items[half::2]


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Settings:
    """What all projects of a session share."""
    if not Path(FLEETEST).exists():
        raise pytest.UsageError(f"no command {FLEETEST}: install fleetest beside this Python")
    folder = tmp_path_factory.mktemp("installed") / "compiled"
    made = Settings(folder, expect_warm=pytestconfig.getoption("--expect-warm"))
    made.compile_installed()
    return made


@pytest.fixture(scope="module")
def shared_scene(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Scene]:
    """The same for all tests of a module, which put back what they change."""
    made = Scene(tmp_path_factory.mktemp("shared"), settings)
    yield made
    made.clean_up()


@pytest.fixture
def scene(tmp_path: Path, settings: Settings) -> Iterator[Scene]:
    """An empty project; its daemon and what comes from it are killed afterwards."""
    made = Scene(tmp_path, settings)
    yield made
    made.clean_up()

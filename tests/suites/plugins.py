"""The plugins whose own tests are run with fleetest in pytest-xdist's place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[2] / "scripts" / "requirements" / "suites"


@dataclass(frozen=True)
class Plugin:
    """A plugin, and which of its tests are run: all, or those that use pytest-xdist."""

    name: str
    arguments: tuple[str, ...]
    port: int | None = None
    """Where a service that its tests need has to listen on this machine."""

    @property
    def release(self) -> str:
        """``name==version``: the first line of its requirements."""
        return (REQUIREMENTS / f"{self.name}.txt").read_text("utf-8").splitlines()[0]


PLUGINS = (
    Plugin("pytest-cov", ("tests",)),
    Plugin("pytest-rerunfailures", ("tests",)),
    Plugin("pytest-json-report", ("tests",)),
    Plugin("pytest-django", ("tests/test_db_setup.py", "-k", "xdist or Tox")),
    Plugin("pytest-benchmark", ("tests/test_benchmark.py", "-k", "xdist")),
    Plugin("syrupy", ("tests",)),
    Plugin("pytest-sugar", ("test_sugar.py",)),
    # A WebDriver (chromedriver --port=4444) whose browser finds this machine's files under /reports.
    Plugin("pytest-html", ("testing",), 4444),
    Plugin("pytest-instafail", ("test_instafail.py",)),
    Plugin("pytest-timeout", ("test_pytest_timeout.py",)),
)

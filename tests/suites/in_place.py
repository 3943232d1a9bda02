"""A plugin for the outer session of a suite: pytest that its tests start has fleetest, as ``-p fleetest``."""

from __future__ import annotations

from typing import Any

import pytest

FLEETEST = ("-p", "fleetest")


@pytest.fixture(autouse=True)
def _in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give it to processes, and to sessions in this process."""
    command, run = pytest.Pytester._getpytestargs, pytest.Pytester.inline_run

    def getpytestargs(self: pytest.Pytester) -> tuple[str, ...]:
        return (*command(self), *FLEETEST)

    def inline_run(self: pytest.Pytester, *args: Any, **kwargs: Any) -> Any:
        return run(self, *FLEETEST, *args, **kwargs)

    monkeypatch.setattr(pytest.Pytester, "_getpytestargs", getpytestargs)
    monkeypatch.setattr(pytest.Pytester, "inline_run", inline_run)

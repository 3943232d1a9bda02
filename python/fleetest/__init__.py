"""fleetest runs pytest suites many times sooner, with pytest's outcomes and reports.

``pytest -p fleetest -n 4`` loads this module as a plugin; it only brings in the real one, so that
``import fleetest`` stays cheap.

PYTEST_DONT_REWRITE: it is imported before pytest could rewrite its assertions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Load fleetest into the session that asked for it by ``-p fleetest``."""
    from fleetest import plugin

    plugin.load(parser, pluginmanager)

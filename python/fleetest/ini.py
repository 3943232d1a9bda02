"""What fleetest does in every pytest session of its environment: declare its ini keys, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetest.options import declare_ini

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the keys, so that a project may set them and still run under plain pytest."""
    declare_ini(parser)

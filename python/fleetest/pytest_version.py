"""Which pytest there is."""

from __future__ import annotations


def pytest_version() -> tuple[int, ...]:
    """Its major and minor version: ``(9, 2)``.

    :raises ModuleNotFoundError: there is none
    """
    import pytest

    return tuple(int(part) for part in pytest.__version__.split(".")[:2])

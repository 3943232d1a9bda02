"""Fixtures for the tests of single modules."""

from __future__ import annotations

import pytest

from shop.cart import Line
from shop.catalog import Catalog


@pytest.fixture
def lines(request: pytest.FixtureRequest, catalog: Catalog) -> list[Line]:
    """Lines from a ``{sku: quantity}`` mapping given by indirect parametrization."""
    wanted = getattr(request, "param", {"GC-1001": 2, "TEA-100": 10})
    return [Line(catalog.get(sku), quantity) for sku, quantity in wanted.items()]

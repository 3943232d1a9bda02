"""Fixtures for the whole suite."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shop.cart import Cart
from shop.catalog import Catalog, Product
from shop.money import Money
from shop.orders import Order
from shop.search import Index
from shop.transfer import save_file
from tests.helpers import make_orders, make_products


@dataclass
class Clock:
    """A clock that only moves when told to."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings from the developer's shell must not change the outcome of a test."""
    for name in list(os.environ):
        if name.startswith("SHOP_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def many_products() -> list[Product]:
    return make_products(2500)


@pytest.fixture(scope="session")
def index(many_products: list[Product]) -> Index:
    return Index(many_products)


@pytest.fixture(scope="session")
def order_history(many_products: list[Product]) -> list[Order]:
    return make_orders(many_products[:60], 4000)


@pytest.fixture(scope="session")
def products_csv(tmp_path_factory: pytest.TempPathFactory, many_products: list[Product]) -> Path:
    path = tmp_path_factory.mktemp("products") / "products.csv"
    save_file(many_products[:500], path)
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(
        [
            Product("GC-1001", "Garden chair", Money(4999), "garden", 4200, ("outdoor", "new")),
            Product("GT-1002", "Garden table", Money(12900), "garden", 14800, ("outdoor",)),
            Product("TEA-100", "Green tea", Money(450), "food", 120, ("organic",)),
            Product("BK-2001", "The art of tea", Money(2200), "books", 640),
            Product("TOY-301", "Wooden train", Money(3495), "toys", 900, ("new", "wood")),
        ]
    )


@pytest.fixture
def cart(catalog: Catalog) -> Iterator[Cart]:
    cart = Cart(catalog)
    yield cart
    cart.clear()
    assert len(cart) == 0


@pytest.fixture
def filled_cart(cart: Cart) -> Cart:
    cart.add("GC-1001", 2)
    cart.add("TEA-100", 3)
    return cart

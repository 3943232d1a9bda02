"""Fixtures for the tests that use a database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shop.catalog import Catalog, Product
from shop.storage import Database, OrderStore, ProductStore


@pytest.fixture(scope="package")
def template(tmp_path_factory: pytest.TempPathFactory, many_products: list[Product]) -> Path:
    """A database file with products in it, made once and copied for each test."""
    path = tmp_path_factory.mktemp("template") / "shop.db"
    with Database(path) as database:
        ProductStore(database).save(*many_products[:300])
    return path


@pytest.fixture
def full_database(template: Path, tmp_path: Path) -> Iterator[Database]:
    with Database(shutil.copy(template, tmp_path / "shop.db")) as database:
        yield database


@pytest.fixture(params=["memory", "file"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "shop.db" if request.param == "file" else ":memory:"
    with Database(path) as database:
        yield database


@pytest.fixture
def products(database: Database) -> ProductStore:
    return ProductStore(database)


@pytest.fixture
def orders(full_database: Database, catalog: Catalog) -> OrderStore:
    ProductStore(full_database).save(*catalog)
    return OrderStore(full_database)

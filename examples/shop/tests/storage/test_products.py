from __future__ import annotations

import pytest

from shop.money import Money
from shop.storage import Database, ProductStore
from tests.helpers import make_products

pytestmark = pytest.mark.storage


def test_save_and_get(products, catalog):
    chair = catalog.get("GC-1001")
    products.save(chair)
    assert products.get("GC-1001") == chair


def test_saving_again_updates(products, catalog):
    products.save(*catalog)
    products.save(catalog.reprice("TEA-100", Money(1, "USD")))
    assert products.get("TEA-100").price == Money(1, "USD")
    assert products.count() == len(catalog)


def test_delete(products, catalog):
    products.save(*catalog)
    assert products.delete("TEA-100") is True
    assert products.delete("TEA-100") is False
    assert products.count() == 4


def test_catalog_round_trip(products, catalog):
    products.save(*catalog)
    assert sorted(p.sku for p in products.catalog()) == sorted(p.sku for p in catalog)


def test_a_failed_save_changes_nothing(products, catalog):
    products.save(catalog.get("TEA-100"))
    broken = catalog.get("GC-1001")
    object.__setattr__(broken, "name", None)
    with pytest.raises(Exception, match="NOT NULL"):
        products.save(catalog.get("BK-2001"), broken)
    assert products.count() == 1


class TestFullDatabase:
    @pytest.fixture
    def store(self, full_database):
        return ProductStore(full_database)

    def test_changes_stay_in_the_copy(self, store):
        with store.database.transaction():
            for product in store.catalog().in_category("toys"):
                assert store.delete(product.sku)
        assert store.catalog().categories() == ["books", "food", "garden", "home"]

    @pytest.mark.parametrize("category", ["books", "garden"])
    def test_categories(self, store, category):
        found = store.catalog().in_category(category)
        assert found
        assert found[0].price == min(product.price for product in found)

    def test_another_connection_sees_the_same(self, store):
        with Database(store.database.path) as second:
            assert ProductStore(second).count() == store.count()


@pytest.mark.slow
@pytest.mark.parametrize("count", [2000, 4000])
def test_many_products(tmp_path, count):
    with Database(tmp_path / "large.db") as database:
        store = ProductStore(database)
        store.save(*make_products(count))
        assert len(store.catalog()) == count

from __future__ import annotations

import pytest

from shop.catalog import Catalog, Product
from shop.money import Money


def product(**changes):
    return Product(**{"sku": "AB-123", "name": "Thing", "price": Money(100), **changes})


@pytest.mark.parametrize("sku", ["ab-123", "AB-12", "AB-123\n"])
def test_bad_sku(sku):
    with pytest.raises(ValueError, match="malformed SKU"):
        product(sku=sku)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param({"name": "  "}, "needs a name", id="blank-name"),
        pytest.param({"price": Money(-1)}, "price cannot be negative", id="negative-price"),
    ],
)
def test_bad_product(changes, problem):
    with pytest.raises(ValueError, match=problem):
        product(**changes)


class TestCatalog:
    def test_duplicates_are_refused(self, catalog):
        with pytest.raises(ValueError, match="duplicate SKU"):
            catalog.add(product(sku="TEA-100"))

    def test_reprice(self, catalog):
        before = catalog.get("TEA-100")
        assert catalog.reprice("TEA-100", Money(500)).price == Money(500)
        assert catalog.get("TEA-100").price == Money(500)
        assert before.price == Money(450)

    def test_category_is_sorted_by_price(self, catalog):
        assert [p.sku for p in catalog.in_category("garden")] == ["GC-1001", "GT-1002"]

    @pytest.mark.parametrize(
        ("tags", "skus"),
        [
            (["new"], ["GC-1001", "TOY-301"]),
            (["new", "outdoor"], ["GC-1001"]),
        ],
        ids="+".join,
    )
    def test_tagged(self, catalog, tags, skus):
        assert [p.sku for p in catalog.tagged(*tags)] == skus


def test_slugs_of_many_products_are_unique(many_products):
    slugs = {p.slug for p in Catalog(many_products)}
    assert len(slugs) == len(many_products)

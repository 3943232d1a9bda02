from __future__ import annotations

import pytest

from shop.catalog import Product
from shop.money import Money
from shop.search import Index, edit_distance


@pytest.fixture
def small(catalog):
    return Index(catalog)


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        ("", "tea", 3),
        ("kitten", "sitting", 3),
    ],
)
def test_edit_distance(left, right, distance):
    assert edit_distance(left, right) == edit_distance(right, left) == distance


@pytest.mark.parametrize(
    ("query", "skus"),
    [
        ("tea", ["BK-2001", "TEA-100"]),
        ("chairs for the garden", ["GC-1001"]),
        ("organic", ["TEA-100"]),
        ("tea garden", []),
    ],
)
def test_search(small, query, skus):
    assert [hit.product.sku for hit in small.search(query)] == skus


def test_new_products_are_found(small):
    small.add(Product("MUG-100", "Tea mug", Money(1200)))
    assert "MUG-100" in {hit.product.sku for hit in small.search("tea")}
    assert len(small) == 6


@pytest.mark.parametrize(("word", "best"), [("gardn", "garden"), ("chiar", "chair")])
def test_suggest(small, word, best):
    assert small.suggest(word)[0] == best


class TestLargeIndex:
    @pytest.mark.parametrize("noun", ["chair", "kettle"])
    def test_hits_have_the_word(self, index, noun):
        hits = index.search(noun, limit=1000)
        assert hits
        assert all(noun in hit.product.name for hit in hits)

    def test_hits_are_ranked(self, index):
        scores = [hit.score for hit in index.search("wooden box", limit=1000)]
        assert scores == sorted(scores, reverse=True)

    def test_limit(self, index):
        assert len(index.search("lamp", limit=25)) == 25

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("typo", "word"), [("ketle", "kettle"), ("blankett", "blanket"), ("tabel", "table")]
    )
    def test_suggestions(self, index, typo, word):
        assert word in index.suggest(typo)

    @pytest.mark.slow
    def test_building_from_scratch_gives_the_same(self, index, many_products):
        again = Index(reversed(many_products))
        assert again.vocabulary == index.vocabulary
        assert again.search("quiet clock") == index.search("quiet clock")

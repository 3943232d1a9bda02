"""Full-text search over the catalogue."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from shop.catalog import Product

STOP_WORDS = frozenset({"a", "an", "and", "for", "in", "of", "on", "or", "the", "with"})
_WORD = re.compile(r"[a-z0-9]+")


def stem(word: str) -> str:
    """A rough stem: plural and participle endings are cut off.

    >>> [stem(word) for word in ("chairs", "boxes", "folding", "glass", "berries")]
    ['chair', 'box', 'fold', 'glass', 'berry']
    """
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("xes", "ches", "shes", "sses"):
        if word.endswith(ending):
            return word[:-2]
    if word.endswith("ing") and len(word) > 5:
        return word[:-3]
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        return word[:-1]
    return word


def tokens(text: str) -> list[str]:
    """The stems of the words that matter.

    >>> tokens("The folding chairs, with a cushion")
    ['fold', 'chair', 'cushion']
    """
    return [stem(word) for word in _WORD.findall(text.lower()) if word not in STOP_WORDS]


def edit_distance(left: str, right: str) -> int:
    """How many letters to insert, delete or replace.

    >>> edit_distance("kettle", "kettel")
    2
    """
    previous = list(range(len(right) + 1))
    for row, a in enumerate(left, 1):
        current = [row]
        for column, b in enumerate(right, 1):
            current.append(
                min(
                    previous[column] + 1,
                    current[column - 1] + 1,
                    previous[column - 1] + (a != b),
                )
            )
        previous = current
    return previous[-1]


@dataclass(frozen=True)
class Hit:
    """A product found, and how well it fits."""

    product: Product
    score: float


class Index:
    """An inverted index with TF-IDF scores; the name counts more than tags and category."""

    def __init__(self, products: Iterable[Product] = ()) -> None:
        self._products: dict[str, Product] = {}
        self._postings: dict[str, dict[str, float]] = defaultdict(dict)
        for product in products:
            self.add(product)

    def __len__(self) -> int:
        return len(self._products)

    @property
    def vocabulary(self) -> list[str]:
        """All stems, sorted."""
        return sorted(self._postings)

    def add(self, product: Product) -> None:
        """Index one product."""
        self._products[product.sku] = product
        weights: Counter[str] = Counter()
        for text, weight in ((product.name, 3), (" ".join(product.tags), 2), (product.category, 1)):
            for token in tokens(text):
                weights[token] += weight
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        for token, weight in weights.items():
            self._postings[token][product.sku] = weight / length

    def search(self, query: str, limit: int = 10) -> list[Hit]:
        """The best products that have every word of the query."""
        words = tokens(query)
        if not words or any(word not in self._postings for word in words):
            return []
        found = set.intersection(*(set(self._postings[word]) for word in words))
        scores = {
            sku: sum(self._idf(word) * self._postings[word][sku] for word in words) for sku in found
        }
        ranked = sorted(scores, key=lambda sku: (-scores[sku], sku))
        return [Hit(self._products[sku], round(scores[sku], 6)) for sku in ranked[:limit]]

    def suggest(self, word: str, limit: int = 3) -> list[str]:
        """Known words that are spelt much the same, closest first."""
        target = stem(word.lower())
        near = ((edit_distance(target, known), known) for known in self.vocabulary)
        return [known for distance, known in sorted(near) if distance <= 2][:limit]

    def _idf(self, word: str) -> float:
        return math.log(1 + len(self._products) / len(self._postings[word]))

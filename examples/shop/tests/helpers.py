"""Made-up data for the tests; the same every time."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from shop.cart import Line
from shop.catalog import Product
from shop.money import Money
from shop.orders import Order, OrderStatus

CARD = "4111 1111 1111 1111"
DECLINED_CARD = "4000 0000 0002 0000"
LATENCY = 0.08

ADJECTIVES = ("Folding", "Wooden", "Blue", "Large", "Antique", "Portable", "Quiet", "Heavy")
NOUNS = ("chair", "table", "lamp", "kettle", "basket", "blanket", "mirror", "clock", "bench", "box")
CATEGORIES = ("books", "food", "garden", "home", "toys")
SYLLABLES = ("ba", "do", "fi", "ga", "ke", "lu", "mo", "ni", "po", "ra", "se", "ti", "vu")


def make_products(count: int, seed: int = 7) -> list[Product]:
    """Products with names, prices and tags that look the part."""
    rng = random.Random(seed)
    products = []
    for number in range(count):
        brand = "".join(rng.choices(SYLLABLES, k=3)).title()
        products.append(
            Product(
                sku=f"GEN-{1000 + number}",
                name=f"{brand} {rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}",
                price=Money(rng.randrange(199, 49999)),
                category=rng.choice(CATEGORIES),
                weight_g=rng.randrange(50, 5000),
                tags=tuple(sorted(rng.sample(("eco", "gift", "new", "sale", "vintage"), k=2))),
            )
        )
    return products


def make_orders(products: list[Product], count: int, seed: int = 11) -> list[Order]:
    """Orders over ninety days, in all states."""
    rng = random.Random(seed)
    start = datetime(2024, 1, 1, 9, 0)
    return [
        Order(
            id=f"ORD-{number:05d}",
            customer=f"customer{rng.randrange(50)}@example.com",
            lines=[
                Line(product, rng.randrange(1, 4))
                for product in rng.sample(products, k=rng.randrange(1, 6))
            ],
            placed_at=start + timedelta(minutes=rng.randrange(90 * 24 * 60)),
            status=rng.choice(list(OrderStatus)),
        )
        for number in range(count)
    ]

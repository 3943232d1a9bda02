from __future__ import annotations

import random
from decimal import Decimal

import pytest

from shop.errors import CurrencyMismatch, ShopError
from shop.money import Money, total


@pytest.mark.parametrize(
    ("text", "minor", "currency"),
    [
        ("12.50 EUR", 1250, "EUR"),
        ("0.005 USD", 1, "USD"),
        ("1200 JPY", 1200, "JPY"),
    ],
)
def test_parse(text, minor, currency):
    assert Money.parse(text) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    ["12.50", "EUR 12.50", "nan EUR"],
    ids=["no currency", "wrong way round", "not a number"],
)
def test_parse_rejects(text):
    with pytest.raises(ValueError, match="not an amount"):
        Money.parse(text)


class TestArithmetic:
    def test_add_and_subtract(self):
        assert Money(150) + Money(275) - Money(25) == Money(400)

    def test_multiply(self):
        assert Money(150) * 2 == Decimal(2) * Money(150) == Money(300)

    def test_floats_are_refused(self):
        with pytest.raises(TypeError, match="not by a float"):
            Money(100) * 1.5

    @pytest.mark.parametrize("operation", ["__add__", "__lt__"])
    def test_currencies_do_not_mix(self, operation):
        with pytest.raises(CurrencyMismatch, match="EUR with USD") as caught:
            getattr(Money(1, "EUR"), operation)(Money(1, "USD"))
        assert isinstance(caught.value, ShopError)
        assert (caught.value.left, caught.value.right) == ("EUR", "USD")


class TestAllocate:
    @pytest.mark.parametrize(
        ("minor", "weights", "shares"),
        [
            (1000, [1, 1, 1], [334, 333, 333]),
            (-1000, [1, 1, 1], [-333, -333, -334]),
        ],
    )
    def test_shares(self, minor, weights, shares):
        assert sorted(share.minor for share in Money(minor).allocate(weights)) == sorted(shares)

    def test_bad_weights(self):
        with pytest.raises(ValueError, match="weights"):
            Money(100).allocate([-1, 2])

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(3))
    def test_nothing_is_lost(self, seed):
        rng = random.Random(seed)
        for _ in range(5000):
            money = Money(rng.randrange(-(10**6), 10**6))
            weights = [rng.randrange(0, 50) for _ in range(rng.randrange(1, 9))] + [1]
            shares = money.allocate(weights)
            assert total(shares) == money
            exact = [money.minor * weight / sum(weights) for weight in weights]
            assert all(abs(share.minor - want) < 1 for share, want in zip(shares, exact))

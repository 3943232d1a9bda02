"""Shipping rates, delivery dates and carriers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from shop.errors import ShopError
from shop.money import Money


@dataclass(frozen=True)
class Quote:
    """A carrier's offer."""

    carrier: str
    price: Money
    days: int


@dataclass(frozen=True)
class RateTable:
    """Prices by zone and weight: ``steps`` are (heaviest weight in grams, price in cents)."""

    zone: str
    steps: tuple[tuple[int, int], ...]
    days: int

    def price(self, weight_g: int) -> Money:
        """The price of a parcel.

        >>> EUROPE.price(1500)
        Money('9.90 EUR')
        """
        if weight_g < 0:
            raise ValueError("a weight cannot be negative")
        for heaviest, cents in self.steps:
            if weight_g <= heaviest:
                return Money(cents)
        raise ShopError(f"{weight_g} g is too heavy for zone {self.zone}")


DOMESTIC = RateTable("DOM", ((1000, 390), (5000, 590), (31500, 990)), days=2)
EUROPE = RateTable("EU-1", ((1000, 690), (5000, 990), (31500, 1990)), days=4)
WORLD = RateTable("WORLD", ((1000, 1490), (5000, 2990), (20000, 6990)), days=9)
ZONES = {table.zone: table for table in (DOMESTIC, EUROPE, WORLD)}


class CarrierClient:
    """Asks one carrier for a price.

    This one works out the answer locally and waits for ``latency`` seconds, as a remote service
    would make the caller wait.
    """

    def __init__(
        self, name: str, *, surcharge: Money | None = None, faster_by: int = 0, latency: float = 0.0
    ) -> None:
        self.name = name
        self.surcharge = surcharge or Money.zero()
        self.faster_by = faster_by
        self.latency = latency

    def quote(self, zone: str, weight_g: int) -> Quote:
        """An offer for one parcel."""
        if zone not in ZONES:
            raise ShopError(f"{self.name} does not deliver to {zone}")
        time.sleep(self.latency)
        table = ZONES[zone]
        price = table.price(weight_g) + self.surcharge
        return Quote(self.name, price, max(1, table.days - self.faster_by))


def cheapest(quotes: Iterable[Quote]) -> Quote:
    """The lowest price; the faster one if two cost the same."""
    return min(quotes, key=lambda quote: (quote.price, quote.days, quote.carrier))


def fastest(quotes: Iterable[Quote]) -> Quote:
    """The shortest time; the cheaper one if two take as long."""
    return min(quotes, key=lambda quote: (quote.days, quote.price, quote.carrier))


def delivery_date(ordered: date, working_days: int, holidays: Sequence[date] = ()) -> date:
    """The day a parcel arrives, counting working days only.

    >>> delivery_date(date(2024, 3, 28), 2, holidays=[date(2024, 3, 29), date(2024, 4, 1)])
    datetime.date(2024, 4, 3)
    """
    day = ordered
    while working_days > 0:
        day += timedelta(days=1)
        if day.weekday() < 5 and day not in holidays:
            working_days -= 1
    return day

from __future__ import annotations

from datetime import date
from unittest import mock

import pytest

from shop.errors import ShopError
from shop.money import Money
from shop.shipping import ZONES, CarrierClient, Quote, cheapest, delivery_date, fastest
from tests.helpers import LATENCY


def test_heavier_is_never_cheaper():
    for table in ZONES.values():
        prices = [table.price(weight_g) for weight_g in range(0, 20001, 100)]
        assert prices == sorted(prices)


@pytest.mark.parametrize(("zone", "limit"), [("DOM", 31500), ("WORLD", 20000)])
def test_weight_limit(zone, limit):
    assert ZONES[zone].price(limit)
    with pytest.raises(ShopError, match="too heavy"):
        ZONES[zone].price(limit + 1)


@pytest.fixture(scope="class")
def carriers():
    return [
        CarrierClient("Snail", latency=LATENCY),
        CarrierClient("Hare", surcharge=Money(400), faster_by=2, latency=LATENCY),
        CarrierClient("Tortoise", surcharge=Money(100), latency=LATENCY),
    ]


@pytest.fixture(scope="class")
def quotes(carriers):
    return [carrier.quote("EU-1", 2500) for carrier in carriers]


class TestCarriers:
    def test_prices(self, quotes):
        assert [quote.price for quote in quotes] == [Money(990), Money(1390), Money(1090)]

    def test_cheapest(self, quotes):
        assert cheapest(quotes).carrier == "Snail"

    def test_fastest(self, quotes):
        assert fastest(quotes) == Quote("Hare", Money(1390), 2)

    @pytest.mark.parametrize("zone", sorted(ZONES))
    def test_every_zone(self, carriers, zone):
        assert cheapest(carrier.quote(zone, 300) for carrier in carriers).carrier == "Snail"

    @pytest.mark.slow
    @pytest.mark.parametrize("weight_g", [500, 4000])
    def test_a_distant_carrier(self, weight_g):
        carrier = CarrierClient("Albatross", latency=0.4)
        assert carrier.quote("WORLD", weight_g).days == 9

    def test_waiting_can_be_patched_out(self):
        with mock.patch("shop.shipping.time.sleep") as sleep:
            CarrierClient("Sloth", latency=3600).quote("DOM", 10)
        sleep.assert_called_once_with(3600)


@pytest.mark.parametrize(
    ("ordered", "days", "arrives"),
    [
        (date(2024, 5, 13), 1, date(2024, 5, 14)),
        (date(2024, 5, 17), 1, date(2024, 5, 20)),
        (date(2024, 5, 13), 0, date(2024, 5, 13)),
    ],
    ids=["next day", "Friday", "pick-up"],
)
def test_delivery_date(ordered, days, arrives):
    assert delivery_date(ordered, days) == arrives

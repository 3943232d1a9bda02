from __future__ import annotations

import logging

import pytest

from shop.errors import OutOfStock
from shop.inventory import Inventory


@pytest.fixture
def inventory(clock):
    return Inventory({"TEA-100": 10, "BK-2001": 1}, hold_seconds=60, low_water=2, clock=clock)


def test_reservations_reduce_what_is_available(inventory):
    inventory.reserve({"TEA-100": 3})
    inventory.reserve({"TEA-100": 4})
    assert inventory.available("TEA-100") == 3
    assert inventory.on_hand("TEA-100") == 10


def test_reserving_too_much(inventory):
    with pytest.raises(OutOfStock) as caught:
        inventory.reserve({"TEA-100": 1, "BK-2001": 2})
    assert (caught.value.sku, caught.value.wanted, caught.value.available) == ("BK-2001", 2, 1)
    assert inventory.available("TEA-100") == 10


def test_quantities_are_positive(inventory):
    with pytest.raises(ValueError, match="at least one"):
        inventory.receive("TEA-100", 0)
    with pytest.raises(ValueError, match="positive"):
        inventory.reserve({"TEA-100": -3})


def test_release(inventory):
    reservation = inventory.reserve({"TEA-100": 3})
    assert inventory.release(reservation) is True
    assert inventory.release(reservation) is False
    assert inventory.available("TEA-100") == 10


def test_reservations_expire(inventory, clock):
    reservation = inventory.reserve({"TEA-100": 3})
    clock.advance(59)
    assert inventory.available("TEA-100") == 7
    clock.advance(1)
    assert inventory.available("TEA-100") == 10
    with pytest.raises(LookupError, match="expired"):
        inventory.commit(reservation)


class TestLogging:
    @pytest.fixture(autouse=True)
    def everything_logged(self, caplog):
        caplog.set_level(logging.DEBUG, logger="shop.inventory")

    def test_low_stock(self, inventory, caplog):
        inventory.commit(inventory.reserve({"TEA-100": 8}))
        assert caplog.record_tuples == [
            ("shop.inventory", logging.WARNING, "low stock: TEA-100 (2 left)")
        ]

    def test_expiry(self, inventory, clock, caplog):
        reservation = inventory.reserve({"BK-2001": 1})
        clock.advance(61)
        inventory.available("BK-2001")
        assert f"reservation {reservation.id} expired" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("customers", [200, 400])
def test_stock_is_never_oversold(clock, customers):
    inventory = Inventory({"TEA-100": 150}, clock=clock)
    sold = 0
    for number in range(customers):
        try:
            reservation = inventory.reserve({"TEA-100": number % 3 + 1})
        except OutOfStock:
            continue
        if number % 2:
            inventory.commit(reservation)
            sold += number % 3 + 1
        assert inventory.available("TEA-100") >= 0
    assert inventory.on_hand("TEA-100") == 150 - sold

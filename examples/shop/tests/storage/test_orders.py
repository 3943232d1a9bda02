from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shop.cart import Line
from shop.money import Money
from shop.orders import Order, OrderStatus

pytestmark = pytest.mark.storage

START = datetime(2024, 5, 17, 12, 30)


@pytest.fixture
def make_order(catalog):
    def make(number: int = 1, customer: str = "ann@example.com", **changes) -> Order:
        lines = [Line(catalog.get("TEA-100"), number), Line(catalog.get("BK-2001"), 1)]
        return Order(f"A-{number}", customer, lines, START + timedelta(hours=number), **changes)

    return make


def test_round_trip(orders, make_order):
    order = make_order(3, discount=Money(100), shipping=Money(590), tax=Money(77))
    orders.save(order)
    loaded = orders.get("A-3")
    assert loaded == order
    assert loaded.total == order.total


def test_unknown(orders):
    with pytest.raises(LookupError, match="unknown order: A-9"):
        orders.get("A-9")


def test_saving_again_updates(orders, make_order):
    order = make_order()
    orders.save(order)
    order.advance(OrderStatus.PAID, START)
    orders.save(order)
    assert orders.get("A-1").status is OrderStatus.PAID
    assert len(orders.for_customer("ann@example.com")) == 1


def test_lines_go_with_their_order(orders, make_order, full_database):
    orders.save(make_order())
    connection = full_database.connection
    connection.execute("DELETE FROM orders")
    assert connection.execute("SELECT count(*) FROM order_lines").fetchone()[0] == 0


def test_by_customer(orders, make_order):
    for number in (3, 1, 2):
        orders.save(make_order(number))
    orders.save(make_order(4, customer="bob@example.com"))
    assert [order.id for order in orders.for_customer("ann@example.com")] == ["A-1", "A-2", "A-3"]
    assert orders.for_customer("nobody@example.com") == []


@pytest.mark.parametrize(
    ("statuses", "ids"),
    [
        ([OrderStatus.NEW], ["A-1"]),
        ([OrderStatus.PAID, OrderStatus.PACKED], ["A-2", "A-3"]),
    ],
    ids=["one", "two"],
)
def test_by_status(orders, make_order, statuses, ids):
    for number, status in enumerate((OrderStatus.NEW, OrderStatus.PAID, OrderStatus.PACKED), 1):
        orders.save(make_order(number, status=status))
    assert [order.id for order in orders.with_status(statuses)] == ids


def test_a_quantity_of_zero_is_refused(orders, make_order):
    with pytest.raises(Exception, match="CHECK"):
        orders.save(make_order(0))
    assert orders.for_customer("ann@example.com") == []

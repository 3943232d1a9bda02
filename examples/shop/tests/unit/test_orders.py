from __future__ import annotations

from datetime import datetime

import pytest

from shop.cart import Line
from shop.errors import InvalidTransition
from shop.money import Money
from shop.orders import TRANSITIONS, Order, OrderStatus, order_number

NOON = datetime(2024, 5, 17, 12, 0)


@pytest.fixture
def order(lines):
    return Order("A-1", "ann@example.com", lines, NOON, shipping=Money(590), discount=Money(98))


def pytest_generate_tests(metafunc):
    """Every state, for the tests that ask for one."""
    if "status" in metafunc.fixturenames:
        metafunc.parametrize("status", list(OrderStatus), ids=[s.value for s in OrderStatus])


def test_transitions(order, status):
    for target in OrderStatus:
        order.status = status
        order.history.clear()
        if target in TRANSITIONS[status]:
            order.advance(target, NOON)
            assert order.status is target
            assert order.history == [(NOON, target)]
        else:
            with pytest.raises(InvalidTransition, match=f"{status.value} -> {target.value}"):
                order.advance(target, NOON)
            assert order.status is status
            assert order.history == []


def test_totals(order):
    assert order.subtotal == Money(14498)
    assert order.total == Money(14498 + 590 - 98)


def test_whole_life(order):
    for status in ("paid", "packed", "shipped", "delivered", "returned"):
        assert not order.is_final
        order.advance(OrderStatus(status), NOON)
    assert order.is_final
    assert len(order.history) == 5


def test_orders_do_not_share_history(catalog):
    one, two = (Order(n, "x", [Line(catalog.get("TEA-100"), 1)], NOON) for n in "12")
    one.advance(OrderStatus.PAID, NOON)
    assert two.history == []


def test_numbers_of_a_day_differ(record_property):
    numbers = {order_number(NOON, n) for n in range(500)}
    record_property("numbers", len(numbers))
    assert len(numbers) == 500

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from shop.money import Money, total
from shop.reports import (
    bought_together,
    moving_average,
    revenue_by_day,
    sales,
    top_products,
)


@pytest.fixture(scope="module")
def revenue(order_history):
    return revenue_by_day(order_history)


def test_revenue_adds_up(revenue, order_history):
    assert total(revenue.values()) == total(order.total for order in sales(order_history))


def test_revenue_has_no_gaps(revenue):
    days = list(revenue)
    assert all(later - day == timedelta(days=1) for day, later in zip(days, days[1:]))


def test_quiet_days_are_shown(order_history):
    first, last = sales(order_history)[0], sales(order_history)[-1]
    days = revenue_by_day([first, last])
    assert len(days) == abs((last.placed_at.date() - first.placed_at.date()).days) + 1
    assert list(days.values()).count(Money.zero()) == len(days) - 2


def test_top_products(order_history):
    top = top_products(order_history, 20)
    units = [count for _, count in top]
    assert len(top) == 20
    assert units == sorted(units, reverse=True)


def test_top_product_agrees_with_a_plain_count(order_history):
    count = Counter()
    for order in sales(order_history):
        for line in order.lines:
            count[line.product.sku] += line.quantity
    sku, units = top_products(order_history, 1)[0]
    assert count[sku] == units == max(count.values())


@pytest.mark.slow
@pytest.mark.parametrize("least", [2, 10])
def test_bought_together(order_history, least):
    pairs = bought_together(order_history * 8, least)
    assert pairs
    assert all(left < right for left, right in pairs)
    assert min(pairs.values()) >= least


def test_moving_average(revenue):
    values = [money.minor for money in revenue.values()]
    averages = moving_average(values, 7)
    assert len(averages) == len(values) - 6
    assert min(values) <= min(averages) <= max(averages) <= max(values)

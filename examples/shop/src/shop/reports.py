"""Sales figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from shop.money import Money
from shop.orders import Order, OrderStatus

NOT_SALES = frozenset({OrderStatus.NEW, OrderStatus.CANCELLED, OrderStatus.RETURNED})


def sales(orders: Iterable[Order]) -> list[Order]:
    """The orders that count as turnover."""
    return [order for order in orders if order.status not in NOT_SALES]


def revenue_by_day(orders: Iterable[Order]) -> dict[date, Money]:
    """Turnover for each day from the first sale to the last, quiet days included."""
    days: dict[date, Money] = defaultdict(Money.zero)
    for order in sales(orders):
        days[order.placed_at.date()] += order.total
    if not days:
        return {}
    first, last = min(days), max(days)
    span = (last - first).days + 1
    return {day: days[day] for day in (first + timedelta(days=n) for n in range(span))}


def top_products(orders: Iterable[Order], limit: int = 5) -> list[tuple[str, int]]:
    """The products sold most often."""
    units: dict[str, int] = defaultdict(int)
    for order in sales(orders):
        for line in order.lines:
            units[line.product.sku] += line.quantity
    return sorted(units.items(), key=lambda item: (-item[1], item[0]))[:limit]


def bought_together(orders: Iterable[Order], least: int = 2) -> dict[tuple[str, str], int]:
    """Pairs of products that were in the same order at least so many times."""
    pairs: dict[tuple[str, str], int] = defaultdict(int)
    for order in orders:
        skus = sorted({line.product.sku for line in order.lines})
        for index, left in enumerate(skus):
            for right in skus[index + 1 :]:
                pairs[left, right] += 1
    return {pair: count for pair, count in pairs.items() if count >= least}


def percentile(values: Sequence[float], percent: float) -> float:
    """A percentile, with linear interpolation.

    >>> percentile([1, 2, 3, 4], 50)
    2.5
    """
    if not values or not 0 <= percent <= 100:
        raise ValueError("a percentile needs values and a percentage")
    ordered = sorted(values)
    position = (len(ordered) - 1) * percent / 100
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def moving_average(values: Sequence[float], window: int) -> list[float]:
    """Averages over a sliding window.

    >>> moving_average([1, 2, 3, 4], 2)
    [1.5, 2.5, 3.5]
    """
    if window < 1:
        raise ValueError("a window has at least one value")
    return [sum(values[i : i + window]) / window for i in range(len(values) - window + 1)]


def table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> str:
    """A plain text table; numbers are aligned to the right.

    >>> print(table([("tea", 12), ("coffee", 7)], ("product", "units")))
    product  units
    tea         12
    coffee       7
    """
    cells = [[str(cell) for cell in row] for row in rows]
    columns = list(zip(header, *cells))
    widths = [max(map(len, column)) for column in columns]
    right = [bool(rows) and isinstance(rows[0][i], (int, float, Money)) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right)
        )
        return "  ".join(padded).rstrip()

    return "\n".join(line(row) for row in [list(header), *cells])

"""Orders and the states they go through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from shop.cart import Line
from shop.errors import InvalidTransition
from shop.money import Money, total


class OrderStatus(Enum):
    """Where an order is on its way to the customer."""

    NEW = "new"
    PAID = "paid"
    PACKED = "packed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    RETURNED = "returned"


TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.NEW: frozenset({OrderStatus.PAID, OrderStatus.CANCELLED}),
    OrderStatus.PAID: frozenset({OrderStatus.PACKED, OrderStatus.CANCELLED}),
    OrderStatus.PACKED: frozenset({OrderStatus.SHIPPED, OrderStatus.CANCELLED}),
    OrderStatus.SHIPPED: frozenset({OrderStatus.DELIVERED, OrderStatus.RETURNED}),
    OrderStatus.DELIVERED: frozenset({OrderStatus.RETURNED}),
    OrderStatus.CANCELLED: frozenset(),
    OrderStatus.RETURNED: frozenset(),
}


@dataclass
class Order:
    """Something a customer has bought."""

    id: str
    customer: str
    lines: Sequence[Line]
    placed_at: datetime
    discount: Money = field(default_factory=Money.zero)
    shipping: Money = field(default_factory=Money.zero)
    tax: Money = field(default_factory=Money.zero)
    status: OrderStatus = OrderStatus.NEW
    history: list[tuple[datetime, OrderStatus]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.lines:
            raise ValueError("an order has at least one line")

    @property
    def subtotal(self) -> Money:
        """The price of the goods."""
        return total(line.subtotal for line in self.lines)

    @property
    def total(self) -> Money:
        """What the customer pays."""
        return self.subtotal - self.discount + self.shipping + self.tax

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to the order."""
        return not TRANSITIONS[self.status]

    def can_become(self, status: OrderStatus) -> bool:
        """Whether the order may move to a state."""
        return status in TRANSITIONS[self.status]

    def advance(self, status: OrderStatus, when: datetime) -> None:
        """Move to another state."""
        if not self.can_become(status):
            raise InvalidTransition(f"{self.id}: {self.status.value} -> {status.value}")
        self.status = status
        self.history.append((when, status))


def order_number(day: datetime, sequence: int) -> str:
    """A readable order number with a check digit.

    >>> order_number(datetime(2024, 5, 17), 42)
    '240517-00042-7'
    """
    body = f"{day:%y%m%d}{sequence:05d}"
    check = sum((index % 7 + 1) * int(digit) for index, digit in enumerate(body)) % 10
    return f"{body[:6]}-{body[6:]}-{check}"
